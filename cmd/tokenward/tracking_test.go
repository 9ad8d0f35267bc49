package main

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"tokenward/bot"
	"tokenward/gitops/forge/sandbox"
)

// TestIssuesAreOpenedOnce holds that the second run reads the issues with one call
// and writes nothing, and that the requests refer to the issue without closing it.
func TestIssuesAreOpenedOnce(t *testing.T) {
	t.Parallel()
	p := issueKeeping(t)
	_, report := p.propose(developer)
	dashboard, tracking := p.issues()
	if dashboard.IID == 0 || len(tracking) != 2 {
		t.Fatalf("dashboard %d, tracking issues %v", dashboard.IID, tracking)
	}
	closing := regexp.MustCompile(`(?i)(clos|fix|resolv|implement)\w*:? +\S*#`)
	for _, m := range report.MergeRequests {
		want := fmt.Sprintf("Part of %s#%d.", umbrellaProject, tracking[m.Unit].IID)
		if !strings.Contains(m.Description, want) || closing.MatchString(m.Description) {
			t.Errorf("%s does not say %q, or closes it:\n%s", reference(m), want, m.Description)
		}
		for _, i := range []sandbox.Issue{tracking[m.Unit], dashboard} {
			if !strings.Contains(i.Description, reference(m)) {
				t.Errorf("%q does not refer to %s:\n%s", i.Title, reference(m), i.Description)
			}
		}
	}
	p.wroteNothing()
	reads := 0
	for _, r := range p.box.box.Requests() {
		if strings.Contains(r.Path, "/issues") {
			reads++
		}
	}
	if reads != 1 {
		t.Errorf("an unchanged run asks %d times about issues, want once", reads)
	}
}

// TestNoIssuesByDefault holds that nothing is asked about issues while they are off,
// and nothing written where the project has them turned off.
func TestNoIssuesByDefault(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(p *platform){
		"off": func(p *platform) { p.environment = nil },
		"turned off in the project": func(p *platform) {
			p.must(p.box.box.SetProject(t.Context(), umbrellaProject, func(s *sandbox.ProjectSettings) { s.IssuesDisabled = true }))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := issueKeeping(t)
			prepare(p)
			umbrella, pkg := p.one()
			if umbrella.Action != bot.ActionCreated || pkg.Action != bot.ActionCreated {
				t.Errorf("the pair is %q and %q", umbrella.Action, pkg.Action)
			}
			for _, r := range p.box.box.Requests() {
				if strings.Contains(r.Path, "/issues") {
					t.Errorf("%s %s was asked", r.Method, r.Path)
				}
			}
		})
	}
}

// TestTrackingIssueClosesAfterBothMerges holds that half a pair keeps it open.
func TestTrackingIssueClosesAfterBothMerges(t *testing.T) {
	t.Parallel()
	p := issueKeeping(t)
	p.propose(developer)
	for i, step := range []struct{ project, want string }{{umbrellaProject, "opened"}, {bulletinProject, "closed"}} {
		_, report := p.propose(developer)
		for _, m := range report.MergeRequests {
			if m.Unit == "bulletin" && m.Project == step.project {
				p.must(p.box.box.Merge(t.Context(), m.Project, int(m.IID)))
			}
		}
		p.propose(developer)
		_, tracking := p.issues()
		if got := tracking["bulletin"]; got.State != step.want || !strings.Contains(got.Description, umbrellaProject+"!") {
			t.Errorf("after merge %d it is %s, want %s:\n%s", i+1, got.State, step.want, got.Description)
		}
		if tracking["logbook"].State != "opened" {
			t.Error("the other namespace's issue was closed, too")
		}
		p.wroteNothing()
	}
}

