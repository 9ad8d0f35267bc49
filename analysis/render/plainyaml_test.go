package render

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	original "github.com/kubernetes-sigs/yaml"
	"github.com/mitchellh/copystructure"
	"helm.sh/helm/v3/pkg/chartutil"
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
		fields, ok := yaml.ReadPlain([]byte(text), objectNumber)
		if ok {
			data, err := original.YAMLToJSON([]byte(text))
			if err != nil {
				t.Fatalf("%q became %v, and is none: %v", text, fields, err)
			}
			want, err := decodeJSON(data)
			if diff := cmp.Diff(want, fields); err != nil || diff != "" {
				t.Fatalf("%q: %v %s", text, err, diff)
			}
		}
		var values, want map[string]any
		err := yaml.Unmarshal([]byte(text), &values)
		wantErr := original.Unmarshal([]byte(text), &want)
		if diff := cmp.Diff(want, values); diff != "" || (err == nil) != (wantErr == nil) {
			t.Fatalf("as values, %q: %v, not %v: %s", text, err, wantErr, diff)
		}
	})
}

// What objects are made of is certain, and so is it as values.
func TestPlainYAML(t *testing.T) {
	t.Parallel()
	const text = "a: {b: [c, 1, 1.5, true, ~, \"d\\n\"], e: {}}\nf: |\n  g\n"
	want := map[string]any{"a": map[string]any{"b": []any{"c", int64(1), 1.5, true, nil, "d\n"}, "e": map[string]any{}}, "f": "g\n"}
	if got, ok := yaml.ReadPlain([]byte(text), objectNumber); !ok || !cmp.Equal(want, got) {
		t.Error(ok, cmp.Diff(want, got))
	}
	want["a"].(map[string]any)["b"].([]any)[1] = 1.0
	for name, got := range map[string]map[string]any{"nil": nil, "empty": {}, "filled": {"a": "b", "f": 1.0}} {
		if err := yaml.Unmarshal([]byte(text), &got); err != nil || !cmp.Equal(want, got) {
			t.Error(name, err, cmp.Diff(want, got))
		}
	}
}

// What is read again is a value of its own.
func TestYAMLReadAgain(t *testing.T) {
	t.Parallel()
	forget := yaml.Remember()
	defer forget()
	for name, text := range map[string]string{
		"a text": "a: {b: [c]}\nd: " + strings.Repeat("long ", 100) + "\n", "references": "a: &x {b: [c]}\nd: *x\ne: " + strings.Repeat("long ", 100) + "\n",
	} {
		read := func() (values map[string]any) {
			if err := yaml.Unmarshal([]byte(text), &values); err != nil {
				t.Fatal(err)
			}
			return values
		}
		var want map[string]any
		if err := original.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			got := read()
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatal(name, diff)
			}
			got["a"].(map[string]any)["b"].([]any)[0] = "changed"
			delete(got, "d")
		}
	}
}

// What is kept for nobody, or may be much more than it is long, is none.
func TestLittleYAMLIsRemembered(t *testing.T) { // not beside others: they remember, too
	read := func(text string) float64 {
		return testing.AllocsPerRun(1, func() {
			var values map[string]any
			if err := yaml.Unmarshal([]byte(text), &values); err != nil {
				t.Fatal(err)
			}
		})
	}
	plain := "a: [" + strings.Repeat("long, ", 100) + "]\n"
	references := "b: &b [" + strings.Repeat("long, ", 100) + "]\nc: *b\n"
	first, firstOf := read(plain), read(references)
	if again := read(plain); again < first*0.9 {
		t.Errorf("kept for nobody: %v allocations, then %v", first, again)
	}
	forget, forgetToo := yaml.Remember(), yaml.Remember()
	read(plain)
	if again := read(plain); again >= first/2 {
		t.Errorf("not kept: %v allocations, then %v", first, again)
	}
	read(references)
	if again := read(references); again < firstOf*0.9 {
		t.Errorf("references are kept: %v allocations, then %v", firstOf, again)
	}
	forget()
	forget()
	if again := read(plain); again >= first/2 {
		t.Errorf("not kept for all: %v allocations, then %v", first, again)
	}
	forgetToo()
	if again := read(plain); again < first*0.9 {
		t.Errorf("kept for nobody any more: %v allocations, then %v", first, again)
	}
}

