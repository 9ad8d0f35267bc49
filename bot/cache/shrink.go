package cache

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// entry is one file of the folder.
type entry struct {
	name string
	size int64
	used time.Time
}

// files lists what is there. What another process removes meanwhile is passed over.
func (d *Dir) files() []entry {
	var out []entry
	// Folders that cannot be read hold nothing that could be removed.
	_ = filepath.WalkDir(d.root, func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return nil
		}
		if info, err := e.Info(); err == nil {
			out = append(out, entry{name: name, size: info.Size(), used: info.ModTime()})
		}
		return nil
	})
	return out
}

// shrink removes the least recently used files until the others take no more than
// the given size, and returns what they take.
func (d *Dir) shrink(to int64) int64 {
	files := d.files()
	slices.SortFunc(files, func(a, b entry) int { return a.used.Compare(b.used) })
	size := total(files)
	for _, f := range files {
		if size <= to {
			break
		}
		if err := os.Remove(f.name); err == nil || os.IsNotExist(err) {
			size -= f.size
		}
	}
	return size
}

func total(files []entry) int64 {
	var sum int64
	for _, f := range files {
		sum += f.size
	}
	return sum
}
