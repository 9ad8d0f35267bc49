package git

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func spec(files map[string]string) CommitSpec {
	who := Signature{Name: "tokenward <bot>", Email: "bot@example.org", When: time.Date(2025, 2, 3, 4, 5, 6, 789, time.FixedZone("x", 3600))}
	s := CommitSpec{Message: "Harden argocd", Author: who, Committer: who, Files: map[string][]byte{}}
	for path, text := range files {
		s.Files[path] = []byte(text)
	}
	return s
}

func commit(t *testing.T, s *Store, base *Snapshot, files map[string]string) string {
	t.Helper()
	hash, err := s.Commit(testContext(t), base, spec(files))
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func TestCommitAndPush(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, r *repository, url string) {
		run(t, r.path, "config", "receive.fsckObjects", "true")
		s := newStore(t, Config{})
		base := fetch(t, s, url, Ref{})
		hash := commit(t, s, base, map[string]string{
			"chart/values.yaml":  "a: 3\n",
			"scripts/run.sh":     "#!/bin/sh\nexit 0\n",
			"docs/new/page.md":   "# page\n",
			"docs/new/copy.md":   "# page\n",
			"chart-of-things.md": "sorted between chart and chart/\n",
		})
		if err := s.Push(testContext(t), base, hash, "tokenward/argocd", ""); err != nil {
			t.Fatal(err)
		}
		if got := r.rev(t, "tokenward/argocd"); got != hash {
			t.Errorf("branch at %s, want %s", got, hash)
		}
		if out := run(t, r.path, "fsck", "--strict", "--full"); strings.Contains(out, "error") || strings.Contains(out, "warning") {
			t.Errorf("fsck: %s", out)
		}
		want := "M\tchart/values.yaml\nA\tdocs/new/copy.md\nA\tdocs/new/page.md\nM\tscripts/run.sh"
		got := run(t, r.path, "diff", "--name-status", "main", "tokenward/argocd")
		if diff := cmp.Diff("A\tchart-of-things.md\n"+want, got); diff != "" {
			t.Error(diff)
		}
		if mode := run(t, r.path, "ls-tree", "tokenward/argocd", "scripts/run.sh"); !strings.HasPrefix(mode, "100755") {
			t.Errorf("the executable bit is lost: %s", mode)
		}
		if link := run(t, r.path, "ls-tree", "tokenward/argocd", "LINK.md"); !strings.HasPrefix(link, "120000") {
			t.Errorf("the symbolic link is lost: %s", link)
		}
		if log := run(t, r.path, "log", "-1", "--format=%an|%ae|%cn|%ci|%s|%P", "tokenward/argocd"); log !=
			"tokenward bot|bot@example.org|tokenward bot|2025-02-03 03:05:06 +0000|Harden argocd|"+base.Commit {
			t.Errorf("log: %s", log)
		}
		if n := run(t, r.path, "rev-list", "--count", "tokenward/argocd"); n != "3" {
			t.Errorf("%s commits, want 3", n)
		}
		pushed := fetch(t, s, url, Ref{Branch: "tokenward/argocd"})
		if data, err := fs.ReadFile(pushed.FS(), "docs/new/page.md"); err != nil || string(data) != "# page\n" {
			t.Errorf("read back %q, %v", data, err)
		}
	})
}

func TestCommitIsDeterministic(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	s := newStore(t, Config{})
	files := map[string]string{"a": "1", "b/c": "2", "chart/values.yaml": "a: 9\n", "README.md": ""}
	first := commit(t, s, fetch(t, s, r.fileURL(), Ref{}), files)
	base := fetch(t, s, r.fileURL(), Ref{Branch: "main"})
	if second := commit(t, s, base, files); second != first {
		t.Errorf("%s and %s", first, second)
	}
	utc := spec(files)
	utc.Author.When = utc.Author.When.UTC()
	if again, err := s.Commit(testContext(t), base, utc); err != nil || again != first {
		t.Errorf("another time zone gives %s, %v", again, err)
	}
}