func TestWrittenYAML(t *testing.T) {
	t.Parallel()
	var nilMap map[string]any
	var nilList []any
	for _, v := range []any{
		map[string]any{"b10": 1.0, "b9": int64(2), "a": []any{map[string]any{"d": nil, "c": "1"}, 0.5, true, strings.Repeat("long words ", 9) + "end"}, "e": "x\ny\n"},
		nil, nilMap, nilList, []any{nilMap, nilList}, []string{"a"}, chartutil.Values{"a": 1.0}, math.NaN(), math.Inf(1), uint8(1), json.Number("1"),
	} {
		want, wantErr := original.Marshal(v)
		if got, err := yaml.Marshal(v); (err == nil) != (wantErr == nil) || !bytes.Equal(want, got) {
			t.Errorf("%#v became %q (%v), not %q (%v)", v, got, err, want, wantErr)
		}
	}
}

// FuzzWrittenYAML holds that what is written without making JSON of it is the same as by way of JSON, and that
// what is written stays what it is.
func FuzzWrittenYAML(f *testing.F) {
	for _, seed := range []string{
		`{"a":{"b":["c",1,1.5,-0.0,1e6,1e20,1e21,1e-7,9007199254740991,9007199254740992,1234567890123456789,true,null]},"d":{},"e":[]}`, `null`, `"a"`, `1`, `[]`, `{}`,
		`{"b10":1,"b9":2,"B":3,"":4,"a b":5,"1":6,"true":7,"~":8,"<<":{"c":9},"a-b":0,"a_b":0,"a.b":0}`,
		`["","a: b","- a","#","a #b","yes","on","null","~","0x10","010","1_000","1:30","1e3",".inf","2026-01-01","<<","=","!a","&a","*a","%a","@a","|",">","{","[","'","\"","\\"]`,
		`["a\nb","a\n","\na"," a","a ","a\n\n"," a\n b","\t","a\tb","\r","\u0000","\u001b","\u007f","\u0085","\u00a0","\u2028","\ufeff","\ufffd","\uffff","\ud83d\ude00","<>&"]`,
		`["` + strings.Repeat("long words ", 20) + `", "` + strings.Repeat("x", 200) + `"]`, `{"` + strings.Repeat("k", 1030) + `":1,"` + strings.Repeat(`\u0001`, 200) + `":2}`,
		strings.Repeat("[", 501) + strings.Repeat("]", 501), strings.Repeat(`{"a":`, 300) + "1" + strings.Repeat("}", 300),
	} {
		f.Add(seed, uint64(0))
		f.Add(seed, uint64(0x5555))
	}
	f.Fuzz(func(t *testing.T, text string, other uint64) {
		var v any
		if json.Unmarshal([]byte(text), &v) != nil {
			v = map[string]any{"text": text, text: []any{text}} // no UTF-8, perhaps
		}
		for _, part := range parts(otherwise(v, &other)) {
			before, err := copystructure.Copy(part)
			if err != nil {
				t.Skip("it is nested too deep")
			}
			got, err := yaml.Marshal(part)
			want, wantErr := original.Marshal(before)
			if (err == nil) != (wantErr == nil) || !slices.Equal(sortedLines(got), sortedLines(want)) {
				t.Fatalf("%#v became %q (%v), not %q (%v)", part, got, err, want, wantErr)
			}
			if wantErr == nil && !reflect.DeepEqual(before, part) {
				t.Fatalf("%#v became %#v", before, part)
			}
		}
	})
}

// parts lists a value and those within it, as one that is not certain decides for all around it: each key of
// a map alone, too.
func parts(v any) []any {
	all := []any{v}
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			all = append(all, parts(e)...)
		}
	case map[string]any:
		for k, e := range v {
			all = append(append(all, map[string]any{k: 1}), parts(e)...)
		}
	}
	return all
}

// sortedLines is a text but for the order of its lines: some keys, as b9, b19 and b1A together, go-yaml
// sorts now so and now so.
func sortedLines(text []byte) []string { return slices.Sorted(strings.Lines(string(text))) }

// otherwise makes of a value one of other types, as templates make them, where choices has a bit set.
func otherwise(v any, choices *uint64) any {
	chosen := *choices&1 == 1
	*choices >>= 1
	switch v := v.(type) {
	case float64:
		if chosen {
			return int(v)
		}
	case nil:
		if chosen {
			return []any{[]any(nil), map[string]any(nil), int64(1), []string{"a"}, math.NaN(), math.Inf(1), chartutil.Values{"a": 1.0}}[*choices%7]
		}
	case []any:
		for i := range v {
			v[i] = otherwise(v[i], choices)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			v[k] = otherwise(v[k], choices)
		}
	}
	return v
}
