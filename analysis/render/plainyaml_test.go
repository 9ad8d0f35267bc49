package render

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// FuzzPlainYAML holds that what is read without making JSON of it is the same as by way of JSON.
func FuzzPlainYAML(f *testing.F) {
	for _, seed := range []string{
		"a: {b: [c, 1, 1.5, 1.0, -0.0, 1e30, 0x10, 010, 1_000, true, on, ~, '']}\n", "a: 9223372036854775807\nb: 9223372036854775808\nc: 18446744073709551616\n",
		"a: .inf\n", "a: .nan\n", "a: -.inf\n", "1: a\n", "true: a\n", "~: a\n", "1.5: a\n", "a: !!binary gIGC\n", "!!binary gIGC: a\n", "a: 2026-01-01\n",
		"a: !!timestamp 2026-01-01\n", "a: !!int b\n", "a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}\n", "a: 1\na: 2\n", "- a\n", "a", "", "null", "{}", "a: []\nb: {}\nc:\n",
		"a: \"\\uD800 \\x80 \\u2028 <>&\"\n", "a: |\n  b\n  c\n", "a: 1e400\n", "a: 0.1\nb: 1e-7\nc: 123456789012345678\n", "a: !b c\n", "a: !!str 1\n", "a: [[[[{b: 1}]]]]\n", "? [a]\n: b\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fields, ok := readPlain([]byte(text), objectNumber)
		if ok {
			data, err := yaml.YAMLToJSON([]byte(text))
			if err != nil {
				t.Fatalf("%q became %v, and is none: %v", text, fields, err)
			}
			want, err := decodeJSON(data)
			if diff := cmp.Diff(want, fields); err != nil || diff != "" {
				t.Fatalf("%q: %v %s", text, err, diff)
			}
		}
		values, ok := readPlain([]byte(text), valueNumber)
		if ok {
			want := map[string]any{}
			err := yaml.Unmarshal([]byte(text), &want)
			if diff := cmp.Diff(want, values); err != nil || diff != "" {
				t.Fatalf("as values, %q: %v %s", text, err, diff)
			}
		}
	})
}

// What objects and values are made of is certain.
func TestPlainYAML(t *testing.T) {
	t.Parallel()
	const text = "a: {b: [c, 1, 1.5, true, ~, \"d\\n\"], e: {}}\nf: |\n  g\n"
	want := map[string]any{"a": map[string]any{"b": []any{"c", int64(1), 1.5, true, nil, "d\n"}, "e": map[string]any{}}, "f": "g\n"}
	if got, ok := readPlain([]byte(text), objectNumber); !ok || !cmp.Equal(want, got) {
		t.Error(ok, cmp.Diff(want, got))
	}
	want["a"].(map[string]any)["b"].([]any)[1] = 1.0
	if got, ok := readPlain([]byte(text), valueNumber); !ok || !cmp.Equal(want, got) {
		t.Error(ok, cmp.Diff(want, got))
	}
}
