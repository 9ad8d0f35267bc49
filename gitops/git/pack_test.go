package git

import (
	"bytes"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/storage/memory"
)

// packOf makes a pack of everything in the repository, as git would.
func packOf(t testing.TB, r *repository, options ...string) []byte {
	t.Helper()
	cmd := exec.Command("git", append([]string{"pack-objects", "--all", "--revs", "--stdout", "-q", "--window=50"}, options...)...)
	cmd.Dir = r.path
	cmd.Env = gitEnv(r.path)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = strings.NewReader(""), &stderr
	pack, err := cmd.Output()
	if err != nil {
		t.Fatalf("pack: %v %s", err, stderr.String())
	}
	return pack
}

// withDeltas fills a repository with files that git stores as deltas upon
// each other.
func withDeltas(t *testing.T) *repository {
	t.Helper()
	r := newRepository(t)
	var text strings.Builder
	for i := range 400 {
		fmt.Fprintf(&text, "line %d of the file\n", i*i)
	}
	for i := range 20 {
		text.WriteString(fmt.Sprintf("change %d\n", i))
		r.write(t, fmt.Sprintf("templates/%d.yaml", i), text.String(), 0o644)
	}
	r.commit(t, "many")
	run(t, r.work, "push", "-q", "origin", "main")
	return r
}

func TestUnpackAgreesWithGit(t *testing.T) {
	t.Parallel()
	r := withDeltas(t)
	for _, options := range [][]string{nil, {"--delta-base-offset"}} {
		pack := packOf(t, r, options...)
		store := newObjects()
		if err := unpack(bytes.NewReader(pack), store, defaultMaxUnpacked); err != nil {
			t.Fatal(err)
		}
		list := run(t, r.path, "cat-file", "--batch-check", "--batch-all-objects")
		n := 0
		for line := range strings.SplitSeq(list, "\n") {
			n++
			var hash, kind string
			var size int64
			if _, err := fmt.Sscan(line, &hash, &kind, &size); err != nil {
				t.Fatal(err)
			}
			obj, err := store.EncodedObject(plumbing.AnyObject, plumbing.NewHash(hash))
			if err != nil || obj.Type().String() != kind || obj.Size() != size {
				t.Errorf("%v: %s: %v", options, line, err)
			}
		}
		if len(store.Objects) != n {
			t.Errorf("%d objects, want %d", len(store.Objects), n)
		}
	}
}

