package main

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"tokenward/gitops/forge/sandbox"
)

// Several umbrellas share a service: each is run, and a push to a package of both leads
// to a run of its namespace in each.
func TestServeUmbrellas(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	config := filepath.Join(t.TempDir(), "config.yaml")
	p.must(os.WriteFile(config, []byte("umbrellas:\n- {name: other, url: "+sampleHost+"platform/umbrella.git}\n"), 0o600))
	s := p.serveHere(map[string]string{"TOKENWARD_CONFIG": config, "TOKENWARD_SERVE_WORKERS": "1"})
	s.says(`msg="run ends" umbrella=umbrella namespace="" run=\d+ result=done`)
	s.says(`msg="run ends" umbrella=other namespace="" run=\d+ result=done`)
	s.push(bulletinProject, "push")
	s.says(`msg="run ends" umbrella=umbrella namespace=bulletin run=\d+ result=done`)
	s.says(`msg="run ends" umbrella=other namespace=bulletin run=\d+ result=done`)
	seen := map[string]bool{}
	for _, m := range p.box.box.MergeRequests() {
		if key := m.Project + " " + m.SourceBranch; seen[key] {
			t.Errorf("%s has two requests", key)
		} else {
			seen[key] = true
		}
	}
}

// Runs of single namespaces cannot count what is open: they leave it to a run over
// all, which they ask for, and the limit holds. A push to the umbrella that changes
// nothing writes nothing.
func TestServeLimits(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	s := p.serveHere(map[string]string{"TOKENWARD_LIMITS_OPEN_UNITS": "1"})
	s.says(`msg="run ends" umbrella=umbrella namespace="" run=1 result=done`)
	s.until("rest", s.idle)
	open := func() int {
		units := map[string]bool{}
		for _, m := range p.box.box.MergeRequests() {
			units[m.SourceBranch] = true
		}
		return len(units)
	}
	if n := open(); n != 1 {
		t.Fatalf("%d namespaces are open after the first run", n)
	}
	p.box.box.ResetRequests()
	for _, project := range packages() {
		s.push(project, "push-"+project)
	}
	s.says(`msg="run begins" umbrella=umbrella namespace="" run=\d+ .*reasons=".*the limits need a run over all namespaces`)
	s.until("rest", s.idle)
	s.push(umbrellaProject, "push-of-the-umbrella")
	s.says(`msg="run begins" umbrella=umbrella namespace="" run=\d+ whole=false`)
	s.until("rest", s.idle)
	if n, w := open(), p.writes(); n != 1 || len(w) > 0 {
		t.Errorf("%d namespaces are open, written: %v", n, w)
	}
}

// Where the configuration names namespaces, no event leads to work on another one, nor does a person's wish.
func TestServeNamespaces(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	s := p.serveHere(map[string]string{"TOKENWARD_NAMESPACES": "bulletin"})
	s.says(`msg="run ends" umbrella=umbrella namespace="" run=1 result=done`)
	s.push(certkeeperProject, "push-of-another")
	s.until("an event that is passed over", func() bool {
		return strings.Contains(s.page("/metrics"), `tokenward_webhook_deliveries_total{event="push",outcome="ignored"} 1`)
	})
	s.push(bulletinProject, "push")
	s.says(`msg="run ends" umbrella=umbrella namespace=bulletin run=\d+ result=done`)
	resp, err := http.PostForm(s.admin()+"/retry", url.Values{"umbrella": {"umbrella"}, "namespace": {"certkeeper"}})
	p.must(err)
	p.must(resp.Body.Close())
	s.says(`msg="run ends" umbrella=umbrella namespace=certkeeper run=\d+ result=refused message="namespace certkeeper: the configuration leaves it out`)
	for _, m := range p.box.box.MergeRequests() {
		if m.SourceBranch != "tokenward/bulletin" {
			t.Errorf("%s has a request from %s", m.Project, m.SourceBranch)
		}
	}
}

// Namespaces that keep failing are parked, shown, counted and left alone, and one is
// tried again when somebody presses the button.
func TestServeParks(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	var broken atomic.Bool
	broken.Store(true)
	p.box.box.SetFault(func(r sandbox.Request) sandbox.Fault {
		if broken.Load() && r.Method == http.MethodPost && strings.HasSuffix(r.Path, "/merge_requests") {
			return sandbox.Fault{Status: http.StatusBadRequest}
		}
		return sandbox.Fault{}
	})
	s := p.serveHere(map[string]string{"TOKENWARD_SERVE_ATTEMPTS": "1"})
	s.says(`msg="run ends" umbrella=umbrella namespace=bulletin run=\d+ result=failed`)
	s.until("rest", s.idle)
	parked := s.units("parked")
	if parked == "0" {
		t.Error("no unit is parked")
	}
	page := s.page("/")
	if !strings.Contains(page, parked+" parked") || !strings.Contains(page, `name="namespace" value="bulletin"><button id="retry-`) {
		t.Error("the page does not show the parked unit with its button")
	}
	broken.Store(false)
	resp, err := http.PostForm(s.admin()+"/retry", url.Values{"umbrella": {"umbrella"}, "namespace": {"bulletin"}})
	p.must(err)
	p.must(resp.Body.Close())
	s.says(`msg="run ends" umbrella=umbrella namespace=bulletin run=\d+ result=done`)
	s.until("one parked unit less", func() bool { return s.units("parked") != parked })
	if page := s.page("/"); strings.Contains(page, `name="namespace" value="bulletin"><button id="retry-`) {
		t.Error("the unit that was done is still shown as failed")
	}
}
