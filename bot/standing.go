package bot

import (
	"fmt"
	"strings"

	"tokenward/analysis"
	"tokenward/gitops/forge"
	"tokenward/templates"
)

// The states that a namespace can be in, in the order in which they are shown.
const (
	standFailing  = "Failing"
	standBlocked  = "Blocked"
	standPeople   = "Left to people"
	standOpen     = "Open"
	standQueued   = "Queued"
	standDeclined = "Declined"
	standUnseen   = "Not analysed"
	standUpToDate = "Up to date"
)

// standing is where the work on one namespace stands at the end of a run. It says
// nothing about what the run did, so that another run over the same state finds the
// same.
type standing struct {
	plan      analysis.NamespacePlan
	kind      string
	reason    string
	requests  []templates.Request
	open      bool // a request is open
	held      bool // a limit holds something back
	documents []string
}

// standings says where every planned namespace stands, sorted by name.
func standings(s *Scan, runs []*unitRun, report *ProposeReport) []standing {
	byUnit := map[string]*unitRun{}
	for _, r := range runs {
		for _, ns := range r.unit.namespaces() {
			byUnit[ns] = r
		}
	}
	failed := map[string]*FailureReport{}
	for i := range report.Failed {
		if f := &report.Failed[i]; failed[f.Unit] == nil {
			failed[f.Unit] = f
		}
	}
	var out []standing
	for _, plan := range s.Plans {
		st := standingOf(plan, byUnit[plan.Namespace], failed[plan.Namespace])
		if st.kind == standUpToDate || st.kind == standUnseen {
			st.retiring(report)
		}
		out = append(out, st)
	}
	return out
}

// standingOf says where a namespace stands by its proposals, nil if it was not
// prepared, and by what went wrong with it, nil if nothing did.
func standingOf(plan analysis.NamespacePlan, r *unitRun, failure *FailureReport) standing {
	st := standing{plan: plan, kind: standUpToDate}
	if r != nil && len(r.proposals) > 0 {
		st.kind = standOpen
		for _, p := range r.proposals {
			st.add(p, r.proposals)
		}
	}
	switch {
	case failure != nil && failure.Blocked:
		st.kind, st.reason = standBlocked, failure.Reason
	case failure != nil:
		st.kind, st.reason = standFailing, failure.Reason
	case st.kind == standUpToDate:
		for _, n := range plan.Notes {
			if rest, ok := strings.CutPrefix(n, "Not analysed: "); ok {
				st.kind, st.reason = standUnseen, rest
				break
			}
		}
	}
	return st
}

func (st *standing) add(p *proposal, all []*proposal) {
	st.held = st.held || p.held
	if p.role == RolePackage {
		st.documents = append(st.documents, p.change.Package)
	}
	if p.action == ActionSkipped || p.decision.decline {
		kind, reason := standPeople, p.reason
		if p.action == ActionClosed {
			reason = p.decision.skip // as the next run will find it
		}
		switch {
		case p.decision.decline:
			kind = standDeclined
		case p.held:
			kind = standQueued
		}
		if st.kind != standDeclined && (st.kind != standPeople || kind == standDeclined) {
			st.kind, st.reason = kind, strings.TrimPrefix(reason, "queued: ")
		}
	}
	if p.request == nil {
		return
	}
	st.open = st.open || p.request.State == forge.Opened
	st.requests = append(st.requests, requestText(p, all))
}

// requestText says what a request waits for.
func requestText(p *proposal, all []*proposal) templates.Request {
	t := templates.Request{Reference: p.request.Reference, Role: p.role, State: p.request.State, Draft: p.request.Draft}
	for _, o := range all {
		if p.role == RolePackage && o.role == RoleUmbrella && o.request != nil && o.request.State == forge.Opened {
			t.After = o.request.Reference
		}
	}
	for _, r := range p.request.Reviewers {
		t.Reviewers = append(t.Reviewers, r.Username)
	}
	return t
}

// retiring looks for an open request of a namespace for which nothing is wanted.
func (st *standing) retiring(report *ProposeReport) {
	for _, m := range report.MergeRequests {
		if m.Unit == st.plan.Namespace && m.State == forge.Opened && m.IID != 0 {
			st.kind, st.open, st.reason = standOpen, true, m.Reason
			st.requests = append(st.requests, templates.Request{Reference: fmt.Sprintf("%s!%d", m.Project, m.IID), Role: m.Role, State: m.State})
		}
	}
}
