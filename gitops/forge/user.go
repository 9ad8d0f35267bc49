package forge

import (
	"context"
	"net/http"

	"github.com/xanzy/go-gitlab"
)

// User is a GitLab user. In merge requests only ID, Username and Name are set.
type User struct {
	ID             int64
	Username, Name string
	// Email is the address to commit with: the user's address for commits,
	// else the main one, else the one that GitLab gives to token bots.
	Email string
	Bot   bool
}

// CurrentUser returns the user that the token belongs to.
func (c *Client) CurrentUser(ctx context.Context) (User, error) {
	// go-gitlab's type lacks commit_email.
	var u struct {
		ID          int64  `json:"id"`
		Username    string `json:"username"`
		Name        string `json:"name"`
		Email       string `json:"email"`
		CommitEmail string `json:"commit_email"`
		Bot         bool   `json:"bot"`
	}
	if err := c.call(ctx, "read the token's user", "", again, func(options ...gitlab.RequestOptionFunc) (*gitlab.Response, error) {
		return c.get("user", &u, options)
	}); err != nil {
		return User{}, err
	}
	user := User{ID: u.ID, Username: u.Username, Name: u.Name, Email: u.CommitEmail, Bot: u.Bot}
	if user.Email == "" {
		user.Email = u.Email
	}
	if user.Email == "" {
		user.Email = u.Username + "@noreply." + c.host
	}
	if user.Name == "" {
		user.Name = user.Username
	}
	return user, nil
}

// get reads an endpoint into a type of our own, where go-gitlab's lacks a
// field or is stricter than needed.
func (c *Client) get(path string, into any, options []gitlab.RequestOptionFunc) (*gitlab.Response, error) {
	req, err := c.api.NewRequest(http.MethodGet, path, nil, options)
	if err != nil {
		return nil, err
	}
	return c.api.Do(req, into)
}
