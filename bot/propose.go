package bot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/sync/errgroup"

	"tokenward/analysis"
	"tokenward/gitops/forge"
	"tokenward/gitops/git"
)

// Propose runs the whole path once: it scans, prepares every unit, and makes the
// merge requests match. A unit that fails is reported and costs only itself; the
// error says that nothing could be done at all. On an unchanged platform it
// writes nothing.
func (b *Bot) Propose(ctx context.Context) (*Scan, *ProposeReport, error) {
	scan, err := b.Scan(ctx)
	if err != nil {
		return nil, nil, err
	}
	report := &ProposeReport{MergeRequests: []MergeRequestReport{}, Failed: []FailureReport{}}
	units, refusals, err := b.prepareAll(ctx, scan)
	if err != nil {
		return scan, report, err
	}
	for i, u := range units {
		b.cfg.Progress("propose", i, len(units))
		if err := refusals[i]; err != nil {
			report.fail(scan.Plans[i].Namespace, err)
			report.Failed[len(report.Failed)-1].Blocked = scan.Plans[i].Blocked != ""
			continue
		}
		requests, err := b.proposeUnit(ctx, scan, u)
		report.MergeRequests = append(report.MergeRequests, requests...)
		if err != nil {
			report.fail(u.Plan.Namespace, err)
		}
		if ctx.Err() != nil {
			return scan, report, fmt.Errorf("propose: %w", ctx.Err())
		}
	}
	return scan, report, nil
}

func (r *ProposeReport) fail(unit string, err error) {
	f := FailureReport{Unit: unit, Reason: err.Error()}
	var refusal *Refusal
	if errors.As(err, &refusal) {
		f.Reason, f.Intended = refusal.Reason.Error(), refusal.Intended
	}
	r.Failed = append(r.Failed, f)
}

// prepareAll prepares every planned unit, several at once. A namespace that is
// blocked is a unit that failed.
func (b *Bot) prepareAll(ctx context.Context, s *Scan) ([]*Unit, []error, error) {
	units, errs := make([]*Unit, len(s.Plans)), make([]error, len(s.Plans))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(b.cfg.Workers)
	for i, plan := range s.Plans {
		g.Go(func() error {
			if plan.Blocked != "" {
				errs[i] = &Refusal{Unit: plan.Namespace, Reason: fmt.Errorf("not proposed: %s", plan.Blocked)}
				return nil
			}
			units[i], errs[i] = b.prepare(ctx, s, plan)
			b.cfg.Progress("prove", i, len(s.Plans))
			return ctx.Err()
		})
	}
	return units, errs, g.Wait()
}

// proposal is one wanted merge request on its way.
type proposal struct {
	unit, role string
	change     *FileChange
	digest     string
	branch     string
	title      string
	message    string
	// describe renders the description for the pushed commit and the partners that are known.
	describe func(head string, partners []*proposal) (string, error)

	project forge.Project
	head    string // tip of the source branch once it is there
	request *forge.MergeRequest
	action  string
	reason  string
}

// commit makes the source branch hold the wanted content and returns its tip. It
// pushes nothing if the branch already adds the same lines, and refuses to touch a
// branch with commits that are not the bot's.
func (b *Bot) commit(ctx context.Context, p *proposal, known state, user forge.User) error {
	url := p.change.Base.URL
	refs, err := b.store.RemoteRefs(ctx, url)
	if err != nil {
		return fmt.Errorf("read the branches of %s: %w", p.project.Path, err)
	}
	tip := refs["refs/heads/"+p.branch]
	if tip != "" {
		same, err := b.holds(ctx, p, known, tip)
		if err != nil {
			return err
		}
		if same {
			p.head = tip
			return nil
		}
		if known.Head != tip {
			p.action, p.reason = ActionSkipped, fmt.Sprintf("branch %s has commits that are not tokenward's: it is left to the people who work on it", p.branch)
			return nil
		}
	}
	who := git.Signature{Name: user.Name, Email: user.Email, When: b.cfg.Now()}
	hash, err := b.store.Commit(ctx, p.change.Base, git.CommitSpec{
		Message: p.message + fmt.Sprintf("\nTokenward-Unit: %s\nTokenward-Digest: %s\n", p.unit, p.digest),
		Author:  who, Committer: who, Files: map[string][]byte{p.change.Path: p.change.Content},
	})
	if err != nil {
		return fmt.Errorf("commit to %s: %w", p.project.Path, err)
	}
	if err := b.store.Push(ctx, p.change.Base, hash, p.branch, tip); err != nil {
		return fmt.Errorf("push %s to %s: %w", p.branch, p.project.Path, err)
	}
	p.head = hash
	if p.request != nil {
		p.action = ActionUpdated
	}
	return nil
}

// holds tells whether the branch already says what is wanted: it is the bot's last
// push of the same lines, or its file has the wanted content.
func (b *Bot) holds(ctx context.Context, p *proposal, known state, tip string) (bool, error) {
	conflict := p.request != nil && p.request.DetailedMergeStatus == "conflict"
	if known.Head == tip && known.Digest == p.digest && !conflict {
		return true, nil
	}
	branch, err := b.store.Fetch(ctx, p.change.Base.URL, git.Ref{Branch: p.branch})
	if err != nil {
		return false, fmt.Errorf("read branch %s of %s: %w", p.branch, p.project.Path, err)
	}
	content, err := fs.ReadFile(branch.FS(), p.change.Path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("read %s on branch %s of %s: %w", p.change.Path, p.branch, p.project.Path, err)
	}
	return bytes.Equal(content, p.change.Content) && !conflict, nil
}

func (p *proposal) report() MergeRequestReport {
	r := MergeRequestReport{
		Project: p.project.Path, Unit: p.unit, Role: p.role, Title: p.title, SourceBranch: p.branch, TargetBranch: p.change.Base.Branch,
		State: "opened", Action: p.action, Reason: p.reason, Pairs: []string{}, Diff: p.change.Diff,
	}
	if p.request != nil {
		r.IID, r.URL, r.State, r.Title, r.Description = p.request.IID, p.request.WebURL, p.request.State, p.request.Title, p.request.Description
	}
	return r
}

// patternOf finds the pattern that gives a workload its token, by the plan or by the
// list; without one, the pattern that would.
func patternOf(s *Scan, plan analysis.NamespacePlan, w *analysis.Workload) string {
	entry, _ := s.Listing.Find(plan.Namespace)
	patterns := entry.Allow
	for _, c := range plan.Edits() {
		if c.Kind == analysis.Allow {
			patterns = append(patterns, c.Pattern)
		}
	}
	for _, pattern := range patterns {
		if analysis.Covers(pattern, w) {
			return pattern
		}
	}
	return strings.Join(analysis.PodPatterns(w), ", ")
}
