package git

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// overEach runs a test over file and over HTTP.
func overEach(t *testing.T, test func(t *testing.T, r *repository, url string)) {
	for _, kind := range []string{"file", "http"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := newRepository(t)
			url := r.fileURL()
			if kind == "http" {
				url = serve(t, filepath.Dir(r.path)).URL + "/umbrella.git"
			}
			test(t, r, url)
		})
	}
}

func TestFetchFollowsRefs(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, r *repository, url string) {
		s := newStore(t, Config{})
		main, first := r.rev(t, "main"), r.rev(t, "1.0.0")
		for _, c := range []struct {
			name string
			ref  Ref
			want Snapshot
		}{
			{"head", Ref{}, Snapshot{Ref: "refs/heads/main", Commit: main, Branch: "main"}},
			{"branch", Ref{Branch: "feature/x"}, Snapshot{Ref: "refs/heads/feature/x", Commit: main, Branch: "feature/x"}},
			{"light tag", Ref{Tag: "1.0.0"}, Snapshot{Ref: "refs/tags/1.0.0", Commit: first}},
			{"annotated tag", Ref{Tag: "1.2.0"}, Snapshot{Ref: "refs/tags/1.2.0", Commit: main}},
			{"tag before branch", Ref{Tag: "1.0.0", Branch: "main"}, Snapshot{Ref: "refs/tags/1.0.0", Commit: first}},
			{"tag before semver", Ref{Semver: "1.x", Tag: "1.0.0"}, Snapshot{Ref: "refs/tags/1.0.0", Commit: first}},
			{"semver before branch", Ref{Semver: "1.x", Branch: "feature/x"}, Snapshot{Ref: "refs/tags/1.2.0", Commit: main}},
			{"semver with v", Ref{Semver: ">=1.0.1 <1.2.0"}, Snapshot{Ref: "refs/tags/v1.1.0", Commit: first}},
			{"semver prerelease", Ref{Semver: ">=1.0.0-0"}, Snapshot{Ref: "refs/tags/2.0.0-bb.1", Commit: first}},
			{"name before semver", Ref{Name: "refs/heads/main", Semver: "1.0.0"}, Snapshot{Ref: "refs/heads/main", Commit: main, Branch: "main"}},
			{"commit at a tip", Ref{Commit: first, Name: "refs/heads/main"}, Snapshot{Commit: first}},
		} {
			t.Run(c.name, func(t *testing.T) {
				got := fetch(t, s, url, c.ref)
				want := c.want
				want.URL, want.Head = url, "main"
				if diff := cmp.Diff([]string{want.URL, want.Ref, want.Commit, want.Branch, want.Head},
					[]string{got.URL, got.Ref, got.Commit, got.Branch, got.Head}); diff != "" {
					t.Error(diff)
				}
				resolved, err := s.Resolve(testContext(t), url, c.ref)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(Resolved{Ref: want.Ref, Commit: want.Commit, Branch: want.Branch, Head: "main"}, resolved); diff != "" {
					t.Errorf("Resolve: %s", diff)
				}
			})
		}
	})
}

func TestFetchCommitThatNoRefPointsTo(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, r *repository, url string) {
		middle := r.rev(t, "main")
		r.write(t, "README.md", "# third\n", 0o644)
		r.commit(t, "third")
		run(t, r.work, "push", "-q", "origin", "main", "+main:feature/x", ":1.2.0")
		s := newStore(t, Config{})
		for _, allowed := range []string{"false", "true"} {
			run(t, r.path, "config", "uploadpack.allowReachableSHA1InWant", allowed)
			for _, ref := range []Ref{{Commit: middle}, {Commit: middle, Branch: "main"}} {
				if got := fetch(t, s, url, ref); got.Commit != middle {
					t.Errorf("allowed %s: got %s, want %s", allowed, got.Commit, middle)
				}
			}
			_, err := s.Fetch(testContext(t), url, Ref{Commit: strings.Repeat("ab", 20)})
			if !errors.Is(err, ErrRefNotFound) {
				t.Errorf("allowed %s: unknown commit: %v", allowed, err)
			}
		}
	})
}

func TestFetchIsShallow(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, r *repository, url string) {
		snapshot := fetch(t, newStore(t, Config{}), url, Ref{})
		if n := len(snapshot.objects.Commits); n != 1 {
			t.Errorf("%d commits were fetched, want 1", n)
		}
	})
}