// TestTrackingIssueThatPeopleClosedStaysClosed also holds that one which they opened
// again stays open.
func TestTrackingIssueThatPeopleClosedStaysClosed(t *testing.T) {
	t.Parallel()
	p := issueKeeping(t)
	p.propose(developer)
	_, tracking := p.issues()
	p.edit(tracking["bulletin"].IID, map[string]string{"state_event": "close"})
	p.must(p.box.box.Close(t.Context(), bulletinProject, 1))
	p.propose(developer)
	if _, tracking = p.issues(); tracking["bulletin"].State != "closed" || len(tracking) != 2 {
		t.Errorf("it is %s", tracking["bulletin"].State)
	}
	p.wroteNothing()
}

// TestPeoplesIssueTextSurvives edits titles, labels and descriptions as people do.
func TestPeoplesIssueTextSurvives(t *testing.T) {
	t.Parallel()
	p := issueKeeping(t)
	p.propose(developer)
	dashboard, tracking := p.issues()
	for _, i := range []sandbox.Issue{dashboard, tracking["bulletin"]} {
		p.edit(i.IID, map[string]string{"description": "See TICKET-1.\r\n\r\n" + i.Description + "\n\n- [x] my own box", "labels": "ours"})
	}
	p.must(p.box.box.Close(t.Context(), bulletinProject, 1))
	p.propose(developer)
	dashboard, tracking = p.issues()
	for _, i := range []sandbox.Issue{dashboard, tracking["bulletin"]} {
		if !strings.HasPrefix(i.Description, "See TICKET-1.\r\n\r\n") || !strings.HasSuffix(i.Description, "\n\n- [x] my own box") || !strings.Contains(i.Description, "closed without being merged") {
			t.Errorf("%q became\n%s", i.Title, i.Description)
		}
		if !slices.Equal(i.Labels, []string{"ours", "tokenward"}) {
			t.Errorf("%q has the labels %v", i.Title, i.Labels)
		}
	}
	p.wroteNothing()
}

// TestTrackingIssueComesBack brings back what was done: the issue that the bot had
// closed is opened again.
func TestTrackingIssueComesBack(t *testing.T) {
	t.Parallel()
	p := issueKeeping(t)
	p.propose(developer)
	const values = "chart/templates/kyverno-policies/values.yaml"
	before := p.git(umbrellaProject, "show", "main:"+values) + "\n"
	p.onMain(values, p.git(umbrellaProject, "show", "tokenward/logbook:"+values)+"\n")
	for i, want := range []string{"opened", "closed", "closed"} {
		p.propose(developer)
		if _, tracking := p.issues(); tracking["logbook"].State != want {
			t.Errorf("run %d after it was done by hand: the issue is %s, want %s", i+1, tracking["logbook"].State, want)
		}
	}
	p.onMain(values, before)
	p.propose(developer)
	if _, tracking := p.issues(); tracking["logbook"].State != "opened" {
		t.Error("the issue stays closed although its request is open again")
	}
	p.wroteNothing()
}

// TestIssuesCostNoMergeRequest refuses every new issue.
func TestIssuesCostNoMergeRequest(t *testing.T) {
	t.Parallel()
	p := issueKeeping(t)
	p.box.box.SetFault(func(r sandbox.Request) sandbox.Fault {
		if r.Method == http.MethodPost && strings.HasSuffix(r.Path, "/issues") {
			return sandbox.Fault{Status: http.StatusForbidden}
		}
		return sandbox.Fault{}
	})
	code, report := p.propose(developer)
	for _, m := range report.MergeRequests {
		if m.Action != bot.ActionCreated {
			t.Errorf("%s is %s", reference(m), m.Action)
		}
	}
	if code != exitFailed || len(report.Failed) != 3 {
		t.Errorf("exit code %d, failures %+v", code, report.Failed)
	}
	p.box.box.SetFault(nil)
	p.propose(developer)
	if dashboard, tracking := p.issues(); dashboard.IID == 0 || len(tracking) != 2 {
		t.Errorf("the next run does not catch up: dashboard %d, %d tracking issues", dashboard.IID, len(tracking))
	}
	p.wroteNothing()
}

