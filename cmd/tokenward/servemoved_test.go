package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tokenward/gitops/forge/sandbox"
)

// hears lets GitLab tell the service of pushes to a project; push is one of a person, by the path that it has then.
func (s *serving) hears(p *platform, project string) (push func(path string)) {
	s.t.Helper()
	p.apiAs(maintainer, "POST", "projects/"+url.PathEscape(project)+"/hooks", fmt.Sprintf(`{"url":%q,"token":%q,"push_events":true}`, s.address()+"/webhooks/gitlab", serveSecret))
	return func(path string) {
		s.t.Helper()
		_, err := p.box.box.Commit(s.t.Context(), path, sandbox.Commit{Branch: "main", Message: "Change", Author: maintainer, Files: map[string]string{"moved.txt": path + "\n"}})
		p.must(err)
		p.must(p.box.box.WaitDeliveries(s.t.Context()))
	}
}

// TestServeMovedProjects holds that the events of a package and of an umbrella lead to their runs
// after the projects were moved, and that projects are not asked for their ids at every run.
func TestServeMovedProjects(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	s := p.serveHere(nil)
	s.says(`msg="run ends" umbrella=umbrella namespace="" run=1 result=done`)
	asked := func() (n int) {
		for _, r := range p.box.box.Requests() {
			if r.Method == http.MethodGet && strings.HasSuffix(r.Path, "/projects/"+policiesProject) {
				n++
			}
		}
		return n
	}
	if n := asked(); n != 1 {
		t.Errorf("the first run asks %d times for a project that it writes nothing to", n)
	}
	const movedPackage, movedUmbrella = "elsewhere/notices", "elsewhere/platform"
	push := s.hears(p, bulletinProject)
	p.must(p.box.box.Move(t.Context(), bulletinProject, movedPackage))
	push(movedPackage)
	s.says(`msg="run ends" umbrella=umbrella namespace=bulletin run=\d+ result=done`)

	push = s.hears(p, umbrellaProject)
	p.must(p.box.box.Move(t.Context(), umbrellaProject, movedUmbrella))
	push(movedUmbrella)
	s.says(`msg="run begins" umbrella=umbrella namespace="" run=\d+ whole=false`)
	s.until("rest", s.idle)

	resp, err := http.PostForm(s.admin()+"/retry", url.Values{"umbrella": {"umbrella"}, "namespace": {""}})
	p.must(err)
	p.must(resp.Body.Close())
	s.says(`msg="run begins" umbrella=umbrella namespace="" run=\d+ whole=true .*reasons="[^f]`)
	s.until("rest", s.idle)
	if n := asked(); n != 1 {
		t.Errorf("after two runs over all, the project was asked for %d times", n)
	}
}

// TestServeProjectInAnothersPlace holds that a project which was made where another one was is known
// by its own id after a run over all of another day, and then by that when it is renamed, too.
func TestServeProjectInAnothersPlace(t *testing.T) {
	t.Parallel()
	g := newFleet(t)
	clock := &testClock{now: time.Date(2026, 6, 1, 8, 20, 0, 0, time.UTC)}
	g.platform.now = clock.Now
	s := g.serveHere(nil)
	s.says(`msg="run ends" umbrella=umbrella namespace="" run=1 result=done`)
	s.until("rest", s.idle)
	g.must(g.box.box.Move(t.Context(), bulletinProject, "elsewhere/old"))
	g.must(g.box.box.Move(t.Context(), fleetProject, bulletinProject))
	clock.add(24 * time.Hour)
	s.says(`msg="run begins" umbrella=umbrella namespace="" run=\d+ whole=true .*reasons="[^f]`)
	s.until("rest", s.idle)

	const renamed = "elsewhere/new"
	push := s.hears(g.platform, bulletinProject)
	g.must(g.box.box.Move(t.Context(), bulletinProject, renamed))
	push(renamed)
	s.says(`msg="run begins" umbrella=umbrella namespace=bulletin run=\d+ .*reasons="push to ` + bulletinProject)
}
