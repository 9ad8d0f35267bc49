package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestAnotherClient lets a GitLab client that nobody here wrote, the npm package
// @gitbeaker/rest, work with the sandbox: it lists, opens, updates, comments on,
// rebases, approves and merges merge requests.
func TestAnotherClient(t *testing.T) {
	t.Parallel()
	dir := installGitbeaker(t)
	b := setup(t)
	b.set(func(s *ProjectSettings) { s.RequiredApprovals, s.SlowRebases = 1, 2 })
	b.commit("topic", map[string]string{"values.yaml": "a: 2\n"})
	b.commit("main", map[string]string{"other.yaml": "a: 1\n"})

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "life.mjs", b.url, umbrella)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Logf("%s", exit.Stderr)
		}
		t.Fatal(err)
	}
	var saw map[string]any
	if err := json.Unmarshal(out, &saw); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := map[string]any{
		"user": "sandbox-developer", "branch": "main", "before": 0.0,
		"opened": []any{1.0, "opened", "sandbox-developer", []any{"bot", "security"}, "sandbox-maintainer", umbrella + "!1"},
		"again":  409.0, "missing": 404.0, "listed": []any{1.0},
		"edited": []any{"Harden more", []any{"security", "x"}}, "closed": "closed", "reopened": "opened", "files": []any{"values.yaml"},
		"notes": []any{45.0, "note 0", "note 44"}, "corrected": "corrected", "foreign": 403.0, "talk": []any{"Why?", "So."},
		"issue": []any{1.0, "closed"}, "behind": 1.0, "rebased": []any{true, true, nil},
		"early": 405.0, "unknown": 405.0, "approved": []any{"sandbox-maintainer"}, "stale": 409.0, "developer": 401.0,
		"merged": []any{"merged", "sandbox-maintainer"}, "branchGone": 404.0, "hooks": 0.0,
		"members": []any{"gwen", "sandbox-developer", "sandbox-maintainer", "sandbox-reporter"},
	}
	if diff := cmp.Diff(want, saw); diff != "" {
		t.Error(diff)
	}
	if mr := b.MergeRequests()[0]; mr.State != "merged" || mr.Title != "Harden more" {
		t.Errorf("%+v", mr)
	}
}

// installGitbeaker returns a folder with the script and the package that it
// needs; the test is skipped where that cannot be had.
func installGitbeaker(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("left out, it may need npm's registry")
	}
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("left out, it needs %s", program)
		}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "gitbeaker"))); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "install", "--prefer-offline", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund",
		"--fetch-retries=0", "--fetch-timeout=20000")
	cmd.Dir, cmd.WaitDelay = dir, time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("left out, npm cannot install @gitbeaker/rest: %v\n%s", err, out)
	}
	return dir
}
