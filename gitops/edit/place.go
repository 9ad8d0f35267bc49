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
// target, and has indentation col. It passes the ends of blocks inside target,
// comments that belong to what is above them, and directives that print the rest of
// a deeper construct; it never enters a block.
func (s *source) after(last, col int, target *block) (int, error) {
	best := -1
	for i := last + 1; i <= len(s.lines); i++ {
		here := s.blockAt(i)
		if i < len(s.lines) && s.inAction[i] {
			continue
		}
		if here == target {
			best = i
		}
		if i == len(s.lines) || !here.within(target) {
			break
		}
		if here != target || s.belongs(i, col) {
			continue
		}
		end, ok := s.rest(i, col, target)
		if !ok {
			break
		}
		i = end - 1
	}
	if best < 0 {
		return 0, fmt.Errorf("%w: the template directives around line %d leave no place for a line", ErrForm, last+1)
	}
	return best, nil
}

// rest says whether what follows at a line, blank lines and comments aside, is a
// directive that prints text deeper than col, and so the rest of what stands
// above; and returns the line behind it.
func (s *source) rest(number, col int, target *block) (end int, ok bool) {
	at := number
	for at < len(s.lines) && s.blockAt(at) == target && (s.kindOf(at) == empty || s.kindOf(at) == comment) {
		at++
	}
	if at == len(s.lines) || s.blockAt(at) != target || s.kindOf(at) != directive || s.ends(at) {
		return 0, false
	}
	deeper := s.directiveIndent(at) > col && s.prints(at)
	for end = at + 1; end < len(s.lines) && (s.inAction[end] || s.blockAt(end) != target); end++ {
		if s.kindOf(end) == content {
			return 0, false
		}
	}
	stop := s.lines[end-1].end
	for _, a := range s.actions[firstAction(s.actions, s.lines[at].start):] {
		if a.start >= stop {
			break
		}
		deeper = deeper || a.breaks && a.indent > col
	}
	return end, deeper
}

// ends says whether the first action on a line ends a block or a branch of one.
func (s *source) ends(number int) bool {
	i := firstAction(s.actions, s.lines[number].start)
	return i < len(s.actions) && (s.actions[i].role == closes || s.actions[i].role == turns)
}

// prints says whether the first action on a line prints something, or opens a block that may.
func (s *source) prints(number int) bool {
	i := firstAction(s.actions, s.lines[number].start)
	return i < len(s.actions) && (s.actions[i].role == output || s.actions[i].role == opens)
}

// directiveIndent returns the number of spaces before the actions of a line.
func (s *source) directiveIndent(number int) int { return indentOf(s.lines[number].of(s.text)) }

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
	return s.ends(look.next) || s.directiveIndent(look.next) < look.indent
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
