package sandbox

import (
	"context"
	"fmt"
	"slices"
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
