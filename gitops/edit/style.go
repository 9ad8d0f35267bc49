package edit

import (
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// listStyle is how a list in block style is written.
type listStyle struct {
	dash  int // column of the dashes
	gap   int // from a dash to what follows it
	quote quoting
	blank bool // blank lines between the items
}

// podsForm is how an entry of the mutator names its pods.
type podsForm int

const (
	formUnknown podsForm = iota
	formMap              // pods: {allow: [...], deny: [...]}
	formList             // pods: [...]
)

// podsStyle is how the entries of the mutator's list write their pods.
type podsStyle struct {
	form  podsForm
	step  int // from "pods" to "allow"
	inMap int // from "allow" to the dashes below it
	list  int // from "pods" to the dashes below it
	gap   int
	quote quoting
}

// itemStart returns the line and the column of the dash of a list's item.
func (s *source) itemStart(item *yaml.Node) (number, dash int, err error) {
	number = lineOf(item)
	text := s.lines[number].of(s.masked)
	dash = indentOf(text)
	if dash < len(text) && text[dash] == '-' && dash < item.Column-1 {
		return number, dash, nil
	}
	return 0, 0, fmt.Errorf("%w: the item at line %d does not begin with its dash", ErrForm, item.Line)
}

// listStyleOf returns how the list is written; it has at least one item and block style.
func (s *source) listStyleOf(list *yaml.Node) (listStyle, error) {
	var starts []int
	var style listStyle
	for _, item := range list.Content {
		number, dash, err := s.itemStart(item)
		if err != nil {
			return style, err
		}
		starts = append(starts, number)
		style.dash, style.gap = dash, s.gap(number, dash)
	}
	style.blank = s.gaps(starts)
	style.quote = quotingOf(list.Content)
	return style, nil
}

// gap returns how far behind the dash of an item its text begins, directives included.
func (s *source) gap(number, dash int) int {
	return 1 + indentOf(s.lines[number].of(s.text)[dash+1:])
}

// firstGap is the gap of a list's first item.
func (s *source) firstGap(list *yaml.Node) int {
	item := list.Content[0]
	if item.Line != list.Line {
		return item.Column - list.Column
	}
	return s.gap(lineOf(item), list.Column-1)
}

// step returns how much deeper a mapping's entries stand than the mapping's key.
func (d *document) step() int {
	if d.policies.Kind == yaml.MappingNode && !isFlow(d.policies) && len(d.policies.Content) > 0 {
		if step := d.policies.Content[0].Column - d.key.Column; step > 0 {
			return step
		}
	}
	return 2
}

// dashOffset returns how much deeper the dashes of a list stand than its key: as
// in the first list among the given nodes that shows it, else one step.
func (d *document) dashOffset(nodes ...*yaml.Node) int {
	for _, n := range nodes {
		if offset, ok := firstDashOffset(n); ok {
			return offset
		}
	}
	return d.step()
}

func firstDashOffset(n *yaml.Node) (int, bool) {
	if n == nil {
		return 0, false
	}
	for i := 1; n.Kind == yaml.MappingNode && i < len(n.Content); i += 2 {
		key, value := n.Content[i-1], n.Content[i]
		if isBlockList(value) && value.Line > key.Line && value.Column >= key.Column {
			return value.Column - key.Column, true
		}
	}
	for _, c := range n.Content {
		if offset, ok := firstDashOffset(c); ok {
			return offset, true
		}
	}
	return 0, false
}

func isBlockList(n *yaml.Node) bool {
	return n.Kind == yaml.SequenceNode && !isFlow(n) && len(n.Content) > 0
}

// podsStyleOf returns how the items of the mutator's list write their pods: in the
// form of the last item that has any, and in the style of the last one that shows
// it. What none shows stays as byDefault has it.
func (s *source) podsStyleOf(list *yaml.Node, byDefault podsStyle) (podsStyle, error) {
	style := byDefault
	form := formUnknown
	if list == nil {
		return style, nil
	}
	for i := len(list.Content) - 1; i >= 0; i-- {
		key, pods, err := child(list.Content[i], podsKey)
		if err != nil {
			return style, err
		}
		seen := formOf(pods)
		if form == formUnknown && seen != formUnknown {
			form, style.form = seen, seen
		}
		if seen == formUnknown || seen != form {
			continue
		}
		if style.learn(s, key, pods) {
			break
		}
		if lists := append(childValues(pods, allowKey, denyKey), pods); style.quote == byDefault.quote {
			style.quote = quotingOf(lists[0].Content)
		}
	}
	return style, nil
}

// formOf returns the form of a value of "pods", unknown where it is absent or empty.
func formOf(pods *yaml.Node) podsForm {
	switch {
	case pods == nil || len(pods.Content) == 0:
		return formUnknown
	case pods.Kind == yaml.SequenceNode:
		return formList
	case pods.Kind == yaml.MappingNode:
		return formMap
	}
	return formUnknown
}

// learn takes over the style of one item's pods, and says whether they show it.
func (st *podsStyle) learn(s *source, key, pods *yaml.Node) bool {
	if isBlockList(pods) {
		st.list = pods.Column - key.Column
		st.gap = s.firstGap(pods)
		st.quote = quotingOf(pods.Content)
		return true
	}
	for i := 1; pods.Kind == yaml.MappingNode && i < len(pods.Content); i += 2 {
		k, list := pods.Content[i-1], pods.Content[i]
		if isBlockList(list) && list.Line > k.Line {
			st.step = k.Column - key.Column
			st.inMap = list.Column - k.Column
			st.gap = s.firstGap(list)
			st.quote = quotingOf(list.Content)
			return true
		}
	}
	return false
}

func pad(n int) string { return strings.Repeat(" ", n) }

// commentLines returns comment lines at the given indentation.
func commentLines(indent int, lines []string) []string {
	var out []string
	for _, text := range lines {
		out = append(out, strings.TrimRight(pad(indent)+"# "+text, " "))
	}
	return out
}
