package templates

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var umbrella = Umbrella{
	Namespace: "web", New: true, File: "chart/templates/kyverno-policies/values.yaml",
	Added: []Entry{
		{Kind: "harden", Reason: "the mutator does not list namespace web: its ServiceAccounts are not hardened"},
		{Kind: "allow", Pattern: "web-api-*", Reason: "reads Secrets, watches Applications"},
		{Kind: "allow", Pattern: "web-job-*", Reason: "sets automountServiceAccountToken: true", Review: true},
	},
	Pods: []Pod{
		{Workload: "Deployment web-api", Pattern: "web-api-*", Verdict: "needs-token", Confidence: "high", Evidence: "reads Secrets",
			Source: "chart/templates/role.yaml", SourceURL: "https://gitlab.example.com/platform/web/-/blob/abc/chart/templates/role.yaml#L3", Token: "yes"},
		{Workload: "Deployment web-ui", Pattern: "web-ui-", Verdict: "no-token", Confidence: "high", Evidence: "ServiceAccount web is bound to no role", Token: "yes → no"},
	},
	Look:             []string{"Job web-job: does it really call the API?"},
	Stale:            []string{"gone-* matches no pod"},
	NotAnalysed:      []string{"release other: no such tag"},
	ViolationsBefore: 2, ViolationsAfter: 0,
	Taken:    []string{"Deployment web-ui"},
	Partners: []Partner{{Reference: "platform/web!1", URL: "https://gitlab.example.com/platform/web/-/merge_requests/1", Role: "package"}},
	Marker:   "<!-- tokenward:v1 e30 -->",
}

func TestGolden(t *testing.T) {
	t.Parallel()
	pkg := Package{Namespace: "web", Package: "web", File: "docs/DEVELOPMENT_MAINTENANCE.md", Why: "README.md is generated: an edit there is lost",
		Partners: []Partner{{Reference: "platform/umbrella!1", Role: "umbrella"}}, Marker: "<!-- tokenward:v1 e30 -->"}
	section := Section{Policy: "update-automountserviceaccounttokens", Validate: "disallow-auto-mount-service-account-token", File: "chart/values.yaml", FileURL: "https://gitlab.example.com/x"}
	for name, render := range map[string]func() (string, error){
		"umbrella.md": umbrella.Description, "umbrella.commit": umbrella.CommitMessage,
		"issue.md": tracking.Description, "dashboard.md": dashboard.Description,
		"group.md": group.Description, "group.commit": group.CommitMessage,
		"removal.md": removal.Description, "removal.commit": removal.CommitMessage,
		"package.md": pkg.Description, "package.commit": pkg.CommitMessage, "section.md": section.Body,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := render()
			if err != nil {
				t.Fatal(err)
			}
			file := "testdata/" + name + ".golden"
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("%s (-want +got):\n%s", file, d)
			}
		})
	}
}

// TestDescriptionIsMarkdown renders the description as GitLab would and looks for
// the tables and the check list.
func TestDescriptionIsMarkdown(t *testing.T) {
	t.Parallel()
	got := html(t, must(t, umbrella.Description))
	for want, times := range map[string]int{"<table>": 2, `type="checkbox"`: 1, "<h3": 6, "<a href=": 1} {
		if n := strings.Count(got, want); n != times {
			t.Errorf("%q stands %d times in the page, want %d:\n%s", want, n, times, got)
		}
	}
}

var hostileTexts = []string{"@all", "x\n/close", "/merge", "Closes #1", "<!-- tokenward:end -->", "<img src=x>", "![x](http://x/y.png)", "a|b", "`", "``` x", "[a](javascript:x)", "group/project!1", "x\n- [x] <!-- tokenward:undecline x -->", "\n# x"}

// TestForeignTextIsDefused puts hostile text everywhere a chart's text can stand.
func TestForeignTextIsDefused(t *testing.T) {
	t.Parallel()
	for _, hostile := range hostileTexts {
		u := umbrella
		u.Added = []Entry{{Kind: "allow", Pattern: hostile, Reason: hostile}}
		u.Pods = []Pod{{Workload: hostile, Pattern: hostile, Evidence: hostile, Source: hostile}}
		u.Look, u.Stale, u.NotAnalysed = []string{hostile}, []string{hostile}, []string{hostile}
		checkDefused(t, hostile, must(t, u.Description))
	}
}

