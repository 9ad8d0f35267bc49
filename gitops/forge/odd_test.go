package forge

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// oddAnswers are what a proxy, or whoever poses as GitLab, may say with 200.
var oddAnswers = []string{
	`null`, `{}`, `[]`, `[null]`, `[{}]`, `""`, `7`, ``, `<html></html>`, `{"id":null}`, `{"id":0}`, `{"id":-7,"iid":-7}`, `{"id":1e30}`, `{"id":"x"}`,
	`{"id":99999999999999999999}`, `{"commits":[null]}`, `{"diffs":[null]}`, `{"created_at":"","updated_at":7}`,
}

// Nothing is concluded from an answer that does not say what it is about: no user, project,
// request or issue without a number comes of it, and no list of null.
func TestOddAnswersNameNothing(t *testing.T) {
	t.Parallel()
	title := "x"
	for request, read := range map[string]func(*Client) (any, error){
		"GET /user":                        func(c *Client) (any, error) { return c.CurrentUser(ctx(t)) },
		"GET /personal_access_tokens/self": func(c *Client) (any, error) { info, _, err := c.Token(ctx(t)); return info, err },
		"GET /projects/g%2Fp":              func(c *Client) (any, error) { return c.Project(ctx(t), "g/p") },
		"GET /projects/7/members/all/3":    func(c *Client) (any, error) { return c.AccessLevel(ctx(t), 7, 3) },
		"GET /projects/7/issues/1":         func(c *Client) (any, error) { return c.Issue(ctx(t), 7, 1) },
		"POST /projects/7/issues":          func(c *Client) (any, error) { return c.CreateIssue(ctx(t), 7, NewIssue{Title: title}, "") },
		"GET /projects/7/merge_requests/1": func(c *Client) (any, error) { return c.MergeRequest(ctx(t), 7, 1) },
		"PUT /projects/7/merge_requests/1": func(c *Client) (any, error) {
			return c.UpdateMergeRequest(ctx(t), 7, 1, MergeRequestUpdate{Title: &title})
		},
		"POST /projects/7/merge_requests": func(c *Client) (any, error) {
			return c.CreateMergeRequest(ctx(t), 7, NewMergeRequest{SourceBranch: "b", TargetBranch: "main"})
		},
		"PUT /projects/7/hooks/1": func(c *Client) (any, error) {
			return c.UpdateHook(ctx(t), ProjectHooks(Project{ID: 7}), 1, HookSettings{})
		},
		"POST /projects/7/merge_requests/1/discussions/d/notes": func(c *Client) (any, error) { return c.Reply(ctx(t), 7, 1, "d", "x", "") },
	} {
		for _, body := range oddAnswers {
			f := newFake(t, map[string][]answer{request: {{body: body}}})
			if got, err := read(f.client(t, nil)); !errors.Is(err, ErrUnavailable) {
				t.Errorf("%s answers %s: %+v, %v", request, body, got, err)
			}
		}
	}
}

// A list is whole, or an error: null is no empty one, and holds no merge request without a number.
func TestOddListsAreErrors(t *testing.T) {
	t.Parallel()
	for request, read := range map[string]func(*Client) (any, error){
		"GET /projects/7/merge_requests":     func(c *Client) (any, error) { return c.MergeRequests(ctx(t), 7, "b") },
		"GET /merge_requests":                func(c *Client) (any, error) { return c.OpenedByMe(ctx(t)) },
		"GET /projects/7/issues":             func(c *Client) (any, error) { return c.Issues(ctx(t), 7, IssueFilter{}) },
		"GET " + discussionsPath:             func(c *Client) (any, error) { return c.Notes(ctx(t), 7, 1) },
		"GET /projects/7/protected_branches": func(c *Client) (any, error) { return c.ProtectedBranches(ctx(t), 7) },
	} {
		for _, body := range oddAnswers {
			f := newFake(t, map[string][]answer{request: {{body: body}}})
			got, err := read(f.client(t, nil))
			list := body == "[]" || !strings.HasSuffix(request, "merge_requests") && (body == "[null]" || body == "[{}]")
			if list != (err == nil) || err != nil && fmt.Sprint(got) != "[]" {
				t.Errorf("%s answers %s: %+v, %v", request, body, got, err)
			}
		}
	}
	for _, body := range []string{`{"commits":[null],"diffs":[]}`, `{"commits":[],"diffs":[null]}`} {
		f := newFake(t, map[string][]answer{"GET /projects/7/repository/compare": {{body: body}}})
		if got, err := f.client(t, nil).Compare(ctx(t), 7, "a", "b"); !errors.Is(err, errNameless) {
			t.Errorf("a comparison of %s: %+v, %v", body, got, err)
		}
	}
}
