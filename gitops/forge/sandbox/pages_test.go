package sandbox

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xanzy/go-gitlab"
)

// page returns a page and fails unless it has this status.
func (b *bundle) page(path string, want int) string {
	b.t.Helper()
	status, text := b.call("GET", path, "", "")
	if status != want {
		b.t.Fatalf("GET %s answers %d, want %d", path, status, want)
	}
	return text
}

func TestPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.commit("tokenward/argocd", map[string]string{"docs/read me.md": "# Title\n\n[next](other.md)\n", "values.yaml": "a: 1\nb: 2\n"})
	b.open("tokenward/argocd")
	const project = "/" + umbrella
	cases := []struct {
		path string
		want []string
	}{
		{"/", []string{`href="/platform/umbrella"`, `<strong>1</strong> open`, `href="/platform/umbrella/-/merge_requests/1"`}},
		{project, []string{"tokenward/argocd", "git clone " + b.url + "/platform/umbrella.git", ">default<", "<h1 id=\"umbrella\">Umbrella</h1>"}},
		{project + "/-/merge_requests", []string{"Change tokenward/argocd"}},
		{project + "/-/merge_requests/1", []string{"mergeable", `<td class="line">c: 3</td>`, `<tr class="del">`, "platform/umbrella!1"}},
		{project + "/-/merge_requests/1/diffs", []string{"mergeable"}},
		{project + "/-/blob/tokenward/argocd/values.yaml", []string{`<tr id="L2">`, "b: 2", "<code>tokenward/argocd</code>"}},
		{project + "/-/blob/main/values.yaml", []string{`<tr id="L5">`}},
		{project + "/-/blob/tokenward/argocd/docs/read%20me.md", []string{`<h1 id="title">Title</h1>`, "?plain=1"}},
		{project + "/-/blob/tokenward/argocd/docs/read%20me.md?plain=1", []string{`<tr id="L3">`, "show rendered"}},
		{project + "/-/tree/tokenward/argocd", []string{`href="/platform/umbrella/-/tree/tokenward/argocd/docs"`}},
		{project + "/-/tree/tokenward/argocd/docs", []string{`href="/platform/umbrella/-/blob/tokenward/argocd/docs/read%20me.md"`}},
		{project + "/-/commit/" + b.MergeRequests()[0].SHA, []string{"Change tokenward/argocd", `<tr class="del">`}},
		{"/-/style.css", []string{"prefers-color-scheme: dark"}},
	}
	for _, c := range cases {
		text := b.page(c.path, http.StatusOK)
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %q", c.path, want)
			}
		}
		if strings.Contains(text, "<script") || strings.Contains(text, "https://") {
			t.Errorf("%s has a script or something from elsewhere", c.path)
		}
	}
}

func TestNoSuchPage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, path := range []string{
		"/platform", "/platform/other", "/1", "/platform/umbrella/-/merge_requests/1", "/platform/umbrella/-/merge_requests/x",
		"/platform/umbrella/-/blob/main/none", "/platform/umbrella/-/blob/none/values.yaml", "/platform/umbrella/-/pipelines",
		"/platform/umbrella/-/blob/main/../../../../etc/passwd", "/platform/umbrella/-/blob/main/..%2f..%2fconfig",
		"/%2e%2e/umbrella", "/platform/umbrella.git/config", "/platform/umbrella.git/../umbrella.git/HEAD",
	} {
		if text := b.page(path, http.StatusNotFound); !strings.Contains(text, "no page at this address") {
			t.Errorf("%s has an odd page: %s", path, text)
		}
	}
}

func TestPagesEscape(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const evil = `<script>alert(1)</script>`
	b.commit("x", map[string]string{"a" + `"><img src=x>.txt`: evil + "\n", evil: "1\n", "evil.md": evil + "\n\n<img src=x onerror=alert(1)>\n"})
	if _, _, err := b.client("sandbox-developer").MergeRequests.CreateMergeRequest(umbrella, &gitlab.CreateMergeRequestOptions{
		Title: gitlab.Ptr(evil), SourceBranch: gitlab.Ptr("x"), TargetBranch: gitlab.Ptr("main"), Labels: &gitlab.LabelOptions{`"><b>`},
		Description: gitlab.Ptr(evil + "\n\ninline " + evil + " [x](javascript:alert(1)) <img src=x onerror=alert(1)>"),
	}); err != nil {
		t.Fatal(err)
	}
	if err := b.AddNote(t.Context(), umbrella, 1, "gwen", evil); err != nil {
		t.Fatal(err)
	}
	b.set(func(s *ProjectSettings) { s.Description = evil })
	sha := b.MergeRequests()[0].SHA
	for _, path := range []string{"/", "/platform/umbrella", "/platform/umbrella/-/merge_requests/1", "/platform/umbrella/-/tree/x",
		"/platform/umbrella/-/blob/x/evil.md", "/platform/umbrella/-/commit/" + sha, "/platform/umbrella/-/tree/" + evil} {
		_, text := b.call("GET", path, "", "")
		for _, bad := range []string{"<script", "<img", "<b>", `href="javascript`} {
			if strings.Contains(text, bad) {
				t.Errorf("%s holds %s", path, bad)
			}
		}
	}
}

