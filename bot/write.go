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

// holder is a request of the unit that people hold by the label, nil if they hold none.
func holder(proposals []*proposal) *forge.MergeRequest {
	for _, p := range proposals {
		if r := p.decision.request; r != nil && !p.decision.decline && slices.Contains(r.Labels, holdLabel) {
			return r
		}
	}
	return nil
}

// hold leaves all of a unit as it is while people hold one of its requests.
func hold(proposals []*proposal) {
	r := holder(proposals)
	for _, p := range proposals {
		if r != nil && p.action != ActionSkipped {
			p.action, p.reason = ActionSkipped, fmt.Sprintf("%s has the label %s", r.Reference, holdLabel)
		}
	}
}

// decline keeps a unit of which people closed one request from getting others, and
// makes drafts of those that are open: half a pair is worse than none.
func decline(proposals []*proposal) {
	for _, d := range proposals {
		if !d.decision.decline {
			continue
		}
		for _, p := range proposals {
			switch {
			case p.action == ActionSkipped:
			case p.decision.open != isOpen:
				p.action, p.reason = ActionSkipped, fmt.Sprintf("not opened, since its other half %s was declined", d.request.Reference)
			default:
				p.draft, p.reason = true, fmt.Sprintf("a draft, since its other half %s was declined", d.request.Reference)
			}
		}
		return
	}
}

// declinedHalf is the proposal of a unit that people said no to, nil without one.
func declinedHalf(all []*proposal) *proposal {
	for _, p := range all {
		if p.decision.decline && p.request != nil {
			return p
		}
	}
	return nil
}

// open makes the merge request be open, and go to the right branch under the right title.
func (w *writer) open(ctx context.Context, p *proposal, all []*proposal) error {
	p.state = p.decision.known
	p.state.Unit, p.state.Role, p.state.Digest, p.state.Version = p.unit, p.role, p.digest, p.change.bump.version
	p.state.Members, p.state.Umbrella = p.members, w.umbrellaID()
	switch {
	case p.pushed != "":
		p.state.Head = p.pushed
	case p.state.Head == "" && !p.foreign:
		p.state.Head = p.tip // left behind by a run that died after its push
	}
	p.state.Closed, p.state.ClosedBy, p.state.Unneeded, p.state.Decided = false, "", false, p.change.records()
	switch p.decision.open {
	case mustCreate:
		return w.create(ctx, p, all)
	case mustReopen:
		if err := w.update(ctx, p, forge.MergeRequestUpdate{StateEvent: forge.Reopen}, "open again"); err != nil {
			return err
		}
	}
	var u forge.MergeRequestUpdate
	if p.decision.retarget {
		u.TargetBranch, p.state.Target = &p.change.Base.Branch, p.change.Base.Branch
	}
	if title := p.titleFor(); p.request.Title == p.state.Title && p.request.Title != title {
		u.Title, p.state.Title, p.state.Draft = &title, title, p.draft
	}
	if u.TargetBranch == nil && u.Title == nil {
		return nil
	}
	return w.update(ctx, p, u, "update")
}

func (w *writer) update(ctx context.Context, p *proposal, u forge.MergeRequestUpdate, what string) error {
	request, err := w.forge.UpdateMergeRequest(ctx, p.project.ID, p.request.IID, u)
	if err != nil {
		return fmt.Errorf("%s %s: %w", what, p.request.Reference, err)
	}
	p.request, p.action = &request, ActionUpdated
	return nil
}

// titleFor is the proposal's title, marked as a draft where a person must look first.
func (p *proposal) titleFor() string {
	if p.draft {
		return "Draft: " + p.title
	}
	return p.title
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

// squash is what a new request says about squashing: what its project demands or
// suggests, nil where that leaves it open.
func squash(option string) *bool {
	wish := option == "always" || option == "default_on"
	if !wish && option != "never" {
		return nil
	}
	return &wish
}

// commitMessage is the message of the proposal's commit, with the trailers by which
// the bot knows it again.
func (p *proposal) commitMessage() string {
	return p.message + fmt.Sprintf("\n%s: %s\n%s: %s\n", unitTrailer, p.unit, digestTrailer, p.content)
}

func (w *writer) create(ctx context.Context, p *proposal, all []*proposal) error {
	p.state.Title, p.state.Target, p.state.Draft = p.titleFor(), p.change.Base.Branch, p.draft
	description, err := p.describe(partners(p, all), w.seal.encode(p.state))
	if err != nil {
		return err
	}
	asking := forge.ForProject(ctx, w.projectPath(p.change.Base.URL))
	reviewers, err := w.reviewers(asking, p)
	if err != nil {
		return err
	}
	assignees, err := w.assignees(asking)
	if err != nil {
		return err
	}
	milestone, err := w.milestone(ctx, p)
	if err != nil {
		return err
	}
	request, err := w.forge.CreateMergeRequest(ctx, p.project.ID, forge.NewMergeRequest{
		SourceBranch: p.branch, TargetBranch: p.change.Base.Branch, Title: p.titleFor(),
		Description: enclose(description), Labels: w.cfg.Labels, RemoveSourceBranch: true,
		ReviewerIDs: reviewers, AssigneeIDs: assignees, MilestoneID: milestone, Squash: squash(p.project.SquashOption),
	})
	if err != nil {
		return fmt.Errorf("open the merge request of branch %s in %s: %w", p.branch, p.project.Path, err)
	}
	p.request, p.action = &request, ActionCreated
	return nil
}

// describe brings our part of the description up to date, now that all partners are known.
func (w *writer) describe(ctx context.Context, p *proposal, all []*proposal) error {
	ours, err := p.describe(partners(p, all), w.seal.encode(p.state))
	if err != nil {
		return err
	}
	wanted := replaceOurs(p.request.Description, ours)
	if d := declinedHalf(all); d != nil {
		wanted = withNotice(wanted, fmt.Sprintf("its other half %s was declined", d.request.Reference))
	}
	if wanted == p.request.Description {
		return nil
	}
	action := p.action
	if err := w.update(ctx, p, forge.MergeRequestUpdate{Description: &wanted}, "update the description of"); err != nil {
		return err
	}
	if action == ActionCreated {
		p.action = action
	}
	return nil
}

// plannedPartners are the unit's other merge requests, those that are not open yet with a
// word in the place of their number.
func plannedPartners(p *proposal, all []*proposal) []*proposal {
	var out []*proposal
	for _, o := range all {
		if o == p {
			continue
		}
		planned := *o
		if planned.request == nil {
			project := planned.project.Path
			if project == "" {
				project = planned.change.Package
			}
			planned.request = &forge.MergeRequest{Reference: project + "!(to be opened)"}
		}
		out = append(out, &planned)
	}
	return out
}

// dryReports shows what would be written.
func (w *writer) dryReports(proposals []*proposal) ([]MergeRequestReport, error) {
	var out []MergeRequestReport
	var errs []error
	for _, p := range proposals {
		if p.project.Path == "" {
			p.project.Path = w.projectPath(p.change.Base.URL)
		}
	}
	for _, p := range proposals {
		switch {
		case p.action == ActionSkipped:
		case w.forge == nil || p.decision.open == mustCreate:
			p.action = ActionCreated
		case p.decision.push || p.decision.open == mustReopen || p.decision.retarget:
			p.action = ActionUpdated
		}
		r := p.report()
		planned := plannedPartners(p, proposals)
		text, err := p.describe(planned, "")
		errs = append(errs, err)
		for _, o := range planned {
			r.Pairs = append(r.Pairs, o.request.Reference)
		}
		r.Description = text
		out = append(out, r)
	}
	return out, errors.Join(errs...)
}
