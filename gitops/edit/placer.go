package edit

import (
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// placer writes an addition into the lines of a document.
type placer struct {
	*document
	splice *splice
}

// put adds lines before the line with the given index, unless a template action would eat into them.
func (p *placer) put(before int, lines []string) error {
	if len(lines) == 0 {
		return nil
	}
	if !p.free(before, lines) {
		return fmt.Errorf("%w: a template action reaches into line %d, where lines would be added", ErrForm, before+1)
	}
	p.splice.add(before, lines...)
	return nil
}

func (p *placer) free(before int, lines []string) bool {
	if before < len(p.lines) && p.inAction[before] {
		return false
	}
	for _, text := range lines {
		if text != "" {
			return !p.glued(before, indentOf([]byte(text)))
		}
	}
	return true
}

// addition to a list: how it reads as an item in block style, and in flow style.
type listItem struct {
	lines   func(listStyle) []string
	element func(quoting) element
}

// appendTo adds items behind the last item of a list that has some.
func (p *placer) appendTo(key, list *yaml.Node, items []listItem) error {
	if isFlow(list) {
		var elements []element
		for _, item := range items {
			elements = append(elements, item.element(quotingOf(list.Content)))
		}
		return p.appendFlow(list, elements)
	}
	style, err := p.listStyleOf(list)
	if err != nil {
		return err
	}
	lines := styled(items, style)
	target := p.blockAt(lineOf(key))
	for i := len(list.Content) - 1; i >= 0; i-- {
		first, _, err := p.itemStart(list.Content[i])
		if err != nil {
			return err
		}
		before, err := p.after(p.lastLine(first, style.dash, list.Content[i]), style.dash, target)
		if err == nil && p.free(before, lines) {
			return p.put(before, lines)
		}
	}
	before, err := p.after(lineOf(key), style.dash, target)
	if err != nil {
		return err
	}
	return p.put(before, lines)
}

func styled(items []listItem, style listStyle) []string {
	var lines []string
	for _, item := range items {
		if style.blank {
			lines = append(lines, "")
		}
		lines = append(lines, item.lines(style)...)
	}
	return lines
}

// fill gives a key that has no value, or an empty one, the given lines for its value.
func (p *placer) fill(key, value *yaml.Node, lines []string) error {
	if err := p.clear(key, value); err != nil {
		return err
	}
	before, err := p.after(lineOf(key), key.Column, p.blockAt(lineOf(key)))
	if err != nil {
		return err
	}
	return p.put(before, lines)
}

// clear removes an empty value that stands on its key's line: {}, [], ~ or null.
func (p *placer) clear(key, value *yaml.Node) error {
	refusal := fmt.Errorf("%w: the value of %s at line %d cannot be completed", ErrForm, key.Value, key.Line)
	if value.Anchor != "" || value.Style&yaml.TaggedStyle != 0 {
		return refusal
	}
	if isNull(value) && value.Value == "" {
		return nil
	}
	start := p.offsetOf(value)
	end := start + len(value.Value)
	if !isNull(value) {
		f, ok := p.flow(value)
		if !ok {
			return refusal
		}
		end = f.close + 1
	}
	for start > 0 && (p.masked[start-1] == ' ' || p.masked[start-1] == '\t') {
		start--
	}
	l := p.lines[lineOf(key)]
	if start <= l.start || end > l.end || p.masked[start-1] != ':' || p.isDynamic(start, end) {
		return refusal
	}
	p.splice.replace(start, end, "")
	return nil
}

// atEnd adds lines as entries at the end of a mapping in block style that begins on
// line first with a key or dash at column col, in the template block of that line.
func (p *placer) atEnd(first, col int, mapping *yaml.Node, lines []string) error {
	entries := mapping.Content[0].Column - 1
	before, err := p.after(p.lastLine(first, col, mapping), entries, p.blockAt(first))
	if err != nil {
		return err
	}
	return p.put(before, lines)
}

// column returns the column of a key in lines that hold nothing before it but blanks or a dash.
func column(n *yaml.Node) int { return n.Column - 1 }

// isEmpty says whether a value is null or an empty collection.
func isEmpty(n *yaml.Node) bool {
	return isNull(n) || n.Kind != yaml.ScalarNode && n.Kind != yaml.AliasNode && len(n.Content) == 0
}

func scalarItem(entry Entry) listItem {
	return listItem{
		lines: func(style listStyle) []string {
			return append(commentLines(style.dash, entry.Comment),
				pad(style.dash)+"-"+pad(style.gap-1)+style.quote.write(entry.Pattern))
		},
		element: func(q quoting) element {
			return element{text: q.writeInFlow(entry.Pattern), comment: entry.Comment}
		},
	}
}

func scalarItems(entries []Entry) []listItem {
	var items []listItem
	for _, entry := range entries {
		items = append(items, scalarItem(entry))
	}
	return items
}

// inline joins the entries as a list in flow style, with all their comments.
func inline(entries []Entry, q quoting) (text string, comments []string) {
	var names []string
	for _, entry := range entries {
		names = append(names, q.writeInFlow(entry.Pattern))
		comments = append(comments, entry.Comment...)
	}
	return "[" + strings.Join(names, ", ") + "]", comments
}
