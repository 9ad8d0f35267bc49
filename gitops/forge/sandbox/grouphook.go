package sandbox

import (
	"context"
	"net/http"
	"strings"
	"sync"
)

// groupHooks are the webhooks of groups. A group's hook hears of all projects below it.
type groupHooks struct {
	mu     sync.Mutex
	byPath map[string]*[]*hook
}

// own returns the hooks of one group, to change them; mu is held.
func (g *groupHooks) own(path string) *[]*hook {
	if g.byPath == nil {
		g.byPath = map[string]*[]*hook{}
	}
	if g.byPath[path] == nil {
		g.byPath[path] = &[]*hook{}
	}
	return g.byPath[path]
}

// above returns the hooks of the groups above a project.
func (g *groupHooks) above(project string) (all []*hook) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, path := range sortedKeys(g.byPath) {
		if strings.HasPrefix(project, path+"/") {
			all = append(all, *g.byPath[path]...)
		}
	}
	return all
}

// inGroup lets the owners of the group that the path names make a call.
func inGroup(handle func(*call, context.Context) (*reply, error)) func(*call, context.Context) (*reply, error) {
	return func(c *call, ctx context.Context) (*reply, error) {
		members, err := c.group()
		if err != nil {
			return nil, err
		}
		switch {
		case c.request.Method != http.MethodGet && c.who.readOnly():
			return nil, errScope
		case members[c.who.user] < Owner:
			return nil, errForbidden
		}
		c.server.groups.mu.Lock()
		defer c.server.groups.mu.Unlock()
		return handle(c, ctx)
	}
}
