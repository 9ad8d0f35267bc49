package edit

import (
	"bytes"
	"sort"
)

// splice collects what is to be written into the lines of a text.
type splice struct {
	text  []byte
	lines []line
	// added are the new lines by the index of the line that they precede.
	added map[int][]string
	// inline are the changes within a line, by its index.
	inline map[int][]inlineEdit
}

// inlineEdit replaces the bytes of the source from start to end.
type inlineEdit struct {
	start, end int
	text       string
}

func newSplice(text []byte, lines []line) *splice {
	return &splice{text: text, lines: lines, added: map[int][]string{}, inline: map[int][]inlineEdit{}}
}

// add puts lines before the line with the given index, behind those that were put there already.
func (s *splice) add(before int, lines ...string) {
	s.added[before] = append(s.added[before], lines...)
}

// replace changes the part of one line that lies from start to end.
func (s *splice) replace(start, end int, text string) {
	number := lineAt(s.lines, start)
	if number == len(s.lines) {
		number--
	}
	s.inline[number] = append(s.inline[number], inlineEdit{start, end, text})
}

// apply returns the text with everything written, and the lines that differ.
func (s *splice) apply() ([]byte, []Change) {
	if len(s.added) == 0 && len(s.inline) == 0 {
		return s.text, nil
	}
	var out bytes.Buffer
	var changes []Change
	number := 1
	for i := 0; i <= len(s.lines); i++ {
		for _, text := range s.added[i] {
			s.writeAdded(&out, i, text)
			changes = append(changes, Change{Line: number, Text: text})
			number++
		}
		if i == len(s.lines) {
			break
		}
		l := s.lines[i]
		text := s.edited(i)
		out.Write(text)
		if edits := s.inline[i]; len(edits) > 0 {
			changes = append(changes, Change{Line: number, Text: string(text), Was: string(l.of(s.text))})
		}
		out.Write(l.eol(s.text))
		number++
	}
	return out.Bytes(), changes
}

// writeAdded writes a new line before the line with the given index. Behind a last
// line without an end it writes the end first, and none of its own.
func (s *splice) writeAdded(out *bytes.Buffer, before int, text string) {
	eol := s.eolAt(before)
	if before == len(s.lines) && before > 0 && len(s.lines[before-1].eol(s.text)) == 0 {
		out.WriteString(eol + text)
		return
	}
	out.WriteString(text + eol)
}

// eolAt returns the line end to use before the line with the given index: that of the nearest line above.
func (s *splice) eolAt(before int) string {
	for i := min(before, len(s.lines)) - 1; i >= 0; i-- {
		switch eol := string(s.lines[i].eol(s.text)); eol {
		case "\r\n", "\n":
			return eol
		}
	}
	if len(s.lines) > 0 && string(s.lines[0].eol(s.text)) == "\r\n" {
		return "\r\n"
	}
	return "\n"
}

// edited returns the line with the given index with its inline changes made.
func (s *splice) edited(number int) []byte {
	l := s.lines[number]
	edits := s.inline[number]
	sort.SliceStable(edits, func(i, j int) bool { return edits[i].start < edits[j].start })
	var out []byte
	at := l.start
	for _, e := range edits {
		out = append(out, s.text[at:e.start]...)
		out = append(out, e.text...)
		at = e.end
	}
	return append(out, s.text[at:l.end]...)
}
