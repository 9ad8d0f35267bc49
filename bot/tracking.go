package bot

import (
	"context"
	"slices"

	"tokenward/analysis"
	"tokenward/gitops/forge"
	"tokenward/templates"
)

// track gives the unit its tracking issue, once its merge requests are there and
// before their descriptions are written, which refer to it. Without an issue the
// requests are worth as much: what goes wrong is kept for the report.
func (w *writer) track(ctx context.Context, r *unitRun) {
	if w.book == nil || !w.cfg.Issues.Tracking || r.unit.Removes || r.unit.Members != nil {
		return
	}
	ns := r.unit.Plan.Namespace
	st := standingOf(r.unit.Plan, r, nil)
	i, err := w.findIssue(ctx, trackingIssue, ns)
	if err == nil && i == nil && st.open {
		state := issueState{Kind: trackingIssue, Unit: ns, Prefix: w.cfg.BranchPrefix}
		i, err = w.openTracking(ctx, st, state)
	}
	if err != nil {
		w.book.failed[ns] = err
	}
	if i == nil {
		return
	}
	for _, p := range r.proposals {
		p.issue = i.Reference
	}
}

func (w *writer) openTracking(ctx context.Context, st standing, state issueState) (*botIssue, error) {
	text := trackingText(st, &state)
	text.Marker = w.seal.seal(state)
	body, err := text.Description()
	if err != nil {
		return nil, err
	}
	return w.newIssue(ctx, state, text.Title(), body)
}

// trackingText says what the issue says, and puts the requests that it refers to
// into the state.
func trackingText(st standing, state *issueState) templates.Issue {
	text := templates.Issue{Namespace: st.plan.Namespace, Documents: st.documents, Requests: st.requests, State: st.kind, Reason: st.reason}
	for _, c := range st.plan.Edits() {
		text.Changes = append(text.Changes, templates.Entry{Kind: string(c.Kind), Pattern: c.Pattern, Reason: c.Reason, Review: c.Review})
	}
	current := map[string]bool{}
	for _, r := range st.requests {
		current[r.Reference] = true
		if !slices.Contains(state.Pair, r.Reference) {
			state.Pair = append(state.Pair[:len(state.Pair):len(state.Pair)], r.Reference)
		}
	}
	state.Pair = newest(state.Pair)
	for _, reference := range state.Pair {
		if !current[reference] {
			text.Earlier = append(text.Earlier, reference)
		}
	}
	return text
}

// newest keeps a list of the hidden state short.
func newest(lines []string) []string { return lines[max(0, len(lines)-keptLines):] }

// keepTracking keeps the tracking issues in step with the namespaces.
func (w *writer) keepTracking(ctx context.Context, s *Scan, all []standing, report *ProposeReport) {
	planned := map[string]bool{}
	for _, st := range all {
		ns := st.plan.Namespace
		planned[ns] = true
		err := w.book.failed[ns]
		if i := w.book.known(trackingIssue, ns); i != nil && err == nil {
			err = w.amend(ctx, i, func(i botIssue) (forge.IssueUpdate, error) { return w.step(i, st, seen(s, ns)) })
		}
		if err != nil {
			report.fail(ns, err)
		}
	}
	for n := range w.book.found {
		i := &w.book.found[n]
		ns := i.state.Unit
		if i.state.Kind != trackingIssue || planned[ns] || !w.wants(ns) || !seen(s, "") || w.book.known(trackingIssue, ns) != i {
			continue
		}
		gone := standing{plan: analysis.NamespacePlan{Namespace: ns}, kind: standUpToDate}
		gone.retiring(report)
		if err := w.amend(ctx, i, func(i botIssue) (forge.IssueUpdate, error) { return w.leave(i, gone) }); err != nil {
			report.fail(ns, err)
		}
	}
}

// step is what to change on the tracking issue of a planned namespace. An issue that
// people closed stays as it is, and one that they opened again after the bot had
// closed it stays open.
func (w *writer) step(i botIssue, st standing, seen bool) (forge.IssueUpdate, error) {
	done := st.kind == standUpToDate && seen
	if i.State == forge.Closed && !i.state.Closed || done && i.state.Closed {
		return forge.IssueUpdate{}, nil
	}
	event := ""
	switch {
	case i.State == forge.Closed && !st.open:
		return forge.IssueUpdate{}, nil
	case i.State == forge.Closed:
		event = forge.Reopen
	case done:
		event = forge.Close
	}
	i.state.Closed, i.state.Unneeded = done, false
	return w.compose(i, st, done, event)
}

// leave closes the tracking issue of a namespace that the platform does not have any
// more, once two complete runs in a row agree.
func (w *writer) leave(i botIssue, st standing) (forge.IssueUpdate, error) {
	if i.State == forge.Closed || i.state.Closed || st.open {
		return forge.IssueUpdate{}, nil
	}
	event := ""
	if i.state.Unneeded {
		i.state.Closed, event = true, forge.Close
	}
	i.state.Unneeded = true
	st.kind, st.reason = "Gone", "the platform deploys nothing into this namespace any more"
	return w.compose(i, st, false, event)
}

func (w *writer) compose(i botIssue, st standing, done bool, event string) (forge.IssueUpdate, error) {
	text := trackingText(st, &i.state)
	text.Done, text.Marker = done, w.seal.seal(i.state)
	body, err := text.Description()
	return issueUpdate(i, body, event), err
}
