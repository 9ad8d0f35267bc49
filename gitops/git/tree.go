package git

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"
)

var errNotDir = fmt.Errorf("%w: not a directory", fs.ErrInvalid)

// treeCache decodes each tree object once.
type treeCache struct {
	objects *objects
	mu      sync.Mutex
	trees   map[plumbing.Hash]*tree
}

// tree is a decoded tree object, its entries in the order of their names.
type tree struct {
	entries []gitobject.TreeEntry
	byName  map[string]gitobject.TreeEntry
}

func newTreeCache(store *objects) *treeCache {
	return &treeCache{objects: store, trees: map[plumbing.Hash]*tree{}}
}

func (c *treeCache) get(hash plumbing.Hash) (*tree, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t, ok := c.trees[hash]; ok {
		return t, nil
	}
	decoded, err := gitobject.GetTree(c.objects, hash)
	if err != nil {
		return nil, fmt.Errorf("read tree %s: %w", hash, err)
	}
	t := &tree{byName: make(map[string]gitobject.TreeEntry, len(decoded.Entries))}
	for _, e := range decoded.Entries {
		// Names that no honest git writes cannot be reached, so that they
		// cannot lead a reader astray.
		if _, twice := t.byName[e.Name]; twice || !listed(e.Name) {
			continue
		}
		t.byName[e.Name] = e
		t.entries = append(t.entries, e)
	}
	slices.SortFunc(t.entries, func(a, b gitobject.TreeEntry) int { return strings.Compare(a.Name, b.Name) })
	c.trees[hash] = t
	return t, nil
}

// find walks from the root to name.
func (s *Snapshot) find(name string) (gitobject.TreeEntry, error) {
	if !fs.ValidPath(name) {
		return gitobject.TreeEntry{}, fs.ErrInvalid
	}
	e := gitobject.TreeEntry{Name: ".", Mode: filemode.Dir, Hash: s.root}
	if name == "." {
		return e, nil
	}
	for part := range strings.SplitSeq(name, "/") {
		if e.Mode != filemode.Dir {
			if err := readable(e); err != nil {
				return gitobject.TreeEntry{}, err
			}
			return gitobject.TreeEntry{}, fs.ErrNotExist
		}
		t, err := s.trees.get(e.Hash)
		if err != nil {
			return gitobject.TreeEntry{}, err
		}
		var ok bool
		if e, ok = t.byName[part]; !ok {
			return gitobject.TreeEntry{}, fs.ErrNotExist
		}
	}
	return e, nil
}

// readable returns why an entry that is there cannot be read, nil if it can.
func readable(e gitobject.TreeEntry) error {
	switch e.Mode {
	case filemode.Symlink:
		return fmt.Errorf("%w: %s is a symbolic link, which is not followed", fs.ErrInvalid, e.Name)
	case filemode.Submodule:
		return fmt.Errorf("%w: %s is a submodule, which is not fetched", fs.ErrInvalid, e.Name)
	}
	return nil
}

// treeFS is the file system over a snapshot.
type treeFS struct{ snapshot *Snapshot }

// lookup finds a file or directory that can be read.
func (f treeFS) lookup(op, name string) (gitobject.TreeEntry, error) {
	e, err := f.snapshot.find(name)
	if err == nil {
		err = readable(e)
	}
	if err != nil {
		return gitobject.TreeEntry{}, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return e, nil
}

// data returns the content of a blob, which must not be changed.
func (f treeFS) data(op, name string, e gitobject.TreeEntry) ([]byte, error) {
	obj, err := f.snapshot.objects.EncodedObject(plumbing.BlobObject, e.Hash)
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: f.absent(err)}
	}
	if o, ok := obj.(*object); ok {
		return o.data, nil
	}
	r, err := obj.Reader()
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	data, err := io.ReadAll(r)
	return data, errors.Join(err, r.Close())
}

// ReadFile implements fs.ReadFileFS.
func (f treeFS) ReadFile(name string) ([]byte, error) {
	data, err := f.ShareFile(name)
	return slices.Clone(data), err
}

// ShareFile is ReadFile without a copy: what it returns must not be changed.
func (f treeFS) ShareFile(name string) ([]byte, error) {
	e, err := f.lookup("read", name)
	if err != nil {
		return nil, err
	}
	if e.Mode == filemode.Dir {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("%w: is a directory", fs.ErrInvalid)}
	}
	return f.data("read", name, e)
}

// Stat implements fs.StatFS.
func (f treeFS) Stat(name string) (fs.FileInfo, error) {
	e, err := f.lookup("stat", name)
	if err != nil {
		return nil, err
	}
	return f.info(e)
}

// ReadDir implements fs.ReadDirFS.
func (f treeFS) ReadDir(name string) ([]fs.DirEntry, error) {
	e, err := f.lookup("readdir", name)
	if err != nil {
		return nil, err
	}
	if e.Mode != filemode.Dir {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errNotDir}
	}
	t, err := f.snapshot.trees.get(e.Hash)
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	list := make([]fs.DirEntry, 0, len(t.entries))
	for _, e := range t.entries {
		if readable(e) == nil {
			list = append(list, dirEntry{fs: f, entry: e})
		}
	}
	return list, nil
}

// Open implements fs.FS.
func (f treeFS) Open(name string) (fs.File, error) {
	e, err := f.lookup("open", name)
	if err != nil {
		return nil, err
	}
	if e.Mode == filemode.Dir {
		list, err := f.ReadDir(name)
		if err != nil {
			return nil, err
		}
		return &openDir{name: name, info: fileInfo{entry: e}, list: list}, nil
	}
	data, err := f.data("open", name, e)
	if err != nil {
		return nil, err
	}
	return newOpenFile(fileInfo{entry: e, size: int64(len(data))}, data), nil
}

// info tells a file's size without reading it.
func (f treeFS) info(e gitobject.TreeEntry) (fs.FileInfo, error) {
	if e.Mode == filemode.Dir {
		return fileInfo{entry: e}, nil
	}
	size, err := f.snapshot.objects.EncodedObjectSize(e.Hash)
	if err != nil {
		return nil, &fs.PathError{Op: "stat", Path: e.Name, Err: f.absent(err)}
	}
	return fileInfo{entry: e, size: size}, nil
}

// absent tells why an object that a tree names is not there.
func (f treeFS) absent(err error) error {
	if f.snapshot.lean && errors.Is(err, plumbing.ErrObjectNotFound) {
		return ErrLeftOut
	}
	return err
}
