package templates

import (
	"strings"
	"testing"
	"unicode/utf8"
)

var (
	requests = []Request{
		{Reference: "platform/umbrella!1", Role: "umbrella", State: "opened", Reviewers: []string{"ann", "bob"}},
		{Reference: "platform/web!1", Role: "package", State: "opened", After: "platform/umbrella!1"},
		{Reference: "platform/ui!2", Role: "package", State: "opened", Draft: true},
		{Reference: "platform/ui!1", Role: "package", State: "closed"},
	}
	tracking = Issue{
		Namespace: "web", Changes: umbrella.Added, Documents: []string{"web", "ui"}, Requests: requests,
		Earlier: []string{"platform/umbrella!7"}, State: "Queued", Reason: "2 units have open requests already", Marker: "<!-- tokenward:v1 e30 -->",
	}
	dashboard = Dashboard{
		Sections: []DashboardSection{
			{Title: "Open", Rows: []DashboardRow{{Namespace: "web", Requests: requests, Boxes: []Box{{Verb: "rescan", Key: "web", Label: "rescan"}}}}},
			{Title: "Declined", Rows: []DashboardRow{{Namespace: "app", Reason: "platform/umbrella!3 was closed", Boxes: []Box{
				{Verb: "rescan", Key: "app", Label: "rescan", Ticked: true}, {Verb: "undecline", Key: "app", Label: "propose it again"}}}}},
		},
		Acted: []string{"rescan web, ticked before 2026-01-02 15:04:05 UTC"}, Marker: "<!-- tokenward:v1 e30 -->",
	}
)

// TestIssuesAreMarkdown renders the issues as GitLab would and looks for headings, the
// items of lists and boxes.
func TestIssuesAreMarkdown(t *testing.T) {
	t.Parallel()
	for want, times := range map[string]int{"<h3": 3, "<li>": 10} {
		if page := html(t, must(t, tracking.Description)); strings.Count(page, want) != times {
			t.Errorf("%q does not stand %d times in the issue:\n%s", want, times, page)
		}
	}
	for want, times := range map[string]int{"<h3": 3, `type="checkbox"`: 3, `checked=""`: 1, "<li>": 10} {
		if page := html(t, must(t, dashboard.Description)); strings.Count(page, want) != times {
			t.Errorf("%q does not stand %d times on the dashboard:\n%s", want, times, page)
		}
	}
}

// TestIssuesDefuseForeignText puts hostile text everywhere that charts, errors and
// user names can bring some.
func TestIssuesDefuseForeignText(t *testing.T) {
	t.Parallel()
	for _, hostile := range hostileTexts {
		i := tracking
		i.Namespace, i.Reason, i.Documents = hostile, hostile, []string{hostile}
		i.Changes = []Entry{{Kind: "allow", Pattern: hostile, Reason: hostile}}
		i.Requests = []Request{{Reference: "a/b!1", State: "opened", Reviewers: []string{hostile}}}
		d := Dashboard{Acted: []string{hostile}, Sections: []DashboardSection{{Title: "Open", Rows: []DashboardRow{{Namespace: hostile, Reason: hostile, Requests: i.Requests}}}}}
		for _, text := range []string{must(t, i.Description), must(t, d.Description)} {
			checkDefused(t, hostile, text)
		}
		if title := i.Title(); strings.ContainsAny(title, "\n\r") || strings.Contains(title, "@all") || strings.Contains(title, "#1") {
			t.Errorf("%q makes the title %q", hostile, title)
		}
	}
	if n := utf8.RuneCountInString(Issue{Namespace: strings.Repeat("é", 300)}.Title()); n != 255 {
		t.Errorf("the title has %d characters, GitLab takes 255", n)
	}
}
