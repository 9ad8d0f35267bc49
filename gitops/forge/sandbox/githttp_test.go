package sandbox

import (
	"bytes"
	"context"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPushMovesMergeRequest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := b.clone("sandbox-developer")
	runGit(t, dir, "checkout", "--quiet", "-b", "topic/one")
	change(t, dir, "values.yaml", "a: 2\n")
	runGit(t, dir, "push", "--quiet", "origin", "topic/one")
	mr := b.open("topic/one")
	if got, want := mr.SHA, runGit(t, dir, "rev-parse", "HEAD"); got != want {
		t.Errorf("sha is %s, want %s", got, want)
	}
	change(t, dir, "values.yaml", "a: 3\n")
	runGit(t, dir, "push", "--quiet", b.remote("sandbox-maintainer", umbrella), "topic/one")
	after := b.MergeRequests()[0]
	if got, want := after.SHA, runGit(t, dir, "rev-parse", "HEAD"); got != want {
		t.Errorf("after the push, sha is %s, want %s", got, want)
	}
	if len(after.Notes) != 1 || !after.Notes[0].System || !strings.HasPrefix(after.Notes[0].Body, "added 1 commit\n") ||
		after.Notes[0].Author != "sandbox-maintainer" {
		t.Errorf("notes are %+v, want one system note by the pusher", after.Notes)
	}
}

func TestPushRefusals(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, token string
		args        []string // of git push, in a clone with one new commit on main
		setup       func(*ProjectSettings)
		want        string // in git's output; empty means that the push works
	}{
		{"developer, protected", "sandbox-developer", []string{"origin", "main"}, nil,
			"remote: GitLab: You are not allowed to push code to protected branches on this project."},
		{"declined by the hook", "sandbox-developer", []string{"origin", "main"}, nil, "main -> main (pre-receive hook declined)"},
		{"one bad ref refuses all", "sandbox-developer", []string{"origin", "main", "HEAD:topic"}, nil, "HEAD -> topic (pre-receive hook declined)"},
		{"developer, other branch", "sandbox-developer", []string{"origin", "HEAD:topic"}, nil, ""},
		{"maintainer", "sandbox-maintainer", []string{"origin", "main"}, nil, ""},
		{"maintainer, nobody may push", "sandbox-maintainer", []string{"origin", "main"},
			func(s *ProjectSettings) { s.ProtectedBranches[0].PushAccess = NoAccess }, "not allowed to push code to protected branches"},
		{"maintainer forces", "sandbox-maintainer", []string{"--force", "origin", "HEAD~1:refs/heads/side", "+other:main"}, nil,
			"GitLab: You are not allowed to force push code to a protected branch on this project."},
		{"maintainer may force", "sandbox-maintainer", []string{"--force", "origin", "+other:main"},
			func(s *ProjectSettings) { s.ProtectedBranches[0].AllowForcePush = true }, ""},
		{"developer forces an open branch", "sandbox-developer", []string{"--force", "origin", "+other:open"}, nil, ""},
		{"wildcard", "sandbox-developer", []string{"origin", "HEAD:release/1"},
			func(s *ProjectSettings) {
				s.ProtectedBranches = []ProtectedBranch{{Name: "release/*", PushAccess: Maintainer, MergeAccess: Maintainer}}
			}, "not allowed to create protected branches"},
		{"default branch stays", "sandbox-maintainer", []string{"origin", ":main"}, nil, "The default branch of a project cannot be deleted."},
		{"protected branch stays", "sandbox-maintainer", []string{"origin", ":open"},
			func(s *ProjectSettings) {
				s.ProtectedBranches = []ProtectedBranch{{Name: "open", PushAccess: Developer, MergeAccess: Developer}}
			}, "You can only delete protected branches using the web interface."},
		{"branch goes", "sandbox-developer", []string{"origin", ":open"}, nil, ""},
		{"name like a commit", "sandbox-developer", []string{"origin", "HEAD:refs/heads/" + strings.Repeat("a", 40)}, nil, "40-character hexadecimal branch name"},
		{"archived", "sandbox-maintainer", []string{"origin", "HEAD:topic"},
			func(s *ProjectSettings) { s.Archived = true }, "remote: You are not allowed to push code to this project."},
		{"reporter", "sandbox-reporter", []string{"origin", "HEAD:topic"}, nil, "remote: You are not allowed to push code to this project."},
		{"token that only reads", "reading-secret", []string{"origin", "HEAD:topic"}, nil, "remote: You are not allowed to push code to this project."},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.commit("other", map[string]string{"other.txt": "1\n"})
			b.commit("open", map[string]string{"open.txt": "1\n"})
			b.commit("main", map[string]string{"main.txt": "1\n"})
			dir := b.clone(c.token)
			runGit(t, dir, "branch", "--quiet", "other", "origin/other")
			change(t, dir, "values.yaml", "a: 2\n")
			if c.setup != nil {
				if err := b.SetProject(t.Context(), umbrella, c.setup); err != nil {
					t.Fatal(err)
				}
			}
			before := b.refs()
			out, err := git(t, dir, append([]string{"push"}, c.args...)...)
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				if cmp.Equal(before, b.refs()) {
					t.Error("the push moved nothing")
				}
				return
			}
			if err == nil || !strings.Contains(out, c.want) {
				t.Errorf("push answered %q (%v), want %q", out, err, c.want)
			}
			if diff := cmp.Diff(before, b.refs()); diff != "" {
				t.Errorf("the refused push moved something:\n%s", diff)
			}
		})
	}
}

