package forge

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// projectKey is the context key of the project that a call is made for.
type projectKey struct{}

// ForProject has calls that name no project, as those about users and groups, made with
// the token for this one.
func ForProject(ctx context.Context, path string) context.Context {
	return context.WithValue(ctx, projectKey{}, path)
}

func projectOf(ctx context.Context) string {
	path, _ := ctx.Value(projectKey{}).(string)
	return path
}

// project tells which project a request is about, by the path by which that was read,
// or by its number if it never was; "" if it is about none.
func (g *guard) project(req *http.Request) string {
	for req.Response != nil && req.Response.Request != nil {
		req = req.Response.Request // redirected: the project is the one that was asked for
	}
	rest, ok := strings.CutPrefix(req.URL.EscapedPath(), g.url.EscapedPath()+"api/v4/projects/")
	if !ok {
		return projectOf(req.Context())
	}
	segment, _, _ := strings.Cut(rest, "/")
	key, err := url.PathUnescape(segment)
	if err != nil {
		return segment // a token is chosen for no such project
	}
	return g.askedPath(key)
}

// askedPath returns the path of a project's number, or what it is given.
func (g *guard) askedPath(key string) string {
	if path, ok := g.asked.Load(key); ok {
		return path.(string)
	}
	return key
}

// secret returns the token for a project, "" for none.
func (g *guard) secret(project string) (string, error) {
	choose := g.token
	if g.tokenFor != nil && project != "" {
		choose = func() (string, error) { return g.tokenFor(project) }
	}
	if choose == nil {
		return "", nil
	}
	token, err := choose()
	if err != nil {
		return "", fmt.Errorf("%w: %w (%w)", ErrNoToken, err, errNotSent)
	}
	return strings.TrimSpace(token), nil
}
