package git

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"
)

// Signature says who made a commit, and when.
type Signature struct {
	Name, Email string
	When        time.Time
}

// CommitSpec is a commit to build: the files to write, by path, with their
// whole content. Without a Signer it is not signed.
type CommitSpec struct {
	Message           string
	Author, Committer Signature
	Files             map[string][]byte
	Signer            Signer
}

// Commit builds a commit on top of base, in base's memory, and returns its
// hash; nothing is sent. Existing files keep their mode, new ones are plain.
// The same inputs give the same hash, if the Signer's signatures are the same
// too. If every file has the given content already, nothing is built, nothing
// signed and base.Commit returned. It fails with an *Error if a path is not a
// file's (a symbolic link, a submodule, a directory, something below a file),
// if a signature has no name or address, or if the Signer fails.
func (s *Store) Commit(ctx context.Context, base *Snapshot, spec CommitSpec) (string, error) {
	hash, err := build(ctx, base, spec)
	if err != nil {
		return "", &Error{Op: "commit to", Repo: redactURL(base.URL), Err: err}
	}
	return hash, nil
}

func build(ctx context.Context, base *Snapshot, spec CommitSpec) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	author, err := signature("author", spec.Author)
	if err != nil {
		return "", err
	}
	committer, err := signature("committer", spec.Committer)
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(spec.Message) == "" || strings.ContainsRune(spec.Message, 0) {
		return "", fmt.Errorf("the message is empty or holds a zero byte")
	}
	root := &edits{}
	for _, path := range slices.Sorted(maps.Keys(spec.Files)) {
		if err := root.add(path, spec.Files[path]); err != nil {
			return "", err
		}
	}
	tree, err := base.write(base.root, ".", root)
	if err != nil {
		return "", err
	}
	if tree == base.root {
		return base.Commit, nil
	}
	commit := &gitobject.Commit{
		Author: author, Committer: committer, Message: strings.TrimRight(spec.Message, "\n") + "\n",
		TreeHash: tree, ParentHashes: []plumbing.Hash{plumbing.NewHash(base.Commit)},
	}
	if spec.Signer != nil {
		if err := sign(commit, spec.Signer); err != nil {
			return "", fmt.Errorf("sign the commit: %w", err)
		}
	}
	hash, err := base.encode(commit)
	return hash.String(), err
}

// signature checks a signature, and drops what git drops from names: angle
// brackets and line ends, which would end the field early.
func signature(role string, s Signature) (gitobject.Signature, error) {
	clean := func(text string) string {
		return strings.TrimSpace(strings.Map(func(r rune) rune {
			if r == '<' || r == '>' || r < ' ' {
				return -1
			}
			return r
		}, text))
	}
	out := gitobject.Signature{Name: clean(s.Name), Email: clean(s.Email), When: s.When.UTC()}
	if out.Name == "" || out.Email == "" {
		return out, fmt.Errorf("the %s has no name or no e-mail address", role)
	}
	if s.When.Unix() < 0 {
		return out, fmt.Errorf("the %s's time is not set", role)
	}
	return out, nil
}

// edits are the files to write in one directory and below.
type edits struct {
	files map[string][]byte
	dirs  map[string]*edits
}

func (e *edits) add(path string, data []byte) error {
	if !fs.ValidPath(path) || path == "." || strings.ContainsRune(path, 0) {
		return fmt.Errorf("%q is not a path inside the repository", path)
	}
	at := e
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if strings.EqualFold(part, ".git") {
			return fmt.Errorf("%q is git's own", path)
		}
		if i == len(parts)-1 {
			break
		}
		if at.dirs == nil {
			at.dirs = map[string]*edits{}
		}
		if at.dirs[part] == nil {
			at.dirs[part] = &edits{}
		}
		at = at.dirs[part]
	}
	if at.files == nil {
		at.files = map[string][]byte{}
	}
	at.files[parts[len(parts)-1]] = data
	return nil
}

// write applies edits to the tree and returns the hash of the new one. The
// zero hash stands for a directory that is not there yet.
func (s *Snapshot) write(hash plumbing.Hash, dir string, e *edits) (plumbing.Hash, error) {
	byName := map[string]gitobject.TreeEntry{}
	if hash != plumbing.ZeroHash {
		old, err := gitobject.GetTree(s.objects, hash)
		if err != nil {
			return hash, fmt.Errorf("read directory %s: %w", dir, err)
		}
		for _, entry := range old.Entries {
			byName[entry.Name] = entry
		}
	}
	changed := false
	for name, data := range e.files {
		entry, exists := byName[name]
		if _, both := e.dirs[name]; both || exists && !entry.Mode.IsFile() || exists && entry.Mode == filemode.Symlink {
			return hash, fmt.Errorf("%s/%s is not a plain file", dir, name)
		}
		blob, err := s.encodeBlob(data)
		if err != nil {
			return hash, fmt.Errorf("write %s/%s: %w", dir, name, err)
		}
		if exists && entry.Hash == blob {
			continue
		}
		if !exists {
			entry = gitobject.TreeEntry{Name: name, Mode: filemode.Regular}
		}
		entry.Hash = blob
		byName[name], changed = entry, true
	}
	for name, below := range e.dirs {
		entry, exists := byName[name]
		if exists && entry.Mode != filemode.Dir {
			return hash, fmt.Errorf("%s/%s is not a directory", dir, name)
		}
		sub, err := s.write(entry.Hash, dir+"/"+name, below)
		if err != nil {
			return hash, err
		}
		if sub != entry.Hash {
			byName[name], changed = gitobject.TreeEntry{Name: name, Mode: filemode.Dir, Hash: sub}, true
		}
	}
	if !changed {
		return hash, nil
	}
	entries := slices.Collect(maps.Values(byName))
	sort.Sort(gitobject.TreeEntrySorter(entries))
	return s.encode(&gitobject.Tree{Entries: entries})
}

// encode stores a tree or a commit.
func (s *Snapshot) encode(o interface {
	Encode(plumbing.EncodedObject) error
}) (plumbing.Hash, error) {
	obj := &plumbing.MemoryObject{}
	if err := o.Encode(obj); err != nil {
		return plumbing.ZeroHash, err
	}
	return s.objects.SetEncodedObject(obj)
}

func (s *Snapshot) encodeBlob(data []byte) (plumbing.Hash, error) {
	data = slices.Clone(data)
	return s.objects.SetEncodedObject(&object{
		kind: plumbing.BlobObject, data: data, hash: plumbing.ComputeHash(plumbing.BlobObject, data),
	})
}
