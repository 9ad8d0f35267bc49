package edit

import (
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// flow is where a collection in flow style ("[a, b]") stands in the text.
type flow struct {
	open, close int  // offsets of the brackets
	last        int  // offset behind the last thing in it, comments aside
	comma       bool // the last thing is a comma
	empty       bool
}

func isFlow(n *yaml.Node) bool {
	return n.Style&yaml.FlowStyle != 0 && (n.Kind == yaml.SequenceNode || n.Kind == yaml.MappingNode)
}

// flow finds the brackets of a collection in flow style. It fails where the node does not begin with one.
func (s *source) flow(n *yaml.Node) (flow, bool) {
	text := s.masked
	open := s.offsetOf(n)
	if open >= len(text) || text[open] != '[' && text[open] != '{' {
		return flow{}, false
	}
	f := flow{open: open, last: open + 1, empty: true}
	depth, fresh := 0, true // fresh: a quote here begins a string
	for i := open; i < len(text); i++ {
		c := text[i]
		switch {
		case isSpace(c):
			continue
		case c == '#' && isSpace(text[i-1]):
			for i+1 < len(text) && text[i+1] != '\n' {
				i++
			}
			continue
		case fresh && (c == '"' || c == '\''):
			if i = scalarEnd(text, i); i < 0 {
				return flow{}, false
			}
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			if depth--; depth == 0 {
				f.close = i
				return f, true
			}
		}
		fresh = strings.IndexByte("[{,:", c) >= 0
		if i > open {
			f.last, f.comma, f.empty = i+1, c == ',' && depth == 1, false
		}
	}
	return flow{}, false
}

// scalarEnd returns the offset of the quote that ends a quoted scalar, -1 if there is none.
func scalarEnd(text []byte, start int) int {
	quote := text[start]
	for i := start + 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quote == '"':
			i++
		case text[i] != quote:
		case quote == '\'' && i+1 < len(text) && text[i+1] == '\'':
			i++
		default:
			return i
		}
	}
	return -1
}

// element is one thing to add to a collection in flow style.
type element struct {
	text    string
	comment []string
}

// appendFlow adds elements to a collection in flow style. Where its last element
// has a line of its own, so have the new ones, with their comments above them; else they go into
// that line, and the comments above it. What a template directive ends is refused: it is not known
// whether its block is there, nor how often.
func (p *placer) appendFlow(n *yaml.Node, elements []element) error {
	f, ok := p.flow(n)
	if !ok {
		return fmt.Errorf("%w: the list at line %d is not in a form that can be completed", ErrForm, n.Line)
	}
	first, last := lineAt(p.lines, f.open), lineAt(p.lines, max(f.last-1, f.open))
	if last > first && lineAt(p.lines, f.close) > last {
		return p.appendFlowLines(f, last, elements)
	}
	for _, a := range p.actions[firstAction(p.actions, f.last):] {
		if a.start < f.close && a.role != silent {
			return fmt.Errorf("%w: template directives end the list at line %d", ErrForm, last+1)
		}
	}
	var text strings.Builder
	for i, e := range elements {
		switch {
		case i > 0, !f.empty && !f.comma:
			text.WriteString(", ")
		case f.comma:
			text.WriteString(" ")
		}
		text.WriteString(e.text)
		if err := p.put(first, commentLines(p.indent(first), e.comment)); err != nil {
			return err
		}
	}
	p.splice.replace(f.last, f.last, text.String())
	return nil
}

func (p *placer) appendFlowLines(f flow, last int, elements []element) error {
	if p.isDynamic(f.last, f.close) || p.inAction[last+1] {
		return fmt.Errorf("%w: template directives end the list at line %d", ErrForm, last+1)
	}
	if !f.comma {
		p.splice.replace(f.last, f.last, ",")
	}
	indent := p.indent(last)
	var lines []string
	for i, e := range elements {
		lines = append(lines, commentLines(indent, e.comment)...)
		comma := ","
		if i == len(elements)-1 && !f.comma {
			comma = ""
		}
		lines = append(lines, pad(indent)+e.text+comma)
	}
	return p.put(last+1, lines)
}
