package sandbox

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
)

type memberJSON struct {
	*userJSON
	AccessLevel     int     `json:"access_level"`
	CreatedAt       stamp   `json:"created_at"`
	CreatedBy       *string `json:"created_by"`
	ExpiresAt       *string `json:"expires_at"`
	MembershipState string  `json:"membership_state"`
}

func (c *call) memberJSON(u *user, level int, since time.Time) memberJSON {
	return memberJSON{userJSON: c.userJSON(u), AccessLevel: level, CreatedAt: stamp(since), MembershipState: "active"}
}

func (c *call) listMembers(context.Context) (*reply, error) {
	var all []memberJSON
	for _, u := range c.wantedUsers() {
		if level := u.level(c.project.path); level > NoAccess {
			all = append(all, c.memberJSON(u, level, c.project.createdAt))
		}
	}
	return paged(c, all)
}

// wantedUsers are the users that the parameter query leaves.
func (c *call) wantedUsers() []*user {
	search, _ := c.params.text("query")
	var found []*user
	for _, u := range c.server.accounts.users {
		if strings.Contains(strings.ToLower(u.username+" "+u.name), strings.ToLower(search)) {
			found = append(found, u)
		}
	}
	return found
}

func (c *call) getMember(context.Context) (*reply, error) {
	id, err := strconv.Atoi(c.request.PathValue("user"))
	if err != nil {
		return nil, invalid("user_id is invalid")
	}
	u := c.server.accounts.byID(id)
	if u == nil || u.level(c.project.path) == NoAccess {
		return nil, errNotFound
	}
	return ok(c.memberJSON(u, u.level(c.project.path), c.project.createdAt)), nil
}

// group returns the members of the group that the path names, with their levels.
func (c *call) group() (map[*user]int, error) {
	path := c.request.PathValue("id")
	members := map[*user]int{}
	if own, ok := c.server.cfg.Groups[path]; ok {
		for name, level := range own {
			if u := c.server.accounts.find(name); u != nil && level > NoAccess {
				members[u] = level
			}
		}
		return members, nil
	}
	for _, p := range c.server.list() {
		if !strings.HasPrefix(p.path, path+"/") {
			continue
		}
		for _, u := range c.server.accounts.users {
			if level := u.level(""); level > NoAccess {
				members[u] = level
			}
		}
		return members, nil
	}
	return nil, fail(http.StatusNotFound, "404 Group Not Found")
}

func (c *call) listGroupMembers(context.Context) (*reply, error) {
	members, err := c.group()
	if err != nil {
		return nil, err
	}
	var all []memberJSON
	for _, u := range c.wantedUsers() {
		if level := members[u]; level > NoAccess {
			all = append(all, c.memberJSON(u, level, time.Time{}))
		}
	}
	return paged(c, all)
}