func TestCommitWithoutChange(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	s := newStore(t, Config{})
	base := fetch(t, s, r.fileURL(), Ref{})
	if hash := commit(t, s, base, map[string]string{"chart/values.yaml": "a: 2\n", "scripts/run.sh": "#!/bin/sh\n"}); hash != base.Commit {
		t.Errorf("got %s", hash)
	}
	if hash := commit(t, s, base, nil); hash != base.Commit {
		t.Errorf("no files: got %s", hash)
	}
	err := s.Push(testContext(t), base, base.Commit, "tokenward/argocd", "")
	if !errors.Is(err, ErrProtected) {
		t.Errorf("push without change: %v", err)
	}
}

func TestCommitRefuses(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	s := newStore(t, Config{})
	base := fetch(t, s, r.fileURL(), Ref{})
	for _, path := range []string{"", ".", "/etc/passwd", "../x", "a/../b", ".git/config", "docs/.GIT/x", "a//b", "a\x00b",
		"LINK.md", "LINK.md/x", "README.md/x", "chart", "scripts/run.sh/x"} {
		if hash, err := s.Commit(testContext(t), base, spec(map[string]string{path: "x"})); err == nil {
			t.Errorf("%q was written in %s", path, hash)
		}
	}
	if _, err := s.Commit(testContext(t), base, spec(map[string]string{"a": "x", "a/b": "y"})); err == nil {
		t.Error("a file and a directory of the same name were written")
	}
	for name, change := range map[string]func(*CommitSpec){
		"no author":  func(s *CommitSpec) { s.Author.Name = "<>" },
		"no address": func(s *CommitSpec) { s.Committer.Email = " " },
		"no time":    func(s *CommitSpec) { s.Author.When = time.Time{} },
		"no message": func(s *CommitSpec) { s.Message = "\n" },
	} {
		c := spec(map[string]string{"a": "x"})
		change(&c)
		if _, err := s.Commit(testContext(t), base, c); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestPushLease(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, r *repository, url string) {
		s := newStore(t, Config{})
		base := fetch(t, s, url, Ref{})
		one := commit(t, s, base, map[string]string{"a": "1"})
		two := commit(t, s, base, map[string]string{"a": "2"})
		push := func(hash, expected string) error { return s.Push(testContext(t), base, hash, "tokenward/x", expected) }

		if err := push(one, two); !errors.Is(err, ErrStale) {
			t.Errorf("expected a branch that is not there: %v", err)
		}
		if err := push(one, ""); err != nil {
			t.Fatal(err)
		}
		if err := push(one, ""); err != nil {
			t.Errorf("repeated push: %v", err)
		}
		if err := push(two, ""); !errors.Is(err, ErrStale) || !strings.Contains(err.Error(), one) {
			t.Errorf("expected no branch: %v", err)
		}
		if err := push(two, base.Commit); !errors.Is(err, ErrStale) {
			t.Errorf("expected another commit: %v", err)
		}
		if got := r.rev(t, "tokenward/x"); got != one {
			t.Errorf("a stale push moved the branch to %s", got)
		}
		if err := push(two, one); err != nil {
			t.Errorf("lease holds: %v", err)
		}
		if got := r.rev(t, "tokenward/x"); got != two {
			t.Errorf("branch at %s", got)
		}
	})
}

func TestConcurrentPushesOneWins(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, r *repository, url string) {
		s := newStore(t, Config{})
		base := fetch(t, s, url, Ref{})
		var wg sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			hash := commit(t, s, base, map[string]string{"a": strings.Repeat("x", i+1)})
			wg.Go(func() { errs[i] = s.Push(testContext(t), base, hash, "tokenward/x", "") })
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			switch {
			case err == nil:
				won++
			case !errors.Is(err, ErrStale):
				t.Errorf("%v", err)
			}
		}
		if won != 1 {
			t.Errorf("%d pushes won", won)
		}
	})
}

