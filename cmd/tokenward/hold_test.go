package main

import (
	"testing"

	"tokenward/gitops/forge/sandbox"
)

// TestHoldIsForThePair holds that the label on one request keeps the bot from its other half, too:
// no push, no title, no description, whatever happens and whatever people ask for there.
func TestHoldIsForThePair(t *testing.T) {
	t.Parallel()
	platforms := newSmallPlatforms(t, sampleRenderer())
	for held, other := range map[string]string{umbrellaProject: bulletinProject, bulletinProject: umbrellaProject} {
		t.Run(held, func(t *testing.T) {
			g := newGame(t, platforms, 0)
			g.bot()
			g.change(g.request(held, 1), map[string]any{"add_labels": "tokenward::hold"})
			g.release() // other lines for the umbrella
			text := g.file(bulletinProject, "README.md")
			g.work(bulletinProject, map[string]string{"README.md": text + "\nMore.\n"})
			g.must(g.box.box.AddNote(t.Context(), other, 1, maintainer, "/tokenward rebase"))
			before, heads := []sandbox.MergeRequest{g.request(umbrellaProject, 1), g.request(bulletinProject, 1)}, g.heads()
			g.bot()
			for _, was := range before {
				is := g.request(was.Project, 1)
				if is.Title != was.Title || is.Description != was.Description || g.heads()[was.Project+" "+bulletinBranch] != heads[was.Project+" "+bulletinBranch] {
					t.Errorf("%s was changed", name(is))
				}
			}
			g.change(g.request(held, 1), map[string]any{"remove_labels": "tokenward::hold"})
			g.bot()
			if g.heads()[umbrellaProject+" "+bulletinBranch] == heads[umbrellaProject+" "+bulletinBranch] {
				t.Error("without the label, the umbrella's branch is not brought up to date")
			}
			g.settle()
		})
	}
}
