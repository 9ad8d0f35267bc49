package render

import (
	"slices"
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

// run has kustomize change what is not settled. It returns the settled documents, the changed ones, and the places of what
// these were before.
func (s *sorter) run(spec *kustomizeSpec) (settled []placed, changed []piece, places map[identity]int, err error) {
	settled, others := s.sort()
	var in []piece
	places = map[identity]int{}
	for _, c := range others {
		in = append(in, c.piece)
		for _, id := range c.ids {
			places[id] = c.index
		}
	}
	if changed, err = kustomize(in, spec); err != nil {
		return nil, nil, nil, err
	}
	for _, p := range changed {
		ids, _ := identify(&p)
		if !s.any && slices.ContainsFunc(ids, func(id identity) bool { _, known := places[id]; return !known }) {
			s.any = true // kustomize gives the new name to those who refer to the old
			return s.run(spec)
		}
	}
	return settled, changed, places, nil
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
			if _, inNone := clusterScoped[id.kind]; inNone || id.namespace == "default" {
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

// settled tells whether kustomize leaves a document as it is. It makes several documents of a list, and changes what
// isSteady does not hold of.
func (s *sorter) settled(c candidate) bool {
	if s.any || len(c.ids) != 1 || !isSteady(c.piece) {
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

// isSteady tells whether kustomize would read a document as Helm does, and write what it read. It refuses maps that
// have a key twice, makes texts of labels and annotations, takes lists apart, leaves out documents whose annotations
// say so, and reads some of YAML's forms in another way.
func isSteady(p piece) bool {
	if p.decoded == nil || strings.HasSuffix(text(p.decoded["kind"]), "List") || strings.Count(text(p.decoded["apiVersion"]), "/") > 1 {
		return false
	}
	meta, _ := p.decoded["metadata"].(map[string]any)
	for _, field := range []string{"labels", "annotations"} {
		if v, ok := meta[field]; ok && !areTexts(v) {
			return false
		}
	}
	return !strings.ContainsAny(p.text, "\r\u0085\u2028\u2029") && !strings.Contains(p.text, "!!") &&
		!saysTruth(p.text) && !saysDate(p.text) && !keepsBreaks(p.text) && !leavesOut(p.text)
}

// areTexts tells whether v is a map of texts, of which there are some, and none for kustomize's own use.
func areTexts(v any) bool {
	texts, _ := v.(map[string]any)
	for key, text := range texts {
		if _, ok := text.(string); !ok || strings.Contains(key, "config.kubernetes.io") || strings.Contains(key, "config.k8s.io") {
			return false
		}
	}
	return len(texts) > 0
}

// saysTruth tells whether a value may be a word that is a truth value in YAML 1.1 alone: whether one of these stands before
// the end of a line or of a value in brackets. It may do so in a longer text, too.
func saysTruth(text string) bool {
	for i := 0; i < len(text); {
		if i > 0 && strings.IndexByte(" \t\n[{,:", text[i-1]) < 0 || !isLetter(text[i]) {
			i++
			continue
		}
		end := i
		for end < len(text) && isLetter(text[end]) {
			end++
		}
		switch strings.ToLower(text[i:min(end, i+len("yes")+1)]) {
		case "y", "yes", "n", "no", "on", "off":
			if rest := strings.TrimLeft(text[end:], " \t]}"); rest == "" || strings.IndexByte("\n,#", rest[0]) >= 0 {
				return true
			}
		}
		i = end
	}
	return false
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// saysDate tells whether a word may be a date: whether it begins with four digits and a dash.
func saysDate(text string) bool {
	const year = 4
	for at := 0; ; {
		i := strings.IndexByte(text[at:], '-')
		if i < 0 {
			return false
		}
		at += i + 1
		if begin := at - 1 - year; begin >= 0 && strings.Trim(text[begin:at-1], "0123456789") == "" &&
			(begin == 0 || strings.IndexByte(" \t\n[{,:", text[begin-1]) >= 0) {
			return true
		}
	}
}

// keepsBreaks tells whether a text in a block may keep the empty lines at its end, as |+ says: documents are cut there.
func keepsBreaks(text string) bool {
	for at := 0; ; at++ {
		i := strings.IndexByte(text[at:], '+')
		if i < 0 {
			return false
		}
		at += i
		if before := strings.TrimRight(text[max(0, at-2):at], "123456789"); strings.HasSuffix(before, "|") || strings.HasSuffix(before, ">") {
			return true
		}
	}
}

// leavesOut tells whether a value in brackets may be left out, as in {a: , b: c}.
func leavesOut(text string) bool {
	for at := 0; ; at++ {
		i := strings.IndexByte(text[at:], ':')
		if i < 0 {
			return false
		}
		at += i
		if rest := strings.TrimLeft(text[at+1:], " \t\n"); rest != "" && strings.IndexByte(",}", rest[0]) >= 0 {
			return true
		}
	}
}
