package bot

import "testing"

func TestBranchNamespace(t *testing.T) {
	t.Parallel()
	exists := func(ns string) bool { return ns == "old-stale" || ns == "web" }
	for branch, want := range map[string]string{
		"tokenward/web": "web", "tokenward/web-stale": "web", "tokenward/old-stale": "old-stale", "tokenward/gone": "gone",
		"tokenward/drift-repairs": "",
		"tokenward/":              "", "tokenward/-stale": "", "tokenward/a/b": "", "tokenward/A": "", "other/web": "", "web": "", "main": "",
	} {
		if got := BranchNamespace("tokenward/", branch, exists); got != want {
			t.Errorf("%s is about %q, want %q", branch, got, want)
		}
	}
	if got := BranchNamespace("", "main", exists); got != "" {
		t.Errorf("without a prefix every branch would be the bot's: %q", got)
	}
}

func TestIssueReader(t *testing.T) {
	t.Parallel()
	read := IssueReader([]byte("key"), "tokenward/")
	seal := sealer{key: []byte("key")}
	for _, c := range []struct {
		description, namespace string
		ok                     bool
	}{
		{"x\n" + seal.seal(issueState{Kind: dashboardIssue, Prefix: "tokenward/"}), "", true},
		{seal.seal(issueState{Kind: trackingIssue, Unit: "web", Prefix: "tokenward/"}), "web", true},
		{seal.seal(issueState{Kind: trackingIssue, Unit: "web", Prefix: "other/"}), "", false},
		{sealer{key: []byte("other")}.seal(issueState{Kind: dashboardIssue, Prefix: "tokenward/"}), "", false},
		{seal.seal(state{Unit: "web"}), "", false},
		{"", "", false},
	} {
		namespace, ok := read(c.description)
		if ok != c.ok || ok && namespace != c.namespace {
			t.Errorf("%s reads as %q, %v", c.description, namespace, ok)
		}
	}
}
