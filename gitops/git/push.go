package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
)

// Push makes branch point to commit, which Commit built on base. The lease:
// with expected "" the branch must not exist yet, otherwise it must be at the
// commit expected, whose history may be dropped. If the branch is at commit
// already, nothing is sent and nil returned, so that a push may be repeated
// after a lost answer.
//
// It fails with an *Error: ErrStale if the lease does not hold, ErrRejected
// with the server's words, ErrProtected for the default branch and for the
// branch that base came from, which are refused before anything is sent.
func (s *Store) Push(ctx context.Context, base *Snapshot, commit, branch, expected string) error {
	ctx, cancel := s.begin(ctx)
	defer cancel()
	r, err := s.push(ctx, base, commit, branch, expected)
	return s.fail(ctx, "push to", base.URL, "branch "+branch, r, err)
}

func (s *Store) push(ctx context.Context, base *Snapshot, commit, branch, expected string) (*remote, error) {
	cmd, err := command(base, commit, branch, expected)
	if err != nil {
		return nil, err
	}
	hashes, err := base.added(cmd.New)
	if err != nil {
		return nil, err
	}
	r, err := s.remote(base.URL)
	if err != nil {
		return nil, err
	}
	err = s.send(ctx, r, base, cmd, hashes)
	if err == nil || known(err) && !errors.Is(err, ErrUnreachable) {
		return r, err
	}
	// The connection broke, perhaps after the server had acted: look.
	if refs, lookErr := s.RemoteRefs(ctx, base.URL); lookErr == nil && refs[cmd.Name.String()] == commit {
		return r, nil
	}
	return r, err
}

// ValidBranch tells whether a text can be the name of a branch.
func ValidBranch(name string) bool {
	return !strings.HasPrefix(name, "refs/") && plumbing.NewBranchReferenceName(name).Validate() == nil && !plumbing.IsHash(name)
}

// command checks what Push was asked for.
func command(base *Snapshot, commit, branch, expected string) (*packp.Command, error) {
	name := plumbing.NewBranchReferenceName(branch)
	switch {
	case !ValidBranch(branch):
		return nil, fmt.Errorf("%w: %q is not a valid name for a branch", ErrProtected, branch)
	case branch == base.Head:
		return nil, fmt.Errorf("%w: %s is the default branch", ErrProtected, branch)
	case branch == base.Branch:
		return nil, fmt.Errorf("%w: %s is the branch that the change is based on", ErrProtected, branch)
	case !plumbing.IsHash(commit) || commit == base.Commit:
		return nil, fmt.Errorf("%w: %q is not a commit that was built on %s", ErrProtected, commit, base.Commit)
	case expected != "" && !plumbing.IsHash(expected):
		return nil, fmt.Errorf("%w: %q is not a full commit hash to expect", ErrProtected, expected)
	}
	return &packp.Command{Name: name, Old: plumbing.NewHash(expected), New: plumbing.NewHash(commit)}, nil
}

// send performs the push over one session.
func (s *Store) send(ctx context.Context, r *remote, base *Snapshot, cmd *packp.Command, hashes []plumbing.Hash) (err error) {
	session, err := s.openPush(ctx, r)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	ar, err := session.AdvertisedReferencesContext(ctx)
	if err != nil {
		return err
	}
	at, exists := ar.References[cmd.Name.String()]
	if at == cmd.New {
		return nil
	}
	if at != cmd.Old {
		return stale(cmd, at, exists)
	}
	var pack bytes.Buffer
	if _, err := packfile.NewEncoder(&pack, base.objects, false).Encode(hashes, 0); err != nil {
		return fmt.Errorf("pack objects: %w", err)
	}
	said := &tail{}
	req := packp.NewReferenceUpdateRequestFromCapabilities(ar.Capabilities)
	if ar.Capabilities.Supports(capability.Sideband64k) {
		if err := req.Capabilities.Set(capability.Sideband64k); err != nil {
			return err
		}
		req.Progress = said
	}
	req.Commands = []*packp.Command{cmd}
	req.Packfile = io.NopCloser(&pack)
	report, err := session.ReceivePack(ctx, req)
	return outcome(report, err, said.String())
}

func stale(cmd *packp.Command, at plumbing.Hash, exists bool) error {
	switch {
	case !exists:
		return fmt.Errorf("%w: it was expected at %s and does not exist", ErrStale, cmd.Old)
	case cmd.Old == plumbing.ZeroHash:
		return fmt.Errorf("%w: it was expected not to exist and is at %s", ErrStale, at)
	}
	return fmt.Errorf("%w: it was expected at %s and is at %s", ErrStale, cmd.Old, at)
}

// outcome reads the server's report. said is what it wrote for people.
func outcome(report *packp.ReportStatus, err error, said string) error {
	if report == nil || err == nil && report.Error() == nil {
		return err
	}
	status := report.UnpackStatus
	if status == "ok" {
		for _, c := range report.CommandStatuses {
			if c.Status != "ok" {
				status = c.Status
			}
		}
	}
	for _, words := range []string{"failed to update ref", "already exists", "failed to lock", "cannot lock", "stale info", "fetch first"} {
		if strings.Contains(status, words) {
			return fmt.Errorf("%w: the server says %q", ErrStale, sentence(status))
		}
	}
	if said != "" {
		return fmt.Errorf("%w: %s (%s)", ErrRejected, said, sentence(status))
	}
	return fmt.Errorf("%w: %s", ErrRejected, sentence(status))
}

// added lists the objects that commit has and base has not.
func (s *Snapshot) added(commit plumbing.Hash) ([]plumbing.Hash, error) {
	c, err := gitobject.GetCommit(s.objects, commit)
	if err != nil {
		return nil, fmt.Errorf("%w: commit %s was not built here", ErrProtected, commit)
	}
	if len(c.ParentHashes) != 1 || c.ParentHashes[0].String() != s.Commit {
		return nil, fmt.Errorf("%w: commit %s is not built on %s", ErrProtected, commit, s.Commit)
	}
	hashes, err := s.addedTrees([]plumbing.Hash{commit}, c.TreeHash, s.root)
	if err != nil {
		return nil, err
	}
	seen := map[plumbing.Hash]bool{}
	return slices.DeleteFunc(hashes, func(h plumbing.Hash) bool {
		twice := seen[h]
		seen[h] = true
		return twice
	}), nil
}

// addedTrees appends the tree and what differs below it from old; the zero
// hash is the empty tree.
func (s *Snapshot) addedTrees(list []plumbing.Hash, hash, old plumbing.Hash) ([]plumbing.Hash, error) {
	if hash == old {
		return list, nil
	}
	now, err := gitobject.GetTree(s.objects, hash)
	if err != nil {
		return nil, fmt.Errorf("read tree %s: %w", hash, err)
	}
	before := map[string]gitobject.TreeEntry{}
	if old != plumbing.ZeroHash {
		t, err := gitobject.GetTree(s.objects, old)
		if err != nil {
			return nil, fmt.Errorf("read tree %s: %w", old, err)
		}
		for _, e := range t.Entries {
			before[e.Name] = e
		}
	}
	list = append(list, hash)
	for _, e := range now.Entries {
		was, had := before[e.Name]
		switch {
		case had && was.Hash == e.Hash, e.Mode == filemode.Submodule:
		case e.Mode == filemode.Dir && had && was.Mode == filemode.Dir:
			list, err = s.addedTrees(list, e.Hash, was.Hash)
		case e.Mode == filemode.Dir:
			list, err = s.addedTrees(list, e.Hash, plumbing.ZeroHash)
		default:
			list = append(list, e.Hash)
		}
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}
