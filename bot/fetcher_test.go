package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"sync"
	"testing"

	"tokenward/analysis"
	"tokenward/gitops/git"
)

// lateError is what goes wrong when it is known already where a ref leads.
type lateError struct{ error }

func (e *lateError) Unwrap() error { return e.error }

// waitingStore answers for a repository when it is let.
type waitingStore struct {
	store
	mu     sync.Mutex
	asked  []string
	begun  chan string
	answer map[string]chan error
	tree   *git.Snapshot // what every repository holds, nil for one without a byte
	most   int
	now    int
}

func (s *waitingStore) FetchUnless(ctx context.Context, url string, _ git.Ref, _ git.Files, known func(string) bool) (*git.Snapshot, git.Resolved, error) {
	s.mu.Lock()
	s.asked = append(s.asked, url)
	s.now++
	s.most = max(s.most, s.now)
	answer := s.answer[url]
	s.mu.Unlock()
	s.begun <- url
	defer func() { s.mu.Lock(); s.now--; s.mu.Unlock() }()
	select {
	case err := <-answer:
		if late := new(lateError); errors.As(err, &late) {
			known("c-" + url)
		}
		if err != nil || known("c-"+url) {
			return nil, git.Resolved{Commit: "c-" + url}, err
		}
		return cmp.Or(s.tree, &git.Snapshot{URL: url}), git.Resolved{Commit: "c-" + url}, nil
	case <-ctx.Done():
		return nil, git.Resolved{}, ctx.Err()
	}
}

func newWaitingStore(n int) (*waitingStore, []analysis.PackageSource) {
	s := &waitingStore{begun: make(chan string, 4*n), answer: map[string]chan error{}}
	var sources []analysis.PackageSource
	for i := range n {
		url := fmt.Sprintf("r%02d", i)
		s.answer[url] = make(chan error, 2)
		sources = append(sources, analysis.PackageSource{Repository: url})
	}
	return s, sources
}

func TestFetchedAheadIsFetchedOnce(t *testing.T) {
	t.Parallel()
	s, sources := newWaitingStore(4)
	f := newFetcher(s, 2)
	broken := errors.New("it is broken")
	f.ahead(t.Context(), sources, func(commit string) bool { return commit == "c-r01" })
	<-s.begun
	<-s.begun
	f.enough()
	s.answer["r00"] <- broken
	s.answer["r01"] <- nil
	if one := f.take(sources[0]); one == nil || !errors.Is(one.err, broken) {
		t.Errorf("r00: %+v", one)
	}
	if one := f.take(sources[1]); one == nil || one.tree != nil || one.found.Commit != "c-r01" {
		t.Errorf("r01, whose commit is known: %+v", one)
	}
	if f.take(sources[1]) != nil {
		t.Error("r01 was handed out twice")
	}
	if f.take(sources[2]) != nil {
		t.Error("r02 was begun after it was enough")
	}
	s.answer["r02"] <- nil
	if tree, _, err := f.fetch(t.Context(), sources[2], git.Lean, func(string) bool { return false }); err != nil || tree.URL != "r02" {
		t.Errorf("r02: %v, %v", tree, err)
	}
	f.close()
	if want := []string{"r00", "r01", "r02"}; !slices.Equal(slices.Sorted(slices.Values(s.asked)), want) {
		t.Errorf("asked for %v, want %v", s.asked, want)
	}
}

// What was looked at is not asked for again, but where it failed without an answer to what it is: that may have been for once.
func TestLookedAtIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	s, sources := newWaitingStore(6)
	f := newFetcher(s, 2)
	broken := &lateError{git.ErrRefNotFound}
	s.answer["r00"] <- broken
	for _, url := range []string{"r01", "r02", "r03"} {
		s.answer[url] <- nil
	}
	answers := map[string]error{"r04": &git.Error{Err: git.ErrNotFound}, "r05": &git.Error{Err: git.ErrRefNotFound}}
	for url, err := range answers {
		s.answer[url] <- err
		s.answer[url] <- errors.New("it is asked again")
	}
	known := func(commit string) bool { return commit == "c-r01" }
	for i, of := range sources {
		found, err := f.look(t.Context(), of, known)
		if want := "c-" + of.Repository; i == 0 && !errors.Is(err, broken) || i > 0 && (err != answers[of.Repository] || found.Commit != want) {
			t.Errorf("%s led to %s (%v)", of.Repository, found.Commit, err)
		}
		if i == 2 {
			f.held = maxAhead // no room for the next
		}
	}
	f.held -= maxAhead - 1
	s.answer["r00"] <- nil
	f.ahead(t.Context(), sources, known)
	f.group.Wait()
	if want := []string{"r00", "r01", "r02", "r03", "r04", "r05", "r00"}; !slices.Equal(s.asked, want) || f.held != 2 {
		t.Errorf("asked for %v, want %v, and %d are held", s.asked, want, f.held)
	}
	for url, hasTree := range map[string]bool{"r00": true, "r01": false, "r02": true, "r03": false, "r04": false, "r05": false} {
		one := f.take(analysis.PackageSource{Repository: url})
		if one == nil || one.err != answers[url] || one.found.Commit != "c-"+url || (one.tree != nil) != hasTree {
			t.Errorf("%s: %+v", url, one)
		}
	}
	f.close()
}

