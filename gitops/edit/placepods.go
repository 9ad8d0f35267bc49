package edit

import (
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// namespaceItem is the namespace's new item in the mutator's list.
func (a *addition) namespaceItem() listItem {
	name := a.edit.Namespace
	return listItem{
		lines: func(style listStyle) []string {
			col := style.dash + style.gap
			lines := []string{pad(style.dash) + "-" + pad(style.gap-1) + namespaceKey + ": " + a.nameQuoting().write(name)}
			if len(a.edit.Allow)+len(a.edit.Deny) == 0 {
				return append(lines, commentLines(col, []string{noPods})...)
			}
			return append(lines, a.podsLines(col)...)
		},
		element: func(quoting) element {
			pods, comment := a.podsInline()
			if pods == "" {
				comment = []string{noPods}
			} else {
				pods = ", " + pods
			}
			return element{fmt.Sprintf("{%s: %s%s}", namespaceKey, a.nameQuoting().writeInFlow(name), pods), comment}
		},
	}
}

// nameQuoting returns how the items of the mutator's list write their namespaces.
func (a *addition) nameQuoting() quoting {
	var names []*yaml.Node
	if a.mutator.list != nil {
		for _, item := range a.mutator.list.Content {
			names = append(names, childValues(item, namespaceKey)...)
		}
	}
	return quotingOf(names)
}

// childValues returns the values of the named entries that a mapping has.
func childValues(n *yaml.Node, names ...string) []*yaml.Node {
	var values []*yaml.Node
	for _, name := range names {
		if _, value, err := child(n, name); err == nil && value != nil {
			values = append(values, value)
		}
	}
	return values
}

// podsLines returns the key "pods" at column col with everything to add below it.
func (a *addition) podsLines(col int) []string {
	return append([]string{pad(col) + podsKey + ":"}, a.podsBody(col)...)
}

// podsBody returns what goes below a key "pods" at column col.
func (a *addition) podsBody(col int) []string {
	if a.form == formList {
		return styled(scalarItems(a.edit.Allow), a.podList(col+a.style.list))
	}
	return append(a.side(allowKey, a.edit.Allow, col+a.style.step), a.side(denyKey, a.edit.Deny, col+a.style.step)...)
}

// side returns the key "allow" or "deny" at column col with its entries; nothing where there are none.
func (a *addition) side(key string, entries []Entry, col int) []string {
	if len(entries) == 0 {
		return nil
	}
	return append([]string{pad(col) + key + ":"}, styled(scalarItems(entries), a.podList(col+a.style.inMap))...)
}

func (a *addition) podList(dash int) listStyle {
	return listStyle{dash: dash, gap: a.style.gap, quote: a.style.quote}
}

// podsInline returns the entry "pods" in flow style, empty where there are none to add.
func (a *addition) podsInline() (text string, comment []string) {
	if len(a.edit.Allow)+len(a.edit.Deny) == 0 {
		return "", nil
	}
	if a.form == formList {
		list, comment := inline(a.edit.Allow, a.style.quote)
		return podsKey + ": " + list, comment
	}
	var sides []string
	for _, side := range a.sides() {
		list, comments := inline(side.entries, a.style.quote)
		sides = append(sides, side.key+": "+list)
		comment = append(comment, comments...)
	}
	return podsKey + ": {" + strings.Join(sides, ", ") + "}", comment
}

type side struct {
	key     string
	entries []Entry
}

// sides returns what is to be added to "allow" and "deny", without the one that has nothing.
func (a *addition) sides() []side {
	var sides []side
	for _, s := range []side{{allowKey, a.edit.Allow}, {denyKey, a.edit.Deny}} {
		if len(s.entries) > 0 {
			sides = append(sides, s)
		}
	}
	return sides
}

// placePods adds pods to the namespace's item.
func (a *addition) placePods(p *placer) error {
	key, pods, err := child(a.item, podsKey)
	if err != nil {
		return err
	}
	if hasChild(a.item, "<<") {
		return fmt.Errorf("%w: the item at line %d takes its pods from elsewhere", ErrForm, a.item.Line)
	}
	switch {
	case key == nil && isFlow(a.item):
		text, comment := a.podsInline()
		return p.appendFlow(a.item, []element{{text, comment}})
	case key == nil:
		first, dash, err := p.itemStart(a.item)
		if err != nil {
			return err
		}
		return p.atEnd(first, dash, a.item, a.podsLines(column(a.item.Content[0])))
	case isEmpty(pods) && !isFlow(a.item):
		return p.fill(key, pods, a.podsBody(column(key)))
	case pods.Kind == yaml.SequenceNode:
		return p.appendTo(key, pods, scalarItems(a.edit.Allow))
	case pods.Kind == yaml.MappingNode:
		return a.placeSides(p, key, pods)
	}
	return fmt.Errorf("%w: pods at line %d are neither a list nor a mapping", ErrForm, key.Line)
}

// placeSides adds patterns to the lists "allow" and "deny" of an item.
func (a *addition) placeSides(p *placer, podsKey, pods *yaml.Node) error {
	for _, s := range a.sides() {
		key, list, err := child(pods, s.key)
		if err != nil {
			return err
		}
		switch {
		case key == nil && isFlow(pods):
			text, comment := inline(s.entries, a.style.quote)
			err = p.appendFlow(pods, []element{{s.key + ": " + text, comment}})
		case key == nil:
			err = p.atEnd(lineOf(podsKey), column(podsKey), pods, a.side(s.key, s.entries, column(pods.Content[0])))
		case list.Kind == yaml.SequenceNode && (len(list.Content) > 0 || isFlow(pods)):
			err = p.appendTo(key, list, scalarItems(s.entries))
		case isEmpty(list) && !isFlow(pods):
			err = p.fill(key, list, styled(scalarItems(s.entries), a.podList(column(key)+a.style.inMap)))
		default:
			err = fmt.Errorf("%w: %s at line %d is not a list", ErrForm, s.key, key.Line)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
