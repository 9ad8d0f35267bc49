package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

const issueParams = "title description state_event assignee_id assignee_ids labels add_labels remove_labels confidential discussion_locked"

func (c *call) listIssues(context.Context) (*reply, error) {
	wanted, err := c.issueFilter()
	if err != nil {
		return nil, err
	}
	order, err := c.params.choice("order_by", "created_at", "updated_at", "title")
	if err != nil {
		return nil, err
	}
	direction, err := c.params.choice("sort", "desc", "asc")
	if err != nil {
		return nil, err
	}
	var found []*issue
	for _, i := range c.project.issues {
		if !c.project.settings.IssuesDisabled && i.visibleTo(c) && wanted(i) {
			found = append(found, i)
		}
	}
	slices.SortFunc(found, func(a, b *issue) int {
		by := map[string]int{
			"created_at": a.createdAt.Compare(b.createdAt), "updated_at": a.updatedAt.Compare(b.updatedAt),
			"title": cmp.Compare(a.title, b.title),
		}[order]
		if by = cmp.Or(by, cmp.Compare(a.id, b.id)); direction == "desc" {
			by = -by
		}
		return by
	})
	var all []issueJSON
	for _, i := range found {
		all = append(all, c.issueJSON(i))
	}
	return paged(c, all)
}

// issueFilter reads what the caller wants listed. It goes the way of merge
// requests, whose parameters have the same names.
func (c *call) issueFilter() (func(*issue) bool, error) {
	f, err := c.mergeRequestFilter("all")
	if err != nil {
		return nil, err
	}
	return func(i *issue) bool {
		like := &mergeRequest{
			thread: i.thread, title: i.title, description: i.description, state: i.state, assignees: i.assignees, labels: i.labels,
		}
		return f.matches(like, c.who)
	}, nil
}

func (c *call) getIssue(context.Context) (*reply, error) {
	i, err := c.pathIssue()
	if err != nil {
		return nil, err
	}
	return ok(c.issueJSON(i)), nil
}

func (c *call) createIssue(context.Context) (*reply, error) {
	if c.project.settings.IssuesDisabled {
		return nil, errForbidden
	}
	if err := c.params.require("title"); err != nil {
		return nil, err
	}
	now := c.server.cfg.Now()
	i := &issue{thread: thread{kind: kindIssue, author: c.who.user, createdAt: now, updatedAt: now}, state: opened}
	i.title, _ = c.params.text("title")
	i.description, _ = c.params.text("description")
	if err := checkIssueTexts(i.title, i.description); err != nil {
		return nil, err
	}
	if err := c.setIssueAttributes(i); err != nil {
		return nil, err
	}
	i.id, i.iid = c.server.nextID(), len(c.project.issues)+1
	c.project.issues = append(c.project.issues, i)
	c.fireIssue(i, "open", nil)
	return created(c.issueJSON(i)), nil
}

// setIssueAttributes sets what creating and updating have in common. As in
// GitLab, those below Reporter cannot set labels and people; it is no error.
func (c *call) setIssueAttributes(i *issue) error {
	assignees, assigned, err := c.people("assignee_ids")
	if err != nil {
		return err
	}
	if !assigned {
		if assignees, assigned, err = c.people("assignee_id"); err != nil {
			return err
		}
	}
	confidential, confidentialGiven, err := c.params.flag("confidential")
	if err != nil {
		return err
	}
	if confidentialGiven {
		i.confidential = confidential
	}
	if c.access < Reporter {
		return nil
	}
	if assigned {
		i.assignees = assignees
	}
	i.labels = c.server.labelNames(c.project, c.wantedLabels(i.labels))
	return nil
}

func (c *call) updateIssue(context.Context) (*reply, error) {
	i, err := c.pathIssue()
	if err != nil {
		return nil, err
	}
	if c.access < Reporter && c.who.user != i.author {
		return nil, errForbidden
	}
	if len(c.params) == 0 {
		return nil, invalid(strings.Join(strings.Fields(issueParams), ", ") + " are missing, at least one parameter must be provided")
	}
	event, err := c.params.choice("state_event", "", "close", "reopen")
	if err != nil {
		return nil, err
	}
	locked, lockGiven, err := c.params.flag("discussion_locked")
	if err != nil {
		return nil, err
	}
	title, titled := c.params.text("title")
	description, described := c.params.text("description")
	if !titled {
		title = i.title
	}
	if !described {
		description = i.description
	}
	if err := checkIssueTexts(title, description); err != nil {
		return nil, err
	}
	before := c.issueAttributes(i)
	if err := c.setIssueAttributes(i); err != nil {
		return nil, err
	}
	if lockGiven {
		i.locked = locked
	}
	if i.title != title {
		c.server.addNote(&i.thread, c.who.user, fmt.Sprintf("changed title from **%s** to **%s**", i.title, title), true)
	}
	if i.description != description {
		c.server.addNote(&i.thread, c.who.user, "changed the description", true)
	}
	i.title, i.description, i.updatedAt = title, description, c.server.cfg.Now()
	if changes := changesOf(before, c.issueAttributes(i)); len(changes) > 0 {
		c.fireIssue(i, "update", changes)
	}
	switch event {
	case "close":
		c.server.closeIssue(c.project, i, c.who.user)
	case "reopen":
		c.server.reopenIssue(c.project, i, c.who.user)
	}
	return ok(c.issueJSON(i)), nil
}

// Issue is a snapshot of an issue.
type Issue struct {
	Project              string // path of the project
	ID, IID              int
	Title, Description   string
	State                string // opened or closed
	Author               string // username
	Labels               []string
	Notes                []Note // oldest first
	CreatedAt, UpdatedAt time.Time
}

// Issues returns all issues, ordered by project and IID.
func (s *Server) Issues() []Issue {
	var all []Issue
	for _, p := range s.list() {
		p.mu.Lock()
		for _, i := range p.issues {
			all = append(all, Issue{
				Project: p.path, ID: i.id, IID: i.iid, Title: i.title, Description: i.description, State: i.state,
				Author: i.author.username, Labels: slices.Clone(i.labels), Notes: i.snapshot(), CreatedAt: i.createdAt, UpdatedAt: i.updatedAt,
			})
		}
		p.mu.Unlock()
	}
	return all
}
