package edit

import (
	"bytes"
	"regexp"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

const filler = 'x'

// mask replaces the template actions of src, all of which are given, by text of the same
// length, so that each line and column stays where it is and the whole can be read as YAML.
// Actions that have their lines to themselves become blank, and so does what
// prints nothing or begins a line of its own (nindent); an action that stands for
// a key, a value or a part of one becomes filler. Bytes outside actions, and line
// ends within them, are never changed.
//
// Whether the result parses is not checked: a file may hold several templates,
// and other text between them.
func mask(src []byte, found []action) []byte {
	masked := bytes.Clone(src)
	for _, a := range found {
		blank(masked[a.start:a.end])
	}
	if len(found) == 0 {
		return masked
	}
	m := masker{src: src, text: masked, lines: splitLines(masked), actions: found}
	inline := m.fill()
	scalars := m.blockScalars()
	for _, line := range inline {
		if !scalars[line] {
			m.settle(line)
		}
	}
	return m.text
}

// blank replaces text by spaces and keeps its line ends.
func blank(text []byte) {
	for i, c := range text {
		if c != '\n' && c != '\r' {
			text[i] = ' '
		}
	}
}

type masker struct {
	src, text []byte
	lines     []line
	actions   []action
	// printed are the parts of actions that are filled, by line.
	printed map[int][]span
}

type span struct{ start, end int }

// fill writes filler for the actions that print into a line with other text,
// and returns the numbers of the lines where any action shares its line.
func (m *masker) fill() []int {
	m.printed = map[int][]span{}
	shared := map[int]bool{}
	var order []int
	share := func(line int) {
		if !shared[line] {
			shared[line] = true
			order = append(order, line)
		}
	}
	alone := make([]bool, len(m.lines))
	for i, l := range m.lines {
		alone[i] = isBlank(m.text[l.start:l.end])
	}
	for _, a := range m.actions {
		first, last := lineAt(m.lines, a.start), lineAt(m.lines, a.end-1)
		if alone[first] && alone[last] {
			continue
		}
		at, part := first, span{a.start, min(a.end, m.lines[first].end)}
		if first != last && isBlank(m.src[m.lines[first].start:a.start]) {
			at, part = last, span{m.lines[last].start, a.end}
			for part.start < part.end-1 && m.src[part.start] == ' ' {
				part.start++
			}
		}
		share(at)
		if a.role == output && !a.breaks {
			m.printed[at] = append(m.printed[at], part)
		}
	}
	for _, parts := range m.printed {
		for _, p := range parts {
			fillSpan(m.text, p)
		}
	}
	return order
}

func fillSpan(text []byte, p span) {
	for i := p.start; i < p.end; i++ {
		text[i] = filler
	}
}

// settle looks at a line that holds actions and other text. Where it does not
// parse on its own (as `key: {{ if .a }}"b"{{ else }}"c"{{ end }}` with blanks
// would not), it tries filler for every action, then blanks for every action, and
// keeps the first that parses.
func (m *masker) settle(number int) {
	l := m.lines[number]
	text := m.text[l.start:l.end]
	if parses(text) {
		return
	}
	parts := m.actionsOn(number)
	for _, c := range []byte{filler, ' '} {
		try := bytes.Clone(text)
		for _, p := range parts {
			for i := p.start; i < p.end; i++ {
				try[i-l.start] = c
			}
		}
		if parses(try) {
			copy(text, try)
			return
		}
	}
}

func (m *masker) actionsOn(number int) []span {
	l := m.lines[number]
	var parts []span
	for _, a := range m.actions[firstAction(m.actions, l.start):] {
		if a.start >= l.end {
			break
		}
		parts = append(parts, span{max(a.start, l.start), min(a.end, l.end)})
	}
	return parts
}

func parses(text []byte) bool {
	var n yaml.Node
	return yaml.Unmarshal(bytes.TrimSpace(text), &n) == nil
}

var scalarHeader = regexp.MustCompile(`^ *(?:- +)*(?:[^\s#].*?: +)?(?:[!&]\S* +)*[|>]([-+]?[1-9]?[-+]?)[ \t]*(?:#.*)?$`)

// blockScalars tells which lines are content of block scalars. The first line of
// text in one decides its indentation, and a longer line of blanks before it
// would be taken for that: such lines get text at the right indentation instead.
func (m *masker) blockScalars() []bool {
	inside := make([]bool, len(m.lines))
	for i := 0; i < len(m.lines); i++ {
		l := m.lines[i]
		header := scalarHeader.FindSubmatch(m.text[l.start:l.end])
		if header == nil {
			continue
		}
		i = m.blockScalar(i, bytes.ContainsAny(header[1], "123456789"), inside)
	}
	return inside
}

// blockScalar marks the content of the block scalar whose header is on the given line and returns its last line.
func (m *masker) blockScalar(header int, explicit bool, inside []bool) int {
	parent := scalarParent(m.lines[header].of(m.text))
	indented := explicit
	last := header
	for i := header + 1; i < len(m.lines); i++ {
		text := m.lines[i].of(m.text)
		if isBlank(text) {
			continue
		}
		indent := indentOf(text)
		if indent <= parent {
			break
		}
		if !indented {
			m.indentBlanks(header+1, i, indent)
			indented = true
		}
		for ; last < i; last++ {
			inside[last+1] = true
		}
	}
	return last
}

// indentBlanks gives the actions on the lines from first up to (not including) end some text at the given indentation.
func (m *masker) indentBlanks(first, end, indent int) {
	for number := first; number < end; number++ {
		from := m.lines[number].start + indent
		for _, part := range m.actionsOn(number) {
			if part.start <= from {
				fillSpan(m.text, span{min(from, part.end), part.end})
				break
			}
		}
	}
}

// scalarParent returns the column that the content of a block scalar must exceed, given its header line.
func scalarParent(text []byte) int {
	i := indentOf(text)
	parent := -1
	for bytes.HasPrefix(text[i:], []byte("- ")) {
		parent = i
		i++
		i += indentOf(text[i:])
	}
	if i < len(text) && bytes.IndexByte([]byte("|>!&"), text[i]) >= 0 {
		return parent
	}
	return i
}
