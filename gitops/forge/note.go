package forge

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	opNotes = "read the notes of"
	opNote  = "write a note on"

	opResolve = "resolve a discussion of"
)

// Note is one message on a merge request or an issue.
type Note struct {
	ID int64
	// DiscussionID names the discussion that the note belongs to, to reply in.
	// It is empty in what CreateNote returns: GitLab does not tell it there.
	DiscussionID string
	Body         string
	Author       User
	System       bool // written by GitLab itself to tell what happened
	// Resolvable notes stand in a thread that may have to be resolved before the
	// merge; Resolved tells that it is.
	Resolvable, Resolved bool
	CreatedAt, UpdatedAt time.Time
}

// thing is what notes are written on.
type thing struct {
	projectID, iid int64
	kind           string // as in the API's paths
}

func aRequest(projectID, iid int64) thing { return thing{projectID, iid, "merge_requests"} }
func anIssue(projectID, iid int64) thing  { return thing{projectID, iid, "issues"} }

func (t thing) path(rest string) string {
	return fmt.Sprintf("projects/%d/%s/%d%s", t.projectID, t.kind, t.iid, rest)
}

// thing names t in an error.
func (c *Client) thing(t thing) string {
	if t.kind == "issues" {
		return fmt.Sprintf("%s#%d", c.name(t.projectID), t.iid)
	}
	return c.reference(t.projectID, t.iid)
}

// Notes returns all notes of a merge request, system notes among them, one
// discussion after the other. The list is whole, or an error is returned.
func (c *Client) Notes(ctx context.Context, projectID, iid int64) ([]Note, error) {
	return c.notes(ctx, aRequest(projectID, iid))
}

// IssueNotes is Notes for an issue.
func (c *Client) IssueNotes(ctx context.Context, projectID, iid int64) ([]Note, error) {
	return c.notes(ctx, anIssue(projectID, iid))
}

// CreateNote writes a note on a merge request that starts no thread to be
// resolved. key is a part of body that no other note has, such as a hidden
// comment: after an answer that does not tell whether GitLab acted, a note of
// the token's user that holds it is looked for, and returned instead of
// written again. Without a key the request is never repeated.
func (c *Client) CreateNote(ctx context.Context, projectID, iid int64, body, key string) (Note, error) {
	return c.createNote(ctx, aRequest(projectID, iid), body, key)
}

// CreateIssueNote is CreateNote for an issue.
func (c *Client) CreateIssueNote(ctx context.Context, projectID, iid int64, body, key string) (Note, error) {
	return c.createNote(ctx, anIssue(projectID, iid), body, key)
}

// UpdateNote replaces the text of a note that the token's user wrote.
func (c *Client) UpdateNote(ctx context.Context, projectID, iid, noteID int64, body string) (Note, error) {
	return c.updateNote(ctx, aRequest(projectID, iid), noteID, body)
}

// UpdateIssueNote is UpdateNote for an issue.
func (c *Client) UpdateIssueNote(ctx context.Context, projectID, iid, noteID int64, body string) (Note, error) {
	return c.updateNote(ctx, anIssue(projectID, iid), noteID, body)
}

// noteJSON is a note as GitLab sends it.
type noteJSON struct {
	ID        int64     `json:"id"`
	Body      string    `json:"body"`
	Author    userJSON  `json:"author"`
	System    bool      `json:"system"`
	Resolve   bool      `json:"resolvable"`
	Resolved  bool      `json:"resolved"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

func (n *noteJSON) named() bool { return n.ID > 0 }

func (n noteJSON) note(discussionID string) Note {
	return Note{
		ID: n.ID, DiscussionID: discussionID, Body: n.Body, Author: n.Author.user(), System: n.System,
		Resolvable: n.Resolve, Resolved: n.Resolved,
		CreatedAt: n.CreatedAt, UpdatedAt: n.UpdatedAt,
	}
}

type noteBody struct {
	Body string `json:"body"`
}

func (c *Client) createNote(ctx context.Context, on thing, body, key string) (Note, error) {
	return c.writeNote(ctx, on, on.path("/notes"), body, key, "", func() ([]Note, error) { return c.notes(ctx, on) })
}

// writeNote posts a note; list returns where to look for it when it is not
// known whether that worked.
func (c *Client) writeNote(ctx context.Context, on thing, path, body, key, discussionID string, list func() ([]Note, error)) (Note, error) {
	if key != "" && !strings.Contains(body, key) {
		return Note{}, &Error{Op: opNote, Project: c.thing(on), Message: "its key is not part of it", err: errNotSent}
	}
	var written Note
	post := func() error {
		var n noteJSON
		err := c.write(ctx, opNote, c.thing(on), once, http.MethodPost, path, noteBody{body}, &n)
		written = n.note(discussionID)
		return err
	}
	find := func() (bool, error) {
		me, err := c.me(ctx, on.projectID)
		if err != nil {
			return false, err
		}
		notes, err := list()
		if err != nil {
			return false, err
		}
		for _, n := range notes {
			if !n.System && n.Author.ID == me && strings.Contains(n.Body, key) {
				written = n
				return true, nil
			}
		}
		return false, nil
	}
	if key == "" {
		find = nil
	}
	if err := c.createOnce(ctx, post, find); err != nil {
		return Note{}, err
	}
	return written, nil
}

func (c *Client) updateNote(ctx context.Context, on thing, noteID int64, body string) (Note, error) {
	var n noteJSON
	if err := c.write(ctx, opNote, c.thing(on), again, http.MethodPut, on.path(fmt.Sprintf("/notes/%d", noteID)), noteBody{body}, &n); err != nil {
		return Note{}, err
	}
	return n.note(""), nil
}
