package git

import (
	"fmt"
	"io/fs"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTips(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, r *repository, url string) {
		run(t, r.work, "push", "-q", "origin", "1.0.0^{commit}:refs/heads/tokenward/b", "main:refs/heads/tokenward/a")
		snapshot := fetch(t, newStore(t, Config{}), url, Ref{Tag: "1.2.0"})
		if diff := cmp.Diff([]string{"tokenward/a", "tokenward/b"}, snapshot.Tips("tokenward/")); diff != "" {
			t.Error(diff)
		}
		for branch, want := range map[string]string{"tokenward/b": r.rev(t, "1.0.0"), "main": r.rev(t, "main"), "none": "", "1.0.0": ""} {
			if got := snapshot.Tip(branch); got != want {
				t.Errorf("%s is at %q, want %q", branch, got, want)
			}
		}
	})
}

func TestSnapshotMayBeSharedBetweenGoroutines(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	s := newStore(t, Config{})
	base := fetch(t, s, r.fileURL(), Ref{})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			branch := fmt.Sprintf("tokenward/%d", i)
			if _, err := fs.ReadFile(base.FS(), "chart/values.yaml"); err != nil {
				t.Error(err)
			}
			hash, err := s.Commit(testContext(t), base, spec(map[string]string{"chart/values.yaml": branch}))
			if err == nil {
				err = s.Push(testContext(t), base, hash, branch, "")
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// Whoever reads a file may change what he got, as fs.ReadFileFS has it.
func TestReadFileIsACopy(t *testing.T) {
	t.Parallel()
	fsys := fetch(t, newStore(t, Config{}), newRepository(t).fileURL(), Ref{}).FS().(treeFS)
	shared, err := fsys.ShareFile("chart/values.yaml")
	if err != nil || len(shared) == 0 {
		t.Fatal(err)
	}
	want := string(shared)
	own, err := fs.ReadFile(fsys, "chart/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	clear(own)
	if string(shared) != want {
		t.Error("what one reader changed, others read")
	}
	for _, name := range []string{"chart", "none", "../x"} {
		_, want := fsys.ReadFile(name)
		if _, err := fsys.ShareFile(name); err == nil || err.Error() != want.Error() {
			t.Errorf("%s: error %v, want %v", name, err, want)
		}
	}
}
