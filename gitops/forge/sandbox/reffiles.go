package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// refs are those of a repository at one moment.
type refs struct {
	head    string            // full name of what HEAD names, whether it has a commit or not
	commits map[string]string // what each ref holds, by full name; a tag object's name for an annotated tag
}

// String is the same exactly if all refs are.
func (r refs) String() string {
	var out strings.Builder
	out.WriteString(r.head)
	for _, name := range sortedKeys(r.commits) {
		out.WriteString("\n" + r.commits[name] + " " + name)
	}
	return out.String()
}

// holds says whether a ref holds the object.
func (r refs) holds(object string) bool {
	for _, sha := range r.commits {
		if sha == object {
			return true
		}
	}
	return false
}

// readRefs reads the refs from the repository's files, since every call needs them
// and a git command for each costs more than all the rest; where they are kept in
// another way, git is asked. Loose refs are read before the packed ones: git writes
// a packed ref before it takes the loose one away.
func readRefs(ctx context.Context, git gitRun) (refs, error) {
	r, symbolic, err := looseRefs(git.dir)
	if err == nil && symbolic == 0 {
		err = r.addPacked(git.dir)
	}
	if err != nil {
		return refs{}, fmt.Errorf("read refs: %w", err)
	}
	if symbolic > 0 || r.head == "" || r.head == "refs/heads/.invalid" { // or the reftable format
		return askRefs(ctx, git)
	}
	return r, nil
}

// looseRefs reads HEAD and the files below refs, and counts those that name other refs.
func looseRefs(dir string) (refs, int, error) {
	r, symbolic := refs{commits: map[string]string{}}, 0
	head, err := os.ReadFile(filepath.Join(dir, "HEAD"))
	if err != nil {
		return r, 0, err
	}
	if name, ok := strings.CutPrefix(string(head), "ref:"); ok {
		r.head = strings.TrimSpace(name)
	}
	err = filepath.WalkDir(filepath.Join(dir, "refs"), func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // deleted in between
		}
		if err != nil || entry.IsDir() || strings.HasSuffix(path, ".lock") {
			return err
		}
		raw, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if bytes.HasPrefix(raw, []byte("ref:")) {
			symbolic++
		} else if sha := strings.TrimSpace(string(raw)); len(sha) == len(zeroSHA) {
			r.commits[filepath.ToSlash(name)] = sha
		}
		return nil
	})
	return r, symbolic, err
}

// addPacked adds the packed refs that no loose one has replaced.
func (r refs) addPacked(dir string) error {
	raw, err := os.ReadFile(filepath.Join(dir, "packed-refs"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(raw)) {
		sha, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if !ok || len(sha) != len(zeroSHA) || r.commits[name] != "" {
			continue // a comment, or what the tag above leads to
		}
		r.commits[name] = sha
	}
	return nil
}

// askRefs has git say what the refs are.
func askRefs(ctx context.Context, git gitRun) (refs, error) {
	out, err := git.run(ctx, "for-each-ref", "--format=%(objectname) %(refname)")
	if err != nil {
		return refs{}, err
	}
	r := refs{commits: map[string]string{}}
	for line := range strings.Lines(string(out)) {
		sha, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if !ok {
			return refs{}, fmt.Errorf("read refs: strange line %q", line)
		}
		r.commits[name] = sha
	}
	r.head, err = git.line(ctx, "symbolic-ref", "HEAD")
	return r, err
}