// Where refs lead is asked of more repositories at once than are fetched at once, and while others are fetched.
func TestMoreAreLookedAtThanFetchedAtOnce(t *testing.T) {
	t.Parallel()
	s, sources := newWaitingStore(3 * asksPerFetch)
	f := newFetcher(s, 1)
	if err := f.slots.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for _, of := range sources {
		all.Go(func() {
			if found, err := f.look(t.Context(), of, func(string) bool { return true }); err != nil || found.Commit != "c-"+of.Repository {
				t.Errorf("%s led to %s (%v)", of.Repository, found.Commit, err)
			}
		})
	}
	for range asksPerFetch {
		<-s.begun
	}
	for _, answer := range s.answer {
		answer <- nil
	}
	all.Wait()
	if s.most != asksPerFetch {
		t.Errorf("%d were asked at once, want %d", s.most, asksPerFetch)
	}
}

// Of those that wait for their turn to be fetched, none is when those before it have brought enough.
func TestLookingIsBoundedByBytes(t *testing.T) {
	t.Parallel()
	s, sources := newWaitingStore(asksPerFetch)
	s.tree = bigSnapshot(t)
	f := newFetcher(s, 1)
	f.bytes = maxAheadBytes - 1
	if err := f.slots.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for _, of := range sources {
		s.answer[of.Repository] <- nil // where its ref leads
		s.answer[of.Repository] <- nil
		all.Go(func() {
			if found, err := f.look(t.Context(), of, func(string) bool { return false }); err != nil || found.Commit != "c-"+of.Repository {
				t.Errorf("%s led to %s (%v)", of.Repository, found.Commit, err)
			}
		})
	}
	for range sources {
		<-s.begun
	}
	f.slots.leave()
	all.Wait()
	if want := maxAheadBytes - 1 + s.tree.Bytes(); f.held != 1 || f.bytes != want || len(f.slots) > 0 {
		t.Errorf("%d are held with %d bytes, want one with %d; %d slots are taken", f.held, f.bytes, want, len(f.slots))
	}
}

// Two that follow the same ref are one, and what the second brought is let go.
func TestLookedAtTwiceIsHeldOnce(t *testing.T) {
	t.Parallel()
	s, sources := newWaitingStore(1)
	s.tree = bigSnapshot(t)
	f := newFetcher(s, 2)
	same := sources[0]
	same.Ref = analysis.SourceRef{Tag: "1"}
	other := same
	other.Ref.Branch = "main"
	for _, of := range []analysis.PackageSource{same, other} {
		s.answer["r00"] <- nil
		if _, err := f.look(t.Context(), of, func(string) bool { return false }); err != nil {
			t.Fatal(err)
		}
	}
	if f.held != 1 || f.bytes != s.tree.Bytes() || f.take(other) == nil || f.take(same) != nil {
		t.Errorf("%d are held with %d bytes", f.held, f.bytes)
	}
}

// What cannot be fetched fails for all releases that are deployed from it.
func TestReleasesOfOneRefFailTogether(t *testing.T) {
	t.Parallel()
	for _, ahead := range []bool{false, true} {
		s, sources := newWaitingStore(1)
		broken := errors.New("it is broken")
		s.answer["r00"] <- broken
		s.answer["r00"] <- nil
		f := newFetcher(s, 1)
		if ahead {
			f.ahead(t.Context(), sources, func(string) bool { return false })
			f.group.Wait()
		}
		b := keepingBot(t, &keptInMemory{m: map[string][]byte{}})
		c := &checkout{source: sources[0]}
		for range 2 {
			if _, err := b.fetchChart(t.Context(), f, c, analysis.Release{Repository: "r00", Chart: "."}, &shelf{}); !errors.Is(err, broken) {
				t.Errorf("ahead %v: %v", ahead, err)
			}
		}
		f.close()
	}
}

func TestAheadIsBounded(t *testing.T) {
	t.Parallel()
	s, sources := newWaitingStore(2 * maxAhead)
	f := newFetcher(s, 3)
	for _, answer := range s.answer {
		answer <- nil
	}
	f.ahead(t.Context(), sources, func(string) bool { return false })
	f.group.Wait()
	if len(s.asked) != maxAhead || s.most > 3 {
		t.Errorf("fetched %d repositories, at most %d at once, want %d and 3", len(s.asked), s.most, maxAhead)
	}
}

