package analysis

import (
	"bytes"
	"iter"
	"strings"
)

// step is one thing in a template that scan looks at: an object's kind, a line that gives
// a name, or an action.
type step struct {
	text string // the line or the action
	kind string
	at   int // where the line of a kind begins in the template, -1 where that is not known
	// action is the word that an action begins with, "" where it begins with none, and rest what follows it.
	action, rest string
}

// maxAction bounds how long an action may be.
const maxAction = 1 << 14

// steps yields the steps of a template in their order. Brackets around what a field is
// asked of are left out, as in (.Values.a).b.
func steps(text []byte) iter.Seq[step] {
	return func(yield func(step) bool) {
		bracketed := bytes.Contains(text, []byte(")."))
		for at, piece := range pieces(text) {
			if bracketed {
				piece = strings.ReplaceAll(piece, ").", ".")
			}
			if !stepsOf(piece, at, yield) {
				return
			}
		}
	}
}

// pieces yields the lines that hold steps, those that one action spans joined, and where they begin.
// It copies these alone: most of a large template is none.
func pieces(text []byte) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		start, looked, open := 0, false, false // open: an action began after the last one ended
		for at := 0; at < len(text); {
			end := len(text)
			if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
				end = at + i + 1
			}
			line := text[at:end]
			at = end
			if began := lastIndex(line, "{{"); began >= 0 {
				looked, open = true, began > lastIndex(line, "}}")
			} else if open {
				open = !bytes.Contains(line, []byte("}}"))
			}
			looked = looked || bytes.Contains(line, []byte("kind:")) || bytes.Contains(line, []byte("name:"))
			if open && end-start < maxAction {
				continue
			}
			if looked && !yield(start, string(text[start:end])) {
				return
			}
			start, looked, open = end, false, false
		}
	}
}

// lastIndex is bytes.LastIndex, which is slow where there is nothing to find.
func lastIndex(text []byte, what string) int {
	last := -1
	for at := 0; ; {
		i := bytes.Index(text[at:], []byte(what))
		if i < 0 {
			return last
		}
		last = at + i
		at = last + 1
	}
}

// lineEnd is where the line ends that holds a place, its end of line included.
func lineEnd(text string, at int) int {
	if i := strings.IndexByte(text[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(text)
}

// stepsOf yields the steps of a piece that begins at a place of the template, until it is
// told to stop, which it tells in turn.
func stepsOf(piece string, begins int, yield func(step) bool) bool {
	for at := 0; at < len(piece); {
		end := lineEnd(piece, at)
		if at == 0 || piece[at-1] == '\n' {
			line := strings.TrimSuffix(piece[at:end], "\n")
			if kind, n := kindOn(line); n > 0 {
				place := begins
				if at > 0 {
					place = -1 // brackets may have been left out before it
				}
				if !yield(step{kind: kind, at: place}) {
					return false
				}
				at += n
				continue
			}
			if strings.Contains(line, "name:") {
				if !yield(step{text: line}) {
					return false
				}
				at = end
				continue
			}
		}
		begin := strings.Index(piece[at:end], "{{")
		if begin < 0 {
			at = end
			continue
		}
		s, n := actionAt(piece[at+begin:])
		if n == 0 { // none ends any more
			at = end
			continue
		}
		if !yield(s) {
			return false
		}
		at += begin + n
	}
	return true
}

// kindOn reads the kind that a line gives, and tells how far it has read: 0 where there is none.
func kindOn(line string) (kind string, n int) {
	rest, ok := strings.CutPrefix(strings.TrimLeft(line, " \t-"), "kind:")
	if !ok {
		return "", 0
	}
	rest = strings.TrimLeft(rest, " \t")
	end := strings.IndexAny(rest, space)
	if end < 0 {
		end = len(rest)
	}
	if end == 0 {
		return "", 0
	}
	return rest[:end], len(line) - len(rest) + end
}

// actionAt reads the action that text begins with and tells its length: 0 where it has no end.
func actionAt(text string) (s step, n int) {
	end := strings.Index(text[2:], "}}")
	if end < 0 {
		return step{}, 0
	}
	rest := strings.TrimLeft(strings.TrimPrefix(text[2:2+end], "-"), space)
	word := 0
	for word < len(rest) && isWordByte(rest[word]) {
		word++
	}
	return step{text: text[:end+4], action: rest[:word], rest: rest[word:]}, end + 4
}

// space is what templates and YAML have between words.
const space = " \t\n\f\r"

func isWordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// valuesRead yields the paths that a text names below .Values, as "a.b".
func valuesRead(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		const values = ".Values"
		for {
			i := strings.Index(text, values)
			if i < 0 {
				return
			}
			text = text[i+len(values):]
			n := fields(text)
			if n > 0 && !yield(text[1:n]) {
				return
			}
			text = text[n:]
		}
	}
}

// relativeRead yields the paths that a text names by the dot alone, as "a.b" of .a.b.
func relativeRead(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for at := 0; at < len(text); {
			i := strings.IndexByte(text[at:], '.')
			if i < 0 {
				return
			}
			at += i
			n := 0
			if at == 0 || text[at-1] == '(' || strings.IndexByte(space, text[at-1]) >= 0 {
				n = fields(text[at:])
			}
			if n > 0 && !yield(text[at+1:at+n]) {
				return
			}
			at += max(n, 1)
		}
	}
}

// fields tells how much of the text's beginning is names with a dot before each.
func fields(text string) int {
	n := 0
	for n+1 < len(text) && text[n] == '.' && isWordByte(text[n+1]) && (text[n+1] < '0' || text[n+1] > '9') {
		n += 2
		for n < len(text) && isWordByte(text[n]) {
			n++
		}
	}
	return n
}

// quotedNames yields the texts in quotes that have no space.
func quotedNames(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for {
			i := strings.IndexByte(text, '"')
			if i < 0 {
				return
			}
			text = text[i+1:]
			end := strings.IndexAny(text, "\""+space)
			if end < 0 {
				return
			}
			if end > 0 && text[end] == '"' {
				if !yield(text[:end]) {
					return
				}
				text = text[end+1:]
			}
		}
	}
}
