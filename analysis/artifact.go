package analysis

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// maxSparseCheckout is how long the names of a sparseCheckout may be together, as spec.ignore.
const maxSparseCheckout = 64 << 10

// artifact is what Flux checks out of a repository's files for a release: all, or what the source's sparseCheckout
// names. It is an error, as for Flux, if something that is named is not there, or the chart is left out.
func artifact(tree fs.FS, r Release) (fs.FS, error) {
	if r.Submodules {
		return withSubmodules(tree)
	}
	if len(r.SparseCheckout) == 0 {
		return tree, nil
	}
	if tooLong(r.SparseCheckout) {
		return nil, fmt.Errorf("the sparseCheckout of its source has more than %d KiB", maxSparseCheckout>>10)
	}
	sparse := newSparseTree(tree, r.SparseCheckout)
	for _, dir := range r.SparseCheckout {
		if _, err := fs.Stat(sparse, cleanPath(dir)); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("the sparseCheckout of its source names %s, which is not there", dir)
		}
	}
	if !sparse.holds(r.Chart) {
		return nil, fmt.Errorf("the sparseCheckout of its source leaves out %s", r.Chart)
	}
	return sparse, nil
}

// tooLong tells whether names are longer together than they may be.
func tooLong(dirs []string) bool {
	left := maxSparseCheckout
	for _, dir := range dirs {
		left -= len(dir) + 1 // an empty one is looked for, too
	}
	return left < 0
}

// sparseTree is the files of a tree whose paths begin with one of some texts: deploy is the begin of
// deploy/Chart.yaml, of deployed/a.yaml and of deploy.md, as it is for the git library of Flux. Folders are listed by
// ReadDir alone.
type sparseTree struct {
	tree   fs.FS
	begins []string // sorted, and none begins with another
}

func newSparseTree(tree fs.FS, dirs []string) sparseTree {
	var begins []string
	for _, dir := range dirs {
		begins = append(begins, strings.TrimPrefix(dir, "./"))
	}
	slices.Sort(begins)
	t := sparseTree{tree: tree}
	for _, begin := range begins {
		if n := len(t.begins); n == 0 || !strings.HasPrefix(begin, t.begins[n-1]) {
			t.begins = append(t.begins, begin)
		}
	}
	return t
}

// holds tells whether a file is in the tree, or a folder that may have some that are.
func (t sparseTree) holds(name string) bool {
	if name == "." {
		return true
	}
	i, found := slices.BinarySearch(t.begins, name)
	if found || i > 0 && strings.HasPrefix(name, t.begins[i-1]) {
		return true
	}
	i, _ = slices.BinarySearch(t.begins, name+"/")
	return i < len(t.begins) && strings.HasPrefix(t.begins[i], name+"/")
}

// Open implements fs.FS.
func (t sparseTree) Open(name string) (fs.File, error) {
	if !t.holds(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return t.tree.Open(name)
}

// Stat implements fs.StatFS. It opens nothing.
func (t sparseTree) Stat(name string) (fs.FileInfo, error) {
	if !t.holds(name) {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
	}
	return fs.Stat(t.tree, name)
}

// ReadDir implements fs.ReadDirFS.
func (t sparseTree) ReadDir(name string) ([]fs.DirEntry, error) {
	if !t.holds(name) {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	entries, err := fs.ReadDir(t.tree, name)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return !t.holds(path.Join(name, e.Name())) }), nil
}
