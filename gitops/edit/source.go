package edit

import "bytes"

// source is a text with what is known about its lines and its template actions.
type source struct {
	text    []byte
	masked  []byte
	actions []action
	lines   []line
	// blocks holds the template block around the start of each line, nil for none.
	blocks []*block
	// inAction says that a line starts inside an action.
	inAction []bool
	defines  []span // bodies of the outermost define actions
	deep     bool   // blocks are nested beyond maxBlocks
	// looks says what each line is to the reader of the YAML.
	looks []look
	// cursor is the last offset that was looked up, as lookups mostly go forward.
	cursor cursor
}

// cursor is a character of a line: its number in the line, and its offset in the text.
type cursor struct{ line, column, offset int }

// maxBlocks bounds how deep template blocks may be nested.
const maxBlocks = 500

// look is what a line is to the reader of the YAML.
type look struct {
	kind   kind
	indent int // of the masked text
	below  int // indentation of the first content behind the line, -1 where there is none
	next   int // the first line behind it that is no comment
}

// block is a branch of a template's if, with, range, block or define.
type block struct {
	outer *block
	depth int
}

// within says whether b is outer or lies inside it.
func (b *block) within(outer *block) bool {
	for ; b != outer; b = b.outer {
		if b == nil {
			return false
		}
	}
	return true
}

// readSource masks text. A text whose actions do not end is taken as plain YAML
// that happens to hold braces.
func readSource(text []byte) *source {
	found, err := actions(text)
	if err != nil {
		found = nil
	}
	s := &source{text: text, actions: found, masked: mask(text, found), cursor: cursor{line: -1}}
	s.lines = splitLines(s.masked)
	s.blocks = make([]*block, len(s.lines))
	s.inAction = make([]bool, len(s.lines))
	s.readBlocks()
	s.look()
	return s
}

// look fills looks from the masked text.
func (s *source) look() {
	s.looks = make([]look, len(s.lines))
	below, next := -1, len(s.lines)
	for i := len(s.lines) - 1; i >= 0; i-- {
		l := look{kind: s.kindAt(i), indent: indentOf(s.lines[i].of(s.masked)), below: below, next: next}
		s.looks[i] = l
		if l.kind == content {
			below = l.indent
		}
		if l.kind != comment {
			next = i
		}
	}
}

// readBlocks follows the template's control structure. Where it is not balanced,
// the text is no template and its actions no structure.
func (s *source) readBlocks() {
	var current, define *block
	var start int
	next := 0 // the next line to place
	place := func(until int, in *block, inside bool) {
		for next < len(s.lines) && s.lines[next].start < until {
			s.blocks[next], s.inAction[next] = in, inside
			next++
		}
	}
	for _, a := range s.actions {
		place(a.start+1, current, false)
		outer := current
		switch a.role {
		case opens:
			current = enter(current)
			s.deep = s.deep || current.depth > maxBlocks
			if a.define && define == nil {
				define, start = current, a.end
			}
		case turns, closes:
			if current == nil {
				s.forgetBlocks()
				return
			}
			if a.role == turns {
				current = enter(current.outer)
				break
			}
			if current == define {
				s.defines = append(s.defines, span{start, a.start})
				define = nil
			}
			current = current.outer
		}
		place(a.end, outer, true)
	}
	if current != nil {
		s.forgetBlocks()
		return
	}
	place(len(s.text)+1, nil, false)
}

func enter(outer *block) *block {
	if outer == nil {
		return &block{depth: 1}
	}
	return &block{outer: outer, depth: outer.depth + 1}
}

func (s *source) forgetBlocks() {
	clear(s.blocks)
	s.defines = nil
	next := 0
	for i, l := range s.lines {
		for next < len(s.actions) && s.actions[next].end <= l.start {
			next++
		}
		s.inAction[i] = next < len(s.actions) && s.actions[next].start < l.start
	}
}

// blockAt returns the template block around the start of a line; behind the last line there is none.
func (s *source) blockAt(number int) *block {
	if number >= len(s.blocks) {
		return nil
	}
	return s.blocks[number]
}

// kind is what a line is to the reader of the YAML.
type kind int

const (
	content   kind = iota
	empty          // nothing but blanks
	comment        // a YAML comment
	directive      // nothing but template actions
)

func (s *source) kindOf(number int) kind { return s.looks[number].kind }

// indent returns the number of spaces that a line of the masked text begins with.
func (s *source) indent(number int) int { return s.looks[number].indent }

func (s *source) kindAt(number int) kind {
	l := s.lines[number]
	text := bytes.TrimLeft(s.masked[l.start:l.end], " \t")
	switch {
	case !isBlank(text) && text[0] == '#':
		return comment
	case !isBlank(text):
		return content
	case isBlank(s.text[l.start:l.end]):
		return empty
	}
	return directive
}

// isDynamic says whether a template action lies in the given part of the text.
func (s *source) isDynamic(start, end int) bool {
	i := firstAction(s.actions, start)
	return i < len(s.actions) && s.actions[i].start < end
}
