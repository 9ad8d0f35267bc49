package cache

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func open(t *testing.T, root, program string, max int64) *Dir {
	t.Helper()
	d, err := Open(root, program, max)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func has(d *Dir, kind, key string) bool {
	_, err := os.Stat(d.file(kind, key))
	return err == nil
}

func TestWhatIsPutIsFound(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	d := open(t, root, "v1", 1<<20)
	if _, ok := d.Get("a", "key"); ok || has(d, "a", "key") {
		t.Error("found before it was put")
	}
	for _, data := range [][]byte{[]byte("first"), {}, []byte("second")} {
		d.Put("a", "key", data)
		if got, ok := open(t, root, "v1", 1<<20).Get("a", "key"); !ok || !bytes.Equal(got, data) {
			t.Errorf("got %q, %v, want %q", got, ok, data)
		}
	}
	for name, other := range map[string]func() bool{
		"another kind":    func() bool { return has(d, "b", "key") },
		"another key":     func() bool { return has(d, "a", "Key") },
		"another program": func() bool { return has(open(t, root, "v2", 1<<20), "a", "key") },
	} {
		if other() {
			t.Errorf("%s: found", name)
		}
	}
}

func TestFolderThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	const readOnly = "/proc/self" // for everybody
	if _, err := os.Stat(readOnly); err != nil {
		t.Skip("needs a folder that nobody can write to: ", err)
	}
	if _, err := Open(readOnly, "v1", 1<<20); err == nil || !strings.HasPrefix(err.Error(), "write to the cache: open "+readOnly) {
		t.Errorf("got %v", err)
	}
	root := t.TempDir()
	open(t, root, "v1", 1<<20)
	if left, err := os.ReadDir(root); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

func TestDamageIsThrownAway(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func([]byte) []byte{
		"a bit":        func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"the checksum": func(b []byte) []byte { b[len(magic)] ^= 1; return b },
		"the form":     func(b []byte) []byte { b[0] = 'T'; return b },
		"an end":       func(b []byte) []byte { return b[:len(b)-1] },
		"nearly all":   func(b []byte) []byte { return b[:5] },
		"all":          func([]byte) []byte { return nil },
		"something on": func(b []byte) []byte { return append(b, 'x') },
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t, t.TempDir(), "v1", 1<<20)
			d.Put("a", "key", []byte("content"))
			file := d.file("a", "key")
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, damage(raw), 0o600); err != nil {
				t.Fatal(err)
			}
			if got, ok := d.Get("a", "key"); ok {
				t.Errorf("believed: %q", got)
			}
			if has(d, "a", "key") {
				t.Error("kept")
			}
		})
	}
}

func TestLeastRecentlyUsedGoesFirst(t *testing.T) {
	t.Parallel()
	d := open(t, t.TempDir(), "v1", 10_000)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	data := make([]byte, 1000)
	for i := range 9 {
		key := fmt.Sprint(i)
		d.Put("a", key, data)
		if err := os.Chtimes(d.file("a", key), start, start.Add(time.Duration(i)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	d.now = func() time.Time { return start.Add(24 * time.Hour) }
	if _, ok := d.Get("a", "0"); !ok {
		t.Fatal("gone before its time")
	}
	d.Put("a", "new", data)
	for key, want := range map[string]bool{"0": true, "1": false, "8": true, "new": true} {
		if got := has(d, "a", key); got != want {
			t.Errorf("%s: kept %v, want %v", key, got, want)
		}
	}
	if sum := total(d.files()); sum > 10_000 {
		t.Errorf("%d bytes are left", sum)
	}
	d.Put("a", "huge", make([]byte, 5000))
	if has(d, "a", "huge") {
		t.Error("one result took half of the room")
	}
}

// A folder that holds other files keeps them, however old they are and however much they take.
func TestOtherFilesStay(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	d := open(t, root, "v1", 10_000)
	d.Put("a", "key", []byte("content"))
	old := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	others := []string{
		"store.db", strings.Repeat("a", 64), "new-1", "a/store.db", "a/" + strings.Repeat("A", 64), "a/" + strings.Repeat("a", 63), "a/new-1-old",
		"objects/aa/" + strings.Repeat("a", 64),
	}
	for _, name := range others {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, make([]byte, 20_000), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, old, old); err != nil {
			t.Fatal(err)
		}
	}
	left := filepath.Join(root, "a", "new-123") // of a process that died
	if err := os.WriteFile(left, make([]byte, 10_000), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(left, old, old); err != nil {
		t.Fatal(err)
	}
	d = open(t, root, "v1", 10_000)
	d.Put("a", "new", make([]byte, 1000))
	for _, name := range others {
		if _, err := os.Stat(filepath.Join(root, name)); err != nil {
			t.Errorf("%s is not the cache's: %v", name, err)
		}
	}
	if _, err := os.Stat(left); err == nil {
		t.Error("what a process left that died is kept")
	}
	if !has(d, "a", "key") || !has(d, "a", "new") {
		t.Error("other files count as the cache's")
	}
}

func TestSeveralWriters(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	var group sync.WaitGroup
	for w := range 4 {
		d := open(t, root, "v1", 30_000)
		group.Go(func() {
			for i := range 50 {
				key := fmt.Sprint(i % 10)
				want := bytes.Repeat([]byte(key), 1000+i%10)
				d.Put("a", key, want)
				if got, ok := d.Get("a", key); ok && !bytes.Equal(got, want) {
					t.Errorf("writer %d reads something else", w)
				}
			}
		})
	}
	group.Wait()
	if left, err := filepath.Glob(filepath.Join(root, "a", "new-*")); err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}
