package forge

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	opListIssues  = "list the issues of"
	opReadIssue   = "read issue"
	opCreateIssue = "open an issue in"
	opUpdateIssue = "update issue"
)

// Issue is an issue of GitLab. Its State is Opened or Closed.
type Issue struct {
	ID, IID, ProjectID   int64
	Title, Description   string
	State                string
	Labels               []string
	Author               User
	WebURL               string
	Reference            string // group/project#1
	CreatedAt, UpdatedAt time.Time
}

// IssueFilter says which issues to list; empty fields do not matter.
type IssueFilter struct {
	Label    string
	State    string // Opened or Closed
	AuthorID int64
	// Marker is a part of the description. It is looked for here and not by
	// GitLab, whose search sees words and not hidden comments; so give a label
	// or an author too, or all issues of the project are read.
	Marker string
}

// NewIssue is what an issue is opened with.
type NewIssue struct {
	Title, Description string
	Labels             []string
}

// IssueUpdate is what to change; nil and empty fields stay as they are.
type IssueUpdate struct {
	Title, Description      *string
	AddLabels, RemoveLabels []string
	StateEvent              string // Close, Reopen or ""
}

// issueJSON is an issue as GitLab sends it.
type issueJSON struct {
	ID          int64     `json:"id"`
	IID         int64     `json:"iid"`
	ProjectID   int64     `json:"project_id"`
	Title       string    `json:"title"`
	Description string    `json:"description"`
	State       string    `json:"state"`
	Labels      []string  `json:"labels"`
	Author      userJSON  `json:"author"`
	WebURL      string    `json:"web_url"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	References  struct {
		Full string `json:"full"`
	} `json:"references"`
}

func (i *issueJSON) named() bool { return i.IID > 0 }

func (c *Client) issue(i issueJSON) Issue {
	out := Issue{
		ID: i.ID, IID: i.IID, ProjectID: i.ProjectID, Title: i.Title, Description: i.Description, State: i.State,
		Labels: i.Labels, Author: i.Author.user(), WebURL: i.WebURL, Reference: i.References.Full,
		CreatedAt: i.CreatedAt, UpdatedAt: i.UpdatedAt,
	}
	if out.Reference == "" {
		out.Reference = c.thing(anIssue(i.ProjectID, i.IID))
	}
	return out
}

// Issues lists issues, newest first. The list is whole, or an error is
// returned. A project whose issues are switched off has none.
func (c *Client) Issues(ctx context.Context, projectID int64, f IssueFilter) ([]Issue, error) {
	rows, err := listed[issueJSON](ctx, c, opListIssues, c.name(projectID), fmt.Sprintf("projects/%d/issues", projectID),
		query{Scope: "all", State: f.State, Labels: f.Label, AuthorID: f.AuthorID, OrderBy: "created_at", Sort: "desc"})
	if err != nil {
		return nil, err
	}
	var found []Issue
	seen := map[int64]bool{}
	for _, row := range rows {
		if !seen[row.IID] && strings.Contains(row.Description, f.Marker) {
			seen[row.IID] = true
			found = append(found, c.issue(row))
		}
	}
	return found, nil
}

// Issue reads one issue.
func (c *Client) Issue(ctx context.Context, projectID, iid int64) (Issue, error) {
	on := anIssue(projectID, iid)
	var read issueJSON
	if err := c.read(ctx, opReadIssue, c.thing(on), on.path(""), &read); err != nil {
		return Issue{}, err
	}
	return c.issue(read), nil
}

// CreateIssue opens an issue. key is a part of the description that no other
// issue has, such as a hidden comment: after an answer that does not tell
// whether GitLab acted, an issue of the token's user that holds it is looked
// for, and returned instead of opened again. Without a key the request is
// never repeated.
func (c *Client) CreateIssue(ctx context.Context, projectID int64, n NewIssue, key string) (Issue, error) {
	problem := checkLabels(n.Labels)
	if problem == nil && !strings.Contains(n.Description, key) {
		problem = fmt.Errorf("its key is not part of the description")
	}
	if problem != nil {
		return Issue{}, &Error{Op: opCreateIssue, Project: c.name(projectID), Message: problem.Error(), err: errNotSent}
	}
	body := map[string]string{"title": n.Title, "description": n.Description}
	if len(n.Labels) > 0 {
		body["labels"] = strings.Join(n.Labels, ",")
	}
	var opened Issue
	post := func() error {
		var created issueJSON
		err := c.write(ctx, opCreateIssue, c.name(projectID), once, http.MethodPost, fmt.Sprintf("projects/%d/issues", projectID), body, &created)
		opened = c.issue(created)
		return err
	}
	find := func() (bool, error) {
		me, err := c.me(ctx, projectID)
		if err != nil {
			return false, err
		}
		found, err := c.Issues(ctx, projectID, IssueFilter{AuthorID: me, Marker: key})
		if err != nil || len(found) == 0 {
			return false, err
		}
		opened = found[0]
		return true, nil
	}
	if key == "" {
		find = nil
	}
	if err := c.createOnce(ctx, post, find); err != nil {
		return Issue{}, err
	}
	return opened, nil
}

// UpdateIssue changes an issue and returns it as it is then. An update without
// any field only reads it.
func (c *Client) UpdateIssue(ctx context.Context, projectID, iid int64, u IssueUpdate) (Issue, error) {
	on := anIssue(projectID, iid)
	if err := checkLabels(append(u.AddLabels[:len(u.AddLabels):len(u.AddLabels)], u.RemoveLabels...)); err != nil {
		return Issue{}, &Error{Op: opUpdateIssue, Project: c.thing(on), Message: err.Error(), err: errNotSent}
	}
	body := map[string]string{}
	for name, value := range map[string]*string{"title": u.Title, "description": u.Description} {
		if value != nil {
			body[name] = *value
		}
	}
	for name, value := range map[string]string{
		"add_labels": strings.Join(u.AddLabels, ","), "remove_labels": strings.Join(u.RemoveLabels, ","), "state_event": u.StateEvent,
	} {
		if value != "" {
			body[name] = value
		}
	}
	if len(body) == 0 {
		return c.Issue(ctx, projectID, iid)
	}
	var updated issueJSON
	if err := c.write(ctx, opUpdateIssue, c.thing(on), again, http.MethodPut, on.path(""), body, &updated); err != nil {
		return Issue{}, err
	}
	return c.issue(updated), nil
}
