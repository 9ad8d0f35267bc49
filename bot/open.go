package bot

import (
	"context"
	"fmt"

	"tokenward/gitops/forge"
)

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

func (w *writer) update(ctx context.Context, p *proposal, u forge.MergeRequestUpdate, what string) error {
	request, err := w.forge.UpdateMergeRequest(ctx, p.project.ID, p.request.IID, u)
	if err != nil {
		return fmt.Errorf("%s %s: %w", what, p.request.Reference, err)
	}
	p.request, p.action = &request, ActionUpdated
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

// titleFor is the proposal's title, marked as a draft where a person must look first.
func (p *proposal) titleFor() string {
	if p.draft {
		return "Draft: " + p.title
	}
	return p.title
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
