package edit

import (
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// noPods is the comment in an item without pods. It stays true when someone adds some.
const noPods = "Leaving out pods hardens every ServiceAccount and pod of the namespace"

// place writes what is missing. Where one policy has to be created behind the
// other, the other's list is completed first.
func (a *addition) place(p *placer) error {
	steps := []func(*placer) error{a.placeDefault, a.placeNamespace}
	if a.fallback.key == nil && a.mutator.key != nil {
		steps[0], steps[1] = steps[1], steps[0]
	}
	for _, step := range steps {
		if err := step(p); err != nil {
			return err
		}
	}
	return nil
}

func (a *addition) placeDefault(p *placer) error {
	if !a.defaultItem {
		return nil
	}
	return p.list(a.fallback, a.mutator, scalarItem(Entry{Pattern: a.edit.Namespace}))
}

func (a *addition) placeNamespace(p *placer) error {
	switch {
	case a.newItem():
		return p.list(a.mutator, a.fallback, a.namespaceItem())
	case len(a.edit.Allow)+len(a.edit.Deny) > 0:
		return a.placePods(p)
	}
	return nil
}

// list adds an item to a policy's list of namespaces, and what is missing of the policy.
func (p *placer) list(at, sibling policy, item listItem) error {
	switch {
	case at.key == nil:
		return p.newPolicy(at.name, sibling, item)
	case at.list != nil && !isEmpty(at.list):
		return p.appendTo(at.listKey, at.list, []listItem{item})
	case at.list != nil && isFlow(at.value), at.list == nil && isFlow(at.value) && len(at.value.Content) > 0:
		e := item.element(quotingOf(nil))
		if at.list != nil {
			return p.appendFlow(at.list, []element{e})
		}
		e.text = namespacesKey + ": [" + e.text + "]"
		return p.appendFlow(at.value, []element{e})
	case at.list != nil:
		return p.fill(at.listKey, at.list, styled([]listItem{item}, p.newList(at.listKey, sibling)))
	case isEmpty(at.value):
		return p.fill(at.key, at.value, p.policyBody(column(at.key)+p.step(), sibling, item))
	}
	first := at.value.Content[0]
	lines := p.listLines(column(first), sibling, item)
	return p.atEnd(lineOf(at.key), column(at.key), at.value, lines)
}

// newList returns the style of a list that has no item yet, under the given key.
func (p *placer) newList(key *yaml.Node, sibling policy) listStyle {
	style := p.listUnder(column(key), sibling)
	// What a template action fills in decides.
	for _, a := range p.actions {
		number := lineAt(p.lines, a.start)
		if number < lineOf(key) {
			continue
		}
		if number > lineOf(key) && p.kindOf(number) == content && p.indent(number) <= column(key) {
			break
		}
		if a.breaks && a.indent >= column(key) {
			style.dash = a.indent
			break
		}
	}
	return style
}

// listUnder returns the style for a new list under a key at column col.
func (p *placer) listUnder(col int, sibling policy) listStyle {
	style := listStyle{gap: 2, quote: quotingOf(nil)}
	style.dash = col + p.dashOffset(sibling.value, p.policies)
	return style
}

func (p *placer) listLines(col int, sibling policy, item listItem) []string {
	return append([]string{pad(col) + namespacesKey + ":"}, styled([]listItem{item}, p.listUnder(col, sibling))...)
}

func (p *placer) policyBody(col int, sibling policy, item listItem) []string {
	return append([]string{pad(col) + "enabled: true"}, p.listLines(col, sibling, item)...)
}

// newPolicy creates a policy: behind its sibling, else behind the last policy of
// the same family, else behind the last of all.
func (p *placer) newPolicy(name string, sibling policy, item listItem) error {
	col := column(p.key) + p.step()
	key := pad(col) + quotingOf(nil).write(name) + ":"
	lines := append([]string{key}, p.policyBody(col+p.step(), sibling, item)...)
	if isEmpty(p.policies) {
		if len(p.splice.added) > 0 { // its sibling has been created already
			lines = append([]string{""}, lines...)
			return p.fillMore(lines)
		}
		return p.fill(p.key, p.policies, lines)
	}
	if isFlow(p.policies) {
		return fmt.Errorf("%w: the policies at line %d are in flow style", ErrForm, p.key.Line)
	}
	neighbour := p.neighbour(name, sibling)
	if p.gaps(keyLines(p.policies)) || len(p.policies.Content) == 2 {
		lines = append([]string{""}, lines...)
	}
	last := p.lastLine(lineOf(neighbour), column(neighbour), valueOf(p.policies, neighbour))
	before, err := p.after(last, column(neighbour), p.blockAt(lineOf(p.key)))
	if err != nil {
		return err
	}
	return p.put(before, lines)
}

// fillMore adds further lines where policies that were empty have just got some.
func (p *placer) fillMore(lines []string) error {
	before, err := p.after(lineOf(p.key), p.key.Column, p.blockAt(lineOf(p.key)))
	if err != nil {
		return err
	}
	return p.put(before, lines)
}

// neighbour returns the key of the policy behind which a new one goes.
func (p *placer) neighbour(name string, sibling policy) *yaml.Node {
	if sibling.key != nil {
		return sibling.key
	}
	family, _, _ := strings.Cut(name, "-")
	keys := p.policies.Content
	for i := len(keys) - 2; i >= 0; i -= 2 {
		if strings.HasPrefix(keys[i].Value, family+"-") {
			return keys[i]
		}
	}
	return keys[len(keys)-2]
}

func keyLines(mapping *yaml.Node) []int {
	var lines []int
	for i := 0; i < len(mapping.Content); i += 2 {
		lines = append(lines, lineOf(mapping.Content[i]))
	}
	return lines
}

func valueOf(mapping, key *yaml.Node) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i] == key {
			return mapping.Content[i+1]
		}
	}
	return key
}
