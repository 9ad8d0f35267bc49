package bot

import (
	"context"
	"fmt"
	"slices"
	"sort"

	"tokenward/analysis"
	"tokenward/gitops/forge"
)

// IssueOptions says which issues the bot keeps in the umbrella's project.
type IssueOptions struct {
	Tracking  bool // one for every namespace that has merge requests
	Dashboard bool // one for the whole umbrella
	// Labels mark the bot's issues; by the first they are found again. There must be one.
	Labels []string
}

// issues is the part of GitLab's API that tracking issues and the dashboard need;
// *forge.Client has it.
type issues interface {
	Issues(ctx context.Context, projectID int64, f forge.IssueFilter) ([]forge.Issue, error)
	Issue(ctx context.Context, projectID, iid int64) (forge.Issue, error)
	CreateIssue(ctx context.Context, projectID int64, n forge.NewIssue, key string) (forge.Issue, error)
	UpdateIssue(ctx context.Context, projectID, iid int64, u forge.IssueUpdate) (forge.Issue, error)
}

// The kinds of issues.
const (
	trackingIssue  = "tracking"
	dashboardIssue = "dashboard"
)

// issueState is the hidden state of an issue, signed like that of a merge request.
type issueState struct {
	Kind   string `json:"kind"`
	Unit   string `json:"unit,omitempty"` // the namespace of a tracking issue
	Prefix string `json:"prefix"`         // of the bot's branches: another prefix is another bot
	Closed bool   `json:"closed,omitempty"`
	// Unneeded says that a complete run found nothing of the namespace any more.
	Unneeded bool     `json:"unneeded,omitempty"`
	Pair     []string `json:"pair,omitempty"`  // references of the namespace's merge requests so far
	Acted    []string `json:"acted,omitempty"` // lines about the boxes that were acted upon
}

// keptLines bounds the lists of an issue's hidden state.
const keptLines = 20

// botIssue is an issue with its readable state.
type botIssue struct {
	forge.Issue
	state issueState
}

// issueBook is what a run knows about the bot's issues.
type issueBook struct {
	project forge.Project
	found   []botIssue
	whole   bool  // all issues of the project were looked through, not only those with the label
	ticked  []box // on the dashboard when the run began
	failed  map[string]error
}

// openBook reads the bot's issues with one call, and decides whether a person paused
// the bot. Without issues in the configuration or in the project there is no book.
func (w *writer) openBook(ctx context.Context, s *Scan) error {
	o := w.cfg.Issues
	path := w.projectPath(s.Umbrella.URL)
	if w.forge == nil || path == "" || !o.Tracking && !o.Dashboard {
		return nil
	}
	project, err := w.forge.Project(ctx, path)
	if err != nil {
		return fmt.Errorf("look up project %s for its issues: %w", path, err)
	}
	if !project.IssuesEnabled || project.Archived {
		w.cfg.Log.Warn("the project takes no issues: there is no tracking issue and no dashboard", "project", project.Path)
		return nil
	}
	w.book = &issueBook{project: project, failed: map[string]error{}}
	if err := w.readIssues(ctx, forge.IssueFilter{Label: o.Labels[0], Marker: stateBegin}); err != nil {
		return err
	}
	if !o.Dashboard {
		return nil
	}
	d, err := w.findIssue(ctx, dashboardIssue, "")
	if d != nil && !w.cfg.Partial {
		w.book.ticked = ticks(d.Description)
	}
	return err
}

// readIssues adds what a filter finds to the book: the user's own first, then the
// oldest, so that a copy that somebody made never stands before the original.
func (w *writer) readIssues(ctx context.Context, f forge.IssueFilter) error {
	list, err := w.issues.Issues(ctx, w.book.project.ID, f)
	if err != nil {
		return fmt.Errorf("read tokenward's issues of %s: %w", w.book.project.Path, err)
	}
	w.book.found = nil
	for _, i := range list {
		if st, ok := w.readIssueState(i); ok {
			w.book.found = append(w.book.found, botIssue{i, st})
		}
	}
	sort.SliceStable(w.book.found, func(i, k int) bool {
		a, b := w.book.found[i], w.book.found[k]
		if own := a.Author.ID == w.user.ID; own != (b.Author.ID == w.user.ID) {
			return own
		}
		return a.IID < b.IID
	})
	return nil
}

func (w *writer) readIssueState(i forge.Issue) (st issueState, ok bool) {
	ok = w.seal.open(i.Description, &st) && (st.Kind == trackingIssue || st.Kind == dashboardIssue) && st.Prefix == w.cfg.BranchPrefix
	return st, ok
}