// TestUnreadIssuesStopTheRun holds that nothing is written while it is not known
// whether a person paused the bot.
func TestUnreadIssuesStopTheRun(t *testing.T) {
	t.Parallel()
	p := issueKeeping(t)
	p.box.box.SetFault(func(r sandbox.Request) sandbox.Fault {
		if strings.HasSuffix(r.Path, "/issues") {
			return sandbox.Fault{Status: http.StatusForbidden}
		}
		return sandbox.Fault{}
	})
	if code, _, errs := p.run(developer, "propose"); code == exitOK || !strings.Contains(errs, "read tokenward's issues of platform/umbrella") {
		t.Errorf("exit code %d: %s", code, errs)
	}
	if w := p.writes(); len(w) > 0 {
		t.Errorf("it wrote %v", w)
	}
}

// TestLabelIsPutOnAgain takes the labels off: the issues are found by their hidden
// state and get the label back, and nothing is opened twice.
func TestLabelIsPutOnAgain(t *testing.T) {
	t.Parallel()
	p := issueKeeping(t)
	p.propose(developer)
	dashboard, tracking := p.issues()
	for _, i := range []sandbox.Issue{dashboard, tracking["bulletin"]} {
		p.edit(i.IID, map[string]string{"labels": "ours"})
	}
	p.edit(dashboard.IID, map[string]string{"state_event": "close"})
	if _, report := p.propose(developer); report.MergeRequests[0].Reason != "paused: the dashboard issue is closed" {
		t.Errorf("the closed dashboard pauses nothing: %+v", report.MergeRequests)
	}
	dashboard, tracking = p.issues()
	for _, i := range []sandbox.Issue{dashboard, tracking["bulletin"]} {
		if !slices.Equal(i.Labels, []string{"ours", "tokenward"}) {
			t.Errorf("%q has the labels %v", i.Title, i.Labels)
		}
	}
	p.wroteNothing()
}

// TestCrashAtIssues lets a run die at every call about issues, before the server has
// acted and after it; the next run must end where one that never died ends.
func TestCrashAtIssues(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("runs the program some dozen times")
	}
	for name, prepare := range map[string]func(p *platform){
		"opening": func(*platform) {},
		"updating": func(p *platform) {
			p.propose(developer)
			p.must(p.box.box.Close(p.t.Context(), umbrellaProject, 1))
		},
	} {
		calm, calls := newCrash(t, prepare, 0, false)
		if calls < 4 || calm == "" {
			t.Fatalf("%s: %d calls, %q", name, calls, calm)
		}
		for n := int64(1); n <= calls; n++ {
			for _, acted := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%d acted %t", name, n, acted), func(t *testing.T) {
					t.Parallel()
					if got, _ := newCrash(t, prepare, n, acted); got != calm {
						t.Errorf("after a crash:\n%s\nwithout one:\n%s", got, calm)
					}
				})
			}
		}
	}
}

// newCrash refuses the nth call about issues and whatever comes after it, lets the
// program run once more, and returns the issues and the number of calls about them.
func newCrash(t *testing.T, prepare func(*platform), nth int64, acted bool) (issues string, calls int64) {
	t.Helper()
	p := issueKeeping(t)
	p.environment["TOKENWARD_NAMESPACES"] = "logbook"
	prepare(p)
	var count atomic.Int64
	var dead atomic.Bool
	p.box.box.SetFault(func(r sandbox.Request) sandbox.Fault {
		switch {
		case dead.Load():
			return sandbox.Fault{Status: http.StatusForbidden}
		case strings.Contains(r.Path, "/issues") && count.Add(1) == nth:
			dead.Store(true)
			return sandbox.Fault{Status: http.StatusForbidden, Acted: acted}
		}
		return sandbox.Fault{}
	})
	p.run(developer, "propose")
	calls = count.Load()
	p.box.box.SetFault(nil)
	p.run(developer, "propose")
	var out []string
	for _, i := range p.box.box.Issues() {
		out = append(out, fmt.Sprintf("#%d %s %s %v %s", i.IID, i.State, i.Title, i.Labels, i.Description))
	}
	slices.Sort(out)
	return strings.Join(out, "\n"), calls
}
