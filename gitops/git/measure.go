package git

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// The largest tree that is looked at. A tree names others by their hash, so that a few
// hundred bytes can stand for more files than there are atoms.
const (
	maxEntries = 500_000
	maxDepth   = 200
	maxName    = 255 // what file systems take
)

const (
	symlinkMode   = "120000"
	submoduleMode = "160000"
)

var errTreeObject = errors.New("a tree object is damaged")

// measure adds up what a tree holds once it is laid out. Each tree object is read once,
// however often it is named.
type measure struct {
	objects *objects
	limit   int64 // bytes of files
	seen    map[plumbing.Hash]laidOut
}

// laidOut is how much there is below a tree.
type laidOut struct{ entries, bytes, depth int64 }

// checkTree refuses a tree that is too large to be walked or that has names which lead out of
// it, before anybody walks it: with ErrTooLarge and ErrTree.
func checkTree(objects *objects, root plumbing.Hash, limit int64) error {
	m := &measure{objects: objects, limit: limit, seen: map[plumbing.Hash]laidOut{}}
	_, err := m.tree(root, 0)
	return err
}

func (m *measure) tree(hash plumbing.Hash, depth int) (laidOut, error) {
	if sum, ok := m.seen[hash]; ok {
		return sum, nil
	}
	if depth > maxDepth {
		return laidOut{}, fmt.Errorf("%w: its folders are nested more than %d deep", errFixedLimit, maxDepth)
	}
	var sum laidOut
	obj, ok := m.objects.Objects[hash].(*object)
	if !ok || obj.kind != plumbing.TreeObject {
		return sum, nil // who reads it is told that it is not there
	}
	err := eachEntry(obj.data, func(mode, name string, hash plumbing.Hash) error {
		if err := checkEntryName(name); err != nil {
			return err
		}
		sum.entries++
		switch mode {
		case "40000", "040000":
			below, err := m.tree(hash, depth+1)
			if err != nil {
				return err
			}
			sum.entries += below.entries
			sum.bytes += below.bytes
			sum.depth = max(sum.depth, below.depth+1)
		case symlinkMode, submoduleMode:
		default:
			if blob, ok := m.objects.Objects[hash]; ok {
				sum.bytes += blob.Size()
			}
		}
		switch {
		case sum.entries > maxEntries:
			return fmt.Errorf("%w: it has more than %d files and folders", errFixedLimit, maxEntries)
		case sum.bytes > m.limit:
			return fmt.Errorf("%w: its files are bigger than %s", ErrTooLarge, size(m.limit))
		case sum.depth > maxDepth:
			return fmt.Errorf("%w: its folders are nested more than %d deep", errFixedLimit, maxDepth)
		}
		return nil
	})
	m.seen[hash] = sum
	return sum, err
}

// eachEntry reads a tree object: for each entry its mode in octal digits, a space, its name,
// a zero byte and twenty bytes of hash.
func eachEntry(data []byte, each func(mode, name string, hash plumbing.Hash) error) error {
	for len(data) > 0 {
		mode, rest, ok := bytes.Cut(data, []byte(" "))
		name, rest, named := bytes.Cut(rest, []byte{0})
		var hash plumbing.Hash
		if !ok || !named || len(rest) < len(hash) {
			return fmt.Errorf("%w: %w", ErrTree, errTreeObject)
		}
		copy(hash[:], rest)
		if err := each(string(mode), string(name), hash); err != nil {
			return err
		}
		data = rest[len(hash):]
	}
	return nil
}

// checkEntryName refuses the names that no honest git writes, as git itself does when it checks
// a tree out. A name that is no UTF-8 is honest: it is left out of listings alone.
func checkEntryName(name string) error {
	switch {
	case name == "", name == ".", name == "..", strings.EqualFold(name, ".git"), strings.ContainsRune(name, '/'):
		return fmt.Errorf("%w: it has a file or folder called %q, which git does not write", ErrTree, name)
	case len(name) > maxName:
		return fmt.Errorf("%w: it has a name of %d bytes, and no file system takes more than %d", ErrTree, len(name), maxName)
	}
	return nil
}

// listed reports whether a tree's entry can be reached by its name.
func listed(name string) bool {
	return name != "." && fs.ValidPath(name) && !strings.Contains(name, "/")
}
