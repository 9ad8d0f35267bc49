package render

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"
)

// locate finds the line of every object's kind in its template: the line that
// says the kind, of the document whose name fits best. A template that takes
// the kind from elsewhere leaves the line 0.
func locate(objects []*Object, names []string, templates map[string]template) {
	byTemplate := map[string][]*Object{}
	for i, o := range objects {
		byTemplate[names[i]] = append(byTemplate[names[i]], o)
	}
	for name, list := range byTemplate {
		anchors := findAnchors(templates[name].text)
		for _, o := range list {
			if a := bestAnchor(anchors, o); a != nil {
				a.used++
				o.Line = a.line
			}
		}
	}
}

// anchor is a line of a template that says a kind, with the name that belongs to it.
type anchor struct {
	line   int
	indent int
	kind   string // "" where an action decides
	name   pattern
	used   int
}

// pattern is a value of a template in which actions stand for anything.
type pattern struct {
	re      *regexp.Regexp
	literal int // how many characters are not an action
}

func bestAnchor(anchors []*anchor, o *Object) *anchor {
	var best *anchor
	for _, a := range anchors {
		if a.kind != "" && a.kind != o.Kind || a.name.re != nil && !a.name.re.MatchString(o.Name) {
			continue
		}
		if best == nil || a.better(best) {
			best = a
		}
	}
	return best
}

// better prefers a kind that is written out, at the first column (others may
// be of a role ref), the more telling name, and then the line that fewer objects have taken.
func (a *anchor) better(b *anchor) bool {
	if (a.kind == "") != (b.kind == "") {
		return a.kind != ""
	}
	if (a.indent == 0) != (b.indent == 0) {
		return a.indent == 0
	}
	if a.name.literal != b.name.literal {
		return a.name.literal > b.name.literal
	}
	return a.used < b.used
}

func findAnchors(text []byte) []*anchor {
	var all, open []*anchor
	metadata := -1 // indentation of the metadata key that we are in
	name := pattern{}
	closeDoc := func() {
		for _, a := range open {
			a.name = name
		}
		open, metadata, name = nil, -1, pattern{}
	}
	n := 0
	for line := range bytes.Lines(text) {
		n++
		if bytes.HasPrefix(line, []byte("---")) {
			closeDoc()
			continue
		}
		body := bytes.TrimLeft(line, " ")
		indent := len(line) - len(body)
		if item, ok := bytes.CutPrefix(body, []byte("- ")); ok {
			body, indent = item, indent+2
		}
		if !mayNameObject(body) {
			continue
		}
		key, value, ok := strings.Cut(strings.TrimSpace(string(body)), ":")
		if !ok {
			continue
		}
		value = strings.TrimSpace(value)
		switch {
		case key == "kind" && value != "":
			a := newAnchor(n, indent, value)
			if name.re != nil && metadata == indent && len(open) > 0 {
				closeDoc() // the next item of a list, or a document after a separator that an action writes
			}
			all, open = append(all, a), append(open, a)
		case key == "metadata" && value == "" && name.re == nil:
			metadata = indent
		case key == "name" && metadata >= 0 && indent > metadata && name.re == nil:
			name = newPattern(value)
		}
	}
	closeDoc()
	return all
}

// mayNameObject tells whether a line may begin with one of the keys kind, metadata and name.
func mayNameObject(line []byte) bool {
	if len(line) == 0 {
		return false
	}
	switch c := line[0]; c {
	case 'k', 'm', 'n':
		return true
	default:
		return c <= ' ' || c >= utf8.RuneSelf // space may come before
	}
}

// newAnchor reads the value of a kind. Below the first column a kind that an action decides says nothing.
func newAnchor(line, indent int, value string) *anchor {
	value, _, _ = strings.Cut(value, " #")
	kind := strings.Trim(strings.TrimSpace(value), `"'`)
	if strings.Contains(kind, "{{") {
		if kind = ""; indent > 0 {
			kind = "{{"
		}
	}
	return &anchor{line: line, indent: indent, kind: kind}
}

func newPattern(value string) pattern {
	value = strings.Trim(value, `"'`)
	var b strings.Builder
	literal := 0
	for value != "" {
		before, rest, ok := strings.Cut(value, "{{")
		b.WriteString(regexp.QuoteMeta(before))
		literal += len(before)
		if !ok {
			break
		}
		b.WriteString(".*")
		if _, value, ok = strings.Cut(rest, "}}"); !ok {
			break
		}
	}
	return pattern{re: regexp.MustCompile("^" + b.String() + "$"), literal: literal}
}
