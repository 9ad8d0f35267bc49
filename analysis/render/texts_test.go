package render

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPackedObjectSaysTheSame(t *testing.T) {
	t.Parallel()
	texts := map[string]any{"a": "1", "": "", "script.sh": "#!/bin/sh\n", "long": string(make([]byte, 300))}
	for name, tc := range map[string]struct {
		object Object
		packed int
	}{
		"ConfigMap":           {Object{APIVersion: "v1", Kind: "ConfigMap", ReadFields: Held(map[string]any{"kind": "ConfigMap", "data": texts, "binaryData": map[string]any{"b": "YQ=="}})}, 2},
		"Secret":              {Object{APIVersion: "v1", Kind: "Secret", ReadFields: Held(map[string]any{"kind": "Secret", "data": texts, "stringData": texts})}, 2},
		"not only texts":      {Object{APIVersion: "v1", Kind: "ConfigMap", ReadFields: Held(map[string]any{"data": map[string]any{"a": "1", "b": int64(2)}})}, 0},
		"a list":              {Object{APIVersion: "v1", Kind: "ConfigMap", ReadFields: Held(map[string]any{"data": []any{"a"}})}, 0},
		"nothing":             {Object{APIVersion: "v1", Kind: "ConfigMap", ReadFields: Held(map[string]any{"data": map[string]any{}, "stringData": nil})}, 0},
		"a kind of its own":   {Object{APIVersion: "example.com/v1", Kind: "Secret", ReadFields: Held(map[string]any{"data": texts})}, 0},
		"another of the same": {Object{APIVersion: "v1", Kind: "Service", ReadFields: Held(map[string]any{"data": texts})}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := tc.object
			whole := tc.object.Fields()
			left, packed := tc.object.Pack()
			got.ReadFields, got.Packed = Held(left), packed
			if len(packed) != tc.packed || len(left) != len(whole)-tc.packed {
				t.Errorf("packed is %q, and left %v", packed, left)
			}
			if diff := cmp.Diff(whole, got.Whole()); diff != "" {
				t.Error(diff)
			}
			for _, field := range []string{"kind", "data", "stringData", "binaryData"} {
				if diff := cmp.Diff(whole[field], got.Field(field)); diff != "" {
					t.Error(diff)
				}
				for _, name := range []string{"a", "", "b", "c"} {
					want, in := tc.object.Text(field, name)
					if text, ok := got.Text(field, name); text != want || ok != in {
						t.Errorf("%s of %s is %q, %v; want %q, %v", name, field, text, ok, want, in)
					}
				}
			}
			if again, packed := got.Pack(); cmp.Diff(left, again) != "" || cmp.Diff(got.Packed, packed) != "" {
				t.Error("what is packed changes when it is packed again")
			}
		})
	}
}

func TestDamagedTextsAreNotCounted(t *testing.T) {
	t.Parallel()
	for _, damage := range []Texts{"\x01", "\x01a", "\x01a\x02b", "\x01a\x01b\x01", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\x80"} {
		if n, ok := damage.Count(); ok {
			t.Errorf("%q: %d", damage, n)
		}
	}
	if n, ok := Texts("\x01a\x01b\x00\x00").Count(); !ok || n != 2 {
		t.Errorf("got %d, %v", n, ok)
	}
}
