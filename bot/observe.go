package bot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"tokenward/gitops/forge"
	"tokenward/gitops/git"
)

// check finds the project and refuses one that cannot take the merge request.
func (w *writer) check(ctx context.Context, p *proposal) error {
	if p.project.ID != 0 {
		return nil
	}
	path := w.projectPath(p.change.Base.URL)
	if path == "" {
		return fmt.Errorf("%s is not on the GitLab server %s: no merge request can be opened for it", p.change.Base.URL, w.cfg.GitLabURL)
	}
	project, err := w.forge.Project(ctx, path)
	if err != nil {
		return fmt.Errorf("look up project %s: %w", path, err)
	}
	p.project = project
	w.looked[branchOf{project.ID, p.branch}] = true
	if w.users[project.ID], err = w.identity.UserFor(ctx, path); err != nil {
		return fmt.Errorf("ask GitLab who the token for %s belongs to: %w", path, err)
	}
	if reason := unfit(project); reason != "" {
		return fmt.Errorf("project %s %s", project.Path, reason)
	}
	if w.cfg.DryRun {
		return nil // looking takes no role
	}
	level, err := w.level(ctx, project)
	if err != nil {
		return err
	}
	if level < forge.Developer {
		return fmt.Errorf("the token's user needs the Developer role on project %s to push a branch and open a merge request", project.Path)
	}
	return nil
}

// unfit says why a project takes no merge requests from anybody, "" if it does.
func unfit(p forge.Project) string {
	switch {
	case p.Archived:
		return "is archived: no merge request can be opened there"
	case p.Mirror:
		return "is a mirror, which the repository that it copies overwrites: merge requests belong there"
	case p.Empty:
		return "has no commit yet: its default branch must exist first"
	case !p.MergeRequestsEnabled:
		return "has merge requests turned off"
	}
	return ""
}

// level is the role of the token's user on a project. What comes with the project
// leaves out roles of invited groups, so that a low one is asked for again.
func (w *writer) level(ctx context.Context, p forge.Project) (int, error) {
	if p.AccessLevel >= forge.Developer {
		return p.AccessLevel, nil
	}
	level, err := w.talk.AccessLevel(ctx, p.ID, w.me(p.ID).ID)
	if err != nil {
		return 0, fmt.Errorf("look up the role of the token's user on %s: %w", p.Path, err)
	}
	return max(level, p.AccessLevel), nil
}

// list reads the umbrella's own requests of the proposal's branch, once.
func (w *writer) list(ctx context.Context, p *proposal) (err error) {
	if p.requests != nil {
		return nil
	}
	if p.requests, err = w.forge.MergeRequests(ctx, p.project.ID, p.branch); err != nil {
		return fmt.Errorf("look for merge requests of branch %s in %s: %w", p.branch, p.project.Path, err)
	}
	return w.others(ctx, p)
}

// observe reads what the server says about a proposal. What costs a call or a fetch
// is asked only where the answer matters.
func (w *writer) observe(ctx context.Context, p *proposal) (o observed, err error) {
	if err = w.list(ctx, p); err != nil {
		return o, err
	}
	o.requests = p.requests
	if o.tip = p.change.Base.Tip(p.branch); o.tip == "" {
		return o, nil
	}
	known := w.newestState(o.requests)
	if known.Head == o.tip {
		version := p.change.bump.version
		o.says = known.Digest == p.digest && known.Version == version
		if known.Digest == p.digest && !o.says && known.Version != "" && version != "" {
			o.says, err = w.says(ctx, p) // the branch may be ahead of its target all the same
		}
		return o, err
	}
	// Somebody else's tip, or one of ours that a run left when it died.
	lines, err := w.ownLines(ctx, p)
	if err != nil {
		return o, err
	}
	o.foreign = lines == nil
	asked := known.Digest
	if !o.foreign {
		asked = digest(p.unit, p.role, p.change.asked(lines)...)
		o.says = digest(p.unit, p.role, lines...) == p.content
	}
	if asked == p.digest && !o.says {
		o.says, err = w.says(ctx, p)
	}
	return o, err
}

func (w *writer) newestState(requests []forge.MergeRequest) state {
	for _, r := range requests {
		if st, ok := w.seal.read(r.Description); ok {
			return st
		}
	}
	return state{}
}

// says tells whether a branch on which people work still has everything that is wanted:
// making the same edits there again would change nothing.
func (w *writer) says(ctx context.Context, p *proposal) (bool, error) {
	branch, err := w.store.Fetch(ctx, p.change.Base.URL, git.Ref{Branch: p.branch})
	if errors.Is(err, git.ErrRefNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read branch %s of %s: %w", p.branch, p.project.Path, err)
	}
	for _, f := range p.change.files() {
		content, err := fs.ReadFile(branch.FS(), f.Path)
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("read %s on branch %s of %s: %w", f.Path, p.branch, p.project.Path, err)
		}
		if _, changes, err := f.Edit.Apply(content); err != nil || len(changes) > 0 {
			return false, nil // what cannot be edited there does not say it
		}
	}
	return true, nil
}

// ownLines returns how the branch changes its files, if the changes are the bot's alone,
// nil if people had a hand in it: a commit ahead of the target branch without
// the bot's trailers, or one whose lines are not those that its trailer names, as
// after an amendment. A pure rebase keeps both.
func (w *writer) ownLines(ctx context.Context, p *proposal) ([]fileDiff, error) {
	ahead, err := w.forge.Compare(ctx, p.project.ID, p.change.Base.Branch, p.branch)
	if err != nil {
		return nil, fmt.Errorf("compare branch %s of %s with its target: %w", p.branch, p.project.Path, err)
	}
	if len(ahead.Commits) != 1 {
		return nil, nil // the bot keeps one commit
	}
	lines := []fileDiff{}
	for _, d := range ahead.Diffs {
		lines = append(lines, fileDiff{d.NewPath, d.Diff})
	}
	message := ahead.Commits[0].Message
	if trailer(message, unitTrailer) != p.unit || trailer(message, digestTrailer) != digest(p.unit, p.role, lines...) {
		return nil, nil
	}
	return lines, nil
}

const (
	unitTrailer   = "Tokenward-Unit"
	digestTrailer = "Tokenward-Digest"
)

// trailer reads the last trailer of a commit message with the key, "" if there is none.
func trailer(message, key string) string {
	value := ""
	for line := range strings.Lines(message) {
		if v, ok := strings.CutPrefix(strings.TrimSpace(line), key+": "); ok {
			value = v
		}
	}
	return value
}
