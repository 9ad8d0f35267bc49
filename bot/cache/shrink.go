package cache

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

// entry is one file of the folder.
type entry struct {
	name string
	size int64
	used time.Time
}

// own matches the names that Put gives to files: those of results, and of what is being written.
var own = regexp.MustCompile(`^([0-9a-f]{64}|new-[0-9]+)$`)

// files lists the cache's own files. The folder may hold others, which are nobody's business here. What another
// process removes meanwhile is passed over.
func (d *Dir) files() []entry {
	var out []entry
	kinds, _ := os.ReadDir(d.root) // folders that cannot be read hold nothing that could be removed
	for _, kind := range kinds {
		if !kind.IsDir() {
			continue
		}
		dir := filepath.Join(d.root, kind.Name())
		files, _ := os.ReadDir(dir)
		for _, e := range files {
			if !e.Type().IsRegular() || !own.MatchString(e.Name()) {
				continue
			}
			if info, err := e.Info(); err == nil {
				out = append(out, entry{name: filepath.Join(dir, e.Name()), size: info.Size(), used: info.ModTime()})
			}
		}
	}
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