func TestUnpackRefusesDamage(t *testing.T) {
	t.Parallel()
	r := withDeltas(t)
	pack := packOf(t, r, "--delta-base-offset")
	for name, damaged := range map[string][]byte{
		"empty":    nil,
		"cut":      pack[:len(pack)/2],
		"no sum":   pack[:len(pack)-20],
		"bad sum":  append(bytes.Clone(pack[:len(pack)-1]), pack[len(pack)-1]^1),
		"bad mark": append([]byte("JUNK"), pack[4:]...),
		"version":  append([]byte("PACK\x00\x00\x00\x03"), pack[8:]...),
		"count":    append(append(bytes.Clone(pack[:8]), 0xff, 0xff, 0xff, 0xff), pack[12:]...),
	} {
		if err := unpack(bytes.NewReader(damaged), newObjects(), defaultMaxUnpacked); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	// A pack that rests on objects which it does not hold, as only a fetch
	// that offered some may get.
	thin := packfileWith(t, r)
	if err := unpack(bytes.NewReader(thin), newObjects(), defaultMaxUnpacked); !errors.Is(err, packfile.ErrMalformedPackFile) {
		t.Errorf("thin: %v", err)
	}
	if err := unpack(bytes.NewReader(pack), newObjects(), 20_000); !errors.Is(err, ErrTooLarge) {
		t.Errorf("limit: %v", err)
	}
}

// Whoever sent a pack may hold the stream open, or send something else: that is not looked at.
func TestUnpackEndsWithThePack(t *testing.T) {
	t.Parallel()
	pack := packOf(t, withDeltas(t))
	broken := errors.New("the connection broke")
	for name, r := range map[string]io.Reader{
		"more":                    io.MultiReader(bytes.NewReader(pack), strings.NewReader(strings.Repeat("0000", packBuffer))),
		"more at once":            bytes.NewReader(append(bytes.Clone(pack), strings.Repeat("0000", packBuffer/4)...)),
		"an error":                io.MultiReader(bytes.NewReader(pack), iotest.ErrReader(broken)),
		"an error with the end":   iotest.DataErrReader(io.MultiReader(bytes.NewReader(pack), iotest.ErrReader(broken))),
		"the end with the last":   iotest.DataErrReader(bytes.NewReader(pack)),
		"one byte after another":  iotest.OneByteReader(bytes.NewReader(pack)),
		"an error after the last": io.MultiReader(iotest.OneByteReader(bytes.NewReader(pack)), iotest.ErrReader(broken)),
	} {
		if err := unpack(r, newObjects(), defaultMaxUnpacked); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	damaged := bytes.Clone(pack)
	damaged[len(pack)-22] ^= 1 // of the last object's checksum
	if err := unpack(iotest.DataErrReader(io.MultiReader(bytes.NewReader(damaged), iotest.ErrReader(broken))), newObjects(), defaultMaxUnpacked); !errors.Is(err, packfile.ErrMalformedPackFile) {
		t.Errorf("damaged before the connection broke: %v", err)
	}
	for _, cut := range []int{0, 5, 12, 13, 20, len(pack) / 2, len(pack) - 20, len(pack) - 1} {
		err := unpack(io.MultiReader(bytes.NewReader(pack[:cut]), iotest.ErrReader(broken)), newObjects(), defaultMaxUnpacked)
		if !errors.Is(err, broken) || errors.Is(err, packfile.ErrMalformedPackFile) {
			t.Errorf("broken after %d bytes: %v", cut, err)
		}
		if err := unpack(bytes.NewReader(pack[:cut]), newObjects(), defaultMaxUnpacked); !errors.Is(err, packfile.ErrMalformedPackFile) || !strings.Contains(err.Error(), "it ends too early") {
			t.Errorf("ended after %d bytes: %v", cut, err)
		}
	}
}

// packfileWith makes a thin pack: what the last commit adds to the one before.
func packfileWith(t *testing.T, r *repository) []byte {
	t.Helper()
	r.write(t, "templates/0.yaml", strings.Repeat("line 0 of the file\n", 1), 0o644)
	var text strings.Builder
	for i := range 400 {
		fmt.Fprintf(&text, "line %d of the file\n", i*i)
	}
	r.write(t, "templates/1.yaml", text.String()+"change\n", 0o644)
	r.commit(t, "again")
	cmd := exec.Command("git", "pack-objects", "--thin", "--revs", "--stdout", "-q")
	cmd.Dir = r.work
	cmd.Env = gitEnv(r.work)
	cmd.Stdin = strings.NewReader("HEAD\n^HEAD~1\n")
	pack, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return pack
}

// FuzzUnpack feeds damaged packs: whatever comes out is within the limit, every object
// has the hash of its content, and go-git reads the same.
func FuzzUnpack(f *testing.F) {
	f.Add([]byte("PACK\x00\x00\x00\x02\x00\x00\x00\x00\x02\x9d\x08\x82\x3b\xd8\xa8\xea\xb5\x10\xad\x6a\xc7\x5c\x82\x3c\xfd\x3e\xd3\x1e"))
	store := newObjects()
	var hashes []plumbing.Hash
	for _, text := range []string{"a", strings.Repeat("kind: Pod\n", 100), strings.Repeat("kind: Pod\n", 100) + "x"} {
		h, err := (&Snapshot{objects: store}).encodeBlob([]byte(text))
		if err != nil {
			f.Fatal(err)
		}
		hashes = append(hashes, h)
	}
	for _, refDeltas := range []bool{true, false} {
		var pack bytes.Buffer
		if _, err := packfile.NewEncoder(&pack, store, refDeltas).Encode(hashes, 10); err != nil {
			f.Fatal(err)
		}
		f.Add(pack.Bytes())
	}
	f.Fuzz(func(t *testing.T, pack []byte) {
		const limit = 1 << 16
		pack = pack[:max(0, len(pack)-sha1.Size)]
		sum := sha1.Sum(pack) // else hardly any would be looked at
		pack = append(bytes.Clone(pack), sum[:]...)
		store := newObjects()
		if err := unpack(bytes.NewReader(pack), store, limit); err != nil {
			return
		}
		var total int64
		for hash, obj := range store.Objects {
			total += obj.Size()
			if o := obj.(*object); plumbing.ComputeHash(o.kind, o.data) != hash {
				t.Errorf("%s holds something else", hash)
			}
		}
		if total > limit {
			t.Errorf("%d bytes", total)
		}
		read := memory.NewStorage()
		parser, err := packfile.NewParserWithStorage(packfile.NewScanner(bytes.NewReader(pack)), read)
		if err == nil {
			_, err = parser.Parse()
		}
		if err != nil || len(read.Objects) != len(store.Objects) {
			t.Errorf("%d objects, and go-git reads %d: %v", len(store.Objects), len(read.Objects), err)
		}
		for hash := range read.Objects {
			if store.Objects[hash] == nil {
				t.Errorf("%s is missing", hash)
			}
		}
	})
}

// FuzzSentence: whatever a server says becomes one short, printable line.
func FuzzSentence(f *testing.F) {
	f.Add("remote: \nremote: ====\nGitLab: no\r\n\x1b[31mred\x1b[0m")
	f.Fuzz(func(t *testing.T, text string) {
		got := sentence(text)
		if strings.ContainsAny(got, "\n\r\x1b\x00") || len(got) > 1100 {
			t.Errorf("%q", got)
		}
	})
}
