package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
)

// Resolved is what a Ref means on a remote right now.
type Resolved struct {
	Ref    string // full name, "" for a commit given without a branch
	Commit string // 40 hexadecimal digits
	Branch string // short name if the ref is a branch, also HEAD's
	Head   string // short name of the remote's default branch, "" if it has none
}

// RemoteRefs lists the remote's refs by full name, with HEAD, and the commit
// that each leads to (an annotated tag's target, not the tag object). It
// fails with an *Error; an empty repository is ErrEmpty.
func (s *Store) RemoteRefs(ctx context.Context, url string) (map[string]string, error) {
	ctx, cancel := s.begin(ctx)
	defer cancel()
	var refs map[string]string
	r, err := s.advertised(ctx, url, func(_ fetchSession, ar *packp.AdvRefs) error {
		refs = commits(ar)
		return nil
	})
	return refs, s.fail(ctx, "list refs of", url, "", r, err)
}

// Resolve finds out which commit ref means without fetching it, so that an
// unchanged one need not be fetched again. It fails with an *Error.
func (s *Store) Resolve(ctx context.Context, url string, ref Ref) (Resolved, error) {
	ctx, cancel := s.begin(ctx)
	defer cancel()
	var resolved Resolved
	r, err := s.advertised(ctx, url, func(_ fetchSession, ar *packp.AdvRefs) error {
		t, err := resolve(ar, ref)
		if err != nil {
			return err
		}
		head, _ := strings.CutPrefix(headBranch(ar), branchPrefix)
		resolved = Resolved{Ref: t.name, Commit: t.commit.String(), Branch: t.branch(), Head: head}
		return nil
	})
	return resolved, s.fail(ctx, "resolve", url, ref.String(), r, err)
}

// Files tells which files of a commit are fetched.
type Files bool

const (
	// Lean leaves files of a mebibyte and more at a remote that can do so: reading one fails with ErrLeftOut.
	Lean Files = false
	// Whole is all files.
	Whole Files = true
)

// order is what is asked of a fetch beside the ref.
type order struct {
	files Files
	known func(commit string) bool // a commit that need not be fetched
	keep  bool                     // give it to the Keeper
}

// Fetch reads the commit that ref means, and nothing of its history, into
// memory: from the Keeper where that has it, else from the remote. It fails with an *Error.
func (s *Store) Fetch(ctx context.Context, url string, ref Ref) (*Snapshot, error) {
	snapshot, _, err := s.fetch(ctx, url, ref, order{files: Whole, known: func(string) bool { return false }, keep: true})
	return snapshot, err
}

// FetchUnless is Fetch, except that a commit that is known is not fetched: the
// snapshot is then nil. A remote that offers to leave large files out and refuses is
// asked for all. What is fetched is not given to the Keeper: whoever knows commits keeps
// what they make of them. It returns what ref means, too, and fails with an *Error.
func (s *Store) FetchUnless(ctx context.Context, url string, ref Ref, files Files, known func(commit string) bool) (*Snapshot, Resolved, error) {
	snapshot, found, err := s.fetch(ctx, url, ref, order{files: files, known: known})
	if err != nil && files == Lean && strings.Contains(err.Error(), filterRefused) {
		return s.fetch(ctx, url, ref, order{files: Whole, known: known})
	}
	return snapshot, found, err
}

// filterRefused is what git's server says whose uploadpackfilter.allow is false, after it has offered to filter.
const filterRefused = "filter 'blob:limit' not supported"

func (s *Store) fetch(ctx context.Context, url string, ref Ref, o order) (*Snapshot, Resolved, error) {
	ctx, cancel := s.begin(ctx)
	defer cancel()
	var snapshot *Snapshot
	var found Resolved
	r, err := s.advertised(ctx, url, func(session fetchSession, ar *packp.AdvRefs) error {
		t, err := resolve(ar, ref)
		if err != nil {
			return err
		}
		head, _ := strings.CutPrefix(headBranch(ar), branchPrefix)
		found = Resolved{Ref: t.name, Commit: t.commit.String(), Branch: t.branch(), Head: head}
		if o.known(found.Commit) {
			return nil
		}
		if snapshot, err = s.snapshot(ctx, session, ar, url, t, o); err == nil {
			snapshot.tips, found.Commit = ar.References, snapshot.Commit
		}
		return err
	})
	if err != nil {
		return nil, Resolved{}, s.fail(ctx, "fetch", url, ref.String(), r, err)
	}
	return snapshot, found, nil
}

