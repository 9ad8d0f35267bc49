package render

import (
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"
)

// Most post-renderers patch a few objects of one or two kinds, for which kustomize would read and write all of a
// release. It is given what it may change, or complain of; the rest is settled without it.

// sorter tells documents that are settled from those that are not.
type sorter struct {
	targets []*types.SelectorRegex // what the post-renderer changes
	any     bool                   // it may change, or miss, any document
	given   []candidate
}

// candidate is a document that kustomize would take.
type candidate struct {
	placed
	ids []identity
}

func newSorter(spec *kustomizeSpec) *sorter {
	s := &sorter{any: len(spec.Images) > 0 || len(spec.PatchesStrategicMerge) > 0}
	for _, p := range spec.Patches {
		s.target(p.Target)
	}
	for _, p := range spec.PatchesJSON6902 {
		s.target(p.Target)
	}
	return s
}

// target adds a target. A patch without one names its object itself, and kustomize complains where that is missing.
func (s *sorter) target(t *types.Selector) {
	if t == nil {
		s.any = true
		return
	}
	target, err := types.NewSelectorRegex(t)
	s.any = s.any || err != nil
	s.targets = append(s.targets, target)
}

// sort tells the settled documents from the others.
func (s *sorter) sort() (settled []placed, others []candidate) {
	s.any = s.any || s.twice()
	for _, c := range s.given {
		if s.settled(c) {
			settled = append(settled, c.placed)
		} else {
			others = append(others, c)
		}
	}
	return settled, others
}

// twice tells whether two documents are of the same object, which kustomize refuses.
func (s *sorter) twice() bool {
	seen := map[identity]bool{}
	for _, c := range s.given {
		for _, id := range c.ids {
			if id.namespace == "default" {
				id.namespace = "" // kustomize takes them for the same
			}
			if seen[id] {
				return true
			}
			seen[id] = true
		}
	}
	return false
}

// settled tells whether kustomize leaves a document as it is. It leaves out what is marked for its own use, refuses
// maps that have a key twice, and makes several documents of a list.
func (s *sorter) settled(c candidate) bool {
	p := c.piece
	if s.any || len(c.ids) != 1 || p.decoded == nil || strings.Contains(p.text, "config.kubernetes.io") {
		return false
	}
	id := c.ids[0]
	for _, t := range s.targets {
		if t.MatchGvk(resid.NewGvk(id.group, id.version, id.kind)) {
			return false
		}
	}
	return true
}
