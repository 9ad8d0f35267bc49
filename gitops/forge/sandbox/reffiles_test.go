package sandbox

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRefsFromFiles holds what is read from a repository's files against what git says
// of it: loose and packed refs, those that are both, tags, and refs that name others.
func TestRefsFromFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		cmd.Env = append(gitEnv(dir), "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	check := func(when string) {
		t.Helper()
		run := gitRun{dir: dir}
		got, err := readRefs(t.Context(), run)
		if err != nil {
			t.Fatal(err)
		}
		want, err := askRefs(t.Context(), run)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got, cmp.AllowUnexported(refs{})); d != "" {
			t.Errorf("%s (-git +files):\n%s", when, d)
		}
	}
	git("init", "--quiet", "--bare", "--initial-branch=main", ".")
	check("empty")
	server := &Server{cfg: Config{}.withDefaults()}
	p := &project{dir: dir, memory: NewMemory(), projectState: projectState{defaultBranch: "main"}}
	who := &user{name: "A", username: "a"}
	commit := func(branch, text string, amend bool) string {
		t.Helper()
		sha, err := server.writeCommit(t.Context(), p, Commit{Branch: branch, Message: text, Files: map[string]string{`a "strange" name`: text}, Amend: amend}, who)
		if err != nil {
			t.Fatal(err)
		}
		if p.heads, p.defaultBranch, err = readBranches(t.Context(), p.git()); err != nil {
			t.Fatal(err)
		}
		return sha
	}
	first := commit("main", "one", false)
	git("tag", "-a", "-m", "1.0.0", "1.0.0", "main")
	commit("deep/er", "two", false)
	check("loose")
	git("pack-refs", "--all")
	check("packed")
	commit("main", "three", false)
	if commit("main", "four", true); p.heads["main"] == first {
		t.Error("the amended commit is not there")
	}
	out, err := p.git().line(t.Context(), "rev-list", "--count", "main")
	if err != nil || out != "2" {
		t.Errorf("after an amendment the branch has %s commits (%v), want 2", out, err)
	}
	check("both")
	git("update-ref", "-d", "refs/heads/deep/er")
	check("deleted")
	git("symbolic-ref", "refs/heads/alias", "refs/heads/main")
	check("symbolic")
	if err := os.WriteFile(filepath.Join(dir, "refs", "heads", "main.lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	check("locked")
}

// TestMemory says which fetches may be answered from memory, and how much is kept.
func TestMemory(t *testing.T) {
	t.Parallel()
	r := refs{commits: map[string]string{"refs/heads/main": "1111111111111111111111111111111111111111"}}
	for body, want := range map[string]bool{
		"0032want 1111111111111111111111111111111111111111\n00000009done\n":                                      true,
		"0032want 2222222222222222222222222222222222222222\n00000009done\n":                                      false,
		"0032want 1111111111111111111111111111111111111111\n0032have 1111111111111111111111111111111111111111\n": false,
		"": false,
	} {
		if got := wantsTips([]byte(body), r); got != want {
			t.Errorf("%q is answered from memory: %t, want %t", body, got, want)
		}
	}
	m := NewMemory()
	key := question("a", "b")
	m.put(key, remembered{out: make([]byte, mostAnswer+1)})
	if _, ok := m.get(key); ok {
		t.Error("an answer that is too long is kept")
	}
	for i := range mostMemory/mostAnswer + 1 {
		m.put(question("n", string(rune('a'+i))), remembered{out: make([]byte, mostAnswer)})
	}
	if len(m.answers) != 1 || m.size != mostAnswer {
		t.Errorf("a full memory begins anew, but has %d answers of %d bytes", len(m.answers), m.size)
	}
}
