package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"tokenward/bot"
	"tokenward/gitops/forge/sandbox"
)

// issueKeeping turns both kinds of issues on, for two namespaces of the platform.
func issueKeeping(t *testing.T) *platform {
	t.Helper()
	p := newPlatform(t)
	p.environment = map[string]string{
		"TOKENWARD_ISSUES_TRACKING": "true", "TOKENWARD_ISSUES_DASHBOARD": "true", "TOKENWARD_NAMESPACES": "bulletin,logbook",
	}
	return p
}

// issues returns the dashboard and the tracking issues by their titles' last word.
func (p *platform) issues() (dashboard sandbox.Issue, tracking map[string]sandbox.Issue) {
	p.t.Helper()
	tracking = map[string]sandbox.Issue{}
	for _, i := range p.box.box.Issues() {
		if i.Project != umbrellaProject {
			p.t.Errorf("issue %d of %s: issues belong into the umbrella's project", i.IID, i.Project)
		}
		if i.Title == "tokenward: dashboard" {
			if dashboard.IID != 0 {
				p.t.Errorf("there are two dashboards, %d and %d", dashboard.IID, i.IID)
			}
			dashboard = i
			continue
		}
		ns := i.Title[strings.LastIndex(i.Title, " ")+1:]
		if tracking[ns].IID != 0 {
			p.t.Errorf("there are two issues for %s", ns)
		}
		tracking[ns] = i
	}
	return dashboard, tracking
}

// edit changes an issue of the umbrella as a maintainer does, by the API.
func (p *platform) edit(iid int, change map[string]string) {
	p.t.Helper()
	body, err := json.Marshal(change)
	p.must(err)
	url := fmt.Sprintf("%s/api/v4/projects/platform%%2Fumbrella/issues/%d", p.box.url, iid)
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodPut, url, bytes.NewReader(body))
	p.must(err)
	request.Header.Set("Private-Token", "sandbox-maintainer")
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	p.must(err)
	p.must(response.Body.Close())
	if response.StatusCode != http.StatusOK {
		p.t.Fatalf("PUT %s: %s", url, response.Status)
	}
}

// tick ticks a box of the dashboard.
func (p *platform) tick(verb, ns string) {
	p.t.Helper()
	d, _ := p.issues()
	box := fmt.Sprintf("[ ] <!-- tokenward:%s %s -->", verb, ns)
	if !strings.Contains(d.Description, box) {
		p.t.Fatalf("the dashboard has no box %q:\n%s", box, d.Description)
	}
	p.edit(d.IID, map[string]string{"description": strings.Replace(d.Description, box, strings.Replace(box, "[ ]", "[X]", 1), 1)})
}

func (p *platform) wroteNothing() {
	p.t.Helper()
	p.box.box.ResetRequests()
	p.propose(developer)
	if w := p.writes(); len(w) > 0 {
		p.t.Errorf("an unchanged run wrote: %v", w)
	}
}

// TestClosedDashboardPauses closes the dashboard and opens it again.
func TestClosedDashboardPauses(t *testing.T) {
	t.Parallel()
	p := issueKeeping(t)
	p.environment["TOKENWARD_NAMESPACES"] = "bulletin"
	p.propose(developer)
	dashboard, _ := p.issues()
	p.edit(dashboard.IID, map[string]string{"state_event": "close"})
	p.environment["TOKENWARD_NAMESPACES"] = ""
	p.box.box.ResetRequests()
	_, report := p.propose(developer)
	for _, m := range report.MergeRequests {
		if m.Action != bot.ActionSkipped || m.Reason != "paused: the dashboard issue is closed" {
			t.Errorf("%s %s is %s (%s)", m.Unit, m.Role, m.Action, m.Reason)
		}
	}
	if w := p.writes(); len(w) > 0 || len(report.MergeRequests) < 4 {
		t.Errorf("paused, it reports %d requests and writes %v", len(report.MergeRequests), w)
	}
	p.edit(dashboard.IID, map[string]string{"state_event": "reopen"})
	if _, report = p.propose(developer); !slices.ContainsFunc(report.MergeRequests, func(m bot.MergeRequestReport) bool { return m.Action == bot.ActionCreated }) {
		t.Error("nothing was opened once the dashboard was open again")
	}
	if again, _ := p.issues(); again.IID != dashboard.IID {
		t.Errorf("the dashboard is %d, it was %d", again.IID, dashboard.IID)
	}
	p.wroteNothing()
}

