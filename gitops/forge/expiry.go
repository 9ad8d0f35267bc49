package forge

import (
	"context"
	"time"

	"github.com/xanzy/go-gitlab"
)

// TokenExpiry returns when the client's token expires, the zero time if it never does.
func (c *Client) TokenExpiry(ctx context.Context) (time.Time, error) {
	var token *gitlab.PersonalAccessToken
	err := c.call(ctx, "read the token's expiry", "", again, func(options ...gitlab.RequestOptionFunc) (resp *gitlab.Response, err error) {
		token, resp, err = c.api.PersonalAccessTokens.GetSinglePersonalAccessToken(options...)
		return resp, err
	})
	if err != nil || token.ExpiresAt == nil {
		return time.Time{}, err
	}
	return time.Time(*token.ExpiresAt), nil
}
