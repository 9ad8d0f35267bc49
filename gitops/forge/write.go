package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/xanzy/go-gitlab"
)

// NewMergeRequest is what a merge request is opened with.
type NewMergeRequest struct {
	SourceBranch, TargetBranch string
	Title, Description         string
	Labels                     []string
	AssigneeIDs, ReviewerIDs   []int64
	MilestoneID                int64 // 0 for none
	RemoveSourceBranch         bool
	Squash                     *bool // nil leaves it to the project
}

// The events that change a merge request's state.
const (
	Close  = "close"
	Reopen = "reopen"
)

// MergeRequestUpdate is what to change; nil and empty fields stay as they are.
// There is no way to replace all labels, so that people's own survive.
type MergeRequestUpdate struct {
	Title, Description, TargetBranch *string
	AddLabels, RemoveLabels          []string
	StateEvent                       string // Close, Reopen or ""
	// AddReviewerIDs and AddAssigneeIDs join those who are there already. GitLab
	// can only replace them all, so they are read first.
	AddReviewerIDs, AddAssigneeIDs []int64
}

// empty reports whether nothing is to change.
func (u MergeRequestUpdate) empty() bool {
	return u.Title == nil && u.Description == nil && u.TargetBranch == nil && u.StateEvent == "" &&
		len(u.AddLabels)+len(u.RemoveLabels)+len(u.AddReviewerIDs)+len(u.AddAssigneeIDs) == 0
}

// branchWait is how long to wait for GitLab to notice a branch that was just
// pushed, before the request is sent for the n-th time more: 15 s in all, then
// it is over.
func branchWait(n int) (time.Duration, bool) { return time.Second << n, n < 4 }

// CreateMergeRequest opens a merge request. If one is open from the same branch
// to the same target, it is returned as it is instead: the caller compares.
// After an answer that does not tell whether GitLab acted, it looks before it
// tries again, so that none is opened twice.
func (c *Client) CreateMergeRequest(ctx context.Context, projectID int64, n NewMergeRequest) (MergeRequest, error) {
	if err := checkLabels(n.Labels); err != nil {
		return MergeRequest{}, &Error{Op: opCreate, Project: c.name(projectID), Message: err.Error(), err: errNotSent}
	}
	var waits, tries int
	for {
		mr, err := c.post(ctx, projectID, n)
		var e *Error
		if err == nil || !errors.As(err, &e) {
			return mr, err
		}
		switch {
		case e.Status == http.StatusBadRequest && aboutBranch(e.Message):
			// Refused for certain, so it may be sent again.
			wait, more := branchWait(waits)
			if !more || c.config.Sleep(ctx, wait) != nil {
				return MergeRequest{}, err
			}
			waits++
			continue
		case !e.Is(ErrConflict) && !e.Is(ErrUnavailable):
			return MergeRequest{}, err
		}
		found, ok, lookErr := c.open(ctx, projectID, n)
		switch {
		case lookErr != nil:
			e.err = errors.Join(e.err, lookErr)
			return MergeRequest{}, e
		case ok:
			return found, nil
		}
		if tries++; e.Is(ErrConflict) || tries >= attempts || c.config.Sleep(ctx, backoff(tries)) != nil {
			return MergeRequest{}, err
		}
		// It may have arrived while we waited.
		if found, ok, lookErr = c.open(ctx, projectID, n); lookErr == nil && ok {
			return found, nil
		} else if lookErr != nil {
			return MergeRequest{}, err
		}
	}
}

// aboutBranch recognises that GitLab has not noticed the source branch yet.
func aboutBranch(message string) bool {
	m := strings.ToLower(message)
	return strings.Contains(m, "source_branch") || strings.Contains(m, "source branch")
}

// open looks for an open merge request between the same branches.
func (c *Client) open(ctx context.Context, projectID int64, n NewMergeRequest) (MergeRequest, bool, error) {
	list, err := c.MergeRequests(ctx, projectID, n.SourceBranch)
	if err != nil {
		return MergeRequest{}, false, err
	}
	for _, mr := range list {
		if mr.State == Opened && mr.TargetBranch == n.TargetBranch {
			return mr, true, nil
		}
	}
	return MergeRequest{}, false, nil
}

