package bot

import (
	"context"
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

// fetcher fetches the repositories of a scan, so many at once. While the umbrella is
// still being rendered it begins with those that the umbrella's values name.
type fetcher struct {
	store  store
	slots  chan struct{} // one for each that may be fetched at once
	group  sync.WaitGroup
	cancel context.CancelFunc

	mu    sync.Mutex
	todo  []analysis.PackageSource
	held  int
	bytes int64
	begun map[analysis.PackageSource]*fetching
}

// fetching is a repository that is fetched ahead.
type fetching struct {
	done  chan struct{}
	tree  *git.Snapshot // nil where the commit is known
	found git.Resolved
	err   error
}

func newFetcher(s store, workers int) *fetcher {
	return &fetcher{store: s, slots: make(chan struct{}, workers), cancel: func() {}, begun: map[analysis.PackageSource]*fetching{}}
}

// fetch is FetchUnless of the store.
func (f *fetcher) fetch(ctx context.Context, s analysis.PackageSource, files git.Files, known func(commit string) bool) (*git.Snapshot, git.Resolved, error) {
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
		return f.store.FetchUnless(ctx, s.Repository, git.Ref(s.Ref), files, known)
	case <-ctx.Done():
		return nil, git.Resolved{}, ctx.Err()
	}
}

// ahead begins to fetch repositories before anybody asks for them. It returns at once.
func (f *fetcher) ahead(ctx context.Context, sources []analysis.PackageSource, known func(commit string) bool) {
	ctx, f.cancel = context.WithCancel(ctx)
	seen := map[analysis.PackageSource]bool{}
	for _, s := range sources {
		if s = followed(s); !seen[s] {
			seen[s] = true
			f.todo = append(f.todo, s)
		}
	}
	for range cap(f.slots) {
		f.group.Go(func() {
			for s, one := f.next(); one != nil; s, one = f.next() {
				one.tree, one.found, one.err = f.fetch(ctx, s, git.Lean, known)
				f.arrived(one)
			}
		})
	}
}

// look asks where a ref leads, and fetches what it leads to unless that is known or enough is held. What it finds
// waits for whoever takes the repository.
func (f *fetcher) look(ctx context.Context, s analysis.PackageSource, known func(commit string) bool) *fetching {
	one := &fetching{done: make(chan struct{})}
	fetches := false
	one.tree, one.found, one.err = f.fetch(ctx, s, git.Lean, func(commit string) bool {
		fetches = !known(commit) && (fetches || f.hold())
		return !fetches
	})
	f.mu.Lock()
	f.begun[followed(s)] = one
	f.mu.Unlock()
	if fetches {
		f.arrived(one)
	} else {
		close(one.done)
	}
	return one
}

// hold makes room for one more repository, if there may be one.
func (f *fetcher) hold() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.held >= maxAhead || f.bytes >= maxAheadBytes {
		return false
	}
	f.held++
	return true
}

func (f *fetcher) next() (s analysis.PackageSource, one *fetching) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.todo) == 0 || f.held >= maxAhead || f.bytes >= maxAheadBytes {
		return s, nil
	}
	s, f.todo = f.todo[0], f.todo[1:]
	one = &fetching{done: make(chan struct{})}
	f.begun[s] = one
	f.held++
	return s, one
}

func (f *fetcher) arrived(one *fetching) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if one.tree == nil {
		f.held--
	} else {
		f.bytes += one.tree.Bytes()
	}
	close(one.done)
}

// enough lets nothing more begin.
func (f *fetcher) enough() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.todo = nil
}

// take waits for a repository that is fetched ahead, and hands it out once; nil for any other.
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
