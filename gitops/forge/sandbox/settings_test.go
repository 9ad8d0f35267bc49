package sandbox

import (
	"net/http"
	"strings"
	"testing"
)

func TestMovedProject(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.commit("topic", map[string]string{"x": "1\n"})
	b.open("topic")
	dir := b.clone("sandbox-developer")
	if err := b.Move(t.Context(), umbrella, "new/home/umbrella"); err != nil {
		t.Fatal(err)
	}
	old := "/api/v4/projects/platform%2Fumbrella"
	if code, text := b.call("PUT", old+"/merge_requests/1", "sandbox-developer", `{"title":"x"}`); code != 405 || text != `{"message":"Non GET methods are not allowed for moved projects"}` {
		t.Errorf("%d %s", code, text)
	}
	if code, text := b.call("GET", old+"/merge_requests/1", "stranger-secret", ""); code != 404 {
		t.Errorf("a stranger learns of the move: %d %s", code, text)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(t.Context(), "GET", b.url+old+"/merge_requests?state=opened", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("PRIVATE-TOKEN", "sandbox-developer")
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if want := b.url + "/api/v4/projects/1/merge_requests?state=opened"; resp.StatusCode != 302 || resp.Header.Get("Location") != want {
		t.Errorf("%d %s, want %s", resp.StatusCode, resp.Header.Get("Location"), want)
	}
	if text := b.must(200, "GET", "/merge_requests/1", "sandbox-developer", ""); !strings.Contains(text, `"full":"new/home/umbrella!1"`) {
		t.Error(text)
	}
	// The remote still has the old path.
	change(t, dir, "y", "1\n")
	runGit(t, dir, "push", "--quiet", "--force", "origin", "HEAD:refs/heads/topic")
	runGit(t, dir, "fetch", "--quiet", "origin")
	if b.MergeRequests()[0].SHA != runGit(t, dir, "rev-parse", "HEAD") {
		t.Error("the push by the old path did not arrive")
	}
	makeRepository(t, b.dir, umbrella) // somebody else takes the place
	if _, text := b.call("GET", old, "sandbox-developer", ""); !strings.Contains(text, `"id":2`) {
		t.Error(text)
	}
	for _, to := range []string{"", "alone", "../out", "a/../../b", "/a/b", "platform/umbrella"} {
		if err := b.Move(t.Context(), "new/home/umbrella", to); err == nil {
			t.Errorf("moved to %q", to)
		}
	}
}

func TestDefaultBranchChanges(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.commit("trunk", map[string]string{"x": "1\n"})
	if err := b.SetDefaultBranch(t.Context(), umbrella, "none"); err == nil {
		t.Error("a branch that is not there")
	}
	if err := b.SetDefaultBranch(t.Context(), umbrella, "trunk"); err != nil {
		t.Fatal(err)
	}
	if text := b.must(200, "GET", "", "sandbox-developer", ""); !strings.Contains(text, `"default_branch":"trunk"`) {
		t.Error(text)
	}
}

func TestPushRulesRefuse(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		rules PushRules
		want  string // in git's output; empty means that the push works
	}{
		{"none", PushRules{}, ""},
		{"branch", PushRules{BranchName: "^bot/"}, "remote: GitLab: Branch name 'topic' does not follow the pattern '^bot/'"},
		{"message", PushRules{CommitMessage: "^[A-Z]+-"}, "remote: GitLab: Commit message does not follow the pattern '^[A-Z]+-'"},
		{"message that fits", PushRules{CommitMessage: "^Change"}, ""},
		{"forbidden message", PushRules{CommitMessageNegative: "Change"}, "Commit message contains the forbidden pattern 'Change'"},
		{"sign-off", PushRules{RejectNonDCO: true}, "Commit message must contain a DCO signoff"},
		{"author", PushRules{AuthorEmail: "@corp$"}, "Author's email 'pat@example.com' does not follow the pattern '@corp$'"},
		{"member", PushRules{MemberCheck: true}, "Author 'pat@example.com' is not a member of team"},
		{"committer", PushRules{CommitterCheck: true}, "You cannot push commits for 'pat@example.com'"},
		{"unsigned", PushRules{RejectUnsigned: true}, "Commit must be signed"},
		{"file", PushRules{FileName: `\.yaml$`}, "File name values.yaml was prohibited"},
		{"size", PushRules{MaxFileSize: 1}, `File "large" is larger than the allowed size of 1 MiB`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			dir := b.clone("sandbox-developer")
			b.set(func(s *ProjectSettings) { s.PushRules = &c.rules })
			change(t, dir, "values.yaml", "a: 9\n")
			if c.name == "size" {
				change(t, dir, "large", strings.Repeat("x\n", 600_000))
			}
			out, err := git(t, dir, "push", "origin", "HEAD:refs/heads/topic")
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "pre-receive hook declined")) {
				t.Errorf("%s %v", out, err)
			}
			if c.want != "" {
				b.set(func(s *ProjectSettings) { s.Free = true })
				runGit(t, dir, "push", "--quiet", "--force", "origin", "HEAD:refs/heads/topic")
			}
		})
	}
}