// post sends the request that opens a merge request.
func (c *Client) post(ctx context.Context, projectID int64, n NewMergeRequest) (MergeRequest, error) {
	options := &gitlab.CreateMergeRequestOptions{
		SourceBranch: &n.SourceBranch, TargetBranch: &n.TargetBranch, Title: &n.Title, Description: &n.Description,
		RemoveSourceBranch: &n.RemoveSourceBranch, Squash: n.Squash, Labels: labels(n.Labels),
		AssigneeIDs: ids(n.AssigneeIDs), ReviewerIDs: ids(n.ReviewerIDs),
	}
	if n.MilestoneID != 0 {
		options.MilestoneID = gitlab.Ptr(int(n.MilestoneID))
	}
	var created *gitlab.MergeRequest
	err := c.call(ctx, opCreate, c.name(projectID), once, func(o ...gitlab.RequestOptionFunc) (resp *gitlab.Response, err error) {
		created, resp, err = c.api.MergeRequests.CreateMergeRequest(int(projectID), options, o...)
		return resp, answered(created, err)
	})
	if err != nil {
		return MergeRequest{}, err
	}
	return c.mergeRequest(created), nil
}

// UpdateMergeRequest changes a merge request and returns it as it is then. An
// update without any field only reads it.
func (c *Client) UpdateMergeRequest(ctx context.Context, projectID, iid int64, u MergeRequestUpdate) (MergeRequest, error) {
	if err := checkLabels(append(u.AddLabels[:len(u.AddLabels):len(u.AddLabels)], u.RemoveLabels...)); err != nil {
		return MergeRequest{}, &Error{Op: opUpdate, Project: c.reference(projectID, iid), Message: err.Error(), err: errNotSent}
	}
	if u.empty() {
		return c.MergeRequest(ctx, projectID, iid)
	}
	var reviewers, assignees []int64
	if len(u.AddReviewerIDs)+len(u.AddAssigneeIDs) > 0 {
		now, err := c.MergeRequest(ctx, projectID, iid)
		if err != nil {
			return MergeRequest{}, err
		}
		reviewers, assignees = joined(now.Reviewers, u.AddReviewerIDs), joined(now.Assignees, u.AddAssigneeIDs)
		if u.AddReviewerIDs, u.AddAssigneeIDs = nil, nil; u.empty() && reviewers == nil && assignees == nil {
			return now, nil
		}
	}
	options := &gitlab.UpdateMergeRequestOptions{
		Title: u.Title, Description: u.Description, TargetBranch: u.TargetBranch,
		AddLabels: labels(u.AddLabels), RemoveLabels: labels(u.RemoveLabels),
		ReviewerIDs: ids(reviewers), AssigneeIDs: ids(assignees),
	}
	if u.StateEvent != "" {
		options.StateEvent = &u.StateEvent
	}
	var updated *gitlab.MergeRequest
	err := c.call(ctx, opUpdate, c.reference(projectID, iid), again, func(o ...gitlab.RequestOptionFunc) (resp *gitlab.Response, err error) {
		updated, resp, err = c.api.MergeRequests.UpdateMergeRequest(int(projectID), int(iid), options, o...)
		return resp, answered(updated, err)
	})
	if err != nil {
		return MergeRequest{}, err
	}
	return c.mergeRequest(updated), nil
}

// joined returns the ids of all, nil if none of more is new.
func joined(present []User, more []int64) []int64 {
	var all []int64
	for _, u := range present {
		all = append(all, u.ID)
	}
	before := len(all)
	for _, id := range more {
		if !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	if len(all) == before {
		return nil
	}
	return all
}

// checkLabels refuses names that cannot be sent: they go out as one string,
// joined by commas.
func checkLabels(names []string) error {
	for _, name := range names {
		if strings.TrimSpace(name) == "" || strings.Contains(name, ",") {
			return fmt.Errorf("%q cannot be a label: it is empty or holds a comma", name)
		}
	}
	return nil
}

func labels(names []string) *gitlab.LabelOptions {
	if len(names) == 0 {
		return nil
	}
	return gitlab.Ptr(gitlab.LabelOptions(names))
}

func ids(list []int64) *[]int {
	if len(list) == 0 {
		return nil
	}
	var out []int
	for _, id := range list {
		out = append(out, int(id))
	}
	return &out
}
