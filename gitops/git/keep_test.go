package git

import (
	"bytes"
	"io/fs"
	"maps"
	"testing"
)

// keptInMemory is a Keeper whose content a test can see.
type keptInMemory map[string][]byte

func (m keptInMemory) Get(kind, key string) ([]byte, bool) {
	data, ok := m[kind+" "+key]
	return data, ok
}

func (m keptInMemory) Put(kind, key string, data ...[]byte) {
	m[kind+" "+key] = bytes.Join(data, nil)
}

func TestWhatIsKeptIsNotFetchedAgain(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, r *repository, url string) {
		kept := keptInMemory{}
		s := newStore(t, Config{Keeper: kept})
		for _, ref := range []Ref{{}, {Tag: "1.2.0"}, {Tag: "1.0.0"}} {
			first := fetch(t, s, url, ref)
			// A store that may receive next to nothing has to take what is kept.
			again := fetch(t, newStore(t, Config{Keeper: kept, MaxUnpacked: 1}), url, ref)
			if first.Commit != again.Commit || first.Ref != again.Ref || first.Branch != again.Branch || first.Head != again.Head {
				t.Errorf("%s: got %+v, want %+v", ref, again, first)
			}
			want, err := first.TreeHash(".")
			if err != nil {
				t.Fatal(err)
			}
			if got, err := again.TreeHash("."); err != nil || got != want {
				t.Errorf("%s: tree %s, %v, want %s", ref, got, err, want)
			}
			if _, err := fs.ReadFile(again.FS(), "README.md"); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestWhatIsKeptIsNotTrusted(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, r *repository, url string) {
		kept := keptInMemory{}
		s := newStore(t, Config{Keeper: kept})
		want, err := fetch(t, s, url, Ref{}).TreeHash(".")
		if err != nil {
			t.Fatal(err)
		}
		for key, data := range maps.Clone(kept) {
			for name, damaged := range map[string][]byte{"short": data[:len(data)/2], "empty": {}, "changed": append([]byte{data[0], data[1]}, make([]byte, len(data)-2)...)} {
				kept[key] = damaged
				if got, err := fetch(t, s, url, Ref{}).TreeHash("."); err != nil || got != want {
					t.Errorf("%s: tree %s, %v, want %s", name, got, err, want)
				}
			}
		}
	})
}

func TestKnownCommitIsNotFetched(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, r *repository, url string) {
		s := newStore(t, Config{MaxUnpacked: 1})
		for _, ref := range []Ref{{}, {Tag: "1.2.0"}} {
			snapshot, found, err := s.FetchUnless(testContext(t), url, ref, Lean, func(c string) bool { return c == r.rev(t, "main") })
			if err != nil || snapshot != nil || found.Commit != r.rev(t, "main") || found.Head != "main" {
				t.Errorf("%s: %v, %s, %v", ref, snapshot, found, err)
			}
		}
	})
}