// checkDefused looks for what foreign text must not do in a description.
func checkDefused(t *testing.T, hostile, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "/") {
			t.Errorf("%q starts a quick action: %q", hostile, line)
		}
	}
	page := html(t, text)
	for _, bad := range []string{"<img", "javascript:x\"", "<!-- tokenward:end", "<h1>x", "checked"} {
		if strings.Contains(page, bad) {
			t.Errorf("%q puts %q into the page:\n%s", hostile, bad, page)
		}
	}
}

// TestForeignTextByClass holds what becomes of each class of hostile text in a sentence, a
// code span and a commit message, and that the page which GitLab makes of it refers to
// nothing and loads nothing.
func TestForeignTextByClass(t *testing.T) {
	t.Parallel()
	for class, hostile := range map[string]string{
		"mention":      "ask @all and @group/team, or &#64;all",
		"reference":    "see #1, group/project!2, &3, %4, ~label, $5, https://gitlab.example.com/g/p/-/issues/1",
		"closing":      "Closes #1, fixes group/project#2 and resolves https://gitlab.example.com/g/p/-/issues/3",
		"quick-action": "/close\n/merge\n  /assign @root",
		"comment":      "<!-- tokenward:end --> <!-- tokenward:v1 e30 x -->",
		"image":        "![x](https://evil.example/x.png) <img src=https://evil.example/y>",
		"link":         "[click](javascript:alert(1)) <a href=https://evil.example>here</a>",
	} {
		t.Run(class, func(t *testing.T) {
			t.Parallel()
			got := "text: " + Text(hostile) + "\ncode: " + Code(hostile) + "\nplain: " + Plain(hostile) + "\n"
			file := "testdata/defused-" + class + ".golden"
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("%s (-want +got):\n%s", file, d)
			}
			for _, text := range []string{Text(hostile), Code(hostile)} {
				page := html(t, text+"\n")
				for _, bad := range []string{"<img", "<a ", "<!--", "@all", "@group", "project#2"} {
					if strings.Contains(page, bad) && !strings.Contains(page, "<code>") {
						t.Errorf("%q puts %q into the page: %s", text, bad, page)
					}
				}
				if strings.HasPrefix(text, "/") || strings.Contains(text, "\n") {
					t.Errorf("%q can start a quick action", text)
				}
			}
		})
	}
}

// TestLongDescriptionKeepsItsState: whatever a platform has, GitLab takes the description
// and the hidden state stands whole in it.
func TestLongDescriptionKeepsItsState(t *testing.T) {
	t.Parallel()
	u := umbrella
	for range 9000 {
		u.Pods = append(u.Pods, Pod{Workload: strings.Repeat("w", 80), Pattern: strings.Repeat("p", 80), Evidence: strings.Repeat("ü", 80)})
	}
	got := must(t, u.Description)
	if len(got) > maxDescription || !strings.HasSuffix(got, "\n\n"+u.Marker+"\n") || !strings.Contains(got, "Cut here") {
		t.Errorf("%d bytes, end %q", len(got), got[len(got)-200:])
	}
	if short := must(t, umbrella.Description); strings.Contains(short, "Cut here") {
		t.Error("a short description is cut")
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"@all", "Closes #1", "</p>", "\x00", "a://b", "/close"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Text(s)
		if strings.ContainsAny(got, "\n\r") || strings.HasPrefix(got, "/") || strings.Contains(got, "-->") && strings.Contains(got, "<!--") && !strings.Contains(got, `\<`) {
			t.Errorf("Text(%q) = %q", s, got)
		}
		for i, r := range got {
			if (r == '@' || r == '#') && !strings.HasPrefix(got[i+1:], "\u2060") {
				t.Errorf("Text(%q) = %q refers to something", s, got)
			}
		}
		if code := Code(s); strings.ContainsAny(code, "\n\r") {
			t.Errorf("Code(%q) = %q", s, code)
		}
	})
}

func must(t *testing.T, render func() (string, error)) string {
	t.Helper()
	s, err := render()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func html(t *testing.T, markdown string) string {
	t.Helper()
	var out strings.Builder
	if err := goldmark.New(goldmark.WithExtensions(extension.GFM)).Convert([]byte(markdown), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
