package git

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
)

// Snapshot is one commit of a remote repository, held in memory. It may be
// used concurrently.
type Snapshot struct {
	URL    string // as it was asked for, without user information
	Ref    string // full ref name, "" for a commit given without a branch
	Commit string // 40 hexadecimal digits
	Branch string // short name if the ref is a branch, also HEAD's
	Head   string // short name of the remote's default branch, "" if it has none

	tips    map[string]plumbing.Hash // what the remote advertised along with the commit
	objects *objects
	lean    bool // large files may be left out
	root    plumbing.Hash
	trees   *treeCache
}

// newSnapshot checks that what was received holds the target.
func newSnapshot(url, head string, t target, store *objects) (*Snapshot, error) {
	hash := t.want
	if t.full {
		if hash = t.commit; store.HasEncodedObject(hash) != nil {
			return nil, fmt.Errorf("%w: the server does not hand out commits by hash, and the branch does not lead to this one", ErrRefNotFound)
		}
	}
	commit, err := peel(store, hash)
	if err != nil {
		return nil, err
	}
	head, _ = strings.CutPrefix(head, branchPrefix)
	s := &Snapshot{
		URL: stripUserinfo(url), Ref: t.name, Commit: commit.Hash.String(), Branch: t.branch(), Head: head,
		objects: store, root: commit.TreeHash, trees: newTreeCache(store),
	}
	if _, err := s.trees.get(s.root); err != nil {
		return nil, fmt.Errorf("read tree of %s: %w", s.Commit, err)
	}
	return s, nil
}

// Bytes is what the objects of the commit take, of a snapshot without any 0.
func (s *Snapshot) Bytes() (n int64) {
	if s.objects != nil {
		for _, o := range s.objects.Objects {
			n += o.Size()
		}
	}
	return n
}

// Tip returns the commit of another branch of the repository as it was when the
// snapshot was taken, "" if there was no such branch.
func (s *Snapshot) Tip(branch string) string {
	if hash, ok := s.tips[branchPrefix+branch]; ok {
		return hash.String()
	}
	return ""
}

// Tips lists the branches that begin with the prefix and were there when the
// snapshot was taken, sorted.
func (s *Snapshot) Tips(prefix string) []string {
	var out []string
	for name := range s.tips {
		if branch, ok := strings.CutPrefix(name, branchPrefix); ok && strings.HasPrefix(branch, prefix) {
			out = append(out, branch)
		}
	}
	slices.Sort(out)
	return out
}

// FS returns the files of the commit, read-only. Symbolic links and
// submodules are left out of directory listings, as Flux leaves them out of
// what it deploys; opening one fails with an error that is fs.ErrInvalid.
// The result implements fs.ReadDirFS, fs.ReadFileFS and fs.StatFS, and ShareFile, which is
// ReadFile for those who change nothing; all files have the zero time.
func (s *Snapshot) FS() fs.FS { return treeFS{snapshot: s} }

// TreeHash returns git's hash of everything below dir ("." for all): it is the
// same exactly if every file is. A dir that is absent fails with
// fs.ErrNotExist, one that is a file with fs.ErrInvalid.
func (s *Snapshot) TreeHash(dir string) (string, error) {
	e, err := s.find(dir)
	if err != nil {
		return "", &fs.PathError{Op: "tree", Path: dir, Err: err}
	}
	if e.Mode != filemode.Dir {
		return "", &fs.PathError{Op: "tree", Path: dir, Err: errNotDir}
	}
	return e.Hash.String(), nil
}