func TestAheadIsBoundedByBytes(t *testing.T) {
	t.Parallel()
	s, sources := newWaitingStore(3)
	for _, answer := range s.answer {
		answer <- nil
	}
	f := newFetcher(s, 1)
	f.bytes = maxAheadBytes - 1
	f.arrived(&fetching{done: make(chan struct{}), tree: bigSnapshot(t)})
	f.ahead(t.Context(), sources, func(string) bool { return false })
	f.group.Wait()
	if len(s.asked) > 0 {
		t.Errorf("asked for %v, although enough is held", s.asked)
	}
}

// bigSnapshot is one of some bytes.
func bigSnapshot(t *testing.T) *git.Snapshot {
	t.Helper()
	store, err := git.New(git.Config{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, args := range [][]string{{"init", "-q"}, {"-c", "user.name=Mara Lind", "-c", "user.email=mara.lind@example.com", "commit", "-q", "--allow-empty", "-m", "Begin"}} {
		if out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	snapshot, err := store.Fetch(t.Context(), "file://"+dir, git.Ref{})
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

func TestWhatNobodyTookIsGivenUp(t *testing.T) {
	t.Parallel()
	s, sources := newWaitingStore(3)
	f := newFetcher(s, 1)
	f.ahead(t.Context(), sources, func(string) bool { return false })
	<-s.begun
	f.close() // does not wait for an answer that never comes
	if len(s.asked) != 1 {
		t.Errorf("asked for %v", s.asked)
	}
}

// A repository that the umbrella's values name and no release comes from must not stay in
// memory while the platform is rendered.
func TestWhatNobodyTookIsLetGo(t *testing.T) {
	t.Parallel()
	s, sources := newWaitingStore(1)
	b := &Bot{cfg: Config{}.withDefaults(), store: s}
	scan := &Scan{shelf: &shelf{}, fetcher: newFetcher(s, 1), Discovery: &analysis.Discovery{}}
	s.answer["r00"] <- nil
	scan.fetcher.ahead(t.Context(), sources, func(string) bool { return false })
	scan.fetcher.group.Wait()
	if err := b.fetchStep(t.Context(), scan); err != nil {
		t.Fatal(err)
	}
	if one := scan.fetcher.take(sources[0]); one != nil {
		t.Errorf("it is still there: %+v", one)
	}
}

// An umbrella's values may give more of a ref than its templates hand on, as the tag that they
// pin by default beside a commit.
func TestFetchedAheadByAnyFormOfItsRef(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		values, release analysis.SourceRef
		same            bool
	}{
		"a commit before a tag":  {analysis.SourceRef{Branch: "main", Tag: "1", Commit: "c"}, analysis.SourceRef{Branch: "main", Commit: "c"}, true},
		"a tag before a branch":  {analysis.SourceRef{Branch: "main", Tag: "1"}, analysis.SourceRef{Tag: "1"}, true},
		"a tag before a range":   {analysis.SourceRef{Semver: "1.x", Tag: "1"}, analysis.SourceRef{Tag: "1"}, true},
		"another tag":            {analysis.SourceRef{Branch: "main", Tag: "1"}, analysis.SourceRef{Tag: "2"}, false},
		"another commit":         {analysis.SourceRef{Branch: "main", Commit: "c"}, analysis.SourceRef{Branch: "main", Commit: "d"}, false},
		"a commit of elsewhere":  {analysis.SourceRef{Branch: "main", Commit: "c"}, analysis.SourceRef{Branch: "old", Commit: "c"}, false},
		"the branch, not a name": {analysis.SourceRef{Branch: "main"}, analysis.SourceRef{Name: "refs/heads/main", Branch: "main"}, false},
	} {
		s, _ := newWaitingStore(1)
		f := newFetcher(s, 1)
		s.answer["r00"] <- nil
		f.ahead(t.Context(), []analysis.PackageSource{{Repository: "r00", Ref: c.values}}, func(string) bool { return false })
		f.group.Wait()
		if got := f.take(analysis.PackageSource{Repository: "r00", Ref: c.release}) != nil; got != c.same {
			t.Errorf("%s: taken %v, want %v", name, got, c.same)
		}
	}
}

func TestWhatIsNamedTwiceIsFetchedAheadOnce(t *testing.T) {
	t.Parallel()
	s, sources := newWaitingStore(1)
	s.answer["r00"] <- nil
	s.answer["r00"] <- nil // for one who asks again
	sources[0].Ref = analysis.SourceRef{Tag: "1.0"}
	f := newFetcher(s, 2)
	f.ahead(t.Context(), []analysis.PackageSource{sources[0], {Repository: "r00", Ref: analysis.SourceRef{Tag: "1.0", Branch: "main"}}}, func(string) bool { return false })
	f.group.Wait()
	if len(s.asked) != 1 {
		t.Errorf("asked for %v, want r00 once", s.asked)
	}
}
