package main

import (
	"testing"

	"tokenward/bot"
	"tokenward/gitops/forge/sandbox"
)

// TestNeedlessRequestsAreClosed lets people do by hand what a request proposes: the
// first run that sees it remembers, the second closes, and when the need comes back
// the same request is opened again.
func TestNeedlessRequestsAreClosed(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.one()
	const values = "chart/templates/kyverno-policies/values.yaml"
	before := p.git(umbrellaProject, "show", "main:"+values) + "\n"
	p.onMain(values, p.git(umbrellaProject, "show", bulletinBranch+":"+values)+"\n")

	for i, want := range []struct {
		action, state string
	}{{bot.ActionUpdated, "opened"}, {bot.ActionClosed, "closed"}, {"", ""}} {
		if umbrella, _ := p.one(); umbrella.Action != want.action || umbrella.State != want.state {
			t.Fatalf("run %d after it was done by hand: %q, %q (%s); want %q, %q", i+1, umbrella.Action, umbrella.State, umbrella.Reason, want.action, want.state)
		}
	}
	p.onMain(values, before)
	umbrella, _ := p.one()
	if umbrella.IID != 1 || umbrella.State != "opened" || umbrella.Action != bot.ActionUpdated {
		t.Errorf("needed again: %s is %q, %q; want it opened again", reference(umbrella), umbrella.Action, umbrella.State)
	}
	p.box.box.ResetRequests()
	p.one()
	if w := p.writes(); len(w) > 0 {
		t.Errorf("one run later it still writes: %v", w)
	}
}

// TestNeedlessRequestWithPeoplesCommitsStaysOpen holds that a branch people work on is theirs.
func TestNeedlessRequestWithPeoplesCommitsStaysOpen(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.one()
	const values = "chart/templates/kyverno-policies/values.yaml"
	p.commit(umbrellaProject, map[string]string{"NOTES.md": "mine\n"})
	p.onMain(values, p.git(umbrellaProject, "show", bulletinBranch+":"+values)+"\n")
	for range 3 {
		if umbrella, _ := p.one(); umbrella.State != "opened" || umbrella.Action != bot.ActionSkipped {
			t.Fatalf("%s is %q, %q (%s)", reference(umbrella), umbrella.Action, umbrella.State, umbrella.Reason)
		}
	}
}

// TestLimits holds that queued units say so and open nothing.
func TestLimits(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.environment = map[string]string{"TOKENWARD_LIMITS_OPEN_UNITS": "2"}
	_, r := p.propose(developer)
	opened := map[string]bool{}
	for _, m := range r.MergeRequests {
		if m.Action == bot.ActionCreated {
			opened[m.Unit] = true
		} else if m.Reason != "queued: 2 units have open requests already" {
			t.Errorf("%s %s: %s (%s)", m.Unit, m.Role, m.Action, m.Reason)
		}
	}
	if len(opened) != 2 {
		t.Errorf("%d units were opened, the limit is 2", len(opened))
	}
	if !opened["logbook"] {
		t.Errorf("logbook, where a pod has lost its token, is not among the first: %v", opened)
	}
}

// onMain commits a file to the umbrella's default branch.
func (p *platform) onMain(file, content string) {
	p.t.Helper()
	_, err := p.box.box.Commit(p.t.Context(), umbrellaProject, sandbox.Commit{Branch: "main", Message: "By hand", Files: map[string]string{file: content}})
	p.must(err)
}