// snapshot takes a target from the Keeper or receives it. What was received is looked at
// before it is kept.
func (s *Store) snapshot(ctx context.Context, session fetchSession, ar *packp.AdvRefs, url string, t target, o order) (*Snapshot, error) {
	if store := s.kept(t); store != nil {
		return newSnapshot(url, headBranch(ar), t, store)
	}
	store := newObjects()
	lean, err := s.receive(ctx, session, ar, t, o.files, store)
	if err != nil {
		return nil, err
	}
	snapshot, err := newSnapshot(url, headBranch(ar), t, store)
	if err == nil {
		err = checkTree(store, snapshot.root, s.config.MaxUnpacked)
	}
	if err != nil {
		return nil, err
	}
	snapshot.lean = lean
	if o.keep {
		s.keep(t, store)
	}
	return snapshot, nil
}

// begin gives an operation its limits: what it may receive and how long it may take.
func (s *Store) begin(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx = withBudget(ctx, newBudget(s.config.MaxBytes))
	return context.WithTimeoutCause(ctx, s.config.MaxTime, fmt.Errorf("it is not done after %s, which is git.maxTime", s.config.MaxTime))
}

// advertised opens a session for url, reads the advertisement and calls use.
func (s *Store) advertised(ctx context.Context, url string, use func(fetchSession, *packp.AdvRefs) error) (*remote, error) {
	r, err := s.remote(url)
	if err != nil {
		return nil, err
	}
	session, err := s.openFetch(ctx, r)
	if err != nil {
		return r, err
	}
	ar, err := session.AdvertisedReferencesContext(ctx)
	if err == nil {
		budgetFrom(ctx).allow(s.config.MaxBytes)
		err = use(session, ar)
	}
	return r, errors.Join(err, session.Close())
}

// receive fetches one target into store, and tells whether large files were left out.
func (s *Store) receive(ctx context.Context, session fetchSession, ar *packp.AdvRefs, t target, files Files, store *objects) (lean bool, err error) {
	req := packp.NewUploadPackRequestFromCapabilities(ar.Capabilities)
	req.Wants = []plumbing.Hash{t.want}
	if ar.Capabilities.Supports(capability.Shallow) && !t.full {
		req.Depth = packp.DepthCommits(1)
		if err := req.Capabilities.Set(capability.Shallow); err != nil {
			return false, err
		}
	}
	if ar.Capabilities.Supports(capability.NoProgress) {
		if err := req.Capabilities.Set(capability.NoProgress); err != nil {
			return false, err
		}
	}
	if lean = files == Lean && ar.Capabilities.Supports(capability.Filter); lean {
		if err := req.Capabilities.Set(capability.Filter); err != nil {
			return false, err
		}
		req.Filter = packp.FilterBlobLimit(1, packp.BlobLimitPrefixMebi)
	}
	response, err := session.UploadPack(ctx, req)
	if err != nil {
		return false, err
	}
	var pack io.Reader = response
	switch {
	case req.Capabilities.Supports(capability.Sideband64k):
		pack = sideband.NewDemuxer(sideband.Sideband64k, pack)
	case req.Capabilities.Supports(capability.Sideband):
		pack = sideband.NewDemuxer(sideband.Sideband, pack)
	}
	return lean, errors.Join(unpack(pack, store, s.config.MaxUnpacked), response.Close())
}

// peel follows annotated tags from hash to a commit.
func peel(store *objects, hash plumbing.Hash) (*gitobject.Commit, error) {
	for range 10 {
		obj, err := store.EncodedObject(plumbing.AnyObject, hash)
		if err != nil {
			return nil, fmt.Errorf("%w: the server did not send %s", ErrRefNotFound, hash)
		}
		switch obj.Type() {
		case plumbing.CommitObject:
			return gitobject.DecodeCommit(store, obj)
		case plumbing.TagObject:
			tag, err := gitobject.DecodeTag(store, obj)
			if err != nil {
				return nil, fmt.Errorf("read tag %s: %w", hash, err)
			}
			hash = tag.Target
		default:
			return nil, fmt.Errorf("%w: it leads to a %s, not to a commit", ErrRefNotFound, obj.Type())
		}
	}
	return nil, fmt.Errorf("%w: tags point to each other without end", ErrRefNotFound)
}
