package bot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"tokenward/gitops/forge"
	"tokenward/gitops/git"
)

// writer makes merge requests match proposals, as one user of the server.
type writer struct {
	*Bot
	seal sealer
	user forge.User // by the umbrella's token
	// users are those of the projects' tokens, by the projects' numbers.
	users map[int64]forge.User
	// looked are the branches about whose requests this run has asked.
	looked map[branchOf]bool
	book   *issueBook // nil: the bot keeps no issues
}

// me is the user that the bot is on a project.
func (w *writer) me(projectID int64) forge.User {
	if u, ok := w.users[projectID]; ok {
		return u
	}
	return w.user
}

// newWriter asks the server who the token belongs to. Without a server there is
// nothing to ask, and nothing will be written.
func (b *Bot) newWriter(ctx context.Context) (*writer, error) {
	w := b.bareWriter()
	if b.forge == nil {
		return w, nil
	}
	var err error
	if w.user, err = b.identity.CurrentUser(forge.ForProject(ctx, b.projectPath(b.cfg.Umbrella.Repository))); err != nil {
		return nil, fmt.Errorf("ask GitLab who the token belongs to: %w", err)
	}
	return w, nil
}

func (b *Bot) bareWriter() *writer {
	return &writer{Bot: b, seal: sealer{key: b.cfg.StateKey}, users: map[int64]forge.User{}, looked: map[branchOf]bool{}}
}

// read asks the server about everything that the unit wants and decides, before
// anything is written.
func (w *writer) read(ctx context.Context, s *Scan, u *Unit) *unitRun {
	r := &unitRun{unit: u}
	var umbrella *proposal
	if w.forge != nil {
		if r.unit, umbrella, r.err = w.recall(ctx, s, u); r.err != nil {
			return r
		}
	}
	w.consider(ctx, s, r, umbrella)
	return r
}

// consider words what a unit wants, asks the server about it and decides. What is known
// already of the umbrella's part is taken from a proposal, nil if nothing is.
func (w *writer) consider(ctx context.Context, s *Scan, r *unitRun, umbrella *proposal) {
	if r.proposals, r.err = w.proposals(s, r.unit); r.err != nil || w.forge == nil {
		return
	}
	for _, p := range r.proposals {
		if p.role == RoleUmbrella && umbrella != nil {
			p.project, p.requests, p.taken = umbrella.project, umbrella.requests, umbrella.taken
		}
		if r.err = w.look(ctx, p); r.err != nil {
			return
		}
	}
	if r.err = w.listen(ctx, s, r); r.err == nil {
		hold(r.proposals)
		decline(r.proposals)
	}
}

// look asks the server about a proposal and decides.
func (w *writer) look(ctx context.Context, p *proposal) error {
	if err := w.check(ctx, p); err != nil {
		return err
	}
	o, err := w.observe(ctx, p)
	if err != nil {
		return err
	}
	if p.taken != "" {
		return p.yield()
	}
	p.lifted = w.lifts(p.unit) || slices.ContainsFunc(slices.Collect(maps.Keys(p.members)), w.lifts)
	p.decide(o, w.seal)
	p.applyAsked()
	return nil
}

// match makes the unit's merge requests match. Every write recognises its own earlier
// effect, so that a run that died between any two calls is completed by the next.
func (w *writer) match(ctx context.Context, r *unitRun) ([]MergeRequestReport, error) {
	if r.err != nil {
		return nil, r.err
	}
	if w.forge == nil || w.cfg.DryRun {
		return w.dryReports(r.proposals)
	}
	if err := w.pushAll(ctx, r.proposals); err != nil {
		return reports(r.proposals), err
	}
	err := w.shut(ctx, r.proposals)
	if err == nil {
		err = w.each(ctx, r.proposals, w.open, w.keepOrder)
	}
	if err == nil {
		err = w.answerAll(ctx, r)
	}
	if err == nil {
		w.track(ctx, r)
		err = w.each(ctx, r.proposals, w.describe)
	}
	return reports(r.proposals), err
}

// each takes one step after the other for all proposals that are not skipped or closed.
func (w *writer) each(ctx context.Context, all []*proposal, steps ...func(context.Context, *proposal, []*proposal) error) error {
	for _, step := range steps {
		for _, p := range all {
			if p.action == ActionSkipped || p.action == ActionClosed {
				continue
			}
			if err := step(ctx, p, all); err != nil {
				return err
			}
		}
	}
	return nil
}

// pushAll pushes every branch of the unit before any request is opened. If one is
// refused, the branches that this run made are taken back: half a pair is worse
// than none.
func (w *writer) pushAll(ctx context.Context, proposals []*proposal) error {
	for i, p := range proposals {
		if p.action == ActionSkipped || !p.decision.push {
			continue
		}
		err := w.push(ctx, p)
		if err == nil {
			continue
		}
		for _, made := range proposals[:i] {
			if made.pushed != "" && made.tip == "" {
				if undo := w.forge.DeleteBranch(ctx, made.project.ID, made.branch); undo != nil {
					err = errors.Join(err, fmt.Errorf("take back branch %s of %s: %w", made.branch, made.project.Path, undo))
				}
			}
		}
		return err
	}
	return nil
}

// decide settles what to do about the proposal.
func (p *proposal) decide(o observed, seal sealer) {
	p.decision = decide(o, p, seal)
	p.request, p.tip, p.foreign = p.decision.request, o.tip, o.foreign
	if len(o.requests) > 0 {
		p.openedAt = o.requests[0].CreatedAt
	}
	if p.decision.skip != "" {
		p.action, p.reason = ActionSkipped, p.decision.skip
	}
}

// push commits the content on the target branch's tip and pushes it with a lease
// on the tip that was observed.
func (w *writer) push(ctx context.Context, p *proposal) error {
	me := w.me(p.project.ID)
	who := git.Signature{Name: me.Name, Email: me.Email, When: w.cfg.Now()}
	hash, err := w.store.Commit(ctx, p.change.Base, git.CommitSpec{
		Message: p.commitMessage(),
		Author:  who, Committer: who, Signer: w.cfg.Signer, Files: p.change.contents(),
	})
	if err != nil {
		return fmt.Errorf("commit to %s: %w", p.project.Path, err)
	}
	if err := w.store.Push(ctx, p.change.Base, hash, p.branch, p.tip); err != nil {
		return fmt.Errorf("push %s to %s: %w", p.branch, p.project.Path, err)
	}
	p.pushed = hash
	if p.request != nil {
		p.action = ActionUpdated
	}
	return nil
}

// commitMessage is the message of the proposal's commit, with the trailers by which
// the bot knows it again.
func (p *proposal) commitMessage() string {
	return p.message + fmt.Sprintf("\n%s: %s\n%s: %s\n", unitTrailer, p.unit, digestTrailer, p.content)
}
