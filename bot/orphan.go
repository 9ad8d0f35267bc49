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
	umbrella := w.projectPath(w.cfg.Umbrella.Repository)
	all, err := w.identity.OpenedByMe(forge.ForProject(ctx, umbrella))
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
			r, err := w.closeOrphan(ctx, m, st)
			if err != nil {
				report.fail(st.Unit, err)
				continue
			}
			report.MergeRequests = append(report.MergeRequests, r)
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

// closeOrphan retires one request. One that people have committed to stays theirs.
func (w *writer) closeOrphan(ctx context.Context, m forge.MergeRequest, st state) (MergeRequestReport, error) {
	path, _, _ := strings.Cut(m.Reference, "!")
	p := &proposal{unit: st.Unit, role: st.Role, branch: m.SourceBranch, title: m.Title, request: &m, action: ActionUnchanged,
		project: forge.Project{ID: m.ProjectID, Path: path}, change: &FileChange{Base: &git.Snapshot{Branch: m.TargetBranch}}}
	switch {
	case m.SHA != st.Head:
		p.action, p.reason = ActionSkipped, fmt.Sprintf("%s is not needed any more, but has commits that are not tokenward's", m.Reference)
	case w.cfg.DryRun:
		p.reason = "not needed any more"
	default:
		if err := w.retire(ctx, p, st); err != nil {
			return MergeRequestReport{}, err
		}
	}
	return p.report(), nil
}

// branchOf is a branch of a project.
type branchOf struct {
	project int64
	branch  string
}
