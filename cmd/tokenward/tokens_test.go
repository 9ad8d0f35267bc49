package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tokenward/bot"
	"tokenward/gitops/forge"
	"tokenward/gitops/forge/sandbox"
)

// severalTokens is a platform on which every project of the pair has a token of its own,
// which sees no other project; gitlab.tokens names them, and there is no other token.
func severalTokens(t *testing.T) *platform {
	t.Helper()
	only := func(project string) map[string]int {
		levels := map[string]int{umbrellaProject: sandbox.NoAccess, certkeeperProject: sandbox.NoAccess}
		if project != "" {
			levels[project] = sandbox.Developer
		}
		return levels
	}
	p := newPlatformFor(t,
		sandbox.Token{Value: "t-umbrella", Username: "project_1_bot", Access: sandbox.NoAccess, Projects: only(umbrellaProject)},
		sandbox.Token{Value: "t-certkeeper", Username: "project_2_bot", Access: sandbox.NoAccess, Projects: only(certkeeperProject)},
		sandbox.Token{Value: "t-packages", Username: "group_3_bot", Access: sandbox.Reporter, Projects: only("")})
	var tokens []string
	for path, value := range map[string]string{umbrellaProject: "t-umbrella", "Platform/Packages/Certkeeper": "t-certkeeper", "platform/packages": "t-packages"} {
		file := filepath.Join(t.TempDir(), "token")
		p.must(os.WriteFile(file, []byte(value+"\n"), 0o600))
		tokens = append(tokens, path+"="+file)
	}
	p.environment = map[string]string{"TOKENWARD_GITLAB_TOKEN": "", "TOKENWARD_GITLAB_TOKENS": strings.Join(tokens, ",")}
	return p
}

// projectOf finds the project in the path of a request to the API or to git.
func projectOf(path string, numbers map[string]string) string {
	rest, ok := strings.CutPrefix(path, "/api/v4/projects/")
	if !ok {
		repository, _, isGit := strings.Cut(strings.TrimPrefix(path, "/"), ".git/")
		if isGit {
			return repository
		}
		return ""
	}
	for _, project := range []string{umbrellaProject, certkeeperProject} {
		if rest == project || strings.HasPrefix(rest, project+"/") {
			return project
		}
	}
	number, _, _ := strings.Cut(rest, "/")
	return numbers[number]
}

// TestEveryProjectHasItsToken holds that no call about a project, neither to the API nor
// to git, is made with the token of another one: the umbrella's is never sent on a
// package's call.
func TestEveryProjectHasItsToken(t *testing.T) {
	t.Parallel()
	p := severalTokens(t)
	client, err := forge.New(forge.Config{BaseURL: p.box.url, Token: func() (string, error) { return maintainer, nil }})
	p.must(err)
	numbers := map[string]string{}
	for _, project := range []string{umbrellaProject, certkeeperProject} {
		found, err := client.Project(t.Context(), project)
		p.must(err)
		numbers[fmt.Sprint(found.ID)] = project
	}
	users := map[string]string{umbrellaProject: "project_1_bot", certkeeperProject: "project_2_bot"}
	look := func(when string) {
		t.Helper()
		seen := map[string]int{}
		for _, r := range p.box.box.Requests() {
			project := projectOf(r.Path, numbers)
			want := users[project]
			if want == "" && strings.HasPrefix(project, "platform/packages/") {
				want = "group_3_bot"
			}
			seen[project]++
			if want != "" && r.User != "" && r.User != want {
				t.Errorf("%s: %s %s is sent as %s, want %s", when, r.Method, r.Path, r.User, want)
			}
		}
		if seen[umbrellaProject] == 0 || seen[certkeeperProject] == 0 {
			t.Errorf("%s: both projects should have been asked about: %v", when, seen)
		}
		p.box.box.ResetRequests()
	}
	p.box.box.ResetRequests()
	code, r := p.propose("", "--namespace", "certkeeper")
	if code != exitOK || len(r.MergeRequests) != 2 {
		t.Fatalf("exit code %d, %d requests, failed %+v", code, len(r.MergeRequests), r.Failed)
	}
	look("the first run")
	authors := map[string]string{}
	for _, m := range p.box.box.MergeRequests() {
		authors[m.Project] = m.Author
		if who := p.git(m.Project, "log", "-1", "--format=%ae %ce", certkeeperBranch); !strings.HasPrefix(who, users[m.Project]+"@") {
			t.Errorf("the commit in %s is by %s", m.Project, who)
		}
	}
	if authors[umbrellaProject] != users[umbrellaProject] || authors[certkeeperProject] != users[certkeeperProject] {
		t.Errorf("the requests are by %v", authors)
	}
	p.say(certkeeperProject, maintainer, "/tokenward rescan")
	if code, _ := p.propose("", "--namespace", "certkeeper"); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	look("a run with a command")
	notes := p.request(certkeeperProject, 1).Notes
	if last := notes[len(notes)-1]; last.Author != users[certkeeperProject] {
		t.Errorf("the answer is by %s", last.Author)
	}
	if _, again := p.propose("", "--namespace", "certkeeper"); again.MergeRequests[0].Action != bot.ActionUnchanged || again.MergeRequests[1].Action != bot.ActionUnchanged {
		t.Errorf("another run changes something: %+v", again.MergeRequests)
	}
	look("the last run")
	if code, r := p.configCheck(""); code != exitOK {
		t.Errorf("config check: exit code %d, %+v", code, r.Findings)
	}
	look("the preflight")
}

// TestProjectWithoutToken: with tokens for single projects only, a project without one
// is told by name, and nothing is sent with another's.
func TestProjectWithoutToken(t *testing.T) {
	t.Parallel()
	p := severalTokens(t)
	tokens := strings.Split(p.environment["TOKENWARD_GITLAB_TOKENS"], ",")
	var some []string
	for _, x := range tokens {
		if !strings.HasPrefix(x, umbrellaProject) {
			some = append(some, x)
		}
	}
	p.environment["TOKENWARD_GITLAB_TOKENS"] = strings.Join(some, ",")
	code, r := p.configCheck("")
	if code != exitFindings || !strings.Contains(r.Findings[0].Text, "there is none for project platform/umbrella: name one in gitlab.tokens") {
		t.Errorf("exit code %d, %+v", code, r.Findings)
	}
}
