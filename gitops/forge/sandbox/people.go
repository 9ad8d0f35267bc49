package sandbox

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// MergeRequest is a snapshot of a merge request.
type MergeRequest struct {
	Project     string // path of the project
	ID, IID     int
	Title       string
	Description string
	State       string // opened, closed or merged
	// MergeStatus is GitLab's detailed_merge_status.
	MergeStatus  string
	SourceBranch string
	TargetBranch string
	SHA          string // head of the source branch; as it was, once it is closed or merged
	MergeCommit  string // empty unless merged
	Author       string // usernames
	Assignees    []string
	Reviewers    []string
	Labels       []string
	Draft        bool
	Milestone    string // its title, empty without one
	Notes        []Note // oldest first
	CreatedAt    time.Time
	UpdatedAt    time.Time
	WebURL       string
}

// Note is a snapshot of one message on a merge request or an issue.
type Note struct {
	ID           int
	DiscussionID string
	Author       string
	Body         string
	System       bool
}

// MergeRequests returns all merge requests, ordered by project and IID, as the
// last call to the API, push or page view left them.
func (s *Server) MergeRequests() []MergeRequest {
	var all []MergeRequest
	for _, p := range s.list() {
		p.mu.Lock()
		for _, mr := range p.mergeRequests {
			all = append(all, s.snapshot(p, mr))
		}
		p.mu.Unlock()
	}
	return all
}

func (s *Server) snapshot(p *project, mr *mergeRequest) MergeRequest {
	out := MergeRequest{
		Project: p.path, ID: mr.id, IID: mr.iid, Title: mr.title, Description: mr.description,
		State: mr.state, MergeStatus: s.mergeStatus(p, mr), SourceBranch: mr.source, TargetBranch: mr.target,
		SHA: mr.sha, MergeCommit: mr.mergeCommit, Author: mr.author.username,
		Assignees: usernames(mr.assignees), Reviewers: usernames(mr.reviewers), Labels: slices.Clone(mr.labels),
		Draft: mr.draft(), Milestone: mr.milestone, CreatedAt: mr.createdAt, UpdatedAt: mr.updatedAt,
		WebURL: fmt.Sprintf("%s/%s/-/merge_requests/%d", s.baseURL(nil), p.path, mr.iid),
	}
	out.Notes = mr.thread.snapshot()
	return out
}

func (t *thread) snapshot() []Note {
	var notes []Note
	for _, n := range t.notes {
		notes = append(notes, Note{ID: n.id, DiscussionID: n.discussion, Author: n.author.username, Body: n.body, System: n.system})
	}
	return notes
}

func usernames(users []*user) []string {
	var names []string
	for _, u := range users {
		names = append(names, u.username)
	}
	return names
}

// onMergeRequest runs a deed on a merge request, as the first maintainer.
func (s *Server) onMergeRequest(ctx context.Context, path string, iid int, deed func(*project, *mergeRequest, *user) error) error {
	p, err := s.enterPath(ctx, path)
	if err != nil {
		return err
	}
	defer p.mu.Unlock()
	mr := p.mergeRequest(iid)
	if mr == nil {
		return fmt.Errorf("find merge request %s!%d: there is none", path, iid)
	}
	return deed(p, mr, s.accounts.maintainer())
}

// Merge merges a merge request as a maintainer would in a browser. It fails,
// and changes nothing, when GitLab would refuse to merge.
func (s *Server) Merge(ctx context.Context, path string, iid int) error {
	return s.onMergeRequest(ctx, path, iid, func(p *project, mr *mergeRequest, who *user) error {
		return s.merge(ctx, p, mr, who, mergeOptions{squash: mr.squash, removeSource: mr.removeSource})
	})
}

// Close closes a merge request as a maintainer would; one that is not open
// stays as it is.
func (s *Server) Close(ctx context.Context, path string, iid int) error {
	return s.onMergeRequest(ctx, path, iid, func(p *project, mr *mergeRequest, who *user) error {
		if err := s.look(ctx, p, mr); err != nil {
			return err
		}
		s.close(ctx, p, mr, who)
		return nil
	})
}

