package templates

import (
	"strings"
	"testing"
)

var group = Group{
	File: umbrella.File,
	Members: []Umbrella{
		{Namespace: "web", ViolationsBefore: 1, ViolationsAfter: 1, Granted: []string{"Deployment web-api"},
			Added: []Entry{{Kind: "allow", Pattern: "web-api-*", Reason: "reads Secrets, watches Applications"}},
			Pods:  umbrella.Pods, Stale: []string{"gone-* matches no pod"}},
		{Namespace: "mail", Added: []Entry{{Kind: "harden-default", Reason: "the default ServiceAccount is made by Kubernetes"}},
			Pods: []Pod{{Workload: "Deployment mail", Pattern: "mail-*", Verdict: "no-token", Confidence: "high", Evidence: "ServiceAccount mail is bound to no role", Token: "no"}}},
	},
	Marker: "<!-- tokenward:v1 e30 -->",
}

func TestGroupIsMarkdown(t *testing.T) {
	t.Parallel()
	got := html(t, must(t, group.Description))
	for want, times := range map[string]int{"<table>": 3, "<h3": 3, "<a href=": 1, "<li>": 1} {
		if n := strings.Count(got, want); n != times {
			t.Errorf("%q stands %d times in the page, want %d:\n%s", want, n, times, got)
		}
	}
	if want := "Repair automountServiceAccountToken for 2 namespaces"; group.Title() != want {
		t.Errorf("title %q, want %q", group.Title(), want)
	}
}