// refs are the refs of the umbrella on disk.
func (b *bundle) refs() string {
	return runGit(b.t, b.dir+"/"+umbrella+".git", "for-each-ref", "--format=%(refname) %(objectname)")
}

// TestLargePush sends more than fits into one buffer, in chunks, both to a
// branch that may be rewritten and to one that may not.
func TestLargePush(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := b.clone("sandbox-maintainer")
	noise := make([]byte, 4<<20)
	random := rand.NewChaCha8([32]byte{1})
	if _, err := random.Read(noise); err != nil {
		t.Fatal(err)
	}
	change(t, dir, "noise.bin", string(noise))
	runGit(t, dir, "push", "--quiet", "origin", "HEAD:topic")
	runGit(t, dir, "push", "--quiet", "origin", "main")
	change(t, dir, "noise.bin", string(noise[1:]))
	runGit(t, dir, "push", "--quiet", "origin", "main")
	if out, err := git(t, dir, "push", "--force", "origin", "HEAD~1:main"); err == nil || !strings.Contains(out, textProtectedForce) {
		t.Errorf("force push answers %v, %q", err, out)
	}
	again := b.clone("sandbox-reporter")
	got, err := os.ReadFile(filepath.Join(again, "noise.bin"))
	if err != nil || !bytes.Equal(got, noise[1:]) {
		t.Errorf("the file came back with %d bytes (%v)", len(got), err)
	}
}

func TestProtocols(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, version := range []string{"0", "1", "2"} {
		runGit(t, b.dir, "-c", "protocol.version="+version, "clone", "--quiet", "--depth=1", b.remote("sandbox-reporter", umbrella), filepath.Join(t.TempDir(), version))
	}
	// Without ".git" git is sent to the right address.
	runGit(t, b.dir, "clone", "--quiet", strings.TrimSuffix(b.remote("sandbox-reporter", umbrella), ".git"), filepath.Join(t.TempDir(), "short"))
	// Any commit can be fetched, as in GitLab.
	sha := b.commit("main", map[string]string{"x": "1\n"})
	b.commit("main", map[string]string{"x": "2\n"})
	dir := b.clone("sandbox-reporter")
	runGit(t, dir, "fetch", "--quiet", "--depth=1", "origin", sha)
}

func TestGitStatuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	cases := []struct {
		name, method, path, token, contentType, body string
		want                                         int
	}{
		{"no token", "GET", ".git/info/refs?service=git-upload-pack", "", "", "", 401},
		{"wrong token", "GET", ".git/info/refs?service=git-upload-pack", "nonsense", "", "", 401},
		{"stranger", "GET", ".git/info/refs?service=git-upload-pack", "stranger-secret", "", "", 404},
		{"guest", "GET", ".git/info/refs?service=git-upload-pack", "guest-secret", "", "", 403},
		{"absent", "GET", "s.git/info/refs?service=git-upload-pack", "sandbox-developer", "", "", 404},
		{"outside", "GET", "/../../../x.git/info/refs?service=git-upload-pack", "sandbox-developer", "", "", 404},
		{"escaped", "GET", "/%2e%2e/umbrella.git/info/refs?service=git-upload-pack", "sandbox-developer", "", "", 404},
		{"dumb", "GET", ".git/info/refs", "sandbox-developer", "", "", 403},
		{"other service", "GET", ".git/info/refs?service=git-shell", "sandbox-developer", "", "", 403},
		{"wrong method", "GET", ".git/git-upload-pack", "sandbox-developer", "", "", 405},
		{"wrong type", "POST", ".git/git-receive-pack", "sandbox-developer", "text/plain", "", 415},
		{"garbage", "POST", ".git/git-receive-pack", "sandbox-developer", "application/x-git-receive-pack-request", "zzzz", 400},
		{"probe", "POST", ".git/git-receive-pack", "sandbox-developer", "application/x-git-receive-pack-request", "0000", 200},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			req, err := http.NewRequestWithContext(t.Context(), c.method, b.url+"/"+umbrella+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if c.token != "" {
				req.SetBasicAuth("any", c.token)
			}
			req.Header.Set("Content-Type", c.contentType)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != c.want {
				t.Errorf("answered %d, want %d", resp.StatusCode, c.want)
			}
			if asks := resp.Header.Get("WWW-Authenticate") != ""; asks != (c.want == 401) {
				t.Errorf("asks for a password: %v", asks)
			}
		})
	}
}

func TestEmptyRepository(t *testing.T) {
	t.Parallel()
	b := setup(t)
	makeRepository(t, b.dir, "platform/empty")
	dir := b.clone("sandbox-developer")
	out, err := git(t, dir, "push", b.remote("sandbox-developer", "platform/empty"), "main")
	if err == nil || !strings.Contains(out, "GitLab: A default branch (e.g. main) does not yet exist for platform/empty") {
		t.Errorf("a developer's first push answers %v, %q", err, out)
	}
	runGit(t, dir, "push", "--quiet", b.remote("sandbox-maintainer", "platform/empty"), "main")
	if status, text := b.call("GET", "/platform/empty", "", ""); status != 200 || !strings.Contains(text, "<h1 id=\"umbrella\">") {
		t.Errorf("the page answers %d", status)
	}
}

// TestHooksDoNotRun: what lies in a repository is data.
func TestHooksDoNotRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	trace := filepath.Join(t.TempDir(), "ran")
	hook := filepath.Join(b.dir, umbrella+".git", "hooks", "post-receive")
	if err := os.MkdirAll(filepath.Dir(hook), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(hook, []byte("#!/bin/sh\ntouch "+trace+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	dir := b.clone("sandbox-developer")
	change(t, dir, "x", "1\n")
	runGit(t, dir, "push", "--quiet", "origin", "HEAD:topic")
	if _, err := os.Stat(trace); err == nil {
		t.Error("a hook of the repository ran")
	}
}

func TestCallerGoesAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, "POST", b.url+"/"+umbrella+".git/git-upload-pack", blocked{ctx})
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("any", "sandbox-reporter")
	req.Header.Set("Content-Type", "application/x-git-upload-pack-request")
	done := make(chan error, 1)
	go func() {
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
		}
		done <- err
	}()
	cancel()
	if err := <-done; err == nil {
		t.Error("a request that never ends was answered")
	}
	b.clone("sandbox-reporter") // the project is not stuck
}

// blocked is a body that never comes.
type blocked struct{ context.Context }

func (b blocked) Read([]byte) (int, error) {
	<-b.Done()
	return 0, b.Err()
}
