package main

import (
	"slices"
	"strings"
	"testing"

	"tokenward/bot"
	"tokenward/gitops/forge/sandbox"
)

const listFile = "chart/templates/kyverno-policies/values.yaml"

// list puts lines at the end of what the umbrella allows in namespace logbook.
func (p *platform) list(lines ...string) {
	p.t.Helper()
	before := p.git(umbrellaProject, "show", "main:"+listFile) + "\n"
	anchor := "          - logbook-logbook-retention-*\n"
	if strings.Count(before, anchor) != 1 {
		p.t.Fatalf("the sample lists %q %d times", anchor, strings.Count(before, anchor))
	}
	after := strings.Replace(before, anchor, anchor+"          "+strings.Join(lines, "\n          ")+"\n", 1)
	_, err := p.box.box.Commit(p.t.Context(), umbrellaProject, sandbox.Commit{Branch: "main", Message: "Other work", Files: map[string]string{listFile: after}})
	p.must(err)
}

// removal proposes for namespace logbook only, and returns its removal, nil without one.
func (p *platform) removal(mode string) *bot.MergeRequestReport {
	p.t.Helper()
	p.environment = map[string]string{"TOKENWARD_DRIFT_REMOVE": mode, "TOKENWARD_DOCUMENTATION": "false", "TOKENWARD_NAMESPACES": "logbook"}
	code, r := p.propose(developer)
	if code != 0 || len(r.Failed) > 0 {
		p.t.Errorf("exit code %d, failed: %v", code, r.Failed)
	}
	for i, m := range r.MergeRequests {
		if m.Unit == "logbook (stale)" {
			return &r.MergeRequests[i]
		}
	}
	return nil
}

// changed lists the lines of a diff that differ, sorted.
func changed(diff string) []string {
	var out []string
	for line := range strings.Lines(diff) {
		if strings.HasPrefix(line, "+") && !strings.HasPrefix(line, "+++") || strings.HasPrefix(line, "-") && !strings.HasPrefix(line, "---") {
			out = append(out, line[:1]+strings.TrimSpace(line[1:]))
		}
	}
	slices.Sort(out)
	return out
}

func TestStaleEntriesAreTakenOut(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	original := p.git(umbrellaProject, "show", "main:"+listFile)
	p.list("# it counts the lines", "# More in logbook/chart/templates/counter.yaml", "- logbook-logbook-counter-*", "- logbook-logbook-retention-*")
	if m := p.removal("report"); m != nil {
		t.Fatalf("without being asked, it proposes to take out %s", m.Diff)
	}
	m := p.removal("propose")
	if m == nil || m.Action != bot.ActionCreated {
		t.Fatalf("request %+v, want a new one", m)
	}
	if m.SourceBranch != "tokenward/logbook-stale" || m.Title != "Remove stale automountServiceAccountToken exceptions for logbook" || len(m.Pairs) != 0 {
		t.Errorf("branch %s, title %q, pairs %v", m.SourceBranch, m.Title, m.Pairs)
	}
	stale := []string{"# the aggregator adds to each line what it knows of the pod: reads pods, namespaces and nodes", "- logbook-logbook-aggregator-*"}
	want := []string{"-" + stale[0], "-" + stale[1], "-# it counts the lines", "-# More in logbook/chart/templates/counter.yaml", "-- logbook-logbook-counter-*", "-- logbook-logbook-retention-*"}
	slices.Sort(want)
	if got := changed(m.Diff); !slices.Equal(got, want) {
		t.Errorf("it changes %q, want %q", got, want)
	}
	for _, text := range []string{"logbook-logbook-counter-", "matches no pod", "listed twice"} {
		if !strings.Contains(m.Description, text) {
			t.Errorf("the description does not say %q:\n%s", text, m.Description)
		}
	}
	p.box.box.ResetRequests()
	if m = p.removal("propose"); m == nil || m.Action != bot.ActionUnchanged || len(p.writes()) > 0 {
		t.Errorf("a second run: %+v, writes %v", m, p.writes())
	}
	p.must(p.box.box.Merge(t.Context(), umbrellaProject, int(m.IID)))
	for _, line := range stale {
		original = strings.Replace(original, "          "+line+"\n", "", 1)
	}
	if got := p.git(umbrellaProject, "show", "main:"+listFile); got != original {
		t.Errorf("what was merged differs from the file before:\n%s", got)
	}
	if m := p.removal("propose"); m != nil {
		t.Errorf("after the merge: %+v", m)
	}
}

func TestPeopleDecideOnRemovals(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.list("- logbook-logbook-counter-*")
	m := p.removal("propose")
	if m == nil {
		t.Fatal("nothing is proposed")
	}
	p.must(p.box.box.Close(t.Context(), umbrellaProject, int(m.IID)))
	if again := p.removal("propose"); again == nil || again.Action != bot.ActionSkipped {
		t.Errorf("after a person declined it: %+v", again)
	}
	p.list("- logbook-logbook-sorter-*")
	other := p.removal("propose")
	if other == nil || other.Action != bot.ActionCreated || other.IID == m.IID {
		t.Fatalf("other entries after a person declined some: %+v", other)
	}
	for _, want := range []string{bot.ActionUpdated, bot.ActionClosed} {
		if m := p.removal("report"); m == nil || m.Action != want {
			t.Errorf("when removals are not asked for any more: %+v, want %s", m, want)
		}
	}
	if m := p.removal("report"); m != nil {
		t.Errorf("afterwards: %+v", m)
	}
}

// TestRemovalLeavesWhatDirectivesWrite holds that an entry that the file does not let go
// costs only itself.
func TestRemovalLeavesWhatDirectivesWrite(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.list("- {{ \"logbook-logbook-made-*\" }}")
	m := p.removal("propose")
	if m == nil || len(changed(m.Diff)) != 2 || !strings.Contains(m.Description, "Stays in the list") || !strings.Contains(m.Description, "logbook-logbook-made-") {
		t.Errorf("request %+v", m)
	}
}
