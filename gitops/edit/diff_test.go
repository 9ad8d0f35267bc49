package edit_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenward/gitops/edit"
)

func TestUnifiedDiff(t *testing.T) {
	t.Parallel()
	numbered := func(from, to int) string {
		var out strings.Builder
		for i := from; i <= to; i++ {
			fmt.Fprintf(&out, "%d\n", i)
		}
		return out.String()
	}
	cases := []struct {
		name, path    string
		before, after []byte
		want          string
	}{
		{"equal", "f", []byte("a\n"), []byte("a\n"), ""},
		{
			"two hunks", "dir/f", []byte(numbered(1, 20)), []byte("0\n" + numbered(1, 14) + "x\n" + numbered(16, 20)),
			"--- a/dir/f\n+++ b/dir/f\n@@ -1,3 +1,4 @@\n+0\n 1\n 2\n 3\n@@ -12,7 +13,7 @@\n 12\n 13\n 14\n-15\n+x\n 16\n 17\n 18\n",
		},
		{
			"no newline before", "f", []byte("a\nb"), []byte("a\nb\nc"),
			"--- a/f\n+++ b/f\n@@ -1,2 +1,3 @@\n a\n-b\n\\ No newline at end of file\n+b\n+c\n\\ No newline at end of file\n",
		},
		{
			"newline added", "f", []byte("a"), []byte("a\n"),
			"--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n",
		},
		{
			"no newline, unchanged", "f", []byte("a\nb"), []byte("x\na\nb"),
			"--- a/f\n+++ b/f\n@@ -1,2 +1,3 @@\n+x\n a\n b\n\\ No newline at end of file\n",
		},
		{"new file", "f", nil, []byte("a\n"), "--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+a\n"},
		{"empty file", "f", []byte{}, []byte("a\n"), "--- a/f\n+++ b/f\n@@ -0,0 +1 @@\n+a\n"},
		{"CR LF", "f", []byte("a\r\n"), []byte("a\r\nb\r\n"), "--- a/f\n+++ b/f\n@@ -1 +1,2 @@\n a\r\n+b\r\n"},
		{"odd name", "f\n+x", []byte("a\n"), []byte("b\n"), "--- \"a/f\\n+x\"\n+++ \"b/f\\n+x\"\n@@ -1 +1 @@\n-a\n+b\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, edit.UnifiedDiff(c.path, c.before, c.after)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestUnifiedDiffOfLongFiles: lines that are the same before and behind what differs are not looked at, and count.
func TestUnifiedDiffOfLongFiles(t *testing.T) {
	t.Parallel()
	var lines []string
	for i := range 200_000 {
		lines = append(lines, fmt.Sprintf("line %d\n", i%110))
	}
	text := func(lines []string) []byte { return []byte(strings.Join(lines, "")) }
	near := slices.Insert(slices.Clone(lines), 1000, "new\n")
	want := "--- a/f\n+++ b/f\n@@ -998,6 +998,7 @@\n line 7\n line 8\n line 9\n+new\n line 10\n line 11\n line 12\n"
	if diff := cmp.Diff(want, edit.UnifiedDiff("f", text(lines), text(near))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	first := slices.Insert(slices.Clone(lines), 0, "new\n")
	if got := edit.UnifiedDiff("f", text(lines), text(first)); !strings.Contains(got, "@@ -1,3 +1,4 @@\n+new\n line 0\n") {
		t.Errorf("at the begin:\n%s", got)
	}
	far := slices.Insert(near, 190_000, "new\n")
	if got := edit.UnifiedDiff("f", text(lines), text(far)); !strings.Contains(got, "too many lines") {
		t.Errorf("far from each other: %d bytes", len(got))
	}
}

// TestUnifiedDiffApplies has git apply the diffs of files whose lines repeat.
func TestUnifiedDiffApplies(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 5))
		var before []string
		for range r.IntN(60) {
			before = append(before, fmt.Sprintf("l%d\n", r.IntN(3)))
		}
		after := slices.Clone(before)
		for range 1 + r.IntN(3) {
			switch at := r.IntN(len(after) + 1); {
			case at < len(after) && r.IntN(2) == 0:
				after = slices.Delete(after, at, at+1)
			default:
				after = slices.Insert(after, at, fmt.Sprintf("l%d\n", r.IntN(3)))
			}
		}
		a, b := strings.Join(before, ""), strings.Join(after, "")
		if a == b || a == "" || b == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, "f"), []byte(a), 0o600); err != nil {
			t.Fatal(err)
		}
		diff := edit.UnifiedDiff("f", []byte(a), []byte(b))
		cmd := exec.Command("git", "apply", "-")
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(diff)
		cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("seed %d: %v: %s\n%s", seed, err, out, diff)
		}
		if got, err := os.ReadFile(filepath.Join(dir, "f")); err != nil || string(got) != b {
			t.Fatalf("seed %d: error %v, %q, want %q\n%s", seed, err, got, b, diff)
		}
	}
}
