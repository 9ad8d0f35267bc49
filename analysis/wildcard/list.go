package wildcard

import (
	"iter"
	"slices"
	"strings"
	"unicode/utf8"
)

// List is a list of patterns that is asked about many texts: no text is compared with a pattern that begins otherwise,
// or of which it has not the longest plain part. The zero value and nil are empty lists.
type List struct {
	patterns []pattern
	begins   map[string][]int // the places of the patterns that begin so, see plain
	lengths  []int            // of the keys of begins, each once, the shortest first
}

// NewList returns a list of the patterns, of which the first has place 0.
func NewList(patterns []string) *List {
	l := &List{}
	for _, p := range patterns {
		l.Add(p)
	}
	return l
}

// Add appends a pattern.
func (l *List) Add(pattern string) {
	if l.begins == nil {
		l.begins = map[string][]int{}
	}
	begin := plain(pattern)
	if at, known := slices.BinarySearch(l.lengths, len(begin)); !known {
		l.lengths = slices.Insert(l.lengths, at, len(begin))
	}
	l.begins[begin] = append(l.begins[begin], len(l.patterns))
	l.patterns = append(l.patterns, prepared(pattern))
}

// Matching returns the places of the patterns that match the whole text, in no certain order.
func (l *List) Matching(text string) iter.Seq[int] {
	return func(yield func(int) bool) {
		if l == nil {
			return
		}
		for _, n := range l.lengths {
			if n > len(text) {
				return
			}
			for _, place := range l.begins[text[:n]] {
				if l.patterns[place].matches(text) && !yield(place) {
					return
				}
			}
		}
	}
}

// Match tells whether one of the patterns matches the text.
func (l *List) Match(text string) bool {
	for range l.Matching(text) {
		return true
	}
	return false
}

// plain is what every text that the pattern matches begins with: what stands before the first wildcard. It ends before
// what is not ASCII, of which Match takes all that is no character for the same.
func plain(pattern string) string {
	if end := strings.IndexFunc(pattern, isOther); end >= 0 {
		return pattern[:end]
	}
	return pattern
}

// isOther tells whether a character of a pattern may match another than itself.
func isOther(r rune) bool { return r == '*' || r == '?' || r >= utf8.RuneSelf }

// pattern is one with the longest part that stands in every text that it matches.
type pattern struct{ whole, part string }

func prepared(whole string) pattern {
	p := pattern{whole: whole}
	for part := range strings.FieldsFuncSeq(whole, isOther) {
		if len(part) > len(p.part) {
			p.part = part
		}
	}
	return p
}

func (p pattern) matches(text string) bool {
	return strings.Contains(text, p.part) && Match(p.whole, text)
}
