package main

import (
	"testing"

	"tokenward/bot"
)

// TestPackageThatLeavesTheUmbrella holds that the documentation request of a package which
// the umbrella does not deploy any more is closed by the rule of all that is not needed: the
// first complete run remembers it, the next closes it; not while a person holds it, nor
// after people committed to its branch.
func TestPackageThatLeavesTheUmbrella(t *testing.T) {
	t.Parallel()
	platforms := newSmallPlatforms(t, sampleRenderer())
	pkg := func(t *testing.T, g *game) bot.MergeRequestReport {
		t.Helper()
		for _, m := range g.bot().MergeRequests {
			if m.Project == bulletinProject {
				return m
			}
		}
		return bot.MergeRequestReport{}
	}
	for what, c := range map[string]struct {
		people  func(g *game)
		actions []string
		state   string
	}{
		"its pair is open": {func(*game) {}, []string{bot.ActionUpdated, bot.ActionClosed, ""}, "closed"},
		"its other half is merged": {func(g *game) {
			g.must(g.box.box.Merge(g.t.Context(), umbrellaProject, 1))
		}, []string{bot.ActionUpdated, bot.ActionClosed, ""}, "closed"},
		"a person holds it": {func(g *game) {
			g.change(g.request(bulletinProject, 1), map[string]any{"add_labels": "tokenward::hold"})
		}, []string{"", "", ""}, "opened"},
		"people committed to it": {func(g *game) {
			g.commitTo(g.request(bulletinProject, 1), g.heads()[bulletinProject+" "+bulletinBranch], false)
		}, []string{bot.ActionSkipped, bot.ActionSkipped, bot.ActionSkipped}, "opened"},
	} {
		t.Run(what, func(t *testing.T) {
			g := newGame(t, platforms, 0)
			g.bot()
			c.people(g)
			g.leave()
			for i, want := range c.actions {
				if got := pkg(t, g); got.Action != want {
					t.Errorf("run %d after it left: %q (%s), want %q", i+1, got.Action, got.Reason, want)
				}
			}
			if got := g.request(bulletinProject, 1).State; got != c.state {
				t.Errorf("it is %s in the end, want %s", got, c.state)
			}
			g.settle()
		})
	}
}
