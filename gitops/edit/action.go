package edit

import (
	"bytes"
	"fmt"
	"regexp"
	"sort"
	"strconv"
)

// role is what a template action does to the text around it.
type role int

const (
	output role = iota // prints something
	silent             // a comment or an assignment: prints nothing
	opens              // if, with, range, define, block
	turns              // else
	closes             // end
)

// action is one template action of a source, with its delimiters.
type action struct {
	start, end          int // byte offsets
	role                role
	define              bool
	trimLeft, trimRight bool
	// breaks says that the action's output begins on a line of its own, as
	// nindent makes it; indent is the indentation it gives, -1 where unknown.
	breaks bool
	indent int
}

var (
	wordPattern    = regexp.MustCompile(`^(if|with|range|block|define|else|end|break|continue)\b`)
	assignPattern  = regexp.MustCompile(`^\$\w*(\s*,\s*\$\w+)?\s*:?=`)
	nindentPattern = regexp.MustCompile(`\bnindent\s+\(?\s*(\d+)?`)
)

// actions finds the template actions of src as the template engine's own lexer
// would. It fails where an action, or a string or comment in one, does not end.
func actions(src []byte) ([]action, error) {
	var found []action
	for pos := 0; ; {
		open := bytes.Index(src[pos:], []byte("{{"))
		if open < 0 {
			return found, nil
		}
		start := pos + open
		end, body, err := actionEnd(src, start)
		if err != nil {
			return nil, fmt.Errorf("template action at line %d: %w", 1+bytes.Count(src[:start], []byte("\n")), err)
		}
		found = append(found, classify(src, start, end, body))
		pos = end
	}
}

// actionEnd returns the offset behind the action that starts at start, and where its body begins.
func actionEnd(src []byte, start int) (end, body int, err error) {
	body = start + 2
	if body+1 < len(src) && src[body] == '-' && isSpace(src[body+1]) {
		body += 2
		for body < len(src) && isSpace(src[body]) {
			body++
		}
	}
	if bytes.HasPrefix(src[body:], []byte("/*")) {
		return commentEnd(src, body)
	}
	for i := body; i < len(src); i++ {
		switch src[i] {
		case '}':
			if i+1 < len(src) && src[i+1] == '}' {
				return i + 2, body, nil
			}
		case '"', '\'', '`':
			if i = quoteEnd(src, i); i < 0 {
				return 0, 0, fmt.Errorf("a string in it does not end")
			}
		}
	}
	return 0, 0, fmt.Errorf("it does not end")
}

func commentEnd(src []byte, body int) (end, start int, err error) {
	stop := bytes.Index(src[body+2:], []byte("*/"))
	if stop < 0 {
		return 0, 0, fmt.Errorf("the comment in it does not end")
	}
	i := body + 2 + stop + 2
	for i < len(src) && (isSpace(src[i]) || src[i] == '-') {
		i++
	}
	if !bytes.HasPrefix(src[i:], []byte("}}")) {
		return 0, 0, fmt.Errorf("its comment is followed by something else")
	}
	return i + 2, body, nil
}

// quoteEnd returns the offset of the quote that ends the string starting at i, -1 if there is none.
func quoteEnd(src []byte, i int) int {
	quote := src[i]
	for i++; i < len(src); i++ {
		switch {
		case src[i] == quote:
			return i
		case quote == '`':
		case src[i] == '\\':
			i++
		case src[i] == '\n':
			return -1
		}
	}
	return -1
}

func classify(src []byte, start, end, body int) action {
	a := action{start: start, end: end, indent: -1}
	a.trimLeft = body > start+2
	a.trimRight = end-start >= 6 && src[end-3] == '-' && isSpace(src[end-4])
	text := bytes.TrimLeft(src[body:end-2], " \t\r\n")
	switch word := string(wordPattern.Find(text)); {
	case bytes.HasPrefix(text, []byte("/*")), word == "break", word == "continue", assignPattern.Match(text):
		a.role = silent
	case word == "else":
		a.role = turns
	case word == "end":
		a.role = closes
	case word != "":
		a.role = opens
		a.define = word == "define"
	default:
		if m := lastMatch(nindentPattern, text); m != nil {
			a.breaks = true
			if n, err := strconv.Atoi(string(m[1])); err == nil {
				a.indent = n
			}
		}
	}
	return a
}

func lastMatch(pattern *regexp.Regexp, text []byte) [][]byte {
	all := pattern.FindAllSubmatch(text, -1)
	if len(all) == 0 {
		return nil
	}
	return all[len(all)-1]
}

// firstAction returns the index of the first action that ends behind offset.
func firstAction(all []action, offset int) int {
	return sort.Search(len(all), func(i int) bool { return all[i].end > offset })
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
