// Package report writes a scan's result in the forms that other tools and people
// read: SARIF, GitLab's Code Quality report, Markdown and a page of HTML. Every
// writer is a pure function of the report, so that equal scans give equal bytes.
// It decides nothing: what is a finding follows from the verdicts, changes and
// violations that the scan holds. Text that comes from charts is defused before
// it reaches a page or a viewer.
package report

import (
	"strings"
	"unicode"
)

// Verdicts, as a scan's report spells them.
const (
	needsToken = "needs-token"
	noToken    = "no-token"
	review     = "review"
)

// oneLine makes foreign text fit for a sentence: no control or formatting
// characters that could steer a terminal or turn the reading direction, and
// single spaces.
func oneLine(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return ' '
		case unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// sentence ends s with a full stop, unless it ends like a sentence already.
func sentence(s string) string {
	s = oneLine(s)
	if s == "" || strings.HasSuffix(s, ".") || strings.HasSuffix(s, "!") || strings.HasSuffix(s, "?") {
		return s
	}
	return s + "."
}