// Reopen reopens a closed merge request as a maintainer would; one that is not
// closed stays as it is. It fails when another one between the same branches is open.
func (s *Server) Reopen(ctx context.Context, path string, iid int) error {
	return s.onMergeRequest(ctx, path, iid, func(p *project, mr *mergeRequest, who *user) error {
		if mr.state != closed {
			return nil
		}
		if err := p.checkBranches(mr, mr.target); err != nil {
			return err
		}
		s.reopen(ctx, p, mr, who)
		return nil
	})
}

// AddNote writes a note as the user with this username, who need not hold any
// right on the project.
func (s *Server) AddNote(ctx context.Context, path string, iid int, username, body string) error {
	author := s.accounts.find(username)
	if author == nil {
		return fmt.Errorf("find user %s: no token has this username", username)
	}
	return s.onMergeRequest(ctx, path, iid, func(p *project, mr *mergeRequest, _ *user) error {
		n := s.addNote(&mr.thread, author, body, false)
		s.voice(p, author).fireNote(ctx, &mr.thread, n, "create")
		return nil
	})
}

// Commit is what a person commits to a branch.
type Commit struct {
	Branch  string // created from the default branch where it does not exist
	Message string
	// Files maps paths to contents; all other files stay.
	Files map[string]string
	// Author is a username; empty means the first maintainer.
	Author string
}

// Commit writes a commit as a person would by a push that no rule refuses, and
// returns its name. In an empty repository it makes the first one.
func (s *Server) Commit(ctx context.Context, path string, commit Commit) (string, error) {
	author := s.accounts.maintainer()
	if commit.Author != "" {
		if author = s.accounts.find(commit.Author); author == nil {
			return "", fmt.Errorf("find user %s: no token has this username", commit.Author)
		}
	}
	p, err := s.enterPath(ctx, path)
	if err != nil {
		return "", err
	}
	defer p.mu.Unlock()
	sha, err := s.writeCommit(ctx, p, commit, author)
	if err != nil {
		return "", fmt.Errorf("commit to %s of %s: %w", commit.Branch, path, err)
	}
	return sha, s.sync(ctx, p, author)
}

func (s *Server) writeCommit(ctx context.Context, p *project, commit Commit, author *user) (string, error) {
	dir, err := os.MkdirTemp("", "sandbox-commit-")
	if err != nil {
		return "", fmt.Errorf("make a folder for the index: %w", err)
	}
	defer os.RemoveAll(dir)
	git := gitRun{dir: p.dir, env: append(author.as(s.cfg.Now()), "GIT_INDEX_FILE="+filepath.Join(dir, "index"))}
	old := p.heads[commit.Branch]
	base := old
	if base == "" {
		base = p.heads[p.defaultBranch]
	}
	var parents []string
	if base != "" {
		parents = []string{base}
		if _, err := git.run(ctx, "read-tree", base); err != nil {
			return "", err
		}
	}
	for _, file := range sortedKeys(commit.Files) {
		store := git
		store.stdin = strings.NewReader(commit.Files[file])
		id, err := store.line(ctx, "hash-object", "-w", "--stdin")
		if err != nil {
			return "", err
		}
		if _, err := git.run(ctx, "update-index", "--add", "--cacheinfo", "100644,"+id+","+file); err != nil {
			return "", err
		}
	}
	tree, err := git.line(ctx, "write-tree")
	if err != nil {
		return "", err
	}
	sha, err := commitTree(ctx, git, tree, commit.Message, parents...)
	if err != nil {
		return "", err
	}
	if old == "" {
		old = zeroSHA
	}
	_, err = git.run(ctx, "update-ref", "refs/heads/"+commit.Branch, sha, old)
	return sha, err
}
