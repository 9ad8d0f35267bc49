package edit

import "sigs.k8s.io/kustomize/kyaml/yaml"

// GoTogether tells whether the patterns can be taken out in any company, as one after the other would show: each of
// them stands in the file, all go at once, and no list is left empty by that. Whatever keeps some of them then keeps
// all, since with more items gone there is less that may stand around the others. False says nothing about them.
func (e PolicyRemoval) GoTogether(src []byte) bool {
	if e.RepeatedDefault {
		return false
	}
	d, err := readSource(src).locate(e.Mutator, e.DefaultMutator)
	if err != nil {
		return false
	}
	r := &remover{document: d}
	_, allow, deny, err := r.listsOf(e)
	if err != nil || !r.standIn(allow, e.Allow) || !r.standIn(deny, e.Deny) {
		return false
	}
	_, _, err = e.Apply(src)
	return err == nil
}

// standIn tells whether each of the removals takes something out of the lists, and all leave something in each.
func (r *remover) standIn(lists []entryList, removals []Removal) bool {
	listed := listedIn(lists)
	gone := map[*yaml.Node]bool{}
	for _, removal := range removals {
		nodes, err := r.occurrences(listed, removal)
		if err != nil || len(nodes) == 0 {
			return false
		}
		for _, n := range nodes {
			gone[n] = true
		}
	}
	for _, l := range lists {
		left := len(l.list.Content) == 0
		for _, n := range l.list.Content {
			left = left || !gone[n]
		}
		if !left {
			return false
		}
	}
	return true
}
