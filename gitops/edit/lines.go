package edit

import (
	"bytes"
	"sort"
)

// line is one line of a text: its bytes without the line end, and where the line end stops.
type line struct{ start, end, next int }

func (l line) of(text []byte) []byte { return text[l.start:l.end] }

// eol is the line's end: "\n", "\r\n", another that YAML knows, or "" at the end of the text.
func (l line) eol(text []byte) []byte { return text[l.end:l.next] }

// splitLines splits text at the line breaks that YAML 1.1 knows, so that its
// numbers are those of the parser. A final line end begins no further line.
func splitLines(text []byte) []line {
	var lines []line
	start := 0
	for i := 0; i < len(text); {
		n := breakAt(text[i:])
		if n == 0 {
			i++
			continue
		}
		lines = append(lines, line{start, i, i + n})
		i += n
		start = i
	}
	if start < len(text) {
		lines = append(lines, line{start, len(text), len(text)})
	}
	return lines
}

// breakAt returns the length of the line break that text begins with, 0 if it begins with none.
func breakAt(text []byte) int {
	switch {
	case text[0] == '\n':
		return 1
	case text[0] == '\r':
		if len(text) > 1 && text[1] == '\n' {
			return 2
		}
		return 1
	case bytes.HasPrefix(text, []byte("\u0085")):
		return 2
	case bytes.HasPrefix(text, []byte("\u2028")), bytes.HasPrefix(text, []byte("\u2029")):
		return 3
	}
	return 0
}

// breakBehind returns the length of the line break that text ends with, 0 if it ends with none.
func breakBehind(text []byte) int {
	for n := min(3, len(text)); n > 0; n-- {
		if breakAt(text[len(text)-n:]) == n {
			return n
		}
	}
	return 0
}

// lineAt returns the index of the line that holds the byte at offset.
func lineAt(lines []line, offset int) int {
	return sort.Search(len(lines), func(i int) bool { return lines[i].next > offset })
}

func isBlank(text []byte) bool { return len(bytes.TrimSpace(text)) == 0 }

// indentOf returns the number of spaces that text begins with.
func indentOf(text []byte) int {
	return len(text) - len(bytes.TrimLeft(text, " "))
}
