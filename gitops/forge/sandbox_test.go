package forge_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tokenward/gitops/forge"
	"tokenward/gitops/forge/sandbox"
)

// served is a sandbox with one project, group/app, whose branch topic is one
// commit ahead of main.
type served struct {
	*sandbox.Server
	url string
}

func serveSandbox(t *testing.T, wrap func(http.Handler) http.Handler) *served {
	t.Helper()
	root := t.TempDir()
	bare, work := filepath.Join(root, "repositories", "group", "app.git"), filepath.Join(root, "work")
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Env = append(os.Environ(), "HOME="+root, "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.org",
			"GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.org")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	git("init", "-q", "--bare", "-b", "main", bare)
	git("init", "-q", "-b", "main", work)
	for _, branch := range []string{"main", "topic"} {
		if branch != "main" {
			git("-C", work, "checkout", "-q", "-b", branch)
		}
		if err := os.WriteFile(filepath.Join(work, branch), []byte("x\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		git("-C", work, "add", "-A")
		git("-C", work, "commit", "-q", "-m", "Add "+branch)
	}
	git("-C", work, "push", "-q", bare, "main", "topic")
	s, err := sandbox.New(sandbox.Config{Repositories: filepath.Join(root, "repositories"), Tokens: sandbox.DefaultTokens()})
	if err != nil {
		t.Fatal(err)
	}
	var handler http.Handler = s
	if wrap != nil {
		handler = wrap(handler)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return &served{Server: s, url: server.URL}
}

func (s *served) client(t *testing.T, token string) *forge.Client {
	t.Helper()
	c, err := forge.New(forge.Config{
		BaseURL: s.url, Token: func() (string, error) { return token, nil },
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// lifeOf takes a merge request through everything that a Client can do.
func lifeOf(t *testing.T, c *forge.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	user, err := c.CurrentUser(ctx)
	if err != nil || user.Username != "sandbox-developer" || !strings.Contains(user.Email, "@") {
		t.Fatalf("%+v, %v", user, err)
	}
	p, err := c.Project(ctx, "group/app")
	if err != nil || p.Path != "group/app" || p.DefaultBranch != "main" || p.AccessLevel != forge.Developer || !p.MergeRequestsEnabled || p.Empty || p.Archived {
		t.Fatalf("%+v, %v", p, err)
	}
	if list, err := c.MergeRequests(ctx, p.ID, "topic"); err != nil || len(list) != 0 {
		t.Fatalf("%v, %v", list, err)
	}
	squash := false
	n := forge.NewMergeRequest{SourceBranch: "topic", TargetBranch: p.DefaultBranch, Title: "Harden", Description: "Because.",
		Labels: []string{"tokenward", "needs review"}, RemoveSourceBranch: true, Squash: &squash}
	mr, err := c.CreateMergeRequest(ctx, p.ID, n)
	if err != nil || mr.State != forge.Opened || mr.Reference != "group/app!1" || mr.Author.ID != user.ID || mr.SHA == "" || mr.CreatedAt.IsZero() {
		t.Fatalf("%+v, %v", mr, err)
	}
	if again, err := c.CreateMergeRequest(ctx, p.ID, n); err != nil || again.IID != mr.IID {
		t.Errorf("opened again: %+v, %v", again, err)
	}
	title, description := "Harden more", "Because of that."
	mr, err = c.UpdateMergeRequest(ctx, p.ID, mr.IID, forge.MergeRequestUpdate{
		Title: &title, Description: &description, AddLabels: []string{"x"}, RemoveLabels: []string{"needs review"},
	})
	if err != nil || mr.Title != title || mr.Description != description || !slices.Equal(mr.Labels, []string{"tokenward", "x"}) {
		t.Errorf("updated: %+v, %v", mr, err)
	}
	for _, event := range []struct{ event, state string }{{forge.Close, forge.Closed}, {forge.Reopen, forge.Opened}} {
		if mr, err = c.UpdateMergeRequest(ctx, p.ID, mr.IID, forge.MergeRequestUpdate{StateEvent: event.event}); err != nil || mr.State != event.state {
			t.Errorf("%s: %+v, %v", event.event, mr, err)
		}
	}
	if mr, err = c.MergeRequest(ctx, p.ID, mr.IID); err != nil || mr.DetailedMergeStatus == "" {
		t.Errorf("%+v, %v", mr, err)
	}
	if list, err := c.MergeRequests(ctx, p.ID, "topic"); err != nil || len(list) != 1 || list[0].IID != mr.IID {
		t.Errorf("%v, %v", list, err)
	}
}

func TestLifeOfAMergeRequest(t *testing.T) {
	t.Parallel()
	lifeOf(t, serveSandbox(t, nil).client(t, "sandbox-developer"))
}

func TestRightsInTheSandbox(t *testing.T) {
	t.Parallel()
	s := serveSandbox(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := s.client(t, "wrong-token").CurrentUser(ctx); !errors.Is(err, forge.ErrUnauthorized) || strings.Contains(err.Error(), "wrong-token") {
		t.Errorf("%v", err)
	}
	reporter := s.client(t, "sandbox-reporter")
	p, err := reporter.Project(ctx, "group/app")
	if err != nil || p.AccessLevel != forge.Reporter {
		t.Fatalf("%+v, %v", p, err)
	}
	n := forge.NewMergeRequest{SourceBranch: "topic", TargetBranch: "main", Title: "Harden"}
	if _, err := reporter.CreateMergeRequest(ctx, p.ID, n); !errors.Is(err, forge.ErrForbidden) || !strings.Contains(err.Error(), "group/app") || !strings.Contains(err.Error(), "Developer") {
		t.Errorf("%v", err)
	}
	if _, err := reporter.Project(ctx, "group/none"); !errors.Is(err, forge.ErrNotFound) {
		t.Errorf("%v", err)
	}
	n.SourceBranch = "none"
	if _, err := s.client(t, "sandbox-developer").CreateMergeRequest(ctx, p.ID, n); err == nil || !strings.Contains(err.Error(), "source") {
		t.Errorf("%v", err)
	}
	if got := s.MergeRequests(); len(got) != 0 {
		t.Errorf("merge requests: %+v", got)
	}
}

func TestAnswerLostAfterTheSandboxActed(t *testing.T) {
	t.Parallel()
	s := serveSandbox(t, func(next http.Handler) http.Handler {
		lost := false
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost || lost {
				next.ServeHTTP(w, r)
				return
			}
			lost = true
			next.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		})
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := s.client(t, "sandbox-developer")
	p, err := c.Project(ctx, "group/app")
	if err != nil {
		t.Fatal(err)
	}
	mr, err := c.CreateMergeRequest(ctx, p.ID, forge.NewMergeRequest{SourceBranch: "topic", TargetBranch: "main", Title: "Harden"})
	if err != nil || mr.IID != 1 || len(s.MergeRequests()) != 1 {
		t.Errorf("%+v, %v, %d merge requests", mr, err, len(s.MergeRequests()))
	}
}

// TestOpenedByMe lists what the token's user has open, and nothing of
// other people or of other states.
func TestOpenedByMe(t *testing.T) {
	t.Parallel()
	s := serveSandbox(t, nil)
	me, other := s.client(t, "sandbox-developer"), s.client(t, "sandbox-maintainer")
	p, err := me.Project(t.Context(), "group/app")
	if err != nil {
		t.Fatal(err)
	}
	open := func(c *forge.Client, n int) forge.MergeRequest {
		t.Helper()
		branch := "topic-" + strconv.Itoa(n)
		if _, err := s.Commit(t.Context(), "group/app", sandbox.Commit{Branch: branch, Message: "More", Files: map[string]string{branch: "x\n"}}); err != nil {
			t.Fatal(err)
		}
		m, err := c.CreateMergeRequest(t.Context(), p.ID, forge.NewMergeRequest{SourceBranch: branch, TargetBranch: "main", Title: branch})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	const rows = 4
	for n := range rows {
		open(me, n)
	}
	open(other, rows)
	if err := s.Close(t.Context(), "group/app", 1); err != nil {
		t.Fatal(err)
	}
	found, err := me.OpenedByMe(t.Context())
	if err != nil || len(found) != rows-1 || found[0].IID != 2 || found[0].Reference != "group/app!2" {
		t.Errorf("%d are open, %v; want %d from the second on", len(found), err, rows-1)
	}
}
