package render

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestComposeValues(t *testing.T) {
	t.Parallel()
	sources := map[string]ValuesSource{
		"Secret a":    {"values.yaml": "flat: a\nm: {x: a, w: a}\nlist: [1, 2, 3]\n", "other": "flat: other\n", "empty": "", "word": "hello", "number": "12", "quoted": `"12"`, "text": "a: [b, c]\n"},
		"ConfigMap a": {"values.yaml": "m: {w: map}\nbig: 1000000\n", "broken": "a: [", "scalar": "text"},
	}
	for _, tc := range []struct {
		name   string
		refs   []ValuesReference
		inline map[string]any
		want   map[string]any
		err    []string
	}{
		{name: "nothing", want: map[string]any{}},
		{
			name: "in order, inline values last",
			refs: []ValuesReference{{Kind: "Secret", Name: "a"}, {Kind: "ConfigMap", Name: "a"}, {Kind: "Secret", Name: "a", ValuesKey: "other"}, {Kind: "Secret", Name: "a", ValuesKey: "empty"}},
			inline: map[string]any{
				"m": map[string]any{"z": int64(1)}, "list": []any{},
			},
			want: map[string]any{"flat": "other", "m": map[string]any{"x": "a", "w": "map", "z": 1.0}, "list": []any{}, "big": 1000000.0},
		},
		{
			name: "optional ones may be missing",
			refs: []ValuesReference{{Kind: "Secret", Name: "none", Optional: true}, {Kind: "Secret", Name: "a", ValuesKey: "none", Optional: true}},
			want: map[string]any{},
		},
		{name: "missing object", refs: []ValuesReference{{Kind: "Secret", Name: "none"}}, err: []string{"Secret none", "does not render"}},
		{name: "missing key", refs: []ValuesReference{{Kind: "Secret", Name: "a", ValuesKey: "none"}}, err: []string{"key none of Secret a"}},
		{name: "other kind", refs: []ValuesReference{{Kind: "Pod", Name: "a"}}, err: []string{"names a Pod"}},
		{name: "broken content", refs: []ValuesReference{{Kind: "ConfigMap", Name: "a", ValuesKey: "broken"}}, err: []string{"key broken of ConfigMap a"}},
		{name: "content that is no map", refs: []ValuesReference{{Kind: "ConfigMap", Name: "a", ValuesKey: "scalar"}}, err: []string{"key scalar of ConfigMap a"}},
		{
			name: "target paths",
			refs: []ValuesReference{
				{Kind: "Secret", Name: "a"},
				{Kind: "Secret", Name: "a", ValuesKey: "word", TargetPath: "list[1]"},
				{Kind: "Secret", Name: "a", ValuesKey: "number", TargetPath: "deep.number"},
				{Kind: "Secret", Name: "a", ValuesKey: "quoted", TargetPath: "deep.text"},
				{Kind: "Secret", Name: "a", ValuesKey: "text", TargetPath: `files.application\.yml`, Literal: true},
			},
			want: map[string]any{
				"flat": "a", "m": map[string]any{"x": "a", "w": "a"}, "list": []any{1.0, "hello", 3.0},
				"deep": map[string]any{"number": int64(12), "text": "12"}, "files": map[string]any{"application.yml": "a: [b, c]\n"},
			},
		},
		{
			name:   "a target path wins over inline values that it shares a map with",
			refs:   []ValuesReference{{Kind: "Secret", Name: "a", ValuesKey: "word", TargetPath: "n.list[0]"}},
			inline: map[string]any{"n": map[string]any{"list": []any{"x", "y"}}},
			want:   map[string]any{"n": map[string]any{"list": []any{"hello", "y"}}},
		},
		{
			name: "a target path that does not parse",
			refs: []ValuesReference{{Kind: "Secret", Name: "a", ValuesKey: "text", TargetPath: "a.b"}},
			err:  []string{"set a.b from Secret a"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			before, err := json.Marshal(tc.inline)
			if err != nil {
				t.Fatal(err)
			}
			got, err := new(Composer).Compose(tc.refs, func(kind, name string) (ValuesSource, bool) {
				s, ok := sources[kind+" "+name]
				return s, ok
			}, tc.inline)
			if tc.err != nil {
				wantError(t, err, tc.err...)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if after, err := json.Marshal(tc.inline); err != nil || string(after) != string(before) {
				t.Errorf("inline values changed: %s, %v", after, err)
			}
		})
	}
}

func TestComposingIsBounded(t *testing.T) {
	t.Parallel()
	var many []ValuesReference
	for i := range 20 {
		many = append(many, ValuesReference{Kind: "Secret", Name: "a", ValuesKey: "word", TargetPath: fmt.Sprintf("list%d[65535]", i)})
	}
	lookup := func(string, string) (ValuesSource, bool) {
		return ValuesSource{"word": "hello", "lists": "x" + strings.Repeat(",y[9]=1,z[65000]=1", 20), "text": strings.Repeat("[65000]", 20), "half": "hello,b[1]x",
			"grown": "- &a [" + strings.Repeat("1,", 700) + "]\n- [" + strings.Repeat("*a,", 700) + "]\n"}, true
	}
	at := func(key, path string, literal bool) []ValuesReference {
		return []ValuesReference{{Kind: "Secret", Name: "a", ValuesKey: key, TargetPath: path, Literal: literal}}
	}
	for _, tc := range []struct {
		name string
		refs []ValuesReference
		err  string
	}{
		{"a long list", at("word", "a[65536]", false), ""},
		{"as text, brackets say nothing", at("text", "a", true), ""},
		{"many long lists, one by one", many, "takes more than 256 MiB in all"},
		{"lists in lists", at("word", "a"+strings.Repeat("[0]", 20_000), false), "names too many items of lists"},
		{"many long lists in one path", at("word", "a"+strings.Repeat("[65536]", 20), false), "names too many items of lists"},
		{"many long lists in one text", at("lists", "a", false), "names too many items of lists"},
		{"escaped digits", at("word", "a"+strings.Repeat(`[\6553\6]`, 20), false), "names too many items of lists"},
		{"signs and zeros", at("word", "a"+strings.Repeat("[+0065536]", 20), false), "names too many items of lists"},
	} {
		_, err := new(Composer).Compose(tc.refs, lookup, nil)
		if got := fmt.Sprint(err); (err != nil || tc.err != "") && (tc.err == "" || !strings.Contains(got, tc.err)) {
			t.Errorf("%s: %.200s", tc.name, got)
		}
	}
	// What one release takes is not there for the next.
	var c Composer
	for i := range 2 {
		_, err := c.Compose(many[:12], lookup, nil)
		if failed := err != nil; failed != (i == 1) {
			t.Errorf("release %d: %v", i, err)
		}
	}
	if _, err := c.Compose(nil, lookup, map[string]any{"a": "b"}); err != nil {
		t.Errorf("a release without references needs none of it: %v", err)
	}
	// A text that aliases make larger takes that much, also where it holds no values.
	c = Composer{}
	_, err := c.Compose(at("grown", "", false), lookup, nil)
	if err == nil || c.spent < 700*700 {
		t.Errorf("what grows takes %d of it: %v", c.spent, err)
	}
	// What fails half-way takes of it, too, and where nothing is left, nothing is set.
	c = Composer{}
	for _, tc := range []struct {
		times int
		refs  []ValuesReference
		err   string
	}{
		{1, at("word", "a[x]", false), "error parsing index"},
		{20, at("half", "a"+strings.Repeat("[65535]", 8), false), ""},
		{1, at("word", "a[x]", false), "takes more than 256 MiB in all"},
	} {
		for range tc.times {
			if _, err := c.Compose(tc.refs, lookup, nil); err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%.20s: got %v, want %s", tc.refs[0].TargetPath, err, tc.err)
			}
		}
	}
}

func TestDefaultValuesTakeNulls(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, simple(map[string]string{"values.yaml": "a: 1\nm: {x: 1, w: 1}\n"}), "")
	got, err := c.DefaultValues(map[string]any{"a": nil, "m": map[string]any{"w": 2.0}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"m": map[string]any{"x": 1.0, "w": 2.0}}, got); diff != "" {
		t.Error(diff)
	}
}
