package analysis

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	gitconfig "github.com/go-git/go-git/v5/config"
)

// maxModules is how long the file that names submodules may be.
const maxModules = 64 << 10

var errSubmodule = fmt.Errorf("%w: its source takes in submodules, as its recurseSubmodules says: not analysable yet", fs.ErrInvalid)

// withSubmodules is the tree of a source that takes in submodules. Their files are not fetched, and so it is an error to look
// for one, or to list a folder that has a submodule. A repository without any is as it is.
func withSubmodules(tree fs.FS) (fs.FS, error) {
	const file = ".gitmodules"
	info, err := fs.Stat(tree, file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return tree, nil
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", file, err)
	case info.Size() > maxModules:
		return nil, fmt.Errorf("read %s: it has more than %d KiB", file, maxModules>>10)
	}
	data, err := fs.ReadFile(tree, file)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	modules := gitconfig.NewModules()
	if err := modules.Unmarshal(data); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	t := submoduleTree{tree: tree, at: map[string]bool{}, in: map[string]bool{}}
	for _, m := range modules.Submodules {
		p := cleanPath(m.Path)
		t.at[p], t.in[path.Dir(p)] = true, true
	}
	return t, nil
}

// submoduleTree is a tree whose submodules are missing.
type submoduleTree struct {
	tree fs.FS
	at   map[string]bool // the submodules
	in   map[string]bool // the folders that have one
}

// missing tells whether a file or folder is a submodule's.
func (t submoduleTree) missing(name string) bool {
	for ; name != "."; name = path.Dir(name) {
		if t.at[name] {
			return true
		}
	}
	return false
}

// Open implements fs.FS.
func (t submoduleTree) Open(name string) (fs.File, error) {
	if fs.ValidPath(name) && t.missing(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errSubmodule}
	}
	return t.tree.Open(name)
}

// Stat implements fs.StatFS.
func (t submoduleTree) Stat(name string) (fs.FileInfo, error) {
	if fs.ValidPath(name) && t.missing(name) {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: errSubmodule}
	}
	return fs.Stat(t.tree, name)
}

// ReadDir implements fs.ReadDirFS.
func (t submoduleTree) ReadDir(name string) ([]fs.DirEntry, error) {
	if fs.ValidPath(name) && (t.in[name] || t.missing(name)) {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errSubmodule}
	}
	return fs.ReadDir(t.tree, name)
}