// TestTickedBoxLiftsADecline closes a request, ticks the box, and finds the same
// request open again, the box without its tick, and one line about it.
func TestTickedBoxLiftsADecline(t *testing.T) {
	t.Parallel()
	p := issueKeeping(t)
	p.propose(developer)
	p.must(p.box.box.Close(t.Context(), bulletinProject, 1))
	p.propose(developer)
	p.wroteNothing()
	p.tick("undecline", "bulletin")
	p.tick("rescan", "logbook")
	_, report := p.propose(developer)
	for _, m := range report.MergeRequests {
		if m.Unit == "bulletin" && (m.State != "opened" || m.IID != 1 && m.Project == bulletinProject || strings.HasPrefix(m.Title, "Draft")) {
			t.Errorf("%s is %s, %q (%s)", reference(m), m.State, m.Title, m.Reason)
		}
	}
	dashboard, _ := p.issues()
	for want, times := range map[string]int{"[X]": 0, "[x]": 0, "undecline bulletin, ticked before": 1, "rescan logbook, ticked before": 1} {
		if n := strings.Count(dashboard.Description, want); n != times {
			t.Errorf("%q stands %d times on the dashboard, want %d:\n%s", want, n, times, dashboard.Description)
		}
	}
	p.wroteNothing()
	p.must(p.box.box.Close(t.Context(), bulletinProject, 1))
	if _, report = p.propose(developer); !slices.ContainsFunc(report.MergeRequests, func(m bot.MergeRequestReport) bool {
		return m.Project == bulletinProject && m.State == "closed" && m.Action == bot.ActionSkipped
	}) {
		t.Errorf("closed again, it was opened again: %+v", report.MergeRequests)
	}
}

// TestQueuedDeclineStaysTicked holds that a tick waits for what a limit holds back,
// and that declined units leave room for others.
func TestQueuedDeclineStaysTicked(t *testing.T) {
	t.Parallel()
	p := issueKeeping(t)
	_, report := p.propose(developer)
	for _, m := range report.MergeRequests {
		if m.Unit == "bulletin" {
			p.must(p.box.box.Close(t.Context(), m.Project, int(m.IID)))
		}
	}
	p.propose(developer)
	p.tick("undecline", "bulletin")
	p.environment["TOKENWARD_LIMITS_OPEN_UNITS"] = "1"
	p.propose(developer)
	dashboard, _ := p.issues()
	if !strings.Contains(dashboard.Description, "### Queued") || !strings.Contains(dashboard.Description, "[x] <!-- tokenward:undecline bulletin -->") {
		t.Errorf("bulletin is not queued with its tick:\n%s", dashboard.Description)
	}
	p.wroteNothing()
	for _, m := range report.MergeRequests {
		if m.Unit == "logbook" {
			p.must(p.box.box.Close(t.Context(), m.Project, int(m.IID)))
		}
	}
	p.propose(developer)
	if dashboard, _ = p.issues(); strings.Contains(dashboard.Description, "[x]") || !strings.Contains(dashboard.Description, "### Open\n\n- `bulletin`") {
		t.Errorf("bulletin is not open:\n%s", dashboard.Description)
	}
}

