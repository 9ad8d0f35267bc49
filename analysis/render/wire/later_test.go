package wire

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tokenward/analysis/render"
)

// manifest has everything that a manifest may hold, and keys that come again.
var manifest = map[string]any{
	"kind": "Job", "a": map[string]any{"kind": nil, "b": true, "c": false}, "n": 1, "i": int64(-2), "u": uint64(3), "f": 1.5,
	"l": []any{"x", map[string]any{"a": "kind"}, []any{}}, "t": time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC),
}

// A manifest that is damaged is refused with the message, not when somebody looks at it.
func TestManifestsAreCheckedAtOnce(t *testing.T) {
	t.Parallel()
	message, err := Output(&render.Output{Objects: []*render.Object{
		{Kind: "Job", ReadFields: render.Held(manifest)}, {Kind: "Job", ReadFields: render.Held(map[string]any{"a": "b", "z": "z"})},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range message {
		if got, err := ReadOutput(message[:i]); err == nil {
			t.Errorf("of %d bytes the first %d are read as %v", len(message), i, got.Objects)
		}
	}
	got, err := ReadOutput(message)
	if err != nil {
		t.Fatal(err)
	}
	var readers sync.WaitGroup
	for range 8 { // it is read from the message each time, by several at once
		readers.Go(func() {
			fields := got.Objects[0].Fields()
			if diff := cmp.Diff(manifest, fields); diff != "" {
				t.Error(diff)
			}
			delete(fields, "kind")
			if diff := cmp.Diff(map[string]any{"a": "b", "z": "z"}, got.Objects[1].Fields()); diff != "" {
				t.Error(diff)
			}
		})
	}
	readers.Wait()
}

// Whatever can be read at once can be read later, and nothing else.
func FuzzLater(f *testing.F) {
	for _, m := range []map[string]any{nil, {}, manifest} {
		var w writer
		w.fields(m)
		w.key("kind")
		f.Add(w.buf)
	}
	f.Add([]byte{tagMap, 0xff, 0xff, 3})
	f.Add([]byte{tagTime, 1, 1})
	f.Add(append(bytes.Repeat([]byte{tagList, 1}, maxDepth+2), tagNil))
	f.Fuzz(func(t *testing.T, message []byte) {
		eager, lazy := newReader(message), newReader(message)
		want, read := eager.fields(), lazy.later()
		if eager.err != lazy.err && (eager.err == nil || lazy.err == nil || eager.err.Error() != lazy.err.Error()) || eager.rest != lazy.rest {
			t.Fatalf("at once: %v, %q left; later: %v, %q left", eager.err, eager.rest, lazy.err, lazy.rest)
		}
		if lazy.err != nil {
			return
		}
		if a, b := eager.key(), lazy.key(); a != b || eager.values != lazy.values {
			t.Errorf("then come %q after %d values, and %q after %d", a, eager.values, b, lazy.values)
		}
		for range 2 {
			if diff := cmp.Diff(want, read(), cmpopts.EquateNaNs()); diff != "" {
				t.Error(diff)
			}
		}
	})
}
