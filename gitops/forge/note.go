package forge

import (
	"fmt"
	"time"
)

// Note is one message on a merge request or an issue.
type Note struct {
	ID int64
	// DiscussionID names the discussion that the note belongs to, to reply in.
	DiscussionID string
	Body         string
	Author       User
	System       bool // written by GitLab itself to tell what happened
	// Resolvable notes stand in a thread that may have to be resolved before the
	// merge; Resolved tells that it is.
	Resolvable, Resolved bool
	CreatedAt, UpdatedAt time.Time
}

// thing is a merge request or an issue.
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