// TestLateTickSurvives ticks a box after the run has read the dashboard and before it
// writes it: that run does not act upon it, and leaves it for the next one.
func TestLateTickSurvives(t *testing.T) {
	t.Parallel()
	p := issueKeeping(t)
	p.propose(developer)
	p.must(p.box.box.Close(t.Context(), bulletinProject, 1))
	dashboard, _ := p.issues()
	var once sync.Once
	p.box.box.SetFault(func(r sandbox.Request) sandbox.Fault {
		if r.Method == http.MethodGet && strings.HasSuffix(r.Path, fmt.Sprintf("/issues/%d", dashboard.IID)) {
			once.Do(func() { p.tick("rescan", "logbook") })
		}
		return sandbox.Fault{}
	})
	p.propose(developer)
	if dashboard, _ = p.issues(); !strings.Contains(dashboard.Description, "[x] <!-- tokenward:rescan logbook -->") || strings.Contains(dashboard.Description, "ticked before") {
		t.Errorf("the late tick is lost:\n%s", dashboard.Description)
	}
	p.propose(developer)
	if dashboard, _ = p.issues(); strings.Contains(dashboard.Description, "[x]") || !strings.Contains(dashboard.Description, "rescan logbook, ticked before") {
		t.Errorf("the next run did not act upon it:\n%s", dashboard.Description)
	}
	p.wroteNothing()
}

// TestPartialRunLeavesTheDashboard runs for one namespace only.
func TestPartialRunLeavesTheDashboard(t *testing.T) {
	t.Parallel()
	p := issueKeeping(t)
	p.propose(developer, "--namespace", "bulletin")
	if dashboard, tracking := p.issues(); dashboard.IID != 0 || len(tracking) != 1 {
		t.Errorf("dashboard %d, %d tracking issues", dashboard.IID, len(tracking))
	}
	p.propose(developer)
	p.tick("rescan", "bulletin")
	before, _ := p.issues()
	p.propose(developer, "--namespace", "bulletin")
	if after, _ := p.issues(); after.Description != before.Description {
		t.Errorf("it was changed to\n%s", after.Description)
	}
}

// TestDryRunReadsIssuesOnly holds that a dry run obeys a pause, and writes nothing.
func TestDryRunReadsIssuesOnly(t *testing.T) {
	t.Parallel()
	p := issueKeeping(t)
	_, report := p.propose(developer, "--dry-run")
	if w := p.writes(); len(w) > 0 || len(report.MergeRequests) == 0 {
		t.Errorf("%d requests, wrote %v", len(report.MergeRequests), w)
	}
}

// TestHostileNamespaces deploys into a namespace whose name, like all that is said
// about it, is a trap: it shows in code, ticks nothing, and hides no other namespace.
func TestHostileNamespaces(t *testing.T) {
	t.Parallel()
	p := issueKeeping(t)
	p.environment["TOKENWARD_NAMESPACES"] = ""
	p.onMain("chart/templates/hostile.yaml", hostileRelease)
	p.propose(developer)
	dashboard, _ := p.issues()
	for want, times := range map[string]int{"- `x --> @all <!-- ": 1, "![x]": 0, "<img": 0, "\n- [x]": 0, "\n/": 0, "- `tollbooth`": 1} {
		if n := strings.Count(dashboard.Description, want); n != times {
			t.Errorf("%q stands %d times on the dashboard, want %d:\n%s", want, n, times, dashboard.Description)
		}
	}
	box := regexp.MustCompile(`<!-- tokenward:rescan (x%20\S+) -->`).FindStringSubmatch(dashboard.Description)
	if box == nil {
		t.Fatalf("the namespace has no box:\n%s", dashboard.Description)
	}
	p.tick("rescan", box[1])
	p.propose(developer)
	if dashboard, _ = p.issues(); strings.Contains(dashboard.Description, "- [x] <!-- tokenward:rescan") || strings.Count(dashboard.Description, ", ticked before") != 1 {
		t.Errorf("its box was not acted upon once:\n%s", dashboard.Description)
	}
	p.wroteNothing()
}

const hostileRelease = `apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: hostile
  namespace: umbrella
spec:
  targetNamespace: "x --> @all <!-- tokenward:end -->\\n- [x] <!-- tokenward:undecline bulletin -->\\n/close"
  chart:
    spec:
      chart: "@all Closes #1 <img src=x>"
      version: "1"
      sourceRef:
        kind: HelmRepository
        name: "![x](http://x/y.png)"
`
