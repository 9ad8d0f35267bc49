package wildcard

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// Texts are texts that many patterns are compared with: no pattern is compared with a text that begins otherwise.
type Texts struct{ sorted []placed }

type placed struct {
	text  string
	place int
}

// NewTexts returns what the lists hold, of which each has its place, the first 0: a pattern matches a place where it
// matches one of its texts.
func NewTexts(lists iter.Seq[[]string]) *Texts {
	t := &Texts{}
	place := 0
	for list := range lists {
		for _, text := range list {
			t.sorted = append(t.sorted, placed{text, place})
		}
		place++
	}
	slices.SortFunc(t.sorted, func(a, b placed) int {
		return cmp.Or(strings.Compare(a.text, b.text), a.place-b.place)
	})
	t.sorted = slices.Compact(t.sorted)
	return t
}

// Matching returns the places of the texts that the pattern matches, in no certain order; one with several such texts
// may come several times.
func (t *Texts) Matching(pattern string) iter.Seq[int] {
	begin, prepared := plain(pattern), prepared(pattern)
	first, _ := slices.BinarySearchFunc(t.sorted, begin, func(p placed, begin string) int { return strings.Compare(p.text, begin) })
	return func(yield func(int) bool) {
		for _, p := range t.sorted[first:] {
			if !strings.HasPrefix(p.text, begin) {
				return
			}
			if prepared.matches(p.text) && !yield(p.place) {
				return
			}
		}
	}
}
