package forge

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// TokenInfo is what GitLab says about a token itself.
type TokenInfo struct {
	Name   string
	Scopes []string
	// Expires is the day on which the token stops to work, zero if it never does.
	Expires time.Time
}

// tokenJSON is a token as GitLab describes it.
type tokenJSON struct {
	ID      int64    `json:"id"`
	Name    string   `json:"name"`
	Scopes  []string `json:"scopes"`
	Expires *string  `json:"expires_at"`
}

func (t *tokenJSON) named() bool { return t.ID > 0 }

// Token describes the token. false means that GitLab does not tell: the server is
// older than 15.5, or the token is of a kind that it says nothing about.
func (c *Client) Token(ctx context.Context) (TokenInfo, bool, error) {
	var t tokenJSON
	err := c.read(ctx, "read the token's description", "", "personal_access_tokens/self", &t)
	var e *Error
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrForbidden), errors.As(err, &e) && e.Status == http.StatusBadRequest:
		return TokenInfo{}, false, nil
	case err != nil:
		return TokenInfo{}, false, err
	}
	info := TokenInfo{Name: t.Name, Scopes: t.Scopes}
	if t.Expires == nil {
		return info, true, nil
	}
	if info.Expires, err = time.Parse(time.DateOnly, *t.Expires); err != nil {
		return TokenInfo{}, false, &Error{Op: "read the token's description", Message: "the day on which it expires cannot be read", err: err}
	}
	return info, true, nil
}
