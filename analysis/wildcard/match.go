// Package wildcard matches names as Kyverno does: * stands for any characters, ? for exactly one. Patterns and names
// come from charts, so that the time is bounded by the product of their lengths.
package wildcard

import "unicode/utf8"

// Match tells whether a pattern matches the whole of a text. It says what
// github.com/IGLOU-EU/go-wildcard says, which Kyverno uses and which tries every way in which stars may share the text.
func Match(pattern, text string) bool {
	star, from := -1, 0 // behind the last star, and where what it stands for ends as far as it is tried
	p, t := 0, 0
	for t < len(text) {
		want, wide := utf8.DecodeRuneInString(pattern[p:])
		got, size := utf8.DecodeRuneInString(text[t:])
		switch {
		case wide > 0 && want == '*':
			p += wide
			star, from = p, t
		case wide > 0 && (want == '?' || want == got):
			p, t = p+wide, t+size
		case star >= 0: // that star takes one character more
			_, size = utf8.DecodeRuneInString(text[from:])
			from += size
			p, t = star, from
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
