package git_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokenward/gitops/forge/sandbox"
	"tokenward/gitops/git"
)

// TestAgainstTheSandbox pushes through the tokens, roles and protected
// branches of the GitLab-compatible server.
func TestAgainstTheSandbox(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	bare, work := filepath.Join(root, "repositories", "group", "app.git"), filepath.Join(root, "work")
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Env = append(os.Environ(), "HOME="+root, "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.org",
			"GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.org")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run("init", "-q", "--bare", "-b", "main", bare)
	run("init", "-q", "--bare", "-b", "main", filepath.Join(root, "repositories", "group", "empty.git"))
	run("init", "-q", "-b", "main", work)
	if err := os.WriteFile(filepath.Join(work, "values.yaml"), []byte("a: 1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	run("-C", work, "add", "-A")
	run("-C", work, "commit", "-q", "-m", "Add values")
	run("-C", work, "push", "-q", bare, "main")

	s, err := sandbox.New(sandbox.Config{Repositories: filepath.Join(root, "repositories"), Tokens: sandbox.DefaultTokens()})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.SetProject(ctx, "group/app", func(p *sandbox.ProjectSettings) {
		p.ProtectedBranches = append(p.ProtectedBranches, sandbox.ProtectedBranch{Name: "release", PushAccess: sandbox.Maintainer, MergeAccess: sandbox.Maintainer})
	}); err != nil {
		t.Fatal(err)
	}
	with := func(token string) *git.Store {
		t.Helper()
		store, err := git.New(git.Config{Credentials: func(string) (*git.Credential, error) { return &git.Credential{Password: token}, nil }})
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
	url := server.URL + "/group/app.git"
	developer := with("sandbox-developer")
	base, err := developer.Fetch(ctx, url, git.Ref{})
	if err != nil {
		t.Fatal(err)
	}
	if data, err := fs.ReadFile(base.FS(), "values.yaml"); err != nil || string(data) != "a: 1\n" || base.Branch != "main" {
		t.Errorf("%q, %v on %s", data, err, base.Branch)
	}
	who := git.Signature{Name: "tokenward", Email: "bot@example.org", When: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)}
	hash, err := developer.Commit(ctx, base, git.CommitSpec{Message: "Harden", Author: who, Committer: who, Files: map[string][]byte{"values.yaml": []byte("a: 2\n")}})
	if err != nil {
		t.Fatal(err)
	}
	if err := developer.Push(ctx, base, hash, "tokenward/app", ""); err != nil {
		t.Fatal(err)
	}
	if got := run("-C", bare, "rev-parse", "refs/heads/tokenward/app"); got != hash {
		t.Errorf("branch at %s, want %s", got, hash)
	}
	run("-C", bare, "fsck", "--strict")
	err = developer.Push(ctx, base, hash, "release", "")
	if !errors.Is(err, git.ErrRejected) || !strings.Contains(err.Error(), "GitLab: You are not allowed to") {
		t.Errorf("protected branch: %v", err)
	}
	err = with("sandbox-reporter").Push(ctx, base, hash, "tokenward/other", "")
	if !errors.Is(err, git.ErrAuth) || !strings.Contains(err.Error(), "not allowed to push code to this project") {
		t.Errorf("reporter: %v", err)
	}
	if _, err := with("wrong-token").Fetch(ctx, url, git.Ref{}); !errors.Is(err, git.ErrAuth) || strings.Contains(err.Error(), "wrong-token") {
		t.Errorf("wrong token: %v", err)
	}
	if _, err := developer.Fetch(ctx, server.URL+"/group/none.git", git.Ref{}); !errors.Is(err, git.ErrNotFound) {
		t.Errorf("missing project: %v", err)
	}
	if _, err := developer.Fetch(ctx, server.URL+"/group/empty.git", git.Ref{}); !errors.Is(err, git.ErrEmpty) {
		t.Errorf("empty project: %v", err)
	}
}
