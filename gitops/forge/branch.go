package forge

import (
	"context"
	"errors"

	"github.com/xanzy/go-gitlab"
)

// DeleteBranch deletes a branch; one that is not there is no error. GitLab refuses
// to delete default and protected branches.
func (c *Client) DeleteBranch(ctx context.Context, projectID int64, branch string) error {
	err := c.call(ctx, "delete a branch of", c.name(projectID), again, func(options ...gitlab.RequestOptionFunc) (*gitlab.Response, error) {
		return c.api.Branches.DeleteBranch(int(projectID), branch, options...)
	})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
