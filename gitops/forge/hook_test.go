package forge_test

import (
	"encoding/base64"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tokenward/gitops/forge"
	"tokenward/gitops/forge/sandbox"
)

// TestHooksOfAGroup creates the hook of a group on a server that signs and on one that
// is too old for it, and reads back what became of it.
func TestHooksOfAGroup(t *testing.T) {
	t.Parallel()
	for _, old := range []bool{false, true} {
		dir := t.TempDir()
		bare := filepath.Join(dir, "group", "app.git")
		if err := os.MkdirAll(bare, 0o755); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), "git", "init", "-q", "--bare", "-b", "main", bare).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		s, err := sandbox.New(sandbox.Config{
			Repositories: dir, UnsignedHooks: old,
			Tokens: append(sandbox.DefaultTokens(), sandbox.Token{Value: "owner-secret", Username: "olga", Access: sandbox.Owner}),
		})
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(s)
		t.Cleanup(server.Close)
		b := &served{Server: s, url: server.URL}
		owner, want := forge.GroupHooks("/group/"), forge.HookSettings{
			URL: "http://127.0.0.1:1/webhooks/gitlab", Token: "s3cret", SigningToken: "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32))),
			Events: map[string]bool{"push_events": false, "note_events": true},
		}
		if _, err := b.client(t, "sandbox-maintainer").Hooks(t.Context(), owner); !errors.Is(err, forge.ErrForbidden) {
			t.Errorf("a maintainer sees the group's hooks: %v", err)
		}
		c := b.client(t, "owner-secret")
		made, err := c.CreateHook(t.Context(), owner, want)
		if err != nil {
			t.Fatal(err)
		}
		var left []string
		if old {
			left = []string{forge.Unsigned}
		}
		if got := made.Differences(want); !slices.Equal(got, left) {
			t.Errorf("old server %t: it differs by %q", old, got)
		}
		want.Events = map[string]bool{"push_events": true, "note_events": false}
		if got := made.Differences(want); len(got) != len(left)+2 {
			t.Errorf("it differs by %q", got)
		}
		if now, err := c.UpdateHook(t.Context(), owner, made.ID, want); err != nil || !slices.Equal(now.Differences(want), left) {
			t.Errorf("%v %v", now.Differences(want), err)
		}
		if all, err := c.Hooks(t.Context(), owner); err != nil || len(all) != 1 || all[0].AlertStatus != "executable" {
			t.Errorf("%+v %v", all, err)
		}
	}
}

// TestHooksAreNotAddedTwice loses the answer to a call that added one.
func TestHooksAreNotAddedTwice(t *testing.T) {
	t.Parallel()
	b := serveSandbox(t, nil)
	c := b.client(t, "sandbox-maintainer")
	project, err := c.Project(t.Context(), "group/app")
	if err != nil {
		t.Fatal(err)
	}
	lost := false
	b.SetFault(func(r sandbox.Request) sandbox.Fault {
		if r.Method == "POST" && !lost {
			lost = true
			return sandbox.Fault{Status: 502, Acted: true}
		}
		return sandbox.Fault{}
	})
	want := forge.HookSettings{URL: "http://127.0.0.1:1/", Token: "s3cret", Events: map[string]bool{"push_events": true}}
	made, err := c.CreateHook(t.Context(), forge.ProjectHooks(project), want)
	if err != nil || len(made.Differences(want)) > 0 {
		t.Fatalf("%+v %v", made, err)
	}
	if all, err := c.Hooks(t.Context(), forge.ProjectHooks(project)); err != nil || len(all) != 1 || !lost {
		t.Errorf("%d hooks, %v", len(all), err)
	}
}
