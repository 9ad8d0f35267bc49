package main

import (
	"net/http"
	"strings"
	"testing"

	"tokenward/bot"
	"tokenward/gitops/forge/sandbox"
)

// TestAnotherUserGoesOn: the token's user changes, and what the one before opened is known
// as tokenward's by its hidden state and its trailers.
func TestAnotherUserGoesOn(t *testing.T) {
	t.Parallel()
	g := newGame(t, newSmallPlatforms(t, sampleRenderer()), 0)
	g.bot()
	g.platforms.written()
	if code, r := g.propose(maintainer); code != exitOK || len(r.MergeRequests) != 2 {
		t.Errorf("exit code %d, %+v", code, r.MergeRequests)
	}
	if w := g.platforms.written(); len(w) > 0 {
		t.Errorf("another user writes %v", w)
	}
	g.release()
	_, r := g.propose(maintainer)
	for _, m := range r.MergeRequests {
		if m.Role == bot.RoleUmbrella && (m.Action != bot.ActionUpdated || m.IID != 1) {
			t.Errorf("new content: %s is %s (%s)", reference(m), m.Action, m.Reason)
		}
	}
}

// TestRebaseByAPersonLeavesTheBranchOurs: whoever rebases without a change has
// not taken the branch over, although git names them as the committer.
func TestRebaseByAPersonLeavesTheBranchOurs(t *testing.T) {
	t.Parallel()
	g := newGame(t, newSmallPlatforms(t, sampleRenderer()), 0)
	g.bot()
	before := g.heads()[umbrellaProject+" "+bulletinBranch]
	g.work(umbrellaProject, map[string]string{"OTHER.md": "moved on\n"})
	g.rebase(g.request(umbrellaProject, 1), before)
	rebased := g.heads()[umbrellaProject+" "+bulletinBranch]
	g.bot()
	if now := g.heads()[umbrellaProject+" "+bulletinBranch]; rebased == before || now != rebased {
		t.Errorf("the branch went from %s to %s by the rebase, and then to %s", before, rebased, now)
	}
	g.release()
	for _, m := range g.bot().MergeRequests {
		if m.Role == bot.RoleUmbrella && m.Action != bot.ActionUpdated {
			t.Errorf("new content after the rebase: %s is %s (%s)", reference(m), m.Action, m.Reason)
		}
	}
}

// TestOrderInWordsWithoutDependencies is a server without dependencies between requests:
// the order stands in both descriptions, and the server is not asked in every run.
func TestOrderInWordsWithoutDependencies(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusForbidden, http.StatusNotFound} {
		g := newGame(t, newSmallPlatforms(t, sampleRenderer()), 0)
		g.box.box.SetFault(func(r sandbox.Request) sandbox.Fault {
			if strings.HasSuffix(r.Path, "/blocks") {
				return sandbox.Fault{Status: status}
			}
			return sandbox.Fault{}
		})
		g.bot()
		for project, want := range map[string]string{umbrellaProject: "Merge this request first", bulletinProject: "platform/umbrella!1 configures the policy: merge it first."} {
			if got := g.request(project, 1).Description; !strings.Contains(got, want) {
				t.Errorf("%s does not say %q:\n%s", project, want, got)
			}
		}
		g.settle()
	}
}
