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

// needless is a branch of the bot's on which nothing is wanted any more.
type needless struct {
	unit, role, branch string
	base               *git.Snapshot
}

// unneeded lists what a complete run does not want any more; a partial run may not say.
func (b *Bot) unneeded(s *Scan, units []*Unit) []needless {
	if b.cfg.Partial {
		return nil
	}
	return append(b.needlessBranches(s, units), b.needlessRemovals(s)...)
}

// needlessBranches lists the branches for which this run planned nothing. Only a
// run that saw everything may say so: a namespace that was not prepared, or that
// is not planned at all while a release of the umbrella could not be discovered,
// is left alone.
func (b *Bot) needlessBranches(s *Scan, units []*Unit) []needless {
	var out []needless
	prepared := map[string]*Unit{}
	for _, u := range units {
		if u != nil {
			prepared[u.Plan.Namespace] = u
		}
	}
	for _, branch := range s.Umbrella.Tips(b.cfg.BranchPrefix) {
		ns := strings.TrimPrefix(branch, b.cfg.BranchPrefix)
		u, ok := prepared[ns]
		planned := slices.ContainsFunc(s.Plans, func(p analysis.NamespacePlan) bool { return p.Namespace == ns })
		gone := !planned && ns != groupBranch && b.wants(ns) && len(s.Discovery.Problems) == 0
		if ok && u.Umbrella == nil && !u.Plan.Partial || gone {
			out = append(out, needless{unit: ns, role: RoleUmbrella, branch: branch, base: s.Umbrella})
		}
	}
	for _, u := range units {
		if u == nil {
			continue
		}
		branch := b.cfg.BranchPrefix + u.Plan.Namespace
		for _, base := range u.documented {
			if base.Tip(branch) != "" {
				out = append(out, needless{unit: u.Plan.Namespace, role: RolePackage, branch: branch, base: base})
			}
		}
	}
	return out
}

// cleanUp closes the bot's own open request of a needless branch, with a reason, once
// two complete runs in a row agree: the first only remembers it in the request's
// hidden state. It never closes a request that people have committed to.
func (w *writer) cleanUp(ctx context.Context, n needless) (*MergeRequestReport, error) {
	p := &proposal{unit: n.unit, role: n.role, branch: n.branch, change: &FileChange{Base: n.base}, action: ActionUnchanged}
	if err := w.check(ctx, p); err != nil {
		return nil, err
	}
	requests, err := w.forge.MergeRequests(ctx, p.project.ID, p.branch)
	if err != nil {
		return nil, fmt.Errorf("look for merge requests of branch %s in %s: %w", p.branch, p.project.Path, err)
	}
	i := slices.IndexFunc(requests, func(r forge.MergeRequest) bool { return r.State == forge.Opened })
	if i < 0 {
		return nil, nil
	}
	st, ours := w.seal.read(requests[i].Description)
	if !ours || st.Unit != n.unit || slices.Contains(requests[i].Labels, holdLabel) {
		return nil, nil
	}
	if other, err := w.otherUmbrella(ctx, st); err != nil || other != "" {
		return nil, err
	}
	p.request, p.title = &requests[i], requests[i].Title
	if n.base.Tip(n.branch) != st.Head {
		p.action, p.reason = ActionSkipped, fmt.Sprintf("%s is not needed any more, but has commits that are not tokenward's", p.request.Reference)
		r := p.report()
		return &r, nil
	}
	if w.cfg.DryRun {
		p.reason = "not needed any more"
		r := p.report()
		return &r, nil
	}
	if err := w.retire(ctx, p, st); err != nil {
		return nil, err
	}
	r := p.report()
	return &r, nil
}

// retire remembers that the request is needless or, the second time, closes it.
func (w *writer) retire(ctx context.Context, p *proposal, st state) error {
	update := forge.MergeRequestUpdate{}
	if p.reason = "not needed any more: the next run that agrees closes it"; st.Unneeded {
		st.Closed, update.StateEvent = true, forge.Close
		p.reason = "closed, since two complete runs found that it is not needed any more"
	}
	st.Unneeded = true
	description := withNotice(stateComment.ReplaceAllLiteralString(p.request.Description, w.seal.encode(st)), p.reason)
	update.Description = &description
	if err := w.update(ctx, p, update, "retire"); err != nil {
		return err
	}
	if update.StateEvent == forge.Close {
		p.action = ActionClosed
	}
	return nil
}

// withNotice puts a sentence at the top of our part of the description.
func withNotice(description, sentence string) string {
	begin := strings.Index(description, beginMark)
	if begin < 0 {
		return description
	}
	rest := description[begin+len(beginMark):]
	if strings.HasPrefix(rest, "\n> tokenward: ") {
		_, rest, _ = strings.Cut(rest[1:], "\n")
		rest = strings.TrimPrefix(rest, "\n")
	}
	return description[:begin] + beginMark + "\n> tokenward: " + sentence + ".\n\n" + strings.TrimPrefix(rest, "\n")
}