func TestPushRefusesBeforeSending(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	s := newStore(t, Config{})
	base := fetch(t, s, r.fileURL(), Ref{Branch: "feature/x"})
	hash := commit(t, s, base, map[string]string{"a": "1"})
	foreign := commit(t, s, fetch(t, s, r.fileURL(), Ref{Tag: "1.0.0"}), map[string]string{"a": "1"})
	// Whoever asked the network here would fail in another way.
	base.URL = "http://127.0.0.1:1/x.git"
	for _, branch := range []string{"main", "feature/x", "", "refs/heads/x", "a b", "a..b", "-x/", strings.Repeat("a", 40)} {
		if err := s.Push(testContext(t), base, hash, branch, ""); !errors.Is(err, ErrProtected) {
			t.Errorf("branch %q: %v", branch, err)
		}
	}
	for _, c := range []string{"", "abc", base.Commit, foreign, strings.Repeat("ab", 20)} {
		if err := s.Push(testContext(t), base, c, "tokenward/x", ""); !errors.Is(err, ErrProtected) {
			t.Errorf("commit %q: %v", c, err)
		}
	}
	if err := s.Push(testContext(t), base, hash, "tokenward/x", "abc"); !errors.Is(err, ErrProtected) {
		t.Errorf("expected: %v", err)
	}
}

func TestPushRejectedKeepsTheServersWords(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, r *repository, url string) {
		r.hook(t, "pre-receive", `printf 'remote: \n========\n\033[31mGitLab: You are not allowed to push code to protected branches on this project.\n' >&2; exit 1`)
		s := newStore(t, Config{})
		base := fetch(t, s, url, Ref{})
		hash := commit(t, s, base, map[string]string{"a": "1"})
		err := s.Push(testContext(t), base, hash, "tokenward/x", "")
		if !errors.Is(err, ErrRejected) {
			t.Fatalf("%v", err)
		}
		want := "push to " + url + " at branch tokenward/x: push rejected: GitLab: You are not allowed to push code to protected branches on this project. (pre-receive hook declined)"
		if diff := cmp.Diff(want, err.Error()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestPushNeedsTheRight(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	server := serve(t, filepath.Dir(r.path)).withAuth("bot", "s3cret")
	password := "s3cret"
	s := newStore(t, Config{Credentials: func(string) (*Credential, error) {
		return &Credential{Username: "bot", Password: password}, nil
	}})
	base := fetch(t, s, server.URL+"/umbrella.git", Ref{})
	hash := commit(t, s, base, map[string]string{"a": "1"})
	password = "expired"
	err := s.Push(testContext(t), base, hash, "tokenward/x", "")
	if !errors.Is(err, ErrAuth) || strings.Contains(err.Error(), "expired with") {
		t.Errorf("%v", err)
	}
	password = "s3cret"
	if err := s.Push(testContext(t), base, hash, "tokenward/x", ""); err != nil {
		t.Errorf("after rotation: %v", err)
	}
}

func TestPushWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	server := serve(t, filepath.Dir(r.path))
	server.dropPush = true
	server.Config.ErrorLog = nil
	s := newStore(t, Config{})
	base := fetch(t, s, server.URL+"/umbrella.git", Ref{})
	hash := commit(t, s, base, map[string]string{"a": "1"})
	if err := s.Push(testContext(t), base, hash, "tokenward/x", ""); err != nil {
		t.Errorf("the push was carried out, but: %v", err)
	}
	r.hook(t, "pre-receive", "exit 1")
	other := commit(t, s, base, map[string]string{"a": "2"})
	if err := s.Push(testContext(t), base, other, "tokenward/x", hash); !errors.Is(err, ErrUnreachable) {
		t.Errorf("the push was not carried out: %v", err)
	}
}

func TestPushCancelled(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, r *repository, url string) {
		s := newStore(t, Config{})
		base := fetch(t, s, url, Ref{})
		hash := commit(t, s, base, map[string]string{"a": "1"})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Push(ctx, base, hash, "tokenward/x", ""); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}
