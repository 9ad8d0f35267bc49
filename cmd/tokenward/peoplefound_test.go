package main

import (
	"strings"
	"testing"
)

// TestFoundByPeople plays again, move by move, what the random sequences of
// TestPeopleInTheWay found.
func TestFoundByPeople(t *testing.T) {
	t.Parallel()
	platforms := newSmallPlatforms(t, newRenderOnce())
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
	} {
		t.Run(what, func(t *testing.T) {
			g := newGame(t, platforms, 0)
			people(g)
			g.settle()
		})
	}
}
