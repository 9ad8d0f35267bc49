package templates

import (
	"strings"
	"testing"
)

var removal = Removal{
	Namespace: "web", File: "chart/templates/kyverno-policies/values.yaml",
	Removed: []Entry{
		{Kind: "allow", Pattern: "gone-*", Reason: "matches no pod of any release that this platform renders"},
		{Kind: "deny", Pattern: "web-ui-*", Reason: "denied: listed twice"},
		{Kind: "harden-default", Reason: "the namespace is listed twice for its default ServiceAccount"},
	},
	Kept: []Entry{{Kind: "allow", Pattern: "web-script-test", Reason: "matches no pod today; would match Pod web-script-test with values bbtests.enabled: true of release web"}},
	Taken: []Pod{{Workload: "Deployment web-ui", Confidence: "high", Evidence: "ServiceAccount web is bound to no role",
		Source: "chart/templates/ui.yaml", SourceURL: "https://gitlab.example.com/platform/web/-/blob/abc/chart/templates/ui.yaml#L3"}},
	Look:             []string{"gone-* matches nothing that the charts render. Deployment web-api may make pods at run time: is none of them called so?"},
	ViolationsBefore: 1, ViolationsAfter: 1,
	Marker: "<!-- tokenward:v1 e30 -->",
}

func TestRemovalIsMarkdown(t *testing.T) {
	t.Parallel()
	got := html(t, must(t, removal.Description))
	for want, times := range map[string]int{"<table>": 1, `type="checkbox"`: 2, "<h3": 3, "<a href=": 1} {
		if n := strings.Count(got, want); n != times {
			t.Errorf("%q stands %d times in the page, want %d:\n%s", want, n, times, got)
		}
	}
	if want := "Remove stale automountServiceAccountToken exceptions for web"; removal.Title() != want {
		t.Errorf("title %q, want %q", removal.Title(), want)
	}
}
