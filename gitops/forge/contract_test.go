package forge_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"sigs.k8s.io/yaml"

	"tokenward/gitops/forge"
)

// TestRequestsKeepGitLabsContract checks every request that the adapter sends
// against GitLab's own description of its API, where that file is at hand: in
// a folder shared beside the repository.
func TestRequestsKeepGitLabsContract(t *testing.T) {
	t.Parallel()
	router := gitlabRouter(t)
	checked := map[string]int{}
	s := serveSandbox(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if path := r.URL.EscapedPath(); path != "/api/v4/user" { // not in the description
				checked[validate(t, router, r)]++
			}
			next.ServeHTTP(w, r)
		})
	})
	lifeOf(t, s.client(t, "sandbox-developer"))
	for _, want := range []string{
		"GET /api/v4/projects/{id}", "GET /api/v4/projects/{id}/merge_requests", "POST /api/v4/projects/{id}/merge_requests",
		"GET /api/v4/projects/{id}/merge_requests/{merge_request_iid}", "PUT /api/v4/projects/{id}/merge_requests/{merge_request_iid}",
	} {
		if checked[want] == 0 {
			t.Errorf("%s was not checked; checked: %v", want, checked)
		}
	}
}

// TestContractNoticesViolations makes sure that the check above can fail.
func TestContractNoticesViolations(t *testing.T) {
	t.Parallel()
	router := gitlabRouter(t)
	for _, body := range []string{`{"title":"x","source_branch":"a"}`, `{"title":3,"source_branch":"a","target_branch":"b"}`} {
		r, err := http.NewRequest(http.MethodPost, "http://h/api/v4/projects/7/merge_requests", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if _, err := violation(router, r); err == nil {
			t.Errorf("%s passed", body)
		}
	}
}

// validate reports what is wrong with a request and returns its operation.
func validate(t *testing.T, router routers.Router, r *http.Request) string {
	t.Helper()
	operation, err := violation(router, r)
	if err != nil {
		t.Errorf("%s %s: %v", r.Method, r.URL, err)
	}
	return operation
}

func violation(router routers.Router, r *http.Request) (string, error) {
	// An encoded slash is part of a parameter, so the path is matched encoded.
	u := *r.URL
	u.Path = u.EscapedPath()
	encoded := *r
	encoded.URL = &u
	route, params, err := router.FindRoute(&encoded)
	if err != nil {
		return "", err
	}
	err = openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SkipSettingDefaults: true},
	})
	return r.Method + " " + route.Path, err
}

func gitlabRouter(t *testing.T) routers.Router {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "gitlab-openapi.yaml")
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("GitLab's API description is not at hand (%s)", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	if raw, err = yaml.YAMLToJSON(raw); err != nil {
		t.Fatal(err)
	}
	var v2 openapi2.T
	if err := json.Unmarshal(raw, &v2); err != nil {
		t.Fatal(err)
	}
	doc, err := openapi2conv.ToV3(&v2)
	if err != nil {
		t.Fatal(err)
	}
	doc.Servers = openapi3.Servers{{URL: "/"}}
	for _, schema := range doc.Components.Schemas {
		allowCommaSeparated(schema.Value)
	}
	router, err := legacy.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return router
}

// allowCommaSeparated lets marked arrays be strings too, as the server does.
func allowCommaSeparated(schema *openapi3.Schema) {
	for _, property := range schema.Properties {
		if marked, ok := property.Value.Extensions["x-gitlab-comma-separated"].(bool); ok && marked {
			list := *property.Value
			property.Value = &openapi3.Schema{AnyOf: openapi3.SchemaRefs{
				{Value: &list}, {Value: openapi3.NewStringSchema()},
			}}
		}
	}
}

// TestTalkKeepsGitLabsContract is the same for what goes on around a merge
// request. GitLab's description lacks users, notes, discussions, dependencies
// and push rules.
func TestTalkKeepsGitLabsContract(t *testing.T) {
	t.Parallel()
	router := gitlabRouter(t)
	checked := map[string]int{}
	undescribed := regexp.MustCompile(`/(users?|notes|discussions|blocks|push_rule)(/|$)`)
	_, p, mr, bot, maintainer := opened(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !undescribed.MatchString(r.URL.EscapedPath()) {
				checked[validate(t, router, r)]++
			}
			next.ServeHTTP(w, r)
		})
	})
	ctx := t.Context()
	title, text := "Dashboard", "- [ ] rescan"
	_, err := bot.CreateIssue(ctx, p.ID, forge.NewIssue{Title: title, Description: text, Labels: []string{"a", "b"}}, "")
	for _, step := range []func() error{
		func() error {
			_, err := bot.UpdateIssue(ctx, p.ID, 1, forge.IssueUpdate{Title: &title, Description: &text, AddLabels: []string{"c", "d"}, RemoveLabels: []string{"a"}, StateEvent: forge.Close})
			return err
		},
		func() error { _, err := bot.Issue(ctx, p.ID, 1); return err },
		func() error {
			_, err := bot.Issues(ctx, p.ID, forge.IssueFilter{Label: "b", State: forge.Closed, AuthorID: 2})
			return err
		},
		func() error { _, err := bot.AccessLevel(ctx, p.ID, 1); return err },
		func() error { _, err := bot.GroupMembers(ctx, "group"); return err },
		func() error { _, err := maintainer.ProtectedBranches(ctx, p.ID); return err },
		func() error {
			_, err := bot.UpdateMergeRequest(ctx, p.ID, mr.IID, forge.MergeRequestUpdate{AddReviewerIDs: []int64{1, 3}, AddAssigneeIDs: []int64{2}})
			return err
		},
	} {
		err = errors.Join(err, step())
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"POST /api/v4/projects/{id}/issues", "PUT /api/v4/projects/{id}/issues/{issue_iid}", "GET /api/v4/projects/{id}/issues",
		"GET /api/v4/projects/{id}/members/all/{user_id}", "GET /api/v4/groups/{id}/members/all",
		"GET /api/v4/projects/{id}/protected_branches",
	} {
		if checked[want] == 0 {
			t.Errorf("%s was not checked; checked: %v", want, checked)
		}
	}
}
