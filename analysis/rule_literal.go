package analysis

import (
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
)

// literals lists texts, in lower case, one of which stands in whatever an expression matches, once
// that is folded; nil where there are none. Looking for them is much cheaper than
// the expression, which most texts do not match.
func literals(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		if !slices.ContainsFunc(re.Rune, func(r rune) bool { return r > unicode.MaxASCII }) {
			return []string{strings.ToLower(string(re.Rune))}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return literals(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return literals(re.Sub[0])
		}
	case syntax.OpConcat:
		var best []string
		for _, sub := range re.Sub {
			if found := literals(sub); shortest(found) > shortest(best) {
				best = found
			}
		}
		return best
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			found := literals(sub)
			if found == nil {
				return nil
			}
			all = append(all, found...)
		}
		return all
	}
	return nil
}

// shortest is the length of the shortest text, 0 where there is none.
func shortest(texts []string) int {
	n := 0
	for i, text := range texts {
		if i == 0 || len(text) < n {
			n = len(text)
		}
	}
	return n
}

// fold puts a text into lower case, as expressions that ignore case see it: to them ſ is an s, too.
func fold(text string) string {
	return strings.ReplaceAll(strings.ToLower(text), "ſ", "s")
}

// holdsAny tells whether one of the texts stands in another; true where there are none to look for.
func holdsAny(text string, texts []string) bool {
	return texts == nil || slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(text, t) })
}
