package render

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"math/rand/v2"
	"reflect"
	"regexp"
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

// Every text that is written in a way of its own is so in every place: at the begin of a line and near its end, as a key
// and as a value, in maps and lists.
func TestWrittenTexts(t *testing.T) {
	t.Parallel()
	texts := []string{"", " ", "a", "a b", "a  b", " a", "a ", "a:", "a: b", "a:b", ":a", "a #b", "a#b", "#a", "-", "-a", "- a", "--a", "---", "--- a", "...", "?", "? a", "?a", "/a", "_a", "$a", "(a)", "~", "~a", "=", "<<", "a,b", "[a", "a]", "{a",
		"&a", "*a", "!a", "|", ">", "%a", "@a", "`a", "'a", "a'", "\"a", "a\"", "a\\b", "y", "Y", "yes", "Yes", "n", "no", "NO", "on", "On", "off", "true", "True", "false", "FALSE", "null", "Null", "nulls", "offs", "truth", "0", "1", "01", "007", "08", "10", "123456789012345678", "1234567890123456789", "12345678901234567890",
		"1.5", "1e3", "1_000", "0x10", "0o7", "0b1", "1:30", "+1", "-1", ".5", ".inf", "-.inf", ".nan", "1.2.3", "1.2.3.4/8", "1.2.", ".1.2", "1..2", "1/2", "1/", "/1", "1:2/3", "10m", "100Mi", "24h", "5s", "5ms", "5is", "m", "Mi", "1.5m", "1Gi2", "9" + strings.Repeat("0", 400) + "m", "-10", "-0", "--1", "-1m", "*", "*.a.b-c/d", "*a b", "*a:", "*1", "**", "*'", "*\n", "2001-01-01", "2001-01-01 10:00:00", "v1", "1a", "a1",
		"a\nb", "a\n", "\n", "\na", "a\n\n", "a\n\nb\n", " a\nb", "a \nb", "a\nb ", "a\n b\n", "a\n\tb", "a\tb", "\ta", "a\rb", "a\r\nb", "\x00", "\x1b", "\x7f", "é", "日本", "😀", "\u0085", "\u00a0", "\u2028", "a\u2028b", "'\u2029b", "\ufeff", strings.Repeat("9", 308), strings.Repeat("9", 309), "\xff", "a\x80b",
		strings.Repeat("x", 100), strings.Repeat("word ", 20) + "end", strings.Repeat("\"q\" ", 20) + "end", strings.Repeat("1 ", 50) + "1", "a: " + strings.Repeat("word ", 20) + "end", strings.Repeat("word ", 20) + "\n" + strings.Repeat("word ", 20) + "end\n", "it's " + strings.Repeat("word ", 20)}
	for n := 60; n < 85; n++ { // around the column at which lines are folded
		texts = append(texts, "a "+strings.Repeat("x", n-4)+" b", "a: "+strings.Repeat("x", n-6)+" b", strings.Repeat("x", n)+" a b c", "'"+strings.Repeat("x", n)+" b c")
	}
	for _, s := range texts {
		for _, v := range []any{
			[]any{s}, []any{[]any{s, []any{s}}}, map[string]any{"k": s}, map[string]any{"k": []any{s, map[string]any{"long-key": s, "z": []any{s}}}}, map[string]any{"k": map[string]any{"a": s, "b": map[string]any{"c": s}}},
			map[string]any{s: 1}, map[string]any{"k": map[string]any{s: []any{1}}}, []any{map[string]any{s: s}}, map[string]any{s: map[string]any{}}, []any{[]any{}, map[string]any{}, nil, map[string]any(nil), []any(nil), true, 1.0, 1e15, -3, int64(7)},
			[]any{1234567890123456789.0}, []any{-1e300}, []any{0.5},
		} {
			want, wantErr := original.Marshal(v)
			if got, err := yaml.Marshal(v); (err == nil) != (wantErr == nil) || !bytes.Equal(want, got) {
				t.Errorf("%#v became %q (%v), not %q (%v)", v, got, err, want, wantErr)
			}
		}
	}
}