func TestPageHeaders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	resp, err := http.Get(b.url + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if policy := resp.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; style-src 'self'") {
		t.Errorf("the page may load: %q", policy)
	}
	if status, _ := b.call("POST", "/", "", ""); status != http.StatusMethodNotAllowed {
		t.Errorf("POST answers %d, want 405", status)
	}
}

func TestMarkdown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	cases := []struct{ name, source, want string }{
		{"comment block", "a\n\n<!-- bot: state\n\nmore -->\n\nb", "<p>a</p>\n\n<p>b</p>\n"},
		{"comment in a line", "a <!-- hidden --> b", "<p>a  b</p>\n"},
		{"comment that never ends", "<!-- hidden\n\n<b>x</b>", ""},
		{"html", "<div onclick=x>\nhi\n</div>", "&lt;div onclick=x&gt;\nhi\n&lt;/div&gt;"},
		{"folding", "<details><summary>More</summary>\n\n*inside*\n\n</details>",
			"<details><summary>More</summary>\n<p><em>inside</em></p>\n</details>"},
		{"folding with an attribute", `<details ontoggle="x">`, "&lt;details ontoggle=&#34;x&#34;&gt;"},
		{"tasks", "- [x] done", "<ul>\n<li><input checked=\"\" disabled=\"\" type=\"checkbox\"> done</li>\n</ul>\n"},
		{"table", "|a|\n|-|\n|b|", "<table>\n<thead>\n<tr>\n<th>a</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>b</td>\n</tr>\n</tbody>\n</table>\n"},
		{"reference", "see !2, platform/umbrella!1.",
			`<p>see <a href="/platform/umbrella/-/merge_requests/2">!2</a>, <a href="/platform/umbrella/-/merge_requests/1">platform/umbrella!1</a>.</p>` + "\n"},
		{"relative link", "[a](b%20c.md#d) [e](../f.md)", `<p><a href="/platform/umbrella/-/blob/main/docs/b%20c.md#d">a</a> <a href="/platform/umbrella/-/blob/main/f.md">e</a></p>` + "\n"},
		{"link from the root", "[a](/b.md)", `<p><a href="/platform/umbrella/-/blob/main/b.md">a</a></p>` + "\n"},
		{"other links", "[a](/platform/umbrella) [b](#c) [d](http://x/y) [e](/a/b/-/tree/f)",
			`<p><a href="/platform/umbrella">a</a> <a href="#c">b</a> <a href="http://x/y">d</a> <a href="/a/b/-/tree/f">e</a></p>` + "\n"},
		{"image", "![a *b*](http://x/y.png)", `<p><span class="image">a <em>b</em></span></p>` + "\n"},
		{"reference elsewhere", "see other/one!1", "<p>see other/one!1</p>\n"},
		{"reference in code", "`!1`", "<p><code>!1</code></p>\n"},
	}
	at := place{project: umbrella, ref: "main", dir: "docs", known: func(path string) bool { return path == umbrella }}
	for _, c := range cases {
		got, err := b.render(c.source, at)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, string(got)); diff != "" {
			t.Errorf("%s differs:\n%s", c.name, diff)
		}
	}
}

func TestIssuePages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must(201, "POST", "/issues", "sandbox-developer", `{"title":"Dashboard <b>","description":"- [x] done, see #2, !1 and it&#39;s <script>alert(1)</script>","labels":"bot"}`)
	b.must(201, "POST", "/issues", "sandbox-developer", `{"title":"Second"}`)
	b.must(201, "POST", "/issues/1/notes", "sandbox-maintainer", `{"body":"**Noted**"}`)
	b.must(200, "PUT", "/issues/2", "sandbox-maintainer", `{"state_event":"close"}`)
	code, page := b.call("GET", "/"+umbrella+"/-/issues/1", "", "")
	for _, want := range []string{"Dashboard &lt;b&gt;", `<a href="/platform/umbrella/-/issues/2">#2</a>`, "<strong>Noted</strong>", "1 of 1 done", "Open"} {
		if code != 200 || !strings.Contains(page, want) {
			t.Errorf("%d, the page lacks %s:\n%s", code, want, page)
		}
	}
	if strings.Contains(page, "<script") || strings.Contains(page, `issues/39"`) {
		t.Error(page)
	}
	if code, page := b.call("GET", "/"+umbrella, "", ""); code != 200 || !strings.Contains(page, `href="/platform/umbrella/-/issues/2">Second</a> <span class="tag">closed`) {
		t.Errorf("%d %s", code, page)
	}
	if code, _ := b.call("GET", "/"+umbrella+"/-/issues/3", "", ""); code != 404 {
		t.Errorf("an issue that is not there answers %d", code)
	}
}