// known returns the issue of this kind that the book has, nil if there is none.
func (b *issueBook) known(kind, unit string) *botIssue {
	i := slices.IndexFunc(b.found, func(i botIssue) bool { return i.state.Kind == kind && i.state.Unit == unit })
	if i < 0 {
		return nil
	}
	return &b.found[i]
}

// findIssue is known, but before it says that there is none it looks, once a run,
// through all issues of the project: somebody may have taken the label off, which
// is then put on again.
func (w *writer) findIssue(ctx context.Context, kind, unit string) (*botIssue, error) {
	if i := w.book.known(kind, unit); i != nil || w.book.whole {
		return i, nil
	}
	if err := w.readIssues(ctx, forge.IssueFilter{Marker: stateBegin}); err != nil {
		return nil, err
	}
	w.book.whole = true
	for i, found := range w.book.found {
		if w.cfg.DryRun || slices.Contains(found.Labels, w.cfg.Issues.Labels[0]) {
			continue
		}
		labelled, err := w.issues.UpdateIssue(ctx, w.book.project.ID, found.IID, forge.IssueUpdate{AddLabels: w.cfg.Issues.Labels})
		if err != nil {
			return nil, fmt.Errorf("label %s: %w", found.Reference, err)
		}
		w.book.found[i].Issue = labelled
	}
	return w.book.known(kind, unit), nil
}

// newIssue opens an issue with its state and adds it to the book.
func (w *writer) newIssue(ctx context.Context, st issueState, title, text string) (*botIssue, error) {
	created, err := w.issues.CreateIssue(ctx, w.book.project.ID,
		forge.NewIssue{Title: title, Description: enclose(text), Labels: w.cfg.Issues.Labels}, w.seal.seal(st))
	if err != nil {
		return nil, fmt.Errorf("open the %s issue of %s: %w", st.Kind, w.book.project.Path, err)
	}
	w.book.found = append(w.book.found, botIssue{created, st})
	return &w.book.found[len(w.book.found)-1], nil
}

// amend makes an issue what compose says that it should be. Where that is something
// else than the list showed, the issue is read again and compose asked again, so
// that what people did in the meantime survives. An issue out of which people took
// the marks or the state is theirs.
func (w *writer) amend(ctx context.Context, i *botIssue, compose func(botIssue) (forge.IssueUpdate, error)) error {
	u, err := compose(*i)
	if err != nil || u.Description == nil && u.StateEvent == "" {
		return err
	}
	fresh, err := w.issues.Issue(ctx, w.book.project.ID, i.IID)
	if err != nil {
		return fmt.Errorf("read %s again: %w", i.Reference, err)
	}
	st, ok := w.readIssueState(fresh)
	if !ok {
		return nil
	}
	i.Issue, i.state = fresh, st
	if u, err = compose(*i); err != nil || u.Description == nil && u.StateEvent == "" {
		return err
	}
	updated, err := w.issues.UpdateIssue(ctx, w.book.project.ID, i.IID, u)
	if err != nil {
		return fmt.Errorf("update %s: %w", i.Reference, err)
	}
	i.Issue = updated
	i.state, _ = w.readIssueState(updated)
	return nil
}

// issueUpdate is what to change for an issue to hold our text, and to be in a state.
func issueUpdate(i botIssue, text, event string) forge.IssueUpdate {
	u := forge.IssueUpdate{StateEvent: event}
	if wanted := replaceOurs(i.Description, text); wanted != i.Description {
		u.Description = &wanted
	}
	return u
}

// keepIssues brings the issues up to date at the end of a run. What goes wrong with
// them is reported and costs no merge request.
func (w *writer) keepIssues(ctx context.Context, s *Scan, runs []*unitRun, report *ProposeReport) {
	if w.book == nil || w.cfg.DryRun {
		return
	}
	all := standings(s, runs, report)
	if w.cfg.Issues.Tracking {
		w.keepTracking(ctx, s, all, report)
	}
	if w.cfg.Issues.Dashboard && !w.cfg.Partial {
		if err := w.keepDashboard(ctx, all); err != nil {
			report.fail("dashboard", err)
		}
	}
}

// seen tells whether everything that the umbrella deploys into a namespace could be
// analysed; "" stands for all namespaces.
func seen(s *Scan, namespace string) bool {
	if len(s.Discovery.Problems) > 0 {
		return false
	}
	return !slices.ContainsFunc(s.Set.Releases, func(r *analysis.RenderedRelease) bool {
		return (namespace == "" || r.Namespace == namespace) && (r.Err != nil || len(r.Invalid) > 0)
	})
}