// Keys stand in go-yaml's order, where it has one.
func TestWrittenKeys(t *testing.T) {
	t.Parallel()
	keys := []string{"a", "b", "A", "B", "aa", "a-b", "a_b", "a.b", "a/b", "aB", "ab", "-", "_", "/", "a b"}
	all := map[string]any{}
	for _, k := range keys {
		all[k] = 1
		for _, l := range keys {
			all[k+l] = 2
		}
	}
	numbers := [][]string{{"a1", "a2"}, {"a10", "a9"}, {"v1", "v1beta1", "v2"}, {"1", "2", "10"}, {"a1", "ab"}, {"a1", "a-"}, {"a01", "a1"}, {"1a", "a1"}, {"é", "e", "f", "-"}}
	for _, ks := range append(numbers, slices.Sorted(maps.Keys(all))) {
		m := map[string]any{}
		for _, k := range ks {
			m[k] = []any{k}
		}
		want, err := original.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := yaml.Marshal(m); err != nil || !bytes.Equal(want, got) {
			t.Error(err, cmp.Diff(string(want), string(got)))
		}
	}
}

// Numbers in keys are sorted by what they are worth, as far as go-yaml has an order for them: not where a
// letter follows one. Those that begin with 0 are left to it, too.
func TestWrittenKeysWithNumbers(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	unordered := regexp.MustCompile(`[0-9][a-z]|0[0-9]`)
	key := func() string {
		k := make([]byte, 1+random.IntN(5))
		for i := range k {
			k[i] = "ab-:[.0123498"[random.IntN(13)]
		}
		return string(k)
	}
	compared := 0
	for range 20_000 {
		m := map[string]any{}
		for range 2 + random.IntN(6) {
			if k := key(); !unordered.MatchString(k) {
				m[k] = len(m)
			}
		}
		want, err := original.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := yaml.Marshal(m); err != nil || !bytes.Equal(want, got) {
			t.Fatalf("%v: %q, not %q", err, got, want)
		}
		compared += len(m)
	}
	if compared < 10_000 {
		t.Errorf("only %d keys were compared", compared)
	}
}

// What is certain is written without go-yaml, which takes many times the memory. The rest is left to it.
func TestWrittenWithoutEvents(t *testing.T) {
	for _, c := range []struct {
		certain bool
		keys    []string
		texts   []string
	}{
		{true, []string{"a1", "a2", "a10", "a-", "b:[8080]"}, []string{"10.0.0.0/8", "1.2.3", "10m", "256Mi", "*.a", "true", "-10", "007"}},
		{false, []string{"10a", "1-"}, nil}, {false, []string{"05", "5"}, nil}, {false, []string{"a1234567890123456789", "a2"}, nil},
		{false, nil, []string{"1:30"}}, {false, nil, []string{"2001-01-01"}}, {false, nil, []string{"1e3"}}, {false, nil, []string{"*a b"}},
	} {
		m := map[string]any{}
		for _, k := range c.keys {
			m[k] = k
		}
		list := []any{m}
		for _, s := range c.texts {
			list = append(list, s)
		}
		allocations := testing.AllocsPerRun(10, func() { _, _ = yaml.Marshal(list) })
		if few := allocations < 15; few != c.certain {
			t.Errorf("%v: %v allocations", list, allocations)
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
			v = map[string]any{"text": text, text: []any{text, []any{text}, map[string]any{"a": text, "b": []any{text}}}} // no UTF-8, perhaps
		}
		for _, part := range parts(otherwise(v, &other)) {
			before, err := copystructure.Copy(part)
			if err != nil {
				t.Skip("it is nested too deep")
			}
			got, err := yaml.Marshal(part)
			want, wantErr := original.Marshal(before)
			same := bytes.Equal(got, want) || strings.ContainsAny(text, "0123456789") && slices.Equal(sortedLines(got), sortedLines(want))
			if (err == nil) != (wantErr == nil) || !same {
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
