package git

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"
)

// put stores an object as a pack would, and returns its hash.
func (o *objects) put(t testing.TB, kind plumbing.ObjectType, data []byte) plumbing.Hash {
	t.Helper()
	hash, err := o.SetEncodedObject(&object{kind: kind, data: data, hash: plumbing.ComputeHash(kind, data)})
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

// treeEntry is an entry of a tree object, whatever its name.
func treeEntry(mode, name string, hash plumbing.Hash) string {
	return mode + " " + name + "\x00" + string(hash[:])
}

func TestCheckTree(t *testing.T) {
	t.Parallel()
	store := newObjects()
	tree := func(entries ...string) plumbing.Hash {
		return store.put(t, plumbing.TreeObject, []byte(strings.Join(entries, "")))
	}
	blob := store.put(t, plumbing.BlobObject, bytes.Repeat([]byte("x"), 1000))
	wide, deep, twice := tree(treeEntry("100644", "f", blob)), tree(treeEntry("100644", "f", blob)), tree()
	for range 12 { // ten folders with ten folders each, and so on: a million million files
		var entries []string
		for i := range 10 {
			entries = append(entries, treeEntry("40000", fmt.Sprint(i), wide))
		}
		wide = tree(entries...)
	}
	for range maxDepth + 1 {
		deep = tree(treeEntry("40000", "d", deep))
	}
	for i := range maxDepth / 2 {
		twice = tree(treeEntry("100644", fmt.Sprint("a", i), blob), treeEntry("100644", fmt.Sprint("b", i), blob), treeEntry("40000", "z", twice))
	}
	for name, c := range map[string]struct {
		root plumbing.Hash
		want error
		text string
	}{
		"honest":        {tree(treeEntry("100644", "README.md", blob), treeEntry("120000", "link", blob), treeEntry("160000", "module", blob), treeEntry("100644", "caf\xe9", blob)), nil, ""},
		"same file":     {twice, ErrTooLarge, "bigger than 100000 bytes"},
		"bomb":          {wide, ErrTooLarge, ""},
		"deep":          {deep, ErrTooLarge, "nested more than 200 deep"},
		"up":            {tree(treeEntry("40000", "..", tree())), ErrTree, `called ".."`},
		"git folder":    {tree(treeEntry("40000", ".GIT", tree())), ErrTree, `called ".GIT"`},
		"slash":         {tree(treeEntry("100644", "../../etc/passwd", blob)), ErrTree, "which git does not write"},
		"long name":     {tree(treeEntry("100644", strings.Repeat("x", 256), blob)), ErrTree, "256 bytes"},
		"damaged":       {store.put(t, plumbing.TreeObject, []byte("100644 x\x00short")), ErrTree, "damaged"},
		"below":         {tree(treeEntry("40000", "a", tree(treeEntry("100644", "..", blob)))), ErrTree, `called ".."`},
		"names control": {tree(treeEntry("100644", "a\x1b[31m\nb", blob)), nil, ""},
	} {
		err := checkTree(store, c.root, 100_000)
		if !errors.Is(err, c.want) || err != nil && !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v", name, err)
		}
		if says := hint(err, nil); errors.Is(err, ErrTooLarge) && strings.Contains(says, "raise git.maxBytes") != strings.Contains(err.Error(), "bigger than") {
			t.Errorf("%s: %v, and the advice is: %s", name, err, says)
		}
	}
}

// FuzzTree holds that go-git reads the same entries out of a tree object, where both read it.
func FuzzTree(f *testing.F) {
	var hash plumbing.Hash
	f.Add([]byte(treeEntry("100644", "a", hash) + treeEntry("40000", "b", hash)))
	f.Add([]byte(treeEntry("120000", "..", hash) + "160000 x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var names []string
		err := eachEntry(data, func(_, name string, _ plumbing.Hash) error {
			names = append(names, name)
			return nil
		})
		var decoded gitobject.Tree
		if err != nil || decoded.Decode(&object{kind: plumbing.TreeObject, data: data}) != nil {
			return
		}
		for i, e := range decoded.Entries {
			if i >= len(names) || names[i] != e.Name {
				t.Fatalf("%q are not %v", names, decoded.Entries)
			}
			if e.Mode == filemode.Dir && checkEntryName(e.Name) == nil && strings.Contains(e.Name, "/") {
				t.Errorf("%q is let through", e.Name)
			}
		}
		if len(names) != len(decoded.Entries) {
			t.Errorf("%q are not %v", names, decoded.Entries)
		}
	})
}

// rawPack makes a pack of blobs, each of which announces a size.
func rawPack(t *testing.T, announced int, blobs ...[]byte) []byte {
	t.Helper()
	var pack bytes.Buffer
	pack.WriteString("PACK\x00\x00\x00\x02")
	pack.Write(binary.BigEndian.AppendUint32(nil, uint32(len(blobs))))
	for _, data := range blobs {
		size, first := announced, byte(plumbing.BlobObject)<<4|byte(announced&15)
		for size >>= 4; size > 0; size >>= 7 {
			pack.WriteByte(first | 0x80)
			first = byte(size & 0x7f)
		}
		pack.WriteByte(first)
		z := zlib.NewWriter(&pack)
		if _, err := z.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
	sum := sha1.Sum(pack.Bytes())
	pack.Write(sum[:])
	return pack.Bytes()
}

func TestUnpackOfMoreThanAnnounced(t *testing.T) {
	t.Parallel()
	bomb := rawPack(t, 10, bytes.Repeat([]byte{0}, 8<<20))
	store := newObjects()
	if err := unpack(bytes.NewReader(bomb), store, 1<<20); err == nil || !strings.Contains(err.Error(), "longer than announced") || len(store.Objects) > 0 {
		t.Errorf("%d objects, %v", len(store.Objects), err)
	}
	if err := unpack(iotest.DataErrReader(bytes.NewReader(rawPack(t, 10, []byte("012345678"), nil))), newObjects(), 1<<20); err == nil || !strings.Contains(err.Error(), "shorter than announced") {
		t.Errorf("an object that is too short: %v", err)
	}
	empty := make([][]byte, 3_000)
	if err := unpack(bytes.NewReader(rawPack(t, 0, empty...)), newObjects(), 1<<20); !errors.Is(err, ErrTooLarge) {
		t.Errorf("many empty objects: %v", err)
	}
	if err := unpack(bytes.NewReader(rawPack(t, 10, []byte("0123456789"))), newObjects(), 1<<20); err != nil {
		t.Errorf("an honest one: %v", err)
	}
}

// TestServerThatTrickles sends a byte now and then, for ever.
func TestServerThatTrickles(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for _, err := io.WriteString(w, "001e# service=git-upload-pack\n0000"); err == nil; _, err = io.WriteString(w, "0") {
			w.(http.Flusher).Flush()
			select {
			case <-tick.C:
			case <-r.Context().Done():
				return
			case <-done:
				return
			}
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(done) })
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-done:
		}
	}))
	t.Cleanup(slow.Close)
	for _, url := range []string{server.URL, slow.URL} {
		_, err := newStore(t, Config{MaxTime: 50 * time.Millisecond}).Fetch(testContext(t), url+"/x.git", Ref{})
		if !errors.Is(err, ErrUnreachable) {
			t.Errorf("%v", err)
		}
	}
	if _, err := newStore(t, Config{MaxTime: 50 * time.Millisecond}).Fetch(testContext(t), slow.URL+"/x.git", Ref{}); err == nil || !strings.Contains(err.Error(), "it is not done after 50ms") {
		t.Errorf("%v", err)
	}
}
