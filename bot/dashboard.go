package bot

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tokenward/gitops/forge"
	"tokenward/templates"
)

// pausedReason is why units are skipped while the dashboard is closed.
const pausedReason = "paused: the dashboard issue is closed"

// paused tells that a person closed the dashboard.
func (w *writer) paused() bool {
	if w.book == nil || !w.cfg.Issues.Dashboard {
		return false
	}
	d := w.book.known(dashboardIssue, "")
	return d != nil && d.State == forge.Closed
}

// skipPaused reports what a unit wants, of which nothing is looked at while the bot is paused.
func (w *writer) skipPaused(s *Scan, u *Unit, report *ProposeReport) {
	proposals, err := w.proposals(s, u)
	if err != nil {
		report.fail(u.Plan.Namespace, err)
		return
	}
	for _, p := range proposals {
		p.project.Path, p.action, p.reason = w.projectPath(p.change.Base.URL), ActionSkipped, pausedReason
		report.MergeRequests = append(report.MergeRequests, p.report())
	}
}

// lifts tells that a person asks on the dashboard to propose again what people declined.
func (w *writer) lifts(unit string) bool {
	return w.book != nil && slices.Contains(w.book.ticked, box{boxUndecline, unit})
}

// keepDashboard opens the dashboard or brings it up to date, and unticks the boxes
// that this run acted upon.
func (w *writer) keepDashboard(ctx context.Context, all []standing) error {
	acted := w.acted(all)
	d := w.book.known(dashboardIssue, "")
	if d == nil {
		state := issueState{Kind: dashboardIssue, Prefix: w.cfg.BranchPrefix}
		text := dashboardText(all, nil, nil)
		text.Marker = w.seal.seal(state)
		body, err := text.Description()
		if err != nil {
			return err
		}
		_, err = w.newIssue(ctx, state, text.Title(), body)
		return err
	}
	seenAt := d.UpdatedAt
	return w.amend(ctx, d, func(i botIssue) (forge.IssueUpdate, error) {
		if i.State == forge.Closed {
			return forge.IssueUpdate{}, nil // closed while the run went on
		}
		for _, b := range acted {
			i.state.Acted = append(i.state.Acted[:len(i.state.Acted):len(i.state.Acted)], record(b, seenAt))
		}
		i.state.Acted = newest(i.state.Acted)
		left := slices.DeleteFunc(ticks(i.Description), func(b box) bool { return slices.Contains(acted, b) })
		text := dashboardText(all, left, i.state.Acted)
		text.Marker = w.seal.seal(i.state)
		body, err := text.Description()
		return issueUpdate(i, body, ""), err
	})
}

// acted lists the ticked boxes that this run has done with. A decline that a limit or
// a failure kept from being lifted stays ticked for the next run.
func (w *writer) acted(all []standing) []box {
	waits := map[box]bool{}
	for _, st := range all {
		waits[box{boxUndecline, st.plan.Namespace}] = st.held || st.kind == standFailing || st.kind == standBlocked
	}
	return slices.DeleteFunc(slices.Clone(w.book.ticked), func(b box) bool { return waits[b] })
}

// record is the line that stays of a box that was ticked. The moment is when GitLab
// says that the issue was changed last.
func record(b box, seenAt time.Time) string {
	return fmt.Sprintf("%s %s, ticked before %s", b.verb, b.unit, seenAt.UTC().Format("2006-01-02 15:04:05 UTC"))
}

// dashboardText says what the dashboard says: the namespaces by their state, with
// boxes, of which some are ticked still.
func dashboardText(all []standing, ticked []box, acted []string) templates.Dashboard {
	d := templates.Dashboard{Acted: acted}
	for _, kind := range []string{standFailing, standBlocked, standPeople, standOpen, standQueued, standDeclined, standUnseen, standUpToDate} {
		section := templates.DashboardSection{Title: kind}
		for _, st := range all {
			if st.kind == kind {
				section.Rows = append(section.Rows, dashboardRow(st, ticked))
			}
		}
		if len(section.Rows) > 0 {
			d.Sections = append(d.Sections, section)
		}
	}
	return d
}

func dashboardRow(st standing, ticked []box) templates.DashboardRow {
	row := templates.DashboardRow{Namespace: st.plan.Namespace, Reason: shortReason(st.reason), Requests: st.requests}
	offer := func(verb, label string, always bool) {
		b := box{verb, st.plan.Namespace}
		if isTicked := slices.Contains(ticked, b); always || isTicked {
			row.Boxes = append(row.Boxes, templates.Box{Verb: verb, Key: b.key(), Label: label, Ticked: isTicked})
		}
	}
	offer(boxRescan, "rescan", true)
	offer(boxUndecline, "propose it again, although it was declined", st.kind == standDeclined)
	return row
}

// maxIssueReason keeps the reasons of many namespaces within GitLab's limit for a description.
const maxIssueReason = 400

func shortReason(s string) string {
	if r := []rune(s); len(r) > maxIssueReason {
		return string(r[:maxIssueReason]) + "…"
	}
	return s
}
