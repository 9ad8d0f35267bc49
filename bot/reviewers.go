package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"tokenward/gitops/codeowners"
	"tokenward/gitops/forge"
	"tokenward/gitops/git"
)

// Reviewing says who is asked to review new merge requests.
type Reviewing struct {
	// Usernames are asked in any case; without any, the owners by CODEOWNERS are, if
	// CodeOwners is set.
	Usernames  []string
	CodeOwners bool
	Count      int // how many of them; 0 means nobody
	Assignees  []string
	// Milestone is the title of the milestone of new merge requests, "" for none.
	Milestone string
}

// people looks users up; *forge.Client does.
type people interface {
	UserByName(ctx context.Context, username string) (forge.User, bool, error)
	GroupMembers(ctx context.Context, groupPath string) ([]forge.User, error)
	Milestone(ctx context.Context, projectID int64, title string) (int64, bool, error)
}

// reviewers picks who is asked to review a change, by a stable choice: another run
// would ask the same. Users and groups that the token cannot see are passed over, as
// are bots, blocked users and the bot itself.
func (w *writer) reviewers(ctx context.Context, p *proposal) ([]int64, error) {
	users := map[string]forge.User{}
	if err := w.addUsers(ctx, users, w.cfg.Reviewing.Usernames); err != nil {
		return nil, err
	}
	if len(w.cfg.Reviewing.Usernames) == 0 && w.cfg.Reviewing.CodeOwners {
		if err := w.addOwners(ctx, users, p.change.Base, p.change.Path); err != nil {
			return nil, err
		}
	}
	me := w.me(p.project.ID)
	var names []string
	for name, u := range users {
		if u.ID != me.ID && !u.Bot && (u.State == "" || u.State == "active") {
			names = append(names, name)
		}
	}
	var ids []int64
	for _, name := range codeowners.Select(names, w.cfg.Reviewing.Count, p.unit) {
		ids = append(ids, users[name].ID)
	}
	return ids, nil
}

func (w *writer) addUsers(ctx context.Context, users map[string]forge.User, names []string) error {
	for _, name := range names {
		u, ok, err := w.people.UserByName(ctx, name)
		if err != nil {
			return fmt.Errorf("look up user %s: %w", name, err)
		}
		if ok {
			users[u.Username] = u
		}
	}
	return nil
}

// maxOwners is how many owners of a file are looked up: each takes questions to GitLab, and whoever can push may name many.
const maxOwners = 50

// addOwners adds the owners of a file by the repository's CODEOWNERS.
func (w *writer) addOwners(ctx context.Context, users map[string]forge.User, base *git.Snapshot, path string) error {
	_, content, ok, err := codeowners.Find(base.FS())
	if err != nil {
		return fmt.Errorf("read the code owners of %s: %w", base.URL, err)
	}
	if !ok {
		return nil
	}
	file, _ := codeowners.Parse(content) // GitLab passes over lines that it cannot read, too
	owners := slices.DeleteFunc(slices.Clone(file.Owners(path)), func(o codeowners.Owner) bool {
		return o.Kind != codeowners.User && o.Kind != codeowners.Group // addresses and roles name nobody that can be looked up
	})
	for _, o := range owners[:min(len(owners), maxOwners)] {
		members, err := w.people.GroupMembers(ctx, o.Name)
		switch {
		case errors.Is(err, forge.ErrNotFound), errors.Is(err, forge.ErrForbidden):
			if err := w.addUsers(ctx, users, []string{o.Name}); err != nil {
				return err
			}
		case err != nil:
			return fmt.Errorf("read the members of group %s: %w", o.Name, err)
		}
		for _, m := range members {
			if m.AccessLevel >= forge.Developer {
				users[m.Username] = m
			}
		}
	}
	return nil
}

// assignees looks up who is assigned.
func (w *writer) assignees(ctx context.Context) ([]int64, error) {
	users := map[string]forge.User{}
	if err := w.addUsers(ctx, users, w.cfg.Reviewing.Assignees); err != nil {
		return nil, err
	}
	var ids []int64
	for _, name := range w.cfg.Reviewing.Assignees {
		if u, ok := users[name]; ok {
			ids = append(ids, u.ID)
		}
	}
	return ids, nil
}

// milestone looks the configured milestone up, 0 without one. One that the project does not
// have keeps no request from being opened.
func (w *writer) milestone(ctx context.Context, p *proposal) (int64, error) {
	title := w.cfg.Reviewing.Milestone
	if title == "" {
		return 0, nil
	}
	id, ok, err := w.people.Milestone(ctx, p.project.ID, title)
	if err != nil {
		return 0, fmt.Errorf("look up milestone %s: %w", title, err)
	}
	if !ok {
		w.cfg.Log.Warn("the project has no such active milestone: the request is opened without", "project", p.project.Path, "milestone", title)
	}
	return id, nil
}
