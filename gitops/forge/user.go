package forge

import (
	"context"
	"crypto/sha256"
	"net/http"
	"strconv"

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

// currentJSON is the token's user; go-gitlab's type lacks commit_email.
type currentJSON struct {
	ID          int64  `json:"id"`
	Username    string `json:"username"`
	Name        string `json:"name"`
	Email       string `json:"email"`
	CommitEmail string `json:"commit_email"`
	Bot         bool   `json:"bot"`
	State       string `json:"state"`
}

func (u *currentJSON) named() bool { return u.ID > 0 }

// CurrentUser returns the user that the token belongs to; with ForProject, that of the
// project's token.
func (c *Client) CurrentUser(ctx context.Context) (User, error) {
	var u currentJSON
	sent := "" // the token that was used, which may be another one at the next call
	if err := c.call(ctx, opWhoAmI, "", again, func(options ...gitlab.RequestOptionFunc) (*gitlab.Response, error) {
		resp, err := c.get("user", &u, options)
		if err == nil && resp.Request != nil {
			sent = resp.Request.Header.Get("Private-Token")
		}
		return resp, err
	}); err != nil {
		return User{}, err
	}
	user := User{ID: u.ID, Username: u.Username, Name: u.Name, Email: u.CommitEmail, Bot: u.Bot, State: u.State}
	if user.Email == "" {
		user.Email = u.Email
	}
	if user.Email == "" {
		user.Email = u.Username + "@noreply." + c.host
	}
	if user.Name == "" {
		user.Name = user.Username
	}
	c.users.Store(sha256.Sum256([]byte(sent)), user)
	return user, nil
}

// UserFor returns the user of the token for a project, by the project's path; "" stands
// for calls that name no project. Every token is asked for its user only once.
func (c *Client) UserFor(ctx context.Context, project string) (User, error) {
	token, err := c.transport.secret(project)
	if err != nil {
		return User{}, &Error{Op: opWhoAmI, Project: project, Message: err.Error(), err: err}
	}
	if user, ok := c.users.Load(sha256.Sum256([]byte(token))); ok {
		return user.(User), nil
	}
	return c.CurrentUser(ForProject(ctx, project))
}

// me returns the id of the user by whose token the project is written to.
func (c *Client) me(ctx context.Context, projectID int64) (int64, error) {
	user, err := c.UserFor(ctx, c.transport.askedPath(strconv.FormatInt(projectID, 10)))
	return user.ID, err
}

// get reads an endpoint into a type of our own, where go-gitlab's lacks a
// field or is stricter than needed.
func (c *Client) get(path string, into any, options []gitlab.RequestOptionFunc) (*gitlab.Response, error) {
	return c.send(http.MethodGet, path, nil, into, options)
}
