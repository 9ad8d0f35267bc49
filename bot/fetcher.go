package bot

import (
	"context"
	"errors"
	"sync"

	"tokenward/analysis"
	"tokenward/gitops/git"
)

// How many repositories are held in memory before anybody asks for them, and the bytes of
// their objects from which on no other is begun.
const (
	maxAhead      = 16
	maxAheadBytes = 64 << 20
)

// asksPerFetch is how many may be asked where their refs lead for each that may be fetched at once: that takes the time
// of the way to the server and, of honest repositories, little memory. Of others, the list of refs is bounded.
const asksPerFetch = 4

// fetcher fetches the repositories of a scan, so many at once. While the umbrella is
// still being rendered it begins with those that the umbrella's values name.
type fetcher struct {
	store  store
	slots  slots // one for each that may be fetched at once
	asking slots // one for each that may be asked at once where its ref leads
	group  sync.WaitGroup
	cancel context.CancelFunc
	// arriving is told of what was fetched ahead before anybody takes it, nil for nobody. It ends soon when its context does.
	arriving func(context.Context, analysis.PackageSource, *git.Snapshot)

	mu    sync.Mutex
	todo  []analysis.PackageSource
	held  int
	bytes int64
	begun map[analysis.PackageSource]*fetching
}

// fetching is a repository that was asked for ahead, and what it was found to be.
type fetching struct {
	done  chan struct{}
	tree  *git.Snapshot // nil where the commit is known, or too much was held
	found git.Resolved
	err   error
}

func newFetcher(s store, workers int) *fetcher {
	return &fetcher{store: s, slots: make(slots, workers), asking: make(slots, asksPerFetch*workers), cancel: func() {}, begun: map[analysis.PackageSource]*fetching{}}
}

// fetch is FetchUnless of the store.
func (f *fetcher) fetch(ctx context.Context, s analysis.PackageSource, files git.Files, known func(commit string) bool) (*git.Snapshot, git.Resolved, error) {
	return f.fetchIn(ctx, f.slots, s, files, known)
}

// fetchIn is fetch, as one of those that share slots.
func (f *fetcher) fetchIn(ctx context.Context, room slots, s analysis.PackageSource, files git.Files, known func(commit string) bool) (*git.Snapshot, git.Resolved, error) {
	if err := room.enter(ctx); err != nil {
		return nil, git.Resolved{}, err
	}
	defer room.leave()
	return f.store.FetchUnless(ctx, s.Repository, git.Ref(s.Ref), files, known)
}

// slots bound how many do something at once.
type slots chan struct{}

// enter waits until one more may; leave lets the next in.
func (s slots) enter(ctx context.Context) error {
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s slots) leave() { <-s }

// ahead begins to fetch repositories before anybody asks for them, but for those that were looked at. It returns at once.
func (f *fetcher) ahead(ctx context.Context, sources []analysis.PackageSource, known func(commit string) bool) {
	ctx, f.cancel = context.WithCancel(ctx)
	seen := map[analysis.PackageSource]bool{}
	for _, s := range sources {
		if s = followed(s); !seen[s] && f.begun[s] == nil {
			seen[s] = true
			f.todo = append(f.todo, s)
		}
	}
	for range cap(f.slots) {
		f.group.Go(func() {
			for s, one := f.next(); one != nil; s, one = f.next() {
				one.tree, one.found, one.err = f.fetch(ctx, s, git.Lean, known)
				if one.tree != nil && f.arriving != nil {
					f.arriving(ctx, s, one.tree)
				}
				f.arrived(one)
			}
		})
	}
}

// look asks where a ref leads, and fetches what it leads to unless that is known or enough is held. What it finds
// waits for whoever takes the repository. An error waits, too, where the server answers that there is no such repository or
// ref: another may not come again.
func (f *fetcher) look(ctx context.Context, s analysis.PackageSource, known func(commit string) bool) (git.Resolved, error) {
	one := &fetching{done: make(chan struct{})}
	led, moved, held := false, false, false // led to a commit, whose fetching may fail for other reasons
	one.tree, one.found, one.err = f.fetchIn(ctx, f.asking, s, git.Lean, func(commit string) bool {
		led, moved = true, !known(commit)
		held = held || moved && f.begin()
		return !held
	})
	switch {
	case held:
		f.count(one)
		f.slots.leave()
	case moved && one.err == nil:
		f.bring(ctx, s, one)
	}
	answered := one.err == nil || !led && (errors.Is(one.err, git.ErrNotFound) || errors.Is(one.err, git.ErrRefNotFound))
	f.mu.Lock()
	defer f.mu.Unlock()
	if key := followed(s); answered && f.begun[key] == nil {
		f.begun[key] = one
	} else if one.tree != nil { // another that follows the same ref holds it
		f.held, f.bytes, one.tree = f.held-1, f.bytes-one.tree.Bytes(), nil
	}
	close(one.done)
	return one.found, one.err
}

// begin makes room for one more repository that is fetched, where nobody has to wait for that: who waits holds what it was
// answered, and its time runs. The slot is left when it is fetched.
func (f *fetcher) begin() bool {
	select {
	case f.slots <- struct{}{}:
	default:
		return false
	}
	if f.hold() {
		return true
	}
	f.slots.leave()
	return false
}

// bring fetches what a ref leads to, unless enough is held when its turn comes: of all that wait for theirs, each may be large.
func (f *fetcher) bring(ctx context.Context, s analysis.PackageSource, one *fetching) {
	if one.err = f.slots.enter(ctx); one.err != nil {
		return
	}
	defer f.slots.leave()
	if f.hold() {
		one.tree, one.found, one.err = f.store.FetchUnless(ctx, s.Repository, git.Ref(s.Ref), git.Lean, func(string) bool { return false })
		f.count(one)
	}
}

// hold makes room for one more repository, if there may be one.
func (f *fetcher) hold() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.full() {
		return false
	}
	f.held++
	return true
}

func (f *fetcher) full() bool { return f.held >= maxAhead || f.bytes >= maxAheadBytes }

func (f *fetcher) next() (s analysis.PackageSource, one *fetching) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.todo) == 0 || f.full() {
		return s, nil
	}
	s, f.todo = f.todo[0], f.todo[1:]
	one = &fetching{done: make(chan struct{})}
	f.begun[s] = one
	f.held++
	return s, one
}

func (f *fetcher) arrived(one *fetching) {
	f.count(one)
	close(one.done)
}

// count counts what is held now of a repository for which room was made.
func (f *fetcher) count(one *fetching) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if one.tree == nil {
		f.held--
	} else {
		f.bytes += one.tree.Bytes()
	}
}

// enough lets nothing more begin.
func (f *fetcher) enough() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.todo = nil
}

// take waits for a repository that was asked for ahead, and hands it out once; nil for any other.
func (f *fetcher) take(s analysis.PackageSource) *fetching {
	s = followed(s)
	f.mu.Lock()
	one := f.begun[s]
	delete(f.begun, s)
	f.mu.Unlock()
	if one != nil {
		<-one.done
	}
	return one
}

// followed leaves out of a ref what is not followed: an umbrella's templates need not hand it on.
func followed(s analysis.PackageSource) analysis.PackageSource {
	return analysis.PackageSource{Repository: s.Repository, Ref: analysis.SourceRef(git.Ref(s.Ref).Followed())}
}

// close gives up what nobody took, and lets go of it. It may be called again.
func (f *fetcher) close() {
	f.enough()
	f.cancel()
	f.group.Wait()
	f.begun = nil
}
