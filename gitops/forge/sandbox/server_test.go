package sandbox

import (
	"os"
	"path/filepath"
	"testing"
)

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, cfg := range map[string]Config{
		"no folder":    {Repositories: filepath.Join(dir, "none")},
		"a file":       {Repositories: file},
		"no username":  {Repositories: dir, Tokens: []Token{{Value: "x"}}},
		"no value":     {Repositories: dir, Tokens: []Token{{Username: "x"}}},
		"twice":        {Repositories: dir, Tokens: []Token{{Value: "x", Username: "a"}, {Value: "x", Username: "b"}}},
		"strange role": {Repositories: dir, Tokens: []Token{{Value: "x", Username: "a", Access: 35}}},
	} {
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestLinksAreNotFollowed: a symbolic link is no way out of the folder.
func TestLinksAreNotFollowed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	outside := t.TempDir()
	makeRepository(t, outside, "secret")
	if err := os.Symlink(filepath.Join(outside, "secret.git"), filepath.Join(b.dir, "platform", "secret.git")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(b.dir, "linked")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"platform%2Fsecret", "linked%2Fsecret"} {
		if status, _ := b.call("GET", "/api/v4/projects/"+path, "sandbox-maintainer", ""); status != 404 {
			t.Errorf("%s answers %d, want 404", path, status)
		}
	}
}
