package sandbox

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xanzy/go-gitlab"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.commit("topic", map[string]string{"a.txt": "1\n"})
	const project = "/api/v4/projects/platform%2Fumbrella"
	cases := []struct {
		name, method, path, token, body string
		status                          int
		answer                          string
	}{
		{"wrong token", "GET", "/api/v4/user", "nonsense", "", 401, `{"message":"401 Unauthorized"}`},
		{"no token", "GET", "/api/v4/user", "", "", 401, `{"message":"401 Unauthorized"}`},
		{"no token, project", "GET", project, "", "", 404, `{"message":"404 Project Not Found"}`},
		{"absent project", "GET", "/api/v4/projects/platform%2Fother", "sandbox-maintainer", "", 404, `{"message":"404 Project Not Found"}`},
		{"invisible project", "GET", project, "stranger-secret", "", 404, `{"message":"404 Project Not Found"}`},
		{"traversal", "GET", "/api/v4/projects/" + url.PathEscape("../"+umbrella), "sandbox-maintainer", "", 404, `{"message":"404 Project Not Found"}`},
		{"tree outside", "GET", project + "/repository/tree?path=../..", "sandbox-maintainer", "", 404, ""},
		{"file outside", "GET", project + "/repository/files/..%2Fconfig/raw", "sandbox-maintainer", "", 404, `{"message":"404 File Not Found"}`},
		{"commits outside", "GET", project + "/repository/commits?path=../x", "sandbox-maintainer", "", 400, ""},
		{"strange pathspec", "GET", project + "/repository/tree?path=:(glob)**", "sandbox-maintainer", "", 404, ""},
		{"guest reads project", "GET", project, "guest-secret", "", 200, ""},
		{"guest reads code", "GET", project + "/repository/branches", "guest-secret", "", 403, `{"message":"403 Forbidden"}`},
		{"reporter opens", "POST", project + "/merge_requests", "sandbox-reporter", `{}`, 403, `{"message":"403 Forbidden"}`},
		{"reading token opens", "POST", project + "/merge_requests", "reading-secret", `{}`, 403,
			`{"error":"insufficient_scope","error_description":"The request requires higher privileges than provided by the access token.","scope":"api"}`},
		{"unknown route", "GET", project + "/wikis", "sandbox-maintainer", "", 501, `{"message":"501 Not Implemented: GET /api/v4/projects/platform%2Fumbrella/wikis"}`},
		{"unknown method", "DELETE", project, "sandbox-maintainer", "", 501, `{"message":"501 Not Implemented: DELETE /api/v4/projects/platform%2Fumbrella"}`},
		{"unknown parameter", "GET", project + "/merge_requests?reviewer_username=x", "sandbox-maintainer", "", 501,
			`{"message":"501 Not Implemented: parameter reviewer_username of GET /projects/{id}/merge_requests"}`},
		{"nothing given", "POST", project + "/merge_requests", "sandbox-developer", `{"title":"x"}`, 400,
			`{"error":"source_branch is missing, target_branch is missing"}`},
		{"no JSON", "POST", project + "/merge_requests", "sandbox-developer", `{`, 400, `{"error":"Problem parsing JSON"}`},
		{"no source", "POST", project + "/merge_requests", "sandbox-developer", `{"title":"x","source_branch":"none","target_branch":"main"}`, 400,
			`{"message":{"source_branch":["does not exist"]}}`},
		{"no target", "POST", project + "/merge_requests", "sandbox-developer", `{"title":"x","source_branch":"topic","target_branch":"none"}`, 400,
			`{"message":{"target_branch":["does not exist"]}}`},
		{"same branch", "POST", project + "/merge_requests", "sandbox-developer", `{"title":"x","source_branch":"main","target_branch":"main"}`, 422,
			`{"message":["You can't use same project/branch for source and target"]}`},
		{"long title", "POST", project + "/merge_requests", "sandbox-developer",
			`{"title":"` + strings.Repeat("ä", 256) + `","source_branch":"topic","target_branch":"main"}`, 400,
			`{"message":{"title":["is too long (maximum is 255 characters)"]}}`},
		{"strange number", "GET", project + "/merge_requests?page=x", "sandbox-developer", "", 400, `{"error":"page is invalid"}`},
		{"no such request", "GET", project + "/merge_requests/9", "sandbox-developer", "", 404, `{"message":"404 Not found"}`},
		{"no such branch", "GET", project + "/repository/branches/none", "sandbox-developer", "", 404, `{"message":"404 Branch Not Found"}`},
		{"developer reads rules", "GET", project + "/protected_branches", "sandbox-developer", "", 403, `{"message":"403 Forbidden"}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			status, answer := b.call(c.method, c.path, c.token, c.body)
			if status != c.status || c.answer != "" && answer != c.answer {
				t.Errorf("answered %d %s, want %d %s", status, answer, c.status, c.answer)
			}
		})
	}
}

func TestBearerAndForm(t *testing.T) {
	t.Parallel()
	b := setup(t)
	form := url.Values{"name": {"bot"}, "color": {"#112233"}}
	req, err := http.NewRequestWithContext(t.Context(), "POST", b.url+"/api/v4/projects/1/labels", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer sandbox-reporter")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		t.Errorf("answered %s, want 201", resp.Status)
	}
}

func TestArchivedAndDisabled(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.commit("topic", map[string]string{"a.txt": "1\n"})
	b.open("topic")
	const one = "/api/v4/projects/1/merge_requests/1"
	b.set(func(s *ProjectSettings) { s.Archived = true })
	if status, _ := b.call("GET", one, "sandbox-maintainer", ""); status != 200 {
		t.Errorf("reading in an archived project answers %d, want 200", status)
	}
	if status, _ := b.call("PUT", one, "sandbox-maintainer", `{"title":"x"}`); status != 403 {
		t.Errorf("writing in an archived project answers %d, want 403", status)
	}
	b.set(func(s *ProjectSettings) { s.Archived, s.MergeRequestsDisabled = false, true })
	if status, _ := b.call("GET", one, "sandbox-maintainer", ""); status != 403 {
		t.Errorf("reading a disabled merge request answers %d, want 403", status)
	}
	project, _, err := b.client("sandbox-maintainer").Projects.GetProject(umbrella, nil)
	if err != nil {
		t.Fatal(err)
	}
	if project.MergeRequestsAccessLevel != gitlab.DisabledAccessControl || project.Archived {
		t.Errorf("project says %s, archived %v", project.MergeRequestsAccessLevel, project.Archived)
	}
}

func (b *bundle) set(change func(*ProjectSettings)) {
	b.t.Helper()
	if err := b.SetProject(b.t.Context(), umbrella, change); err != nil {
		b.t.Fatal(err)
	}
}

func TestPublicRead(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) { c.PublicRead = true })
	if status, _ := b.call("GET", "/api/v4/projects/1", "", ""); status != 200 {
		t.Errorf("anonymous reading answers %d, want 200", status)
	}
	if status, _ := b.call("POST", "/api/v4/projects/1/labels", "", `{"name":"x","color":"#112233"}`); status != 401 {
		t.Errorf("anonymous writing answers %d, want 401", status)
	}
	runGit(t, b.dir, "clone", "--quiet", b.url+"/"+umbrella+".git", t.TempDir()+"/clone")
	if _, err := git(t, b.dir, "push", b.url+"/"+umbrella+".git", "main:main"); err == nil {
		t.Error("anonymous push worked")
	}
}

func TestProjects(t *testing.T) {
	t.Parallel()
	b := setup(t)
	client := b.client("sandbox-developer")
	project, _, err := client.Projects.GetProject(umbrella, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := []any{project.ID, project.PathWithNamespace, project.Name, project.DefaultBranch, project.EmptyRepo, project.HTTPURLToRepo,
		project.WebURL, project.Permissions.ProjectAccess.AccessLevel, project.MergeMethod, project.Namespace.FullPath}
	want := []any{1, umbrella, "umbrella", "main", false, b.url + "/" + umbrella + ".git", b.url + "/" + umbrella,
		gitlab.DeveloperPermissions, gitlab.NoFastForwardMerge, "platform"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("project differs:\n%s", diff)
	}
	makeRepository(t, b.dir, "platform/sub/v1.2") // a dot in the path, found without a restart
	project, _, err = client.Projects.GetProject("platform/sub/v1.2", nil)
	if err != nil {
		t.Fatal(err)
	}
	if project.ID != 2 || !project.EmptyRepo || project.DefaultBranch != "" {
		t.Errorf("new project is %d, empty %v, default branch %q", project.ID, project.EmptyRepo, project.DefaultBranch)
	}
	all, _, err := client.Projects.ListProjects(&gitlab.ListProjectsOptions{Membership: gitlab.Ptr(true), Sort: gitlab.Ptr("asc"), OrderBy: gitlab.Ptr("id")})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 2 || all[0].ID != 1 || all[1].ID != 2 {
		t.Errorf("listed %v", all)
	}
	if none, _, err := b.client("stranger-secret").Projects.ListProjects(nil); err != nil || len(none) != 0 {
		t.Errorf("a stranger sees %v (%v), want none", none, err)
	}
}

func TestOverride(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) {
		c.Tokens = append(c.Tokens, Token{Value: "one-project", Username: "olga", Access: NoAccess, Projects: map[string]int{umbrella: Maintainer}})
	})
	makeRepository(t, b.dir, "platform/other")
	if status, _ := b.call("GET", "/api/v4/projects/platform%2Fumbrella", "one-project", ""); status != 200 {
		t.Errorf("the token's own project answers %d, want 200", status)
	}
	if status, _ := b.call("GET", "/api/v4/projects/platform%2Fother", "one-project", ""); status != 404 {
		t.Errorf("another project answers %d, want 404", status)
	}
}

func TestBranchesAndFiles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sha := b.commit("topic/one.two", map[string]string{"docs/a b.md": "hello\n"})
	client := b.client("sandbox-developer")
	branch, _, err := client.Branches.GetBranch(umbrella, "topic/one.two")
	if err != nil {
		t.Fatal(err)
	}
	if branch.Commit.ID != sha || branch.Commit.Title != "Change topic/one.two" || branch.Protected || branch.Merged || !branch.CanPush {
		t.Errorf("branch is %+v, commit %+v", branch, branch.Commit)
	}
	all, _, err := client.Branches.ListBranches(umbrella, &gitlab.ListBranchesOptions{Search: gitlab.Ptr("^ma")})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 || all[0].Name != "main" || !all[0].Default || !all[0].Protected || all[0].CanPush {
		t.Errorf("listed %+v", all)
	}
	raw, _, err := client.RepositoryFiles.GetRawFile(umbrella, "docs/a b.md", &gitlab.GetRawFileOptions{Ref: gitlab.Ptr("topic/one.two")})
	if err != nil || string(raw) != "hello\n" {
		t.Errorf("raw file is %q (%v)", raw, err)
	}
	file, _, err := client.RepositoryFiles.GetFile(umbrella, "README.md", &gitlab.GetFileOptions{Ref: gitlab.Ptr("main")})
	if err != nil || file.Content != "IyBVbWJyZWxsYQo=" || file.Size != 11 {
		t.Errorf("file is %+v (%v)", file, err)
	}
	tree, _, err := client.Repositories.ListTree(umbrella, &gitlab.ListTreeOptions{Ref: gitlab.Ptr(sha), Recursive: gitlab.Ptr(true)})
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, entry := range tree {
		paths = append(paths, entry.Type+" "+entry.Path)
	}
	if diff := cmp.Diff([]string{"blob README.md", "tree docs", "blob docs/a b.md", "blob values.yaml"}, paths); diff != "" {
		t.Errorf("tree differs:\n%s", diff)
	}
	if _, _, err := client.Branches.CreateBranch(umbrella, &gitlab.CreateBranchOptions{Branch: gitlab.Ptr("new"), Ref: gitlab.Ptr("topic/one.two")}); err != nil {
		t.Error(err)
	}
	if _, err := client.Branches.DeleteBranch(umbrella, "new"); err != nil {
		t.Error(err)
	}
	if _, err := client.Branches.DeleteBranch(umbrella, "main"); err == nil {
		t.Error("the default branch was deleted")
	}
}

func TestPaging(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const total = 7
	for n := range total {
		branch := "topic-" + string(rune('a'+n))
		b.commit(branch, map[string]string{branch: "1\n"})
		b.open(branch)
	}
	client := b.client("sandbox-reporter")
	opt := &gitlab.ListProjectMergeRequestsOptions{State: gitlab.Ptr("opened"), ListOptions: gitlab.ListOptions{PerPage: 3, Page: 1}}
	var iids []int
	for pages := 0; ; pages++ {
		list, resp, err := client.MergeRequests.ListProjectMergeRequests(umbrella, opt)
		if err != nil {
			t.Fatal(err)
		}
		for _, mr := range list {
			iids = append(iids, mr.IID)
		}
		if resp.TotalItems != total || resp.TotalPages != 3 || resp.ItemsPerPage != 3 {
			t.Errorf("headers say %d items on %d pages of %d", resp.TotalItems, resp.TotalPages, resp.ItemsPerPage)
		}
		if link := resp.Header.Get("Link"); resp.NextPage != 0 && !strings.Contains(link, `rel="next"`) {
			t.Errorf("Link %q has no next page", link)
		}
		if resp.NextPage == 0 || pages > total {
			break
		}
		opt.Page = resp.NextPage
	}
	if diff := cmp.Diff([]int{7, 6, 5, 4, 3, 2, 1}, iids); diff != "" {
		t.Errorf("merge requests, newest first, differ:\n%s", diff)
	}
}

func TestRequestsAreRecorded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.call("GET", "/api/v4/projects/platform%2Fumbrella?license=true", "sandbox-reporter", "")
	b.call("GET", "/api/v4/user", "nonsense", "")
	b.call("GET", "/"+umbrella, "", "") // a page
	if _, err := git(t, b.dir, "ls-remote", b.remote("sandbox-developer", umbrella)); err != nil {
		t.Fatal(err)
	}
	want := []Request{
		{"GET", "/api/v4/projects/platform/umbrella", "license=true", 200, "sandbox-reporter"},
		{"GET", "/api/v4/user", "", 401, ""},
		{"GET", "/platform/umbrella.git/info/refs", "service=git-upload-pack", 401, ""},
		{"GET", "/platform/umbrella.git/info/refs", "service=git-upload-pack", 200, "sandbox-developer"},
		{"POST", "/platform/umbrella.git/git-upload-pack", "", 200, "sandbox-developer"},
	}
	if diff := cmp.Diff(want, b.Requests()); diff != "" {
		t.Errorf("requests differ:\n%s", diff)
	}
	b.ResetRequests()
	if left := b.Requests(); len(left) != 0 {
		t.Errorf("after a reset there are %v", left)
	}
}

func TestUserAndVersion(t *testing.T) {
	t.Parallel()
	b := setup(t)
	client := b.client("sandbox-developer")
	me, _, err := client.Users.CurrentUser()
	if err != nil {
		t.Fatal(err)
	}
	if me.ID != 2 || me.Username != "sandbox-developer" || me.Email == "" {
		t.Errorf("user is %+v", me)
	}
	if v, _, err := client.Version.GetVersion(); err != nil || v.Version == "" {
		t.Errorf("version is %+v (%v)", v, err)
	}
	if m, _, err := client.Metadata.GetMetadata(); err != nil || m.Version == "" {
		t.Errorf("metadata is %+v (%v)", m, err)
	}
	found, _, err := client.Users.ListUsers(&gitlab.ListUsersOptions{Username: gitlab.Ptr("GWEN")})
	if err != nil || len(found) != 1 || found[0].Username != "gwen" {
		t.Errorf("found %+v (%v)", found, err)
	}
}

func TestJSONHasGitLabsKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.commit("topic", map[string]string{"a.txt": "1\n"})
	b.open("topic")
	_, answer := b.call("GET", "/api/v4/projects/1/merge_requests/1", "sandbox-developer", "")
	var got map[string]any
	if err := json.Unmarshal([]byte(answer), &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"merged_at": nil, "milestone": nil, "changes_count": "1", "merge_status": "can_be_merged", "sha": got["sha"],
		"reference": "!1", "labels": []any{}, "user": map[string]any{"can_merge": false}, "merge_error": nil,
		"references": map[string]any{"short": "!1", "relative": "!1", "full": "platform/umbrella!1"},
	} {
		value, given := got[key]
		if !given {
			t.Errorf("key %s is missing", key)
		}
		if diff := cmp.Diff(want, value); diff != "" {
			t.Errorf("%s differs:\n%s", key, diff)
		}
	}
	if at, _ := got["created_at"].(string); !strings.HasPrefix(at, "2025-03-01T12:") || !strings.HasSuffix(at, ":00.000Z") {
		t.Errorf("created_at is %q", at)
	}
}
