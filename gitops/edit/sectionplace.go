package edit

import (
	"bytes"
	"regexp"

	"github.com/yuin/goldmark/ast"
)

var (
	// themePattern is what the title of a section of the same theme says.
	themePattern = regexp.MustCompile(`(?i)\b(security|hardening|hardened|rbac|service ?accounts?|kyverno|polic(y|ies)|permissions)\b`)
	// changePattern is what titles say that are not about a theme: files that were changed, and releases.
	changePattern = regexp.MustCompile(`(?i)^\S+\.(ya?ml|tpl|go|md|sh|json)\b|^\W*v?\d+\.\d+(\.\d+|[:\]]|\s|$)|^\W*v\d`)
	// closingPattern is what the titles of the sections say that end a document.
	closingPattern   = regexp.MustCompile(`(?i)^(contribut(ing|ors?|e|ions?)|licen[sc]es?|licensing|code of conduct|authors?|maintainers?|ac?knowledge?ments?|credits|support|contacts?|getting help|help|change ?log)\b`)
	referencePattern = regexp.MustCompile(`^ {0,3}\[[^\]]+\]:\s*\S`)
	footerPattern    = regexp.MustCompile(`(?i)footer|licen[sc]e|maintainers`)
)

// places returns the lines before which a new section can stand, the best first:
// behind the last section of the same theme, before the sections that close the
// document, at its end.
func (m *markdown) places(level int) []int {
	var places []int
	sections := m.sections(level)
	for i := len(sections) - 1; i >= 0; i-- {
		if title := m.headings[sections[i]].title; themePattern.MatchString(title) && !changePattern.MatchString(title) {
			places = append(places, m.sectionEnd(sections[i]))
			break
		}
	}
	closing := -1
	for i := len(sections) - 1; i >= 0 && closingPattern.MatchString(m.headings[sections[i]].title); i-- {
		closing = sections[i]
	}
	if closing >= 0 {
		places = append(places, m.above(m.headings[closing].line))
	}
	return append(places, m.end(), len(m.lines))
}

// end returns the line before which the document's end begins: link definitions, and template actions that print a footer.
func (m *markdown) end() int {
	at := len(m.lines)
	code := m.codeEnd()
	for i := len(m.lines) - 1; i >= code; i-- {
		text := m.lines[i].of(m.text)
		action := !isBlank(text) && isBlank(m.lines[i].of(m.src.masked))
		switch {
		case isBlank(text):
		case action && footerPattern.Match(text), referencePattern.Match(text):
			at = i
		default:
			return at
		}
	}
	return at
}

// codeEnd returns the line behind the last thing in the document that is not a link definition.
func (m *markdown) codeEnd() int {
	for n := m.root.LastChild(); n != nil; n = n.PreviousSibling() {
		if n.Kind() == ast.KindLinkReferenceDefinition {
			continue
		}
		last := n
		for last.LastChild() != nil && last.LastChild().Type() == ast.TypeBlock {
			last = last.LastChild()
		}
		if lines := last.Lines(); lines.Len() > 0 {
			return m.lineAt(lines.At(lines.Len()-1).Start) + 1
		}
		return m.lineAt(max(n.Pos(), 0))
	}
	return 0
}

// room returns the line before which a section can stand: the given one or, where
// that lies in a template block, one above the block, or above the blank lines that end the
// file. It is false where template actions would join the section with the text around it.
func (m *markdown) room(before int) (int, bool) {
	for before > 0 && m.inBlock(before) {
		before--
	}
	if before == len(m.lines) {
		for before > 0 && m.blankLine(before-1) {
			before--
		}
	}
	return before, !m.src.joined(m.offset(before))
}

func (m *markdown) offset(number int) int {
	if number >= len(m.lines) {
		return len(m.text)
	}
	return m.lines[number].start
}

func (m *markdown) inBlock(number int) bool {
	offset := m.offset(number)
	if offset >= len(m.text) || len(m.src.lines) == 0 {
		return false
	}
	i := lineAt(m.src.lines, offset)
	return m.src.blockAt(i) != nil || m.src.inAction[i]
}

// joined says whether template actions next to an offset trim the blanks around it.
func (s *source) joined(offset int) bool {
	head := bytes.TrimRight(s.text[:offset], " \t\r\n")
	if i := firstAction(s.actions, len(head)-1); i < len(s.actions) && s.actions[i].end == len(head) && s.actions[i].trimRight {
		return true
	}
	start := len(s.text) - len(bytes.TrimLeft(s.text[offset:], " \t\r\n"))
	i := firstAction(s.actions, start)
	return i < len(s.actions) && s.actions[i].start == start && s.actions[i].trimLeft
}