// Images and lists of parts are most of many repositories, and nothing of a chart.
func TestLargeFilesStayAtTheRemote(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, r *repository, url string) {
		large := strings.Repeat("0123456789abcdef", 1<<16)
		r.write(t, "docs/large.txt", large, 0o644)
		r.commit(t, "third")
		run(t, r.work, "push", "-q", "origin", "main")
		kept := keptInMemory{}
		s := newStore(t, Config{Keeper: kept})
		for _, can := range []bool{false, true} {
			run(t, r.path, "config", "uploadpack.allowFilter", fmt.Sprint(can))
			snapshot, _, err := s.FetchUnless(testContext(t), url, Ref{}, Lean, func(string) bool { return false })
			if err != nil {
				t.Fatal(err)
			}
			files := snapshot.FS()
			if text, err := fs.ReadFile(files, "chart/values.yaml"); err != nil || string(text) != "a: 2\n" {
				t.Errorf("a small file: %q, %v", text, err)
			}
			_, err = fs.ReadFile(files, "docs/large.txt")
			_, statErr := fs.Stat(files, "docs/large.txt")
			if errors.Is(err, ErrLeftOut) != can || errors.Is(statErr, ErrLeftOut) != can || !can && err != nil {
				t.Errorf("the remote can leave files out %v: read %v, stat %v", can, err, statErr)
			}
		}
		if len(kept) > 0 {
			t.Errorf("what is not whole is kept: %v", slices.Collect(maps.Keys(kept)))
		}
		if text, err := fs.ReadFile(fetch(t, s, url, Ref{}).FS(), "docs/large.txt"); err != nil || string(text) != large {
			t.Errorf("fetched whole it has %d bytes, %v", len(text), err)
		}
		run(t, r.path, "config", "uploadpackfilter.allow", "false")
		snapshot, _, err := newStore(t, Config{}).FetchUnless(testContext(t), url, Ref{}, Lean, func(string) bool { return false })
		if err != nil {
			t.Fatalf("a remote that offers to leave files out and refuses: %v", err)
		}
		if _, err := fs.ReadFile(snapshot.FS(), "docs/large.txt"); err != nil {
			t.Error(err)
		}
	})
}

func TestSnapshotFiles(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, r *repository, url string) {
		files := fetch(t, newStore(t, Config{}), url, Ref{}).FS()
		if err := fstest.TestFS(files, "README.md", "chart/values.yaml", "chart/templates/deployment.yaml", "scripts/run.sh"); err != nil {
			t.Error(err)
		}
		got, err := fs.ReadFile(files, "chart/values.yaml")
		if err != nil || string(got) != "a: 2\n" {
			t.Errorf("values: %q, %v", got, err)
		}
		var names []string
		if err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
			names = append(names, path)
			return err
		}); err != nil {
			t.Error(err)
		}
		want := []string{".", "README.md", "chart", "chart/templates", "chart/templates/deployment.yaml", "chart/values.yaml", "scripts", "scripts/run.sh"}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Error(diff)
		}
		for _, path := range []string{"LINK.md", "LINK.md/x"} {
			if _, err := fs.ReadFile(files, path); !errors.Is(err, fs.ErrInvalid) || !strings.Contains(err.Error(), "symbolic link") {
				t.Errorf("%s: %v", path, err)
			}
		}
		for _, path := range []string{"absent", "README.md/x", "chart/absent/x"} {
			if _, err := fs.Stat(files, path); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %v", path, err)
			}
		}
		got[0] = 'X'
		if again, err := fs.ReadFile(files, "chart/values.yaml"); err != nil || string(again) != "a: 2\n" {
			t.Errorf("a caller's change reached the snapshot: %q, %v", again, err)
		}
	})
}

func TestTreeHashIsGits(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	snapshot := fetch(t, newStore(t, Config{}), r.fileURL(), Ref{})
	for dir, rev := range map[string]string{".": "main^{tree}", "chart/templates": "main:chart/templates"} {
		got, err := snapshot.TreeHash(dir)
		if want := run(t, r.path, "rev-parse", rev); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", dir, got, err, want)
		}
	}
	if _, err := snapshot.TreeHash("absent"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
	if _, err := snapshot.TreeHash("README.md"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("file: %v", err)
	}
}

func TestRemoteRefs(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, r *repository, url string) {
		got, err := newStore(t, Config{}).RemoteRefs(testContext(t), url)
		if err != nil {
			t.Fatal(err)
		}
		main, first := r.rev(t, "main"), r.rev(t, "1.0.0")
		want := map[string]string{
			"HEAD": main, "refs/heads/main": main, "refs/heads/feature/x": main,
			"refs/tags/1.0.0": first, "refs/tags/v1.1.0": first, "refs/tags/2.0.0-bb.1": first, "refs/tags/1.2.0": main,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestMissingRefs(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, r *repository, url string) {
		s := newStore(t, Config{})
		for _, ref := range []Ref{{Tag: "9.9.9"}, {Branch: "gone"}, {Name: "refs/x"}, {Semver: "^7"}, {Semver: "not a range"}, {Commit: "abc"}} {
			_, err := s.Fetch(testContext(t), url, ref)
			var e *Error
			if !errors.Is(err, ErrRefNotFound) || !errors.As(err, &e) || e.Repo != url {
				t.Errorf("%s: %v", ref, err)
			}
		}
	})
}

