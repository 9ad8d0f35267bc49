package edit

import (
	"fmt"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// Removal is one pattern of pod names to take out.
type Removal struct {
	Pattern string
	// KeepFirst takes out the repetitions only: what stays is the first of those around which
	// the fewest template blocks stand.
	KeepFirst bool
}

// PolicyRemoval takes entries of one namespace out of the values that PolicyEdit
// adds to. A line goes together with the comment lines right above it that belong
// to it alone; a list that becomes empty goes with its key, and so do pods without
// any. Nothing else changes.
type PolicyRemoval struct {
	// Mutator and DefaultMutator are the names of the two policies.
	Mutator, DefaultMutator string
	Namespace               string
	// Allow and Deny are the patterns to take out of the namespace's pods.
	Allow, Deny []Removal
	// RepeatedDefault takes out the repetitions of the namespace under DefaultMutator.
	RepeatedDefault bool
}

var _ Edit = PolicyRemoval{}

// Apply takes out what is there; what is not listed needs nothing. It refuses with
// ErrForm what template directives are involved in: a line that holds one, a list of
// which only directives would be left, a block that would be left empty. The
// result is parsed again and compared with what the removal wants: ErrUnproven if
// it says anything else.
func (e PolicyRemoval) Apply(src []byte) (dst []byte, changes []Change, err error) {
	if err := checkName("the namespace", e.Namespace); err != nil {
		return nil, nil, err
	}
	if len(e.Allow)+len(e.Deny) == 0 && !e.RepeatedDefault {
		return src, nil, nil
	}
	d, err := readSource(src).locate(e.Mutator, e.DefaultMutator)
	if err != nil {
		return nil, nil, err
	}
	r := &remover{document: d, splice: newSplice(src, d.lines)}
	if err := r.remove(e); err != nil {
		return nil, nil, err
	}
	if !r.splice.changed() {
		return src, nil, nil
	}
	dst, changes = r.splice.apply()
	return dst, changes, r.verify(e, dst)
}

// remover takes entries out of the lines of a document, and out of its nodes.
type remover struct {
	*document
	splice *splice
	// items are those that follow each other at once of which lastKept was asked last, kept what it found.
	items run
	kept  int
	// removed are the lines, all of them removed, that leftBefore passed last.
	removed run
}

// entryList is a list of scalars with the mapping that holds it.
type entryList struct {
	parent, key, list *yaml.Node
}

func (r *remover) remove(e PolicyRemoval) error {
	items, allow, deny, err := r.listsOf(e)
	if err != nil {
		return err
	}
	if err := r.removeAll(allow, e.Allow); err != nil {
		return err
	}
	if err := r.removeAll(deny, e.Deny); err != nil {
		return err
	}
	for _, item := range items {
		if err := r.dropEmptyPods(item); err != nil {
			return err
		}
	}
	if !e.RepeatedDefault {
		return nil
	}
	fallback, err := r.policy(e.DefaultMutator)
	if err != nil || fallback.list == nil {
		return err
	}
	return r.removeAll([]entryList{{fallback.value, fallback.listKey, fallback.list}}, []Removal{{e.Namespace, true}})
}

// listsOf returns the namespace's items, and the lists of what they allow and deny.
func (r *remover) listsOf(e PolicyRemoval) (items []*yaml.Node, allow, deny []entryList, err error) {
	mutator, err := r.policy(e.Mutator)
	if err != nil {
		return nil, nil, nil, err
	}
	if items, err = r.itemsOf(mutator.list, e.Namespace); err != nil {
		return nil, nil, nil, err
	}
	allow, deny, err = sidesOf(items)
	return items, allow, deny, err
}

// sidesOf returns the lists of what the items allow and deny.
func sidesOf(items []*yaml.Node) (allow, deny []entryList, err error) {
	for _, item := range items {
		key, pods, err := child(item, podsKey)
		if err != nil {
			return nil, nil, err
		}
		if pods != nil && pods.Kind == yaml.SequenceNode {
			allow = append(allow, entryList{item, key, pods})
			continue
		}
		for _, side := range []*[]entryList{&allow, &deny} {
			name := allowKey
			if side == &deny {
				name = denyKey
			}
			key, list, err := child(pods, name)
			if err != nil {
				return nil, nil, err
			}
			if list != nil && list.Kind == yaml.SequenceNode {
				*side = append(*side, entryList{pods, key, list})
			}
		}
	}
	return allow, deny, nil
}

// removeAll takes the patterns out of the lists, which are read in order.
func (r *remover) removeAll(lists []entryList, removals []Removal) error {
	for _, removal := range removals {
		if err := checkName("the pattern", removal.Pattern); err != nil {
			return err
		}
	}
	listed := listedIn(lists)
	gone := map[*yaml.Node]bool{}
	for _, removal := range removals {
		nodes, err := r.occurrences(listed, removal)
		if err != nil {
			return err
		}
		for _, n := range nodes {
			gone[n] = true
		}
	}
	for _, l := range lists {
		out := slices.DeleteFunc(slices.Clone(l.list.Content), func(n *yaml.Node) bool { return !gone[n] })
		if len(out) == 0 {
			continue
		}
		if err := r.takeOut(l, out, gone); err != nil {
			return err
		}
	}
	return nil
}

// listedIn finds the scalars of some lists by their values, in the order in which they stand there.
func listedIn(lists []entryList) patterns {
	listed := patterns{}
	for _, l := range lists {
		listed.add(l.list)
	}
	return listed
}

// occurrences returns what a removal takes out of the lists. What was judged is one rendering: of a pattern that stands in
// branches of which each may be there without the other, nobody knows which of them it was, and it is refused.
// A repetition is what is never there without another that stays.
func (r *remover) occurrences(listed patterns, removal Removal) ([]*yaml.Node, error) {
	var all, kept []*yaml.Node // kept: of which none is within the block of another
	for _, n := range listed[removal.Pattern] {
		if n.Kind != yaml.ScalarNode {
			continue
		}
		all = append(all, n)
		in := func(inner, outer *yaml.Node) bool {
			return r.blockAt(lineOf(inner)).within(r.blockAt(lineOf(outer)))
		}
		if slices.ContainsFunc(kept, func(k *yaml.Node) bool { return in(n, k) }) {
			continue
		}
		kept = append(slices.DeleteFunc(kept, func(k *yaml.Node) bool { return in(k, n) }), n)
	}
	if len(kept) > 1 {
		return nil, fmt.Errorf("%w: %s stands under different conditions at lines %d and %d", ErrForm, removal.Pattern, kept[0].Line, kept[1].Line)
	}
	if removal.KeepFirst {
		all = slices.DeleteFunc(all, func(n *yaml.Node) bool { return slices.Contains(kept, n) })
	}
	return all, nil
}

// takeOut removes nodes from a list, and the list with its key if none is left. All that goes is in gone.
func (r *remover) takeOut(l entryList, out []*yaml.Node, gone map[*yaml.Node]bool) error {
	for _, n := range []*yaml.Node{l.parent, l.list} {
		if n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 {
			return fmt.Errorf("%w: the list at line %d is shared or tagged", ErrForm, l.key.Line)
		}
	}
	for _, n := range out {
		if n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 {
			return fmt.Errorf("%w: %s at line %d is shared or tagged", ErrForm, n.Value, n.Line)
		}
	}
	take := r.takeOutLines
	if isFlow(l.list) {
		take = r.takeOutOfFlow
	}
	if err := take(l, out, gone); err != nil {
		return err
	}
	l.list.Content = slices.DeleteFunc(l.list.Content, func(n *yaml.Node) bool { return gone[n] })
	if len(l.list.Content) == 0 && !isFlow(l.list) {
		return r.dropKey(l.parent, l.key)
	}
	return nil
}

// dropEmptyPods removes the key pods of an item where nothing is left below it.
func (r *remover) dropEmptyPods(item *yaml.Node) error {
	key, pods, err := child(item, podsKey)
	if err != nil || pods == nil || isFlow(pods) || pods.Kind != yaml.MappingNode || len(pods.Content) > 0 || !r.splice.changed() {
		return err
	}
	return r.dropKey(item, key)
}

// verify parses the result and compares it with the nodes, from which the entries
// have been taken. The template actions must be the same as before.
func (r *remover) verify(e PolicyRemoval, dst []byte) error {
	after := readSource(dst)
	if !sameActions(r.source, after) {
		return fmt.Errorf("%w: a template action has changed", ErrUnproven)
	}
	got, err := after.locate(e.Mutator, e.DefaultMutator)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnproven, err)
	}
	if !equal(r.root, got.root) {
		return fmt.Errorf("%w: namespace %s", ErrUnproven, e.Namespace)
	}
	return nil
}
