package main

import (
	"fmt"
	"strings"
	"testing"

	"tokenward/gitops/forge/sandbox"
)

// note returns the path of the note on the umbrella's first request that begins so.
func (p *platform) note(begin string) string {
	p.t.Helper()
	for _, n := range p.request(umbrellaProject, 1).Notes {
		if strings.HasPrefix(n.Body, begin) {
			return fmt.Sprintf("projects/platform%%2Fumbrella/merge_requests/1/notes/%d", n.ID)
		}
	}
	p.t.Fatalf("no note begins with %q", begin)
	return ""
}

// A command counts though there are as many notes as before: because another note was
// deleted, or since it was written into a note that was there. What a person opened
// again stays open.
func TestCommandInAsManyNotes(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.certkeeper()
	p.must(p.box.box.SetProject(t.Context(), umbrellaProject, func(s *sandbox.ProjectSettings) { s.ResolveDiscussions = true }))
	p.say(umbrellaProject, maintainer, "Thanks!")
	p.say(umbrellaProject, maintainer, "Looks fine.")
	p.say(umbrellaProject, maintainer, "/tokenward explain first-1")
	p.certkeeper()
	answers := func(want int) {
		t.Helper()
		if all := p.answers(umbrellaProject); len(all) != want {
			t.Errorf("%d answers, want %d: %q", len(all), want, all)
		}
	}
	answers(1)
	p.quiet()
	var discussion string
	for _, n := range p.request(umbrellaProject, 1).Notes {
		if strings.HasPrefix(n.Body, "/tokenward explain first-1") {
			discussion = n.DiscussionID
		}
	}
	p.api("PUT", "projects/platform%2Fumbrella/merge_requests/1/discussions/"+discussion, `{"resolved":false}`)
	p.quiet()

	p.apiAs(maintainer, "DELETE", p.note("Thanks!"), "")
	p.say(umbrellaProject, maintainer, "/tokenward explain second-1")
	p.certkeeper()
	answers(2)
	p.quiet()
	p.apiAs(maintainer, "PUT", p.note("Looks fine."), `{"body":"/tokenward explain third-1"}`)
	p.certkeeper()
	answers(3)
	p.quiet()
	if status := p.request(umbrellaProject, 1).MergeStatus; status != "discussions_not_resolved" {
		t.Errorf("what a person opened again is resolved: %q", status)
	}
}
