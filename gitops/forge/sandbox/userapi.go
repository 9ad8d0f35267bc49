package sandbox

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
)

func (c *call) getVersion(context.Context) (*reply, error) {
	return ok(map[string]string{"version": version, "revision": "sandbox"}), nil
}

func (c *call) getMetadata(context.Context) (*reply, error) {
	return ok(map[string]any{
		"version": version, "revision": "sandbox", "enterprise": false,
		"kas": map[string]any{"enabled": false, "externalUrl": nil, "externalK8sProxyUrl": nil, "version": nil},
	}), nil
}

// userJSON is a user as others see it.
type userJSON struct {
	ID        int     `json:"id"`
	Username  string  `json:"username"`
	Name      string  `json:"name"`
	State     string  `json:"state"`
	Locked    bool    `json:"locked"`
	AvatarURL *string `json:"avatar_url"`
	WebURL    string  `json:"web_url"`
}

func (c *call) userJSON(u *user) *userJSON {
	if u == nil {
		return nil
	}
	return &userJSON{ID: u.id, Username: u.username, Name: u.name, State: u.state(), WebURL: c.base + "/" + u.username}
}

func (u *user) state() string {
	if u.blocked {
		return "blocked"
	}
	return "active"
}

func (c *call) usersJSON(users []*user) []*userJSON {
	out := []*userJSON{}
	for _, u := range users {
		out = append(out, c.userJSON(u))
	}
	return out
}

func (c *call) getUser(context.Context) (*reply, error) {
	return ok(struct {
		*userJSON
		Email       string `json:"email"`
		PublicEmail string `json:"public_email"`
		CommitEmail string `json:"commit_email"`
		Bot         bool   `json:"bot"`
		External    bool   `json:"external"`
	}{c.userJSON(c.who.user), c.who.user.email(), "", c.who.user.email(), c.who.user.bot, false}), nil
}

// getToken describes the caller's token.
func (c *call) getToken(context.Context) (*reply, error) {
	t := c.who.token
	var expires *string
	if !t.Expires.IsZero() {
		expires = orNull(t.Expires.UTC().Format(time.DateOnly))
	}
	return ok(struct {
		ID       int      `json:"id"`
		Name     string   `json:"name"`
		Revoked  bool     `json:"revoked"`
		Created  stamp    `json:"created_at"`
		Scopes   []string `json:"scopes"`
		UserID   int      `json:"user_id"`
		LastUsed stamp    `json:"last_used_at"`
		Active   bool     `json:"active"`
		Expires  *string  `json:"expires_at"`
	}{c.who.user.id, t.Username, false, stamp{}, t.scopes(), c.who.user.id, stamp(c.server.cfg.Now()), true, expires}), nil
}

func (c *call) listUsers(context.Context) (*reply, error) {
	var found []*userJSON
	name, byName := c.params.text("username")
	search, _ := c.params.text("search")
	for _, u := range c.server.accounts.users {
		if (!byName || strings.EqualFold(u.username, name)) &&
			strings.Contains(strings.ToLower(u.username+" "+u.name), strings.ToLower(search)) {
			found = append(found, c.userJSON(u))
		}
	}
	return paged(c, found)
}

func (c *call) getUserByID(context.Context) (*reply, error) {
	id, err := strconv.Atoi(c.request.PathValue("user"))
	if err == nil {
		if u := c.server.accounts.byID(id); u != nil {
			return ok(c.userJSON(u)), nil
		}
	}
	return nil, fail(http.StatusNotFound, "404 User Not Found")
}