func TestPushRuleInTheAPI(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if text := b.must(200, "GET", "/push_rule", "sandbox-maintainer", ""); text != "null" {
		t.Error(text)
	}
	b.set(func(s *ProjectSettings) { s.PushRules = &PushRules{BranchName: "^bot/"} })
	b.must(403, "GET", "/push_rule", "sandbox-developer", "")
	if text := b.must(400, "POST", "/repository/branches", "sandbox-developer", `{"branch":"topic","ref":"main"}`); !strings.Contains(text, "does not follow the pattern") {
		t.Error(text)
	}
	b.must(201, "POST", "/repository/branches", "sandbox-developer", `{"branch":"bot/topic","ref":"main"}`)
	b.set(func(s *ProjectSettings) { s.PushRules = &PushRules{CommitMessage: "^JIRA-"} })
	b.commit("side", map[string]string{"x": "1\n"})
	b.open("side")
	b.must(422, "PUT", "/merge_requests/1/merge", "sandbox-maintainer", "{}")
	if text := b.must(200, "GET", "/merge_requests/1", "sandbox-developer", ""); !strings.Contains(text, `"merge_error":"Commit message does not follow`) {
		t.Error(text)
	}
	b.must(200, "PUT", "/merge_requests/1/merge", "sandbox-maintainer", `{"merge_commit_message":"JIRA-1 Merge"}`)
	b.set(func(s *ProjectSettings) { s.Free = true })
	b.must(404, "GET", "/push_rule", "sandbox-maintainer", "")
}

func TestMembersAndBlockedUsers(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) {
		c.Tokens = append(c.Tokens, Token{Value: "gone-secret", Username: "gone", Access: Maintainer, Blocked: true},
			Token{Value: "bot-secret", Username: "project_1_bot_1", Bot: true, Projects: map[string]int{umbrella: Developer}})
		c.Groups = map[string]map[string]int{"platform/owners": {"sandbox-maintainer": Owner, "gone": Developer}}
	})
	if code, text := b.call("GET", "/api/v4/user", "gone-secret", ""); code != 403 || !strings.Contains(text, "blocked") {
		t.Errorf("%d %s", code, text)
	}
	if _, err := git(t, b.dir, "ls-remote", b.remote("gone-secret", umbrella)); err == nil {
		t.Error("a blocked user fetches")
	}
	client := b.client("bot-secret")
	if me, _, err := client.Users.CurrentUser(); err != nil || !me.Bot {
		t.Errorf("%+v, %v", me, err)
	}
	members, _, err := client.ProjectMembers.ListAllProjectMembers(umbrella, nil)
	if err != nil || len(members) != 6 {
		t.Fatalf("%v, %v", members, err)
	}
	if m, _, err := client.ProjectMembers.GetInheritedProjectMember(umbrella, 4); err != nil || m.AccessLevel != Guest {
		t.Errorf("%+v, %v", m, err)
	}
	if _, _, err := client.ProjectMembers.GetInheritedProjectMember(umbrella, 5); status(err) != 404 {
		t.Errorf("a stranger: %v", err)
	}
	owners, _, err := client.Groups.ListAllGroupMembers("platform/owners", nil)
	if err != nil || len(owners) != 2 || owners[0].AccessLevel != Owner || owners[1].State != "blocked" {
		t.Errorf("%v, %v", owners, err)
	}
	if everybody, _, err := client.Groups.ListAllGroupMembers("platform", nil); err != nil || len(everybody) != 5 {
		t.Errorf("%v, %v", everybody, err)
	}
	if _, _, err := client.Groups.ListAllGroupMembers("none", nil); status(err) != 404 {
		t.Errorf("%v", err)
	}
}
