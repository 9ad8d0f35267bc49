package sandbox

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing/object"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
)

// TestGoGit clones, commits and pushes with the library that knows neither
// protocol v2 nor, without progress, the side band.
func TestGoGit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	auth := &githttp.BasicAuth{Username: "oauth2", Password: "sandbox-developer"}
	dir := filepath.Join(t.TempDir(), "clone")
	repo, err := gogit.PlainCloneContext(t.Context(), dir, false, &gogit.CloneOptions{URL: b.url + "/" + umbrella + ".git", Auth: auth, Depth: 1, SingleBranch: true})
	if err != nil {
		t.Fatal(err)
	}
	tree, err := repo.Worktree()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "new.txt"), []byte("1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := tree.Add("new.txt"); err != nil {
		t.Fatal(err)
	}
	sha, err := tree.Commit("New", &gogit.CommitOptions{Author: &object.Signature{Name: "Pat", Email: "pat@example.com", When: time.Unix(1e9, 0)}})
	if err != nil {
		t.Fatal(err)
	}
	push := func(to string, progress *bytes.Buffer) error {
		opt := &gogit.PushOptions{Auth: auth, RefSpecs: []config.RefSpec{config.RefSpec("refs/heads/main:refs/heads/" + to)}}
		if progress != nil {
			opt.Progress = progress
		}
		return repo.PushContext(t.Context(), opt)
	}
	if err := push("topic", nil); err != nil {
		t.Fatal(err)
	}
	if mr := b.open("topic"); mr.SHA != sha.String() {
		t.Errorf("request is at %s, want %s", mr.SHA, sha)
	}
	if err := push("main", nil); err == nil || !strings.Contains(err.Error(), "pre-receive hook declined") {
		t.Errorf("push to main answers %v", err)
	}
	var progress bytes.Buffer
	if err := push("main", &progress); err == nil || !strings.Contains(progress.String(), textProtectedPush) {
		t.Errorf("push to main answers %v and says %q", err, progress.String())
	}
}
