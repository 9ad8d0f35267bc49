// Package cache keeps results in files, under keys that name everything that they
// follow from. It owns how they are stored: checked by a checksum when they are
// read, thrown away when they are damaged, written aside and renamed, so that several
// processes can share a folder, and removed, the least recently used first, when they
// take more than is allowed. It does not know what the results are, and refuses
// nothing: whatever goes wrong, a result is simply not there.
package cache

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cespare/xxhash/v2"
)

// fresh is how old an entry's time may be before reading it sets it anew.
const fresh = time.Hour

// magic begins every file; another form of file gets another number.
const magic = "tokenward cache 2\n"

// head is what stands before the data: magic and a checksum, which is there to find damage, not malice:
// whoever can write to the folder can do anything.
const head = len(magic) + 8

// Dir is a folder of results. It may be used by several goroutines and processes at once.
type Dir struct {
	root    string
	program string
	max     int64
	now     func() time.Time

	mu    sync.Mutex
	known bool  // whether size was counted
	size  int64 // about what the files take
}

// Open makes the folder, readable for this user only, and returns the results in
// it. One that cannot be written is an error, unless only its disk or the user's quota
// is full. program names the program that makes them: those of another one are not
// found. max bounds the size of all files in bytes.
func Open(root, program string, max int64) (*Dir, error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("open the cache: %w", err)
	}
	probe, err := os.CreateTemp(root, "new-*")
	if err == nil {
		_ = probe.Close() // nothing was written
		err = os.Remove(probe.Name())
	}
	if err != nil && !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		return nil, fmt.Errorf("write to the cache: %w", err)
	}
	return &Dir{root: root, program: program, max: max, now: time.Now}, nil
}

// Get returns the result that was put under the key, and whether there is one. A
// damaged one is removed.
func (d *Dir) Get(kind, key string) ([]byte, bool) {
	name := d.file(kind, key)
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, false
	}
	data, ok := unseal(raw)
	if !ok {
		d.remove(name, int64(len(raw)))
		return nil, false
	}
	now := d.now()
	if info, err := os.Stat(name); err == nil && now.Sub(info.ModTime()) > fresh {
		// Where the time cannot be set, the entry merely goes earlier.
		_ = os.Chtimes(name, now, now)
	}
	return data, true
}

// Put keeps a result, given in parts that follow each other. Where that fails, it is not kept.
func (d *Dir) Put(kind, key string, data ...[]byte) {
	name := d.file(kind, key)
	var size int64
	for _, part := range data {
		size += int64(len(part))
	}
	if size > d.max/4 || write(name, append([][]byte{seal(data)}, data...)) != nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.known {
		d.size, d.known = total(d.files()), true
	} else {
		d.size += size
	}
	if d.size > d.max {
		d.size = d.shrink(d.max - d.max/10)
	}
}

func (d *Dir) remove(name string, size int64) {
	if os.Remove(name) == nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.size -= size
	}
}

// file is where a result lies: its name gives nothing of the key away.
func (d *Dir) file(kind, key string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{d.program, kind, key}, "\x00")))
	return filepath.Join(d.root, kind, hex.EncodeToString(sum[:]))
}

// write puts a file in place at once, so that nobody ever reads half of it.
func write(name string, data [][]byte) error {
	dir := filepath.Dir(name)
	f, err := os.CreateTemp(dir, "new-*")
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(dir, 0o700); err == nil {
			f, err = os.CreateTemp(dir, "new-*")
		}
	}
	if err != nil {
		return err
	}
	for i := 0; i < len(data) && err == nil; i++ {
		_, err = f.Write(data[i])
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // what is left is cleared away as an old entry
	}
	return err
}

// seal is what stands before the data.
func seal(data [][]byte) []byte {
	sum := xxhash.New()
	for _, part := range data {
		_, _ = sum.Write(part) // it never fails
	}
	return binary.BigEndian.AppendUint64([]byte(magic), sum.Sum64())
}

func unseal(raw []byte) ([]byte, bool) {
	if len(raw) < head || string(raw[:len(magic)]) != magic {
		return nil, false
	}
	return raw[head:], xxhash.Sum64(raw[head:]) == binary.BigEndian.Uint64(raw[len(magic):])
}
