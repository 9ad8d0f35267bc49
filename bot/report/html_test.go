package report

import (
	"html"
	"regexp"
	"strings"
	"testing"
)

func pageOf(t *testing.T, hostileText bool) string {
	t.Helper()
	if hostileText {
		return output(t, writer{"html", HTML}, hostile(t))
	}
	return output(t, writer{"html", HTML}, sample(t))
}

// The policy must name the very bytes that stand in the page, or a browser refuses
// the page's own style and script.
func TestPageAdmitsItsOwnStyleAndScript(t *testing.T) {
	t.Parallel()
	text := pageOf(t, true)
	policy := regexp.MustCompile(`http-equiv="Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(text)
	if policy == nil {
		t.Fatal("the page has no content security policy")
	}
	for _, element := range []string{"style", "script"} {
		_, rest, _ := strings.Cut(text, "<"+element+">")
		body, _, ok := strings.Cut(rest, "</"+element+">")
		if !ok {
			t.Fatalf("the page has no %s element", element)
		}
		if want := element + "-src " + digest(body); !strings.Contains(html.UnescapeString(policy[1]), want) {
			t.Errorf("policy %q lacks %s", policy[1], want)
		}
	}
	if !strings.Contains(policy[1], "default-src &#39;none&#39;") {
		t.Errorf("policy %q admits more than it names", policy[1])
	}
}

func TestPageIsSelfContained(t *testing.T) {
	t.Parallel()
	for _, text := range []string{pageOf(t, false), pageOf(t, true)} {
		for _, bad := range []string{`\ssrc=["']?\w`, `<link\b`, `@import`, `url\(`, `<(iframe|object|embed|img|base)\b`, `\son\w+=["']`, `\sstyle=`, `href="(javascript|data|file):`} {
			if found := regexp.MustCompile(bad).FindString(text); found != "" && !strings.HasPrefix(found, " src=x") {
				t.Errorf("the page has %q (%s)", found, bad)
			}
		}
		if n := strings.Count(text, "<script"); n != 1 {
			t.Errorf("the page has %d script elements, want its own one", n)
		}
	}
}

// Whoever cannot tell the colours apart reads the verdict, and whoever has no
// script reads the whole table.
func TestPageSaysVerdictsInWords(t *testing.T) {
	t.Parallel()
	r := sample(t)
	text := pageOf(t, false)
	for _, verdict := range []string{needsToken, noToken, review} {
		n := 0
		for _, w := range r.Workloads {
			n += one(w.Verdict == verdict)
		}
		row := regexp.MustCompile(`<tr data-verdict="\w+"[^>]*>(?s:.*?)</tr>`)
		found := 0
		for _, tr := range row.FindAllString(text, -1) {
			found += one(strings.Contains(tr, "</svg>"+verdictWords(verdict)+"</span>"))
		}
		if found != n || n == 0 {
			t.Errorf("%d rows say %q, want %d", found, verdictWords(verdict), n)
		}
	}
}
