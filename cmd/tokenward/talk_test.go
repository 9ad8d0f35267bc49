package main

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tokenward/bot"
	"tokenward/gitops/forge"
	"tokenward/gitops/forge/sandbox"
)

const (
	maintainer        = "sandbox-maintainer"
	reporter          = "sandbox-reporter"
	certkeeperProject = "platform/packages/certkeeper"
	certkeeperBranch  = "tokenward/certkeeper"
	valuesFile        = "chart/templates/kyverno-policies/values.yaml"
)

// certkeeper proposes for namespace certkeeper only, and returns its two requests by role.
func (p *platform) certkeeper() (umbrella, pkg bot.MergeRequestReport) {
	p.t.Helper()
	umbrella, pkg, failed := p.pairOf("certkeeper")
	if len(failed) > 0 {
		p.t.Fatalf("failed: %+v", failed)
	}
	return umbrella, pkg
}

// request reads a merge request as the server has it.
func (p *platform) request(project string, iid int) sandbox.MergeRequest {
	p.t.Helper()
	for _, m := range p.box.box.MergeRequests() {
		if m.Project == project && m.IID == iid {
			return m
		}
	}
	p.t.Fatalf("there is no %s!%d", project, iid)
	return sandbox.MergeRequest{}
}

func (p *platform) say(project, who, what string) {
	p.t.Helper()
	p.must(p.box.box.AddNote(p.t.Context(), project, 1, who, what))
}

// label puts a label on a request, as a maintainer.
func (p *platform) label(project, name string) {
	p.t.Helper()
	client, err := forge.New(forge.Config{BaseURL: p.box.url, Token: func() (string, error) { return maintainer, nil }})
	p.must(err)
	found, err := client.Project(p.t.Context(), project)
	p.must(err)
	_, err = client.UpdateMergeRequest(p.t.Context(), found.ID, 1, forge.MergeRequestUpdate{AddLabels: []string{name}})
	p.must(err)
}

// answers lists what the bot said on the request, each in the discussion of a note
// of somebody else.
func (p *platform) answers(project string) []string {
	p.t.Helper()
	asked := map[string]bool{}
	var out []string
	for _, n := range p.request(project, 1).Notes {
		switch {
		case n.System:
		case n.Author != developer:
			asked[n.DiscussionID] = true
		case !asked[n.DiscussionID]:
			p.t.Errorf("the bot says in no discussion: %s", n.Body)
		default:
			out = append(out, n.Body)
		}
	}
	return out
}

// answered checks that the bot answered once, with the words.
func (p *platform) answered(project string, words ...string) {
	p.t.Helper()
	all := p.answers(project)
	if len(all) != 1 {
		p.t.Fatalf("%d answers, want 1: %q", len(all), all)
	}
	for _, w := range words {
		if !strings.Contains(all[0], w) {
			p.t.Errorf("the answer does not say %q:\n%s", w, all[0])
		}
	}
}

// quiet runs once more and checks that nothing is written.
func (p *platform) quiet() {
	p.t.Helper()
	p.box.box.ResetRequests()
	p.certkeeper()
	if w := p.writes(); len(w) > 0 {
		p.t.Errorf("one run later it still writes: %v", w)
	}
}

// newPlatformFor is newPlatform with more people.
func newPlatformFor(t *testing.T, people ...sandbox.Token) *platform {
	t.Helper()
	p := &platform{t: t, dir: t.TempDir(), renderer: sampleRenderer()}
	p.layout()
	box, err := sandbox.New(sandbox.Config{Repositories: p.dir, Tokens: append(sandbox.DefaultTokens(), people...), Now: time.Now, Memory: sampleMemory()})
	p.must(err)
	server := httptest.NewServer(box)
	t.Cleanup(server.Close)
	box.SetURL(server.URL)
	p.box = &runningSandbox{url: server.URL, box: box}
	return p
}
