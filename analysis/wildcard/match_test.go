package wildcard

import (
	"strings"
	"testing"

	library "github.com/IGLOU-EU/go-wildcard"
)

// TestMatchAsKyverno compares with what Kyverno uses, for every short pattern and text of some letters.
func TestMatchAsKyverno(t *testing.T) {
	t.Parallel()
	letters := []string{"a", "b", "*", "?", "ü", "\xff"}
	var words []string
	for begin, n := []string{""}, 0; n <= 4; n++ {
		words = append(words, begin...)
		var longer []string
		for _, w := range begin {
			for _, l := range letters {
				longer = append(longer, w+l)
			}
		}
		begin = longer
	}
	for _, pattern := range words {
		for _, text := range words {
			if got, want := Match(pattern, text), library.Match(pattern, text); got != want {
				t.Fatalf("Match(%q, %q) = %t, want %t", pattern, text, got, want)
			}
		}
	}
}

// TestMatchEnds matches what takes the library longer than anybody waits.
func TestMatchEnds(t *testing.T) {
	t.Parallel()
	if Match(strings.Repeat("*a", 60)+"*b", strings.Repeat("a", 120)) {
		t.Error("a text without the last letter is matched")
	}
}
