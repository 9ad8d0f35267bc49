package forge

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/xanzy/go-gitlab"
)

// userJSON is a user as GitLab shows it to others.
type userJSON struct {
	ID          int64  `json:"id"`
	Username    string `json:"username"`
	Name        string `json:"name"`
	State       string `json:"state"`
	Bot         bool   `json:"bot"`
	AccessLevel int    `json:"access_level"`     // of members only
	Membership  string `json:"membership_state"` // of members only
}

// tokenBot matches the names that GitLab gives to the users of project, group
// and service account tokens; most answers do not say that they are bots.
var tokenBot = regexp.MustCompile(`^((project|group)_\d+_bot\w*|service_account_\w+)$`)

func (u *userJSON) named() bool { return u.ID > 0 }

func (u userJSON) user() User {
	return User{
		ID: u.ID, Username: u.Username, Name: u.Name, State: u.State,
		Bot: u.Bot || tokenBot.MatchString(u.Username), AccessLevel: u.AccessLevel,
	}
}

// AccessLevel returns a user's level on a project, as a direct member or through
// a group: 0 for somebody who is no member, is blocked, or waits to be let in.
func (c *Client) AccessLevel(ctx context.Context, projectID, userID int64) (int, error) {
	var u userJSON
	err := c.read(ctx, "read a member of", c.name(projectID), fmt.Sprintf("projects/%d/members/all/%d", projectID, userID), &u)
	switch {
	case errors.Is(err, ErrNotFound):
		return 0, nil
	case err != nil:
		return 0, err
	case u.blocked():
		return 0, nil
	}
	return u.AccessLevel, nil
}

// blocked reports whether the user can do nothing, whatever the level says.
func (u userJSON) blocked() bool {
	return u.State != "" && u.State != "active" || u.Membership != "" && u.Membership != "active"
}

// UserByName returns the user with this name, in any case of letters. false
// means that there is none, or that the token's user may not see it.
func (c *Client) UserByName(ctx context.Context, username string) (User, bool, error) {
	username = strings.TrimPrefix(username, "@")
	if username == "" {
		return User{}, false, nil
	}
	found, err := listed[userJSON](ctx, c, "look up user", username, "users", query{Username: username})
	if err != nil {
		return User{}, false, err
	}
	for _, u := range found {
		if strings.EqualFold(u.Username, username) {
			return u.user(), true, nil
		}
	}
	return User{}, false, nil
}

// GroupMembers returns the members of a group, those of the groups above it
// among them, with their AccessLevel. The list is whole, or an error is
// returned; ErrNotFound says that there is no such group, or that it is hidden.
func (c *Client) GroupMembers(ctx context.Context, groupPath string) ([]User, error) {
	groupPath = strings.Trim(strings.TrimPrefix(groupPath, "@"), "/")
	members, err := listed[userJSON](ctx, c, "read the members of", groupPath, "groups/"+gitlab.PathEscape(groupPath)+"/members/all", query{})
	if err != nil {
		return nil, err
	}
	var users []User
	seen := map[int64]bool{}
	for _, m := range members {
		if !seen[m.ID] {
			seen[m.ID] = true
			users = append(users, m.user())
		}
	}
	return users, nil
}
