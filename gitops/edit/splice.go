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
	// removed are the lines that are dropped, by their indexes.
	removed map[int]bool
}

// inlineEdit replaces the bytes of the source from start to end.
type inlineEdit struct {
	start, end int
	text       string
}

func newSplice(text []byte, lines []line) *splice {
	return &splice{text: text, lines: lines, added: map[int][]string{}, inline: map[int][]inlineEdit{}, removed: map[int]bool{}}
}

// add puts lines before the line with the given index, behind those that were put there already.
func (s *splice) add(before int, lines ...string) {
	if len(lines) > 0 {
		s.added[before] = append(s.added[before], lines...)
	}
}

// drop removes the line with the given index.
func (s *splice) drop(number int) { s.removed[number] = true }

// replace changes the part of one line that lies from start to end.
func (s *splice) replace(start, end int, text string) {
	number := lineAt(s.lines, start)
	if number == len(s.lines) {
		number--
	}
	s.inline[number] = append(s.inline[number], inlineEdit{start, end, text})
}

// changed says whether there is anything to write.
func (s *splice) changed() bool {
	return len(s.added)+len(s.inline)+len(s.removed) > 0
}

// apply returns the text with everything written, and the lines that differ.
func (s *splice) apply() ([]byte, []Change) {
	if !s.changed() {
		return s.text, nil
	}
	w := &spliceWriter{number: 1}
	for i, l := range s.lines {
		s.writeAdded(w, i)
		text, was := string(s.edited(i)), string(l.of(s.text))
		if s.removed[i] {
			w.changes = append(w.changes, Change{Line: w.number, Was: was, Removed: true})
			continue
		}
		if len(s.inline[i]) > 0 {
			w.changes = append(w.changes, Change{Line: w.number, Text: text, Was: was})
		}
		w.line(text, string(l.eol(s.text)))
	}
	s.writeAdded(w, len(s.lines))
	return s.ended(w.out.Bytes()), w.changes
}

// ended takes the line end from behind a new last line, where the source has none there.
func (s *splice) ended(dst []byte) []byte {
	last := len(s.lines) - 1
	if last < 0 || len(s.lines[last].eol(s.text)) > 0 || len(s.added[last+1]) == 0 && !s.removed[last] {
		return dst
	}
	return dst[:len(dst)-breakBehind(dst)]
}

// spliceWriter is the result in the making.
type spliceWriter struct {
	out     bytes.Buffer
	number  int // of the next line
	changes []Change
}

func (w *spliceWriter) line(text, eol string) {
	w.out.WriteString(text)
	w.out.WriteString(eol)
	w.number++
}

// writeAdded writes the new lines before the line with the given index. Behind a
// last line without an end it writes that end first.
func (s *splice) writeAdded(w *spliceWriter, before int) {
	eol := s.eolAt(before)
	for _, text := range s.added[before] {
		if written := w.out.Bytes(); len(written) > 0 && breakBehind(written) == 0 {
			w.out.WriteString(eol)
		}
		w.changes = append(w.changes, Change{Line: w.number, Text: text})
		w.line(text, eol)
	}
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
