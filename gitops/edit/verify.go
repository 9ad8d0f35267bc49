package edit

import (
	"bytes"
	"fmt"
	"sort"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// verify parses the result and compares it with the source's document after the
// addition has been made there on nodes instead of on text. The template actions
// must be the same as before.
func (a *addition) verify(d *document, dst []byte) error {
	after := readSource(dst)
	if !sameActions(d.source, after) {
		return fmt.Errorf("%w: a template action has changed", ErrUnproven)
	}
	got, err := after.locate(a.edit.Mutator, a.edit.DefaultMutator)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnproven, err)
	}
	a.expect(d)
	if !equal(d.root, got.root) {
		return fmt.Errorf("%w: namespace %s", ErrUnproven, a.edit.Namespace)
	}
	return nil
}

func sameActions(before, after *source) bool {
	if len(before.actions) != len(after.actions) {
		return false
	}
	for i, a := range before.actions {
		b := after.actions[i]
		if !bytes.Equal(before.text[a.start:a.end], after.text[b.start:b.end]) {
			return false
		}
	}
	return true
}

// expect makes the addition on the nodes of the document.
func (a *addition) expect(d *document) {
	if a.defaultItem {
		list := expectList(d, a.edit.DefaultMutator)
		list.Content = append(list.Content, yaml.NewStringRNode(a.edit.Namespace).YNode())
	}
	if a.item == nil && a.edit.Harden {
		list := expectList(d, a.edit.Mutator)
		a.item = newMapping()
		set(a.item, namespaceKey, yaml.NewStringRNode(a.edit.Namespace).YNode())
		list.Content = append(list.Content, a.item)
	}
	for _, s := range a.sides() {
		var list *yaml.Node
		if a.form == formList {
			list = ensure(a.item, podsKey, yaml.SequenceNode)
		} else {
			list = ensure(ensure(a.item, podsKey, yaml.MappingNode), s.key, yaml.SequenceNode)
		}
		for _, entry := range s.entries {
			list.Content = append(list.Content, yaml.NewStringRNode(entry.Pattern).YNode())
		}
	}
}

func expectList(d *document, name string) *yaml.Node {
	become(d.policies, yaml.MappingNode)
	policy := ensure(d.policies, name, yaml.MappingNode)
	if len(policy.Content) == 0 {
		set(policy, "enabled", &yaml.Node{Kind: yaml.ScalarNode, Tag: yaml.NodeTagBool, Value: "true"})
	}
	return ensure(policy, namespacesKey, yaml.SequenceNode)
}

// ensure returns the value of a mapping's entry, which it creates or, where it is null or empty, turns into kind.
func ensure(mapping *yaml.Node, key string, kind yaml.Kind) *yaml.Node {
	_, value, err := child(mapping, key)
	if err != nil || value == nil {
		value = &yaml.Node{}
		set(mapping, key, value)
	}
	become(value, kind)
	return value
}

func become(n *yaml.Node, kind yaml.Kind) {
	if n.Kind != kind && len(n.Content) == 0 {
		*n = yaml.Node{Kind: kind}
	}
}

func newMapping() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode} }

func set(mapping *yaml.Node, key string, value *yaml.Node) {
	mapping.Content = append(mapping.Content, yaml.NewStringRNode(key).YNode(), value)
}

// equal compares two values. The order of a mapping's entries does not count; in a
// list, the last items of want may stand together elsewhere in got.
func equal(want, got *yaml.Node) bool {
	if want.Kind != got.Kind || len(want.Content) != len(got.Content) || want.Anchor != got.Anchor {
		return false
	}
	switch want.Kind {
	case yaml.MappingNode:
		w, g := entries(want), entries(got)
		for i := range w {
			if !equal(w[i][0], g[i][0]) || !equal(w[i][1], g[i][1]) {
				return false
			}
		}
		return true
	case yaml.SequenceNode:
		return equalLists(want.Content, got.Content)
	case yaml.AliasNode:
		return want.Value == got.Value
	}
	return want.ShortTag() == got.ShortTag() && want.Value == got.Value
}

func equalLists(want, got []*yaml.Node) bool {
	i := 0
	for i < len(got) && equal(want[i], got[i]) {
		i++
	}
	if i == len(got) {
		return true
	}
	for added := 1; i+added <= len(got); added++ {
		tail := len(want) - added
		if equalEach(want[tail:], got[i:i+added]) && equalEach(want[i:tail], got[i+added:]) {
			return true
		}
	}
	return false
}

func equalEach(want, got []*yaml.Node) bool {
	for i := range want {
		if !equal(want[i], got[i]) {
			return false
		}
	}
	return true
}

// entries returns a mapping's entries in the order of their keys.
func entries(mapping *yaml.Node) [][2]*yaml.Node {
	var all [][2]*yaml.Node
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		all = append(all, [2]*yaml.Node{mapping.Content[i], mapping.Content[i+1]})
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i][0].Value < all[j][0].Value })
	return all
}
