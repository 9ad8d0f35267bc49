package forge

import (
	"context"
	"errors"
	"net/http"
)

// BlockMergeRequest makes a merge request wait until another one is merged.
// blockingID is that one's ID, not its IID, since it may be of another project.
// It does nothing if that is so already. ErrNotFound and ErrForbidden mean that
// the server does not offer this, or not to the token's user.
func (c *Client) BlockMergeRequest(ctx context.Context, projectID, iid, blockingID int64) error {
	// Sent a second time it is refused as a duplicate, so it may be repeated.
	err := c.write(ctx, "add a dependency to", c.reference(projectID, iid), again, http.MethodPost,
		aRequest(projectID, iid).path("/blocks"), map[string]int64{"blocking_merge_request_id": blockingID}, nil)
	if errors.Is(err, ErrConflict) {
		return nil
	}
	return err
}

// Rebase asks GitLab to rebase the source branch onto the target branch, and
// returns before that is done: RebaseState tells how it goes. ErrForbidden
// means that the token's user may not push to the source branch;
// ErrConflict that a rebase is under way.
func (c *Client) Rebase(ctx context.Context, projectID, iid int64) error {
	return c.write(ctx, "rebase merge request", c.reference(projectID, iid), again, http.MethodPut,
		aRequest(projectID, iid).path("/rebase"), map[string]bool{"skip_ci": false}, nil)
}

// RebaseState returns whether a rebase is under way, and why the last one
// failed, empty if it did not. It does not wait.
func (c *Client) RebaseState(ctx context.Context, projectID, iid int64) (inProgress bool, problem string, err error) {
	mr, err := c.MergeRequest(ctx, projectID, iid)
	return mr.RebaseInProgress, mr.MergeError, err
}

// Approvals is who approved a merge request.
type Approvals struct {
	By []User
	// Required is how many approvals are needed, Left how many are missing; 0
	// where the server does not ask for any.
	Required, Left int
}

// Approvals reads who approved a merge request.
func (c *Client) Approvals(ctx context.Context, projectID, iid int64) (Approvals, error) {
	var read struct {
		Required int `json:"approvals_required"`
		Left     int `json:"approvals_left"`
		By       []struct {
			User userJSON `json:"user"`
		} `json:"approved_by"`
	}
	if err := c.read(ctx, "read the approvals of", c.reference(projectID, iid), aRequest(projectID, iid).path("/approvals"), &read); err != nil {
		return Approvals{}, err
	}
	out := Approvals{Required: read.Required, Left: read.Left}
	for _, a := range read.By {
		out.By = append(out.By, a.User.user())
	}
	return out, nil
}
