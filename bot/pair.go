package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"tokenward/gitops/forge"
	"tokenward/templates"
)

// proposeUnit makes the unit's merge requests match. Everything that can be checked
// is checked before the first write; every write looks for its own earlier
// effect first, so that a run that died is completed by the next.
func (b *Bot) proposeUnit(ctx context.Context, s *Scan, u *Unit) ([]MergeRequestReport, error) {
	proposals, err := b.proposals(s, u)
	if err != nil || len(proposals) == 0 {
		return nil, err
	}
	if b.forge == nil {
		return dryReports(proposals)
	}
	user, err := b.forge.CurrentUser(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask GitLab who the token belongs to: %w", err)
	}
	for _, p := range proposals {
		if err := b.check(ctx, p); err != nil {
			return nil, err
		}
	}
	if b.cfg.DryRun {
		return dryReports(proposals)
	}
	for _, p := range proposals {
		if err := b.write(ctx, p, proposals, user); err != nil {
			return reports(proposals), err
		}
	}
	for _, p := range proposals {
		if err := b.describe(ctx, p, proposals); err != nil {
			return reports(proposals), err
		}
	}
	return reports(proposals), nil
}

// proposals turns the unit into wanted merge requests, the umbrella's first.
func (b *Bot) proposals(s *Scan, u *Unit) ([]*proposal, error) {
	var out []*proposal
	if u.Umbrella != nil {
		p, err := b.umbrellaProposal(s, u)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	for _, c := range u.Packages {
		p, err := b.packageProposal(u, c)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

func (b *Bot) packageProposal(u *Unit, c *FileChange) (*proposal, error) {
	text := templates.Package{Namespace: u.Plan.Namespace, Package: c.Package, File: c.Path, Why: c.Why}
	message, err := text.CommitMessage()
	if err != nil {
		return nil, err
	}
	p := b.newProposal(u, RolePackage, c, text.Title(), message)
	p.describe = func(head string, partners []*proposal) (string, error) {
		text.Partners, text.Marker = partnersOf(partners), p.state(head).encode()
		return text.Description()
	}
	return p, nil
}

func (b *Bot) newProposal(u *Unit, role string, c *FileChange, title, message string) *proposal {
	return &proposal{unit: u.Plan.Namespace, role: role, change: c, branch: b.cfg.BranchPrefix + u.Plan.Namespace,
		digest: digest(u.Plan.Namespace, role, c), title: title, message: message, action: ActionUnchanged}
}

func (p *proposal) state(head string) state {
	return state{Unit: p.unit, Role: p.role, Digest: p.digest, Head: head}
}

// check finds the project and refuses one that cannot take the merge request.
func (b *Bot) check(ctx context.Context, p *proposal) error {
	path := b.projectPath(p.change.Base.URL)
	if path == "" {
		return fmt.Errorf("%s is not on the GitLab server %s: no merge request can be opened for it", p.change.Base.URL, b.cfg.GitLabURL)
	}
	project, err := b.forge.Project(ctx, path)
	if err != nil {
		return fmt.Errorf("look up project %s: %w", path, err)
	}
	p.project = project
	switch {
	case project.Archived:
		return fmt.Errorf("project %s is archived: no merge request can be opened there", project.Path)
	case !project.MergeRequestsEnabled:
		return fmt.Errorf("project %s has merge requests turned off", project.Path)
	case project.AccessLevel < forge.Developer:
		return fmt.Errorf("the token's user needs the Developer role on project %s to push a branch and open a merge request", project.Path)
	}
	return nil
}

// write makes the branch and the merge request exist.
func (b *Bot) write(ctx context.Context, p *proposal, all []*proposal, user forge.User) error {
	requests, err := b.forge.MergeRequests(ctx, p.project.ID, p.branch)
	if err != nil {
		return fmt.Errorf("look for merge requests of branch %s in %s: %w", p.branch, p.project.Path, err)
	}
	var known state
	for i := range requests {
		r := &requests[i]
		if r.State == "opened" {
			p.request = r
			known, _ = readState(r.Description)
			break
		}
		if old, ok := readState(r.Description); ok && r.State == "closed" && old.Digest == p.digest {
			p.request, p.action, p.reason = r, ActionSkipped, fmt.Sprintf("%s was closed without being merged: that is taken as a no to this content", r.Reference)
			return nil
		}
		if old, ok := readState(r.Description); ok && known.Head == "" {
			known = old
		}
	}
	if err := b.commit(ctx, p, known, user); err != nil || p.action == ActionSkipped || p.request != nil {
		return err
	}
	return b.create(ctx, p, all)
}

func (b *Bot) create(ctx context.Context, p *proposal, all []*proposal) error {
	description, err := p.describe(p.head, partners(p, all))
	if err != nil {
		return err
	}
	request, err := b.forge.CreateMergeRequest(ctx, p.project.ID, forge.NewMergeRequest{
		SourceBranch: p.branch, TargetBranch: p.change.Base.Branch, Title: p.title,
		Description: enclose(description), Labels: b.cfg.Labels, RemoveSourceBranch: true,
	})
	if err != nil {
		return fmt.Errorf("open the merge request of branch %s in %s: %w", p.branch, p.project.Path, err)
	}
	p.request, p.action = &request, ActionCreated
	return nil
}

// describe brings our part of the description up to date, now that all partners are known.
func (b *Bot) describe(ctx context.Context, p *proposal, all []*proposal) error {
	if p.request == nil || p.action == ActionSkipped {
		return nil
	}
	ours, err := p.describe(p.head, partners(p, all))
	if err != nil {
		return err
	}
	wanted := replaceOurs(p.request.Description, ours)
	if wanted == p.request.Description {
		return nil
	}
	request, err := b.forge.UpdateMergeRequest(ctx, p.project.ID, p.request.IID, forge.MergeRequestUpdate{Description: &wanted})
	if err != nil {
		return fmt.Errorf("update the description of %s: %w", p.request.Reference, err)
	}
	p.request = &request
	if p.action == ActionUnchanged {
		p.action = ActionUpdated
	}
	return nil
}

func partners(p *proposal, all []*proposal) []*proposal {
	var out []*proposal
	for _, o := range all {
		if o != p && o.request != nil {
			out = append(out, o)
		}
	}
	return out
}

func partnersOf(proposals []*proposal) []templates.Partner {
	var out []templates.Partner
	for _, p := range proposals {
		out = append(out, templates.Partner{Reference: p.request.Reference, URL: p.request.WebURL, Role: p.role})
	}
	return out
}

func reports(proposals []*proposal) []MergeRequestReport {
	var out []MergeRequestReport
	for _, p := range proposals {
		if p.request == nil && p.action != ActionSkipped {
			continue // not reached before the unit failed
		}
		r := p.report()
		for _, o := range partners(p, proposals) {
			r.Pairs = append(r.Pairs, o.request.Reference)
		}
		out = append(out, r)
	}
	return out
}

// dryReports shows what would be written, with descriptions that do not know the
// partners' numbers yet.
func dryReports(proposals []*proposal) ([]MergeRequestReport, error) {
	var out []MergeRequestReport
	var errs []error
	for _, p := range proposals {
		p.action = ActionCreated
		r := p.report()
		text, err := p.describe("", nil)
		errs = append(errs, err)
		r.Description = strings.TrimSpace(stateComment.ReplaceAllString(text, "")) + "\n"
		out = append(out, r)
	}
	return out, errors.Join(errs...)
}
