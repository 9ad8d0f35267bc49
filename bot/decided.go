package bot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"tokenward/analysis"
	decisions "tokenward/bot/decision"
	"tokenward/gitops/edit"
	"tokenward/gitops/git"
)

// readDecisions reads the file of decisions in a tree of the umbrella; none is an
// empty one. A file that cannot be read is an error: what people decided must not be
// proposed again.
func readDecisions(tree fs.FS) (*decisions.File, error) {
	src, err := readOptional(tree, decisions.Path)
	if err != nil {
		return nil, err
	}
	f, err := decisions.Parse(src)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", decisions.Path, err)
	}
	return f, nil
}

func readOptional(tree fs.FS, name string) ([]byte, error) {
	src, err := fs.ReadFile(tree, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return src, nil
}

func (s *Scan) decisionInput(plans ...analysis.NamespacePlan) decisions.Input {
	return decisions.Input{Plans: plans, Judgements: s.Judgements, Listing: s.Listing}
}

// prepareDecided prepares a unit with decisions that are not in the umbrella's target
// branch yet: its request carries them, too. The error is a *Refusal.
func (b *Bot) prepareDecided(ctx context.Context, s *Scan, plan analysis.NamespacePlan, pending *decisions.File) (*Unit, error) {
	plans, _ := pending.Apply(s.decisionInput(plan))
	u, err := b.prepare(ctx, s, plans[0])
	if err != nil {
		return nil, err
	}
	if len(u.documented) == 0 {
		if err := b.leaveAlone(ctx, s, u, pending); err != nil {
			return nil, err
		}
	}
	if err := b.record(s, u, pending); err != nil {
		return nil, &Refusal{Unit: plan.Namespace, Reason: err}
	}
	return u, nil
}

// recall prepares a unit again if its source branch in the umbrella carries decisions.
// What it asked the server for comes along as a proposal, nil if there is no branch.
func (w *writer) recall(ctx context.Context, s *Scan, u *Unit) (*Unit, *proposal, error) {
	if u.Removes || u.Members != nil {
		return u, nil, nil // decisions stand in the request that adds
	}
	ns := u.Plan.Namespace
	p := &proposal{unit: ns, role: RoleUmbrella, branch: w.cfg.BranchPrefix + ns, change: &FileChange{Base: s.Umbrella}}
	tip := s.Umbrella.Tip(p.branch)
	if tip == "" {
		return u, nil, nil
	}
	if err := w.check(ctx, p); err != nil {
		return u, nil, err
	}
	if err := w.list(ctx, p); err != nil {
		return u, nil, err
	}
	if known := w.newestState(p.requests); known.Head == tip && !known.Decided {
		return u, p, nil
	}
	pending, err := w.pendingDecisions(ctx, s, ns)
	if err != nil || len(pending.Decisions) == 0 {
		return u, p, err
	}
	i := slices.IndexFunc(s.Plans, func(plan analysis.NamespacePlan) bool { return plan.Namespace == ns })
	decided, err := w.prepareDecided(ctx, s, s.Plans[i], pending)
	if err != nil {
		return u, p, err
	}
	return decided, p, nil
}

// record adds the decisions to what the unit changes in the umbrella.
func (b *Bot) record(s *Scan, u *Unit, pending *decisions.File) error {
	if u.pending = pending; len(pending.Decisions) == 0 {
		return nil
	}
	if s.Umbrella.Branch == "" {
		return fmt.Errorf("a merge request needs a branch to go to: give a branch of the umbrella instead of %s", s.Umbrella.Ref)
	}
	src, err := readOptional(s.Umbrella.FS(), decisions.Path)
	if err != nil {
		return err
	}
	change := decisionEdit{pending.Decisions}
	dst, _, err := change.Apply(src)
	if err != nil {
		return fmt.Errorf("%s: %w", decisions.Path, err)
	}
	diff := edit.UnifiedDiff(decisions.Path, src, dst)
	if u.Umbrella != nil {
		u.Umbrella.Also = append(u.Umbrella.Also, FileEdit{Path: decisions.Path, Content: dst, Diff: diff, Edit: change})
		return nil
	}
	u.Umbrella = &FileChange{Base: s.Umbrella, Package: repositoryName(s.Umbrella.URL), Path: decisions.Path, Content: dst, Diff: diff, Edit: change}
	u.Proof = &Proof{Before: s.Before, After: s.Before}
	return nil
}

// pendingDecisions reads the decisions about a namespace that its source branch in the umbrella
// has and the target branch has not.
func (b *Bot) pendingDecisions(ctx context.Context, s *Scan, namespace string) (*decisions.File, error) {
	name := b.cfg.BranchPrefix + namespace
	branch, err := b.store.Fetch(ctx, s.Umbrella.URL, git.Ref{Branch: name})
	if errors.Is(err, git.ErrRefNotFound) {
		return &decisions.File{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read branch %s of the umbrella: %w", name, err)
	}
	f, err := readDecisions(branch.FS())
	if err != nil {
		return nil, fmt.Errorf("branch %s of the umbrella: %w", name, err)
	}
	return f.For(namespace).Without(s.Decisions), nil
}

// leaveAlone makes requests for the documentation of a namespace needless that
// decisions keep from being hardened. The error is a *Refusal.
func (b *Bot) leaveAlone(ctx context.Context, s *Scan, u *Unit, decided *decisions.File) error {
	ns := u.Plan.Namespace
	if _, listed := s.Listing.Find(ns); listed || !b.cfg.Documentation || len(u.Plan.Edits()) > 0 || len(decided.Decisions) == 0 {
		return nil
	}
	for _, r := range b.packagesOf(s, ns) {
		base, err := b.store.Fetch(ctx, r.Repository, git.Ref{})
		if err != nil {
			return &Refusal{Unit: ns, Reason: err}
		}
		u.documented = append(u.documented, base)
	}
	return nil
}

// decisionEdit adds decisions to their file.
type decisionEdit struct{ decisions []decisions.Decision }

// Apply adds what the file does not say yet.
func (e decisionEdit) Apply(src []byte) (dst []byte, changes []edit.Change, err error) {
	dst = src
	for _, d := range e.decisions {
		if dst, err = decisions.Add(dst, d); err != nil {
			return nil, nil, err
		}
	}
	if bytes.Equal(dst, src) {
		return src, nil, nil
	}
	was := strings.Split(string(src), "\n")
	for i, text := range strings.Split(string(dst), "\n") {
		if len(was) > 0 && was[0] == text {
			was = was[1:]
			continue
		}
		changes = append(changes, edit.Change{Line: i + 1, Text: strings.TrimSuffix(text, "\r")})
	}
	return dst, changes, nil
}

// records tells whether the change writes decisions.
func (c *FileChange) records() bool {
	return slices.ContainsFunc(c.files(), func(f FileEdit) bool { return f.Path == decisions.Path })
}
