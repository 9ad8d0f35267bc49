package wildcard

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestManyAsEach compares lists of patterns and of texts with what each pattern says of each text.
func TestManyAsEach(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(15, 2))
	words := func(letters ...string) []string {
		out := make([]string, random.IntN(12))
		for i := range out {
			var b strings.Builder
			for range random.IntN(5) {
				b.WriteString(letters[random.IntN(len(letters))])
			}
			out[i] = b.String()
		}
		return out
	}
	for range 5000 {
		patterns, texts := words("a", "b", "a", "*", "?", "ü", "\xff"), words("a", "b", "a", "ü", "\xfe", "\ufffd", "*")
		list := NewList(patterns)
		all := NewTexts(slices.Values([][]string{texts, nil, texts}))
		for _, text := range texts {
			var want []int
			for i, p := range patterns {
				if Match(p, text) {
					want = append(want, i)
				}
			}
			if got := slices.Sorted(list.Matching(text)); !slices.Equal(got, want) || list.Match(text) != (len(want) > 0) {
				t.Fatalf("%q: %v of %q, want %v", text, got, patterns, want)
			}
		}
		for _, p := range patterns {
			matches := slices.ContainsFunc(texts, func(text string) bool { return Match(p, text) })
			got := map[int]bool{}
			for place := range all.Matching(p) {
				got[place] = true
			}
			if want := map[int]bool{0: true, 2: true}; matches && !maps.Equal(got, want) || !matches && len(got) > 0 {
				t.Fatalf("%q: places %v of %q", p, got, texts)
			}
		}
	}
	var none *List
	if none.Match("") || (&List{}).Match("") {
		t.Error("an empty list matches")
	}
}

// TestManyComparesFew holds that a name is compared with those patterns alone that begin like it, and a pattern with
// those names.
func TestManyComparesFew(t *testing.T) {
	t.Parallel()
	const n = 5000
	names, patterns := make([]string, n), make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("a-worker-of-the-shop-%04d", i)
		patterns[i] = names[i] + "-*"
	}
	list, texts := NewList(patterns), NewTexts(func(yield func([]string) bool) {
		for _, name := range names {
			if !yield([]string{name + "-x"}) {
				return
			}
		}
	})
	for i, name := range names {
		candidates := 0
		for _, length := range list.lengths {
			candidates += len(list.begins[(name + "-x")[:length]])
		}
		if got := slices.Collect(list.Matching(name + "-x")); !slices.Equal(got, []int{i}) || candidates != 1 {
			t.Fatalf("%s: patterns %v of %d that are compared", name, got, candidates)
		}
		if got := slices.Collect(texts.Matching(patterns[i])); !slices.Equal(got, []int{i}) {
			t.Fatalf("%s: names %v", patterns[i], got)
		}
	}
}

func TestLongestPart(t *testing.T) {
	t.Parallel()
	for whole, want := range map[string]string{"": "", "*": "", "web-?-*": "web-", "*-worker-??-a": "-worker-", "a*bü\xffcc": "cc", "web": "web"} {
		if p := prepared(whole); p.part != want {
			t.Errorf("%q: %q, want %q", whole, p.part, want)
		}
	}
}
