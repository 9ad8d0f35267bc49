package forge

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Call is one request that left for GitLab, as metrics see it: nothing in it can
// grow without bound or tell a secret.
type Call struct {
	Method string
	// Route is the path below /api/v4 with ":" for whatever names one thing:
	// projects/:/merge_requests/:/notes.
	Route string
	// Status is the answer's, 0 without an answer.
	Status int
	Took   time.Duration // until the answer began
	// Limit and Remaining are what GitLab says of its rate limit, -1 where it says nothing.
	Limit, Remaining int
}

// observed sends a request and tells of it.
func (g *guard) observed(req *http.Request) (*http.Response, error) {
	if g.observe == nil {
		return g.base.RoundTrip(req)
	}
	begin := g.now()
	resp, err := g.base.RoundTrip(req)
	c := Call{Method: req.Method, Route: route(req.URL), Took: g.now().Sub(begin), Limit: -1, Remaining: -1}
	if err == nil {
		c.Status = resp.StatusCode
		c.Limit, c.Remaining = count(resp.Header.Get("RateLimit-Limit")), count(resp.Header.Get("RateLimit-Remaining"))
	}
	g.observe(c)
	return resp, err
}

func count(header string) int {
	if n, err := strconv.Atoi(header); err == nil && n >= 0 {
		return n
	}
	return -1
}

// routeWords are the parts of paths that name a kind of thing. All others name one
// thing, and are not told.
const routeWords = ` projects groups users user personal_access_tokens self version metadata hooks
	merge_requests issues notes discussions members all blocks approvals award_emoji pipelines
	repository branches protected_branches commits compare files tags tree raw push_rule`

// route is the class of a URL's path.
func route(u *url.URL) string {
	_, path, ok := strings.Cut(u.EscapedPath(), "/api/v4/")
	if !ok {
		return ":"
	}
	words := strings.Fields(routeWords)
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for i, p := range parts {
		if !slices.Contains(words, p) {
			parts[i] = ":"
		}
	}
	return strings.Join(parts[:min(len(parts), 8)], "/")
}
