package forge

import (
	"context"
	"net/http"

	"github.com/xanzy/go-gitlab"
)

// User is a GitLab user. In merge requests only ID, Username, Name and State are
// set.
type User struct {
	ID             int64
	Username, Name string
	// Email is the address to commit with: the user's address for commits,
	// else the main one, else the one that GitLab gives to token bots.
	Email string
	Bot   bool
	// State is active, blocked or one of GitLab's rarer words; empty if it was
	// not told.
	State string
	// AccessLevel is set in lists of members.
	AccessLevel int
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
		State       string `json:"state"`
	}
	if err := c.call(ctx, "read the token's user", "", again, func(options ...gitlab.RequestOptionFunc) (*gitlab.Response, error) {
		return c.get("user", &u, options)
	}); err != nil {
		return User{}, err
	}
	user := User{ID: u.ID, Username: u.Username, Name: u.Name, Email: u.CommitEmail, Bot: u.Bot, State: u.State}
	c.self.Store(u.ID)
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

// me returns the id of the token's user, read once.
func (c *Client) me(ctx context.Context) (int64, error) {
	if id := c.self.Load(); id != 0 {
		return id, nil
	}
	user, err := c.CurrentUser(ctx)
	return user.ID, err
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
