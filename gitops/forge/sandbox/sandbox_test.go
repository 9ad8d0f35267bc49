package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xanzy/go-gitlab"
)

// umbrella is the project that most tests work on.
const umbrella = "platform/umbrella"

// bundle is a running sandbox with one project, whose main branch holds two files.
type bundle struct {
	*Server
	t   *testing.T
	dir string
	url string
}

// testLog writes what the server reports to the test's log.
type testLog struct{ t *testing.T }

func (l testLog) Write(b []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

func setup(t *testing.T, change ...func(*Config)) *bundle {
	t.Helper()
	dir := t.TempDir()
	makeRepository(t, dir, umbrella)
	var minutes atomic.Int64
	cfg := Config{
		Repositories: dir,
		Tokens: append(DefaultTokens(),
			Token{Value: "guest-secret", Username: "gwen", Access: Guest},
			Token{Value: "stranger-secret", Username: "sam", Access: NoAccess},
			Token{Value: "reading-secret", Username: "sandbox-developer", Access: Developer, ReadOnly: true}),
		Now: func() time.Time { // every look at the clock is a minute later
			return time.Date(2025, 3, 1, 12, int(minutes.Add(1)), 0, 0, time.UTC)
		},
		Log: slog.New(slog.NewTextHandler(testLog{t}, nil)),
	}
	for _, c := range change {
		c(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.SetURL(server.URL)
	b := &bundle{Server: s, t: t, dir: dir, url: server.URL}
	b.commit("main", map[string]string{"README.md": "# Umbrella\n", "values.yaml": "a: 1\nb: 2\nc: 3\nd: 4\ne: 5\n"})
	s.ResetRequests()
	return b
}

func makeRepository(t *testing.T, dir, path string) {
	t.Helper()
	full := filepath.Join(dir, filepath.FromSlash(path)+".git")
	if err := os.MkdirAll(full, 0o755); err != nil {
		t.Fatal(err)
	}
	runGit(t, dir, "init", "--quiet", "--bare", "--initial-branch=main", full)
}

// commit writes files to a branch of the umbrella, as a person would.
func (b *bundle) commit(branch string, files map[string]string) string {
	b.t.Helper()
	sha, err := b.Commit(b.t.Context(), umbrella, Commit{Branch: branch, Message: "Change " + branch, Files: files})
	if err != nil {
		b.t.Fatal(err)
	}
	return sha
}

// client returns GitLab's client library for a token.
func (b *bundle) client(token string) *gitlab.Client {
	b.t.Helper()
	client, err := gitlab.NewClient(token, gitlab.WithBaseURL(b.url), gitlab.WithoutRetries())
	if err != nil {
		b.t.Fatal(err)
	}
	return client
}

// open opens a merge request of a branch into main.
func (b *bundle) open(branch string) *gitlab.MergeRequest {
	b.t.Helper()
	mr, _, err := b.client("sandbox-developer").MergeRequests.CreateMergeRequest(umbrella, &gitlab.CreateMergeRequestOptions{
		Title: gitlab.Ptr("Change " + branch), SourceBranch: gitlab.Ptr(branch), TargetBranch: gitlab.Ptr("main"),
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return mr
}

// remote is the address of a project with a token in it.
func (b *bundle) remote(token, path string) string {
	return strings.Replace(b.url, "http://", "http://any:"+token+"@", 1) + "/" + path + ".git"
}

// call sends a plain request and returns the status and the body.
func (b *bundle) call(method, path, token, body string) (int, string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("PRIVATE-TOKEN", token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(resp.Body); err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, text.String()
}

// git runs the git program as a user of the sandbox has it.
func git(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	cmd.Env = append(gitEnv(dir),
		"GIT_AUTHOR_NAME=Pat", "GIT_AUTHOR_EMAIL=pat@example.com", "GIT_COMMITTER_NAME=Pat", "GIT_COMMITTER_EMAIL=pat@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("git %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), err
}

func runGit(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := git(t, dir, args...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

// clone returns a working tree of the umbrella, fetched with a token.
func (b *bundle) clone(token string) string {
	b.t.Helper()
	dir := filepath.Join(b.t.TempDir(), "clone")
	runGit(b.t, b.dir, "clone", "--quiet", b.remote(token, umbrella), dir)
	return dir
}

// change commits a file in a working tree.
func change(t *testing.T, dir, file, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	runGit(t, dir, "add", file)
	runGit(t, dir, "commit", "--quiet", "-m", "Change "+file)
}
