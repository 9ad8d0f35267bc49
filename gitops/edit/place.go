package edit

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// lineOf returns the index of the line on which a node begins.
func lineOf(n *yaml.Node) int { return n.Line - 1 }

// offsetOf returns the offset in the text at which a node begins. The parser counts characters, not bytes.
func (s *source) offsetOf(n *yaml.Node) int {
	number, column := lineOf(n), n.Column-1
	l := s.lines[number]
	at := s.cursor
	if at.line != number || at.column > column {
		at = cursor{number, 0, l.start}
	}
	for at.column < column && at.offset < l.end {
		_, size := utf8.DecodeRune(s.masked[at.offset:l.end])
		at.column, at.offset = at.column+1, at.offset+size
	}
	s.cursor = at
	return at.offset
}

// lastLine returns the last line of a construct that begins with a dash or key at
// column col and holds n. Comments and directives behind its last content are left out.
func (s *source) lastLine(first, col int, n *yaml.Node) int {
	last := max(first, s.lastNodeLine(n))
	for i := last + 1; i < len(s.lines); i++ {
		if s.kindOf(i) != content {
			continue
		}
		if s.indent(i) <= col {
			break
		}
		last = i
	}
	return last
}

// lastNodeLine returns the last line on which n or a part of it begins, or a flow collection in it ends.
func (s *source) lastNodeLine(n *yaml.Node) int {
	last := lineOf(n)
	if isFlow(n) {
		if f, ok := s.flow(n); ok {
			return lineAt(s.lines, f.close)
		}
	}
	for _, c := range n.Content {
		last = max(last, s.lastNodeLine(c))
	}
	return last
}

// after returns the index of the line before which text can stand so that it
// follows the construct that ends on line last, is part of the template block
// target, and has indentation col. It passes the ends of blocks inside target, and
// comments that belong to what is above them; it never enters a block.
func (s *source) after(last, col int, target *block) (int, error) {
	best := -1
	for i := last + 1; ; i++ {
		here := s.blockAt(i)
		if i == len(s.lines) {
			here = nil
		} else if s.inAction[i] {
			continue
		}
		if here == target {
			best = i
		}
		if i == len(s.lines) || !here.within(target) {
			break
		}
		if here == target && !s.belongs(i, col) {
			break
		}
	}
	if best < 0 {
		return 0, fmt.Errorf("%w: the template directives around line %d leave no place for a line", ErrForm, last+1)
	}
	return best, nil
}

// belongs says whether a line is a comment on what stands above it: it is indented
// at least to col, deeper than whatever follows, and not above a directive that
// begins something at its own indentation.
func (s *source) belongs(number, col int) bool {
	look := s.looks[number]
	if look.kind != comment || look.indent < col || s.blockAt(number+1) != s.blockAt(number) || look.below >= look.indent {
		return false
	}
	if look.next == len(s.lines) || s.kindOf(look.next) != directive {
		return true
	}
	l := s.lines[look.next]
	i := firstAction(s.actions, l.start)
	ends := i < len(s.actions) && (s.actions[i].role == closes || s.actions[i].role == turns)
	return ends || indentOf(l.of(s.text)) < look.indent
}

// glued says whether a line put before the line with the given index would lose
// its own beginning to a template action that trims what follows it.
func (s *source) glued(before, indent int) bool {
	at := len(s.text)
	if before < len(s.lines) {
		at = s.lines[before].start
	}
	head := bytes.TrimRight(s.text[:at], " \t\r\n")
	i := firstAction(s.actions, len(head)-1)
	if i == len(s.actions) || s.actions[i].end != len(head) || !s.actions[i].trimRight {
		return false
	}
	a := s.actions[i]
	l := s.lines[lineAt(s.lines, a.start)]
	return a.trimLeft || a.role == output || l.start+indent != a.start || !isBlank(s.text[l.start:a.start])
}

// gaps says whether constructs that begin on the given lines are kept apart by blank lines, as most of them are.
func (s *source) gaps(starts []int) bool {
	apart := 0
	for _, start := range starts[min(1, len(starts)):] {
		for i := start - 1; i >= 0 && s.kindOf(i) != content; i-- {
			if s.kindOf(i) == empty {
				apart++
				break
			}
		}
	}
	return apart > 0 && 2*apart > len(starts)-1
}
