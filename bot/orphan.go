package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tokenward/analysis"
	"tokenward/gitops/forge"
	"tokenward/gitops/git"
)

// closeOrphans closes open requests in packages that the umbrella does not release into
// the unit's namespace any more, by the rule of all that is not needed: no project that
// this run has looked at leads to them, so that the server is asked what the token's
// user has open. Only a complete run that could discover everything may judge.
func (w *writer) closeOrphans(ctx context.Context, s *Scan, runs []*unitRun, report *ProposeReport) {
	if w.cfg.Partial || !w.cfg.Documentation || len(s.Discovery.Problems) > 0 {
		return
	}
	umbrella := w.umbrellaID()
	if umbrella == "" {
		return
	}
	all, err := w.identity.OpenedByMe(forge.ForProject(ctx, w.projectPath(w.cfg.Umbrella.Repository)))
	if err != nil {
		report.fail(repositoryName(s.Umbrella.URL), fmt.Errorf("look for merge requests that are not needed any more: %w", err))
		return
	}
	for _, m := range all {
		st, ours := w.seal.read(m.Description)
		switch {
		case !ours, st.Role != RolePackage, st.Umbrella != umbrella, m.SourceBranch != w.cfg.BranchPrefix+st.Unit, m.SourceProjectID != m.ProjectID:
		case w.looked[branchOf{m.ProjectID, m.SourceBranch}], !w.mayBeGone(s, runs, st.Unit), slices.Contains(m.Labels, holdLabel):
		default:
			report.MergeRequests = append(report.MergeRequests, w.closeOrphan(ctx, m, st))
		}
	}
}

// mayBeGone tells whether this run knows all packages of a namespace: there is nothing
// to plan for it, or it was planned from all its releases and read without an error.
func (w *writer) mayBeGone(s *Scan, runs []*unitRun, ns string) bool {
	for _, r := range runs {
		if r.unit.Plan.Namespace == ns && r.unit.Members == nil {
			return r.err == nil && !r.unit.Plan.Partial
		}
	}
	return w.wants(ns) && !slices.ContainsFunc(s.Plans, func(p analysis.NamespacePlan) bool { return p.Namespace == ns })
}

// closeOrphan retires one request. One that people have committed to stays theirs, and
// one that cannot be written to stays, with the reason: no namespace of this run waits for it.
func (w *writer) closeOrphan(ctx context.Context, m forge.MergeRequest, st state) MergeRequestReport {
	path, _, _ := strings.Cut(m.Reference, "!")
	p := &proposal{unit: st.Unit, role: st.Role, branch: m.SourceBranch, title: m.Title, request: &m, action: ActionUnchanged,
		project: forge.Project{ID: m.ProjectID, Path: path}, change: &FileChange{Base: &git.Snapshot{Branch: m.TargetBranch}}}
	switch {
	case m.SHA != st.Head:
		p.action, p.reason = ActionSkipped, fmt.Sprintf("%s is not needed any more, but has commits that are not tokenward's", m.Reference)
	case w.cfg.DryRun:
		p.reason = "not needed any more"
	default:
		if err := w.retireOrphan(ctx, p, st); err != nil {
			p.action, p.reason = ActionSkipped, fmt.Sprintf("%s is not needed any more, but cannot be closed: %v", m.Reference, err)
		}
	}
	return p.report()
}

// retireOrphan looks its project up first: a token of its own is chosen by its path.
func (w *writer) retireOrphan(ctx context.Context, p *proposal, st state) error {
	project, err := w.forge.Project(ctx, p.project.Path)
	if err != nil {
		return fmt.Errorf("look up project %s: %w", p.project.Path, err)
	}
	if reason := unfit(project); reason != "" {
		return fmt.Errorf("project %s %s", project.Path, reason)
	}
	p.project = project
	return w.retire(ctx, p, st)
}

// branchOf is a branch of a project.
type branchOf struct {
	project int64
	branch  string
}
