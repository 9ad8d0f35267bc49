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
