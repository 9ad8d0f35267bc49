package main

import (
	"strings"
	"testing"
)

// TestFoundByPeople plays again, move by move, what the random sequences of
// TestPeopleInTheWay found.
func TestFoundByPeople(t *testing.T) {
	t.Parallel()
	platforms := newSmallPlatforms(t, sampleRenderer())
	for what, people := range map[string]func(g *game){
		"a branch with commits of people is not made anew when the default branch is renamed": func(g *game) {
			g.bot()
			g.commitTo(g.request(bulletinProject, 1), g.heads()[bulletinProject+" "+bulletinBranch], false)
			g.must(g.box.box.SetDefaultBranch(g.t.Context(), bulletinProject, "release"))
			g.bot()
			if got := g.request(bulletinProject, 1).TargetBranch; got != "release" {
				g.t.Errorf("the request goes to %s, want release", got)
			}
		},
		"whether GitLab keeps the order is not asked in every run where people emptied the description": func(g *game) {
			g.bot()
			g.change(g.request(bulletinProject, 1), map[string]any{"description": "Nothing of yours"})
		},
		"a decision that nothing can carry leaves the pair as it is": func(g *game) {
			g.bot()
			g.commitTo(g.request(umbrellaProject, 1), g.heads()[umbrellaProject+" "+bulletinBranch], false)
			g.listByHand()
			g.work(umbrellaProject, map[string]string{valuesFile: strings.Replace(g.file(umbrellaProject, valuesFile), "{{- end }}\n", "      - namespace: courier\n{{- end }}\n", 1)})
			g.bot()
			g.must(g.box.box.AddNote(g.t.Context(), bulletinProject, 1, maintainer, "/tokenward ignore bulletin-bulletin-database-*"))
		},
		"a request that is needed again is right at once, although the branch conflicts meanwhile": func(g *game) {
			g.bot()
			g.leave()
			g.bot()
			g.bot()
			g.leave()
			text := g.file(umbrellaProject, valuesFile)
			g.work(umbrellaProject, map[string]string{valuesFile: strings.Replace(text, "{{- end }}\n", "      - namespace: courier\n{{- end }}\n", 1)})
			g.bot()
			if got := g.request(umbrellaProject, 1); got.State != "opened" || got.MergeStatus != "mergeable" {
				g.t.Errorf("it is %s, %s", got.State, got.MergeStatus)
			}
		},
		"a request that is needed again for other reasons has its title and description at once": func(g *game) {
			g.bot()
			g.listByHand()
			g.bot()
			g.bot()
			g.release()
			g.bot()
			before := g.request(umbrellaProject, 1)
			g.bot()
			if after := g.request(umbrellaProject, 1); after.State != "opened" || after.Title != before.Title || after.Description != before.Description {
				g.t.Errorf("one run later it is %q instead of %q, or says something else", after.Title, before.Title)
			}
		},
		"a command on a request that the bot closed is followed when the bot opens it again": func(g *game) {
			g.bot()
			g.leave()
			g.bot()
			g.must(g.box.box.AddNote(g.t.Context(), bulletinProject, 1, maintainer, "/tokenward rebase discard"))
			g.bot()
			g.leave()
		},
		"a request that the bot closed stays closed after a command to close it": func(g *game) {
			g.bot()
			g.leave()
			g.bot()
			g.must(g.box.box.AddNote(g.t.Context(), bulletinProject, 1, maintainer, "/tokenward close"))
			g.bot()
			g.leave()
			g.bot()
			for _, m := range g.requests() {
				if m.State != "closed" {
					g.t.Errorf("%s is %s, want closed", name(m), m.State)
				}
			}
		},
		"commits that came after a command to discard are not thrown away": func(g *game) {
			g.bot()
			g.commitTo(g.request(umbrellaProject, 1), g.heads()[umbrellaProject+" "+bulletinBranch], false)
			g.must(g.box.box.AddNote(g.t.Context(), umbrellaProject, 1, maintainer, "/tokenward rebase discard"))
			g.commitTo(g.request(umbrellaProject, 1), g.heads()[umbrellaProject+" "+bulletinBranch], false)
		},
	} {
		t.Run(what, func(t *testing.T) {
			g := newGame(t, platforms, 0)
			people(g)
			g.settle()
		})
	}
}
