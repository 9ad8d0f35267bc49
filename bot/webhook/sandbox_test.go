package webhook

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tokenward/gitops/forge/sandbox"
)

const (
	umbrellaPath = "platform/umbrella"
	packagePath  = "packages/argocd"
	person       = "sandbox-maintainer"
	theBot       = "sandbox-developer"
)

// gitlab is a sandbox whose hooks lead to a handler.
type gitlab struct {
	*bench
	sandbox *sandbox.Server
	url     string // of the sandbox
	hooks   string // of the handler
}

// newGitLab starts both. The packages' projects follow the umbrella's in the order
// of paths, so that packages/argocd has id 1 and platform/umbrella id 2.
func newGitLab(t *testing.T) *gitlab {
	t.Helper()
	dir := t.TempDir()
	for _, p := range []string{umbrellaPath, packagePath} {
		full := filepath.Join(dir, filepath.FromSlash(p)+".git")
		if err := os.MkdirAll(full, 0o755); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), "git", "init", "--quiet", "--bare", "--initial-branch=main", full).CombinedOutput(); err != nil {
			t.Fatalf("git init: %v\n%s", err, out)
		}
	}
	var seconds atomic.Int64
	s, err := sandbox.New(sandbox.Config{Repositories: dir, Tokens: sandbox.DefaultTokens(), Now: func() time.Time {
		return noon.Add(time.Duration(seconds.Add(1)) * time.Millisecond)
	}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.SetURL(server.URL)
	g := &gitlab{sandbox: s, url: server.URL}
	view := View{
		Self: 2, // sandbox-developer
		Index: Index{
			Umbrellas: []Umbrella{{Name: "prod", Project: Project{Path: umbrellaPath}, BranchPrefix: "tokenward/"}},
			Packages:  []Package{{Project: Project{Path: packagePath}, Umbrella: "prod", Namespace: "argocd"}},
		},
		Issue: testView().Issue,
	}
	g.bench = newBench(t, func() View { return view })
	mux := http.NewServeMux()
	mux.Handle("/webhooks/gitlab", g.bench)
	handler := httptest.NewServer(mux)
	t.Cleanup(handler.Close)
	g.hooks = handler.URL + "/webhooks/gitlab"
	for _, p := range []string{umbrellaPath, packagePath} {
		g.commit(p, "main", person)
	}
	return g
}

// hook creates a hook of a project with all the events that are wanted.
func (g *gitlab) hook(project, more string) {
	g.t.Helper()
	g.call("POST", project, "/hooks", person, `{"url":"`+g.hooks+`","push_events":true,"tag_push_events":true,"merge_requests_events":true,
		"note_events":true,"issues_events":true,"confidential_issues_events":true`+more+`}`)
}

// call calls the API of a project.
func (g *gitlab) call(method, project, path, who, body string) {
	g.t.Helper()
	address := g.url + "/api/v4/projects/" + strings.ReplaceAll(project, "/", "%2F") + path
	r, err := http.NewRequestWithContext(g.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	r.Header = http.Header{"Private-Token": {who}, "Content-Type": {"application/json"}}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode >= 300 {
		g.t.Fatalf("%s %s: %d %s %v", method, address, resp.StatusCode, text, err)
	}
}

func (g *gitlab) commit(project, branch, who string) {
	g.t.Helper()
	file := fmt.Sprintf("file-%d", len(g.sandbox.Deliveries())+len(g.sandbox.Requests()))
	if _, err := g.sandbox.Commit(g.t.Context(), project, sandbox.Commit{Branch: branch, Message: "Change", Author: who, Files: map[string]string{file: branch + who}}); err != nil {
		g.t.Fatal(err)
	}
}

// git runs git in a clone of the package's project.
func (g *gitlab) git(dir string, args ...string) {
	g.t.Helper()
	cmd := exec.CommandContext(g.t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	if out, err := cmd.CombinedOutput(); err != nil {
		g.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// came waits for all deliveries, and returns what they led to since the last time.
func (g *gitlab) came() string {
	g.t.Helper()
	if err := g.sandbox.WaitDeliveries(g.t.Context()); err != nil {
		g.t.Fatal(err)
	}
	for _, d := range g.sandbox.Deliveries() {
		if d.Status != http.StatusOK {
			g.t.Errorf("%s is answered with %d %s", d.Event, d.Status, d.Problem)
		}
	}
	g.inbox.mu.Lock()
	defer g.inbox.mu.Unlock()
	out := words(g.inbox.order)
	g.inbox.order = nil
	return out
}

// TestFromGitLabToTriggers lets things happen on the sandbox, one after the other.
func TestFromGitLabToTriggers(t *testing.T) {
	t.Parallel()
	g := newGitLab(t)
	for _, p := range []string{umbrellaPath, packagePath} {
		g.hook(p, `,"token":"s3cret"`)
	}
	merge := "/merge_requests/1"
	for _, c := range []struct {
		name string
		do   func()
		want string
	}{
		{"push to the umbrella", func() { g.commit(umbrellaPath, "main", person) }, "prod/changed: push to platform/umbrella@main"},
		{"push to a package", func() { g.commit(packagePath, "main", person) }, "prod/argocd: push to packages/argocd@main"},
		{"push elsewhere", func() { g.commit(packagePath, "topic", person) }, ""},
		{"tag", func() {
			dir := t.TempDir()
			remote := strings.Replace(g.url, "http://", "http://x:"+person+"@", 1) + "/" + packagePath + ".git"
			g.git(dir, "clone", "--quiet", remote, ".")
			g.git(dir, "push", "--quiet", remote, "HEAD:refs/tags/1.0.0")
		}, "prod/argocd: tag 1.0.0 of packages/argocd"},
		{"the bot pushes and opens", func() {
			g.commit(packagePath, "tokenward/argocd", theBot)
			g.call("POST", packagePath, "/merge_requests", theBot, `{"title":"x","source_branch":"tokenward/argocd","target_branch":"main"}`)
			g.call("PUT", packagePath, merge, theBot, `{"title":"y"}`)
			g.call("POST", packagePath, merge+"/notes", theBot, `{"body":"done"}`)
		}, ""},
		{"a person pushes to it", func() { g.commit(packagePath, "tokenward/argocd", person) },
			"prod/argocd: push to packages/argocd@tokenward/argocd\nprod/argocd: merge request packages/argocd!1 changed"},
		{"chatter", func() { g.call("POST", packagePath, merge+"/notes", person, `{"body":"Looks fine"}`) }, ""},
		{"command", func() { g.call("POST", packagePath, merge+"/notes", person, `{"body":"/tokenward rescan"}`) },
			"prod/argocd: command on packages/argocd!1"},
		{"approval", func() { g.call("POST", packagePath, merge+"/approve", person, ``) }, "prod/argocd: merge request packages/argocd!1 approved"},
		{"closed", func() { g.call("PUT", packagePath, merge, person, `{"state_event":"close"}`) }, "prod/argocd: merge request packages/argocd!1 closed"},
		{"reopened", func() { g.call("PUT", packagePath, merge, person, `{"state_event":"reopen"}`) }, "prod/argocd: merge request packages/argocd!1 reopened"},
		{"merged", func() { g.call("PUT", packagePath, merge+"/merge", person, `{}`) },
			"prod/argocd: merge request packages/argocd!1 merged\nprod/argocd: push to packages/argocd@main"},
		{"the bot opens its dashboard", func() {
			g.call("POST", umbrellaPath, "/issues", theBot, `{"title":"Dashboard","description":"prod: dashboard"}`)
		}, ""},
		{"a person closes it", func() { g.call("PUT", umbrellaPath, "/issues/1", person, `{"state_event":"close"}`) },
			"prod/all: dashboard platform/umbrella#1 closed"},
		{"somebody's issue", func() { g.call("POST", umbrellaPath, "/issues", person, `{"title":"Hello"}`) }, ""},
	} {
		c.do()
		if got := g.came(); got != c.want {
			t.Errorf("%s leads to\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

// TestGitLabSigns lets the sandbox sign, and rotates the key on both sides.
func TestGitLabSigns(t *testing.T) {
	t.Parallel()
	g := newGitLab(t)
	g.mu.Lock()
	g.tokens, g.signing = nil, []string{signingToken('a')}
	g.mu.Unlock()
	g.hook(umbrellaPath, `,"signing_token":"`+signingToken('a')+`"`)
	g.commit(umbrellaPath, "main", person)
	if got := g.came(); got == "" {
		t.Error("a signed delivery is lost")
	}
	g.mu.Lock()
	g.signing = []string{signingToken('b'), signingToken('a')}
	g.mu.Unlock()
	g.commit(umbrellaPath, "main", person)
	if got := g.came(); got == "" {
		t.Error("the old key does not count beside the new one")
	}
	first := g.sandbox.Deliveries()[0]
	g.sandbox.Redeliver(first)
	if got := g.came(); got != "" || g.counted.n["push duplicate"] != 1 {
		t.Errorf("a delivery that is sent again leads to %s, %v", got, g.counted.n)
	}
	first.Body = bytes.Replace(first.Body, []byte("main"), []byte("nain"), 1)
	g.sandbox.Redeliver(first)
	if err := g.sandbox.WaitDeliveries(t.Context()); err != nil {
		t.Fatal(err)
	}
	made := g.sandbox.Deliveries()
	if status := made[len(made)-1].Status; status != http.StatusUnauthorized {
		t.Errorf("a changed body is answered with %d", status)
	}
	g.mu.Lock()
	g.signing = []string{signingToken('b')}
	g.mu.Unlock()
	g.commit(umbrellaPath, "main", person)
	if err := g.sandbox.WaitDeliveries(t.Context()); err != nil {
		t.Fatal(err)
	}
	if made = g.sandbox.Deliveries(); made[len(made)-1].Status != http.StatusUnauthorized {
		t.Error("the old key counts for ever")
	}
	if len(g.inbox.order) > 0 {
		t.Errorf("%v", g.inbox.order)
	}
}