func TestEmptyRepository(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	run(t, root, "init", "-q", "--bare", "-b", "main", "empty.git")
	server := serve(t, root)
	s := newStore(t, Config{})
	for _, url := range []string{"file://" + root + "/empty.git", server.URL + "/empty.git"} {
		if _, err := s.Fetch(testContext(t), url, Ref{}); !errors.Is(err, ErrEmpty) {
			t.Errorf("fetch %s: %v", url, err)
		}
		if _, err := s.RemoteRefs(testContext(t), url); !errors.Is(err, ErrEmpty) {
			t.Errorf("refs %s: %v", url, err)
		}
	}
}

func TestHeadOnABranchThatDoesNotExist(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, r *repository, url string) {
		run(t, r.path, "symbolic-ref", "HEAD", "refs/heads/gone")
		s := newStore(t, Config{})
		if _, err := s.Fetch(testContext(t), url, Ref{}); !errors.Is(err, ErrRefNotFound) {
			t.Errorf("HEAD: %v", err)
		}
		if got := fetch(t, s, url, Ref{Tag: "1.0.0"}); got.Head == "main" {
			t.Errorf("head is %q", got.Head)
		}
	})
}

func TestMissingRepository(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	s := newStore(t, Config{})
	for _, url := range []string{"file://" + root + "/none.git", serve(t, root).URL + "/none.git"} {
		_, err := s.Fetch(testContext(t), url, Ref{})
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestInsteadOf(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	s := newStore(t, Config{InsteadOf: []Rewrite{
		{From: "https://", To: "https://wrong.example/"},
		{From: "https://git.example.org/group/", To: "file://" + filepath.Dir(r.path) + "/"},
		{From: "https://git.example.org/", To: "https://wrong.example/"},
	}})
	url := "https://git.example.org/group/umbrella.git"
	if got := s.Effective(url); got != r.fileURL() {
		t.Errorf("effective %s", got)
	}
	if got := s.Effective("ssh://other.example/x"); got != "ssh://other.example/x" {
		t.Errorf("an unmatched URL became %s", got)
	}
	if got := fetch(t, s, url, Ref{}); got.URL != url {
		t.Errorf("snapshot of %s", got.URL)
	}
	_, err := s.Fetch(testContext(t), "https://git.example.org/group/none.git", Ref{})
	if err == nil || !strings.Contains(err.Error(), "https://git.example.org/group/none.git (file://") {
		t.Errorf("both URLs should be named: %v", err)
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	server := serve(t, filepath.Dir(r.path)).withAuth("bot", "s3cret-right")
	url := server.URL + "/umbrella.git"
	var asked string
	with := func(user, password string) *Store {
		return newStore(t, Config{Credentials: func(u string) (*Credential, error) {
			asked = u
			return &Credential{Username: user, Password: password}, nil
		}})
	}
	fetch(t, with("bot", "s3cret-right"), strings.Replace(url, "http://", "http://someone:else@", 1), Ref{})
	if asked != url {
		t.Errorf("the credential was asked for %s", asked)
	}
	_, err := with("bot", "s3cret-wrong").Fetch(testContext(t), url, Ref{})
	if !errors.Is(err, ErrAuth) || !strings.Contains(err.Error(), "Access denied") {
		t.Errorf("wrong password: %v", err)
	}
	for _, secret := range []string{"s3cret", "Ym90OnMzY3JldC13cm9uZw"} {
		if strings.Contains(err.Error(), secret) || strings.Contains(fmt.Sprintf("%+v %#v", err, err), secret) {
			t.Errorf("%q is in the error: %v", secret, err)
		}
	}
	// User information in the URL is neither used nor shown.
	private := strings.Replace(url, "http://", "http://bot:s3cret-right@", 1)
	_, err = newStore(t, Config{}).Fetch(testContext(t), private, Ref{})
	if !errors.Is(err, ErrAuth) || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "no credential is configured for 127.0.0.1: gitlab.url") {
		t.Errorf("user information in the URL: %v", err)
	}
	failing := newStore(t, Config{Credentials: func(string) (*Credential, error) { return nil, errors.New("token file is empty") }})
	if _, err := failing.Fetch(testContext(t), url, Ref{}); err == nil || !strings.Contains(err.Error(), "token file is empty") {
		t.Errorf("failing source: %v", err)
	}
}

func TestCredentialNeverPrinted(t *testing.T) {
	t.Parallel()
	c := Credential{Username: "bot", Password: "hunter2"}
	for _, text := range []string{fmt.Sprint(c), fmt.Sprint(&c), fmt.Sprintf("%v %+v %#v %s %q", c, c, c, c, c), c.LogValue().String()} {
		if strings.Contains(text, "hunter2") || !strings.Contains(text, "bot") {
			t.Errorf("printed as %s", text)
		}
	}
}
