package live

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Violation is one object that a policy engine found against a rule.
type Violation struct {
	Policy, Rule string
	// Kind, Namespace and Name are the object's, as the engine saw it: for a pod of
	// a Deployment this is the pod or its controller, by the policy's rules.
	Kind, Namespace, Name string
}

// maxViolations bounds how many violations are kept.
const maxViolations = 100_000

// Violations collects what reports and events say. Policies names the policies of
// interest, empty for all; the rest is skipped while reading.
type Violations struct {
	Policies []string

	limit    int // maxViolations if 0
	found    map[Violation]struct{}
	problems []string
}

// All returns every violation once, sorted by namespace, kind, name, policy and rule.
func (v *Violations) All() []Violation {
	return slices.SortedFunc(maps.Keys(v.found), func(a, b Violation) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name),
			strings.Compare(a.Policy, b.Policy), strings.Compare(a.Rule, b.Rule))
	})
}

// Problems are sentences about what was left out, in the order of reading.
func (v *Violations) Problems() []string { return slices.Clone(v.problems) }

func (v *Violations) wants(policy string) bool {
	if len(v.Policies) == 0 {
		return true
	}
	_, bare, namespaced := strings.Cut(policy, "/")
	return slices.Contains(v.Policies, policy) || namespaced && slices.Contains(v.Policies, bare)
}

// add keeps a violation, if there is room.
func (v *Violations) add(one Violation) {
	limit := cmp.Or(v.limit, maxViolations)
	if _, known := v.found[one]; !known && len(v.found) >= limit {
		sentence := fmt.Sprintf("there are more than %s violations; further ones were left out", thousands(limit))
		if !slices.Contains(v.problems, sentence) {
			v.problems = append(v.problems, sentence)
		}
		return
	}
	if v.found == nil {
		v.found = map[Violation]struct{}{}
	}
	v.found[one] = struct{}{}
}

// Group is what one rule finds in objects that are called alike, such as the pods
// of one workload over time.
type Group struct {
	Policy, Rule, Kind, Namespace string
	// Stem is what the names have in common, see Stem.
	Stem string
	// Names are the objects' names, sorted.
	Names []string
}

// Groups puts together the violations of objects that are called alike, sorted by
// namespace, kind, stem, policy and rule.
func Groups(violations []Violation) []Group {
	byKey := map[Violation]*Group{}
	for _, v := range violations {
		stem := Stem(v.Kind, v.Name)
		key := v
		key.Name = stem
		g := byKey[key]
		if g == nil {
			g = &Group{Policy: v.Policy, Rule: v.Rule, Kind: v.Kind, Namespace: v.Namespace, Stem: stem}
			byKey[key] = g
		}
		g.Names = append(g.Names, v.Name)
	}
	out := make([]Group, 0, len(byKey))
	for _, g := range byKey {
		slices.Sort(g.Names)
		g.Names = slices.Compact(g.Names)
		out = append(out, *g)
	}
	slices.SortFunc(out, func(a, b Group) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Kind, b.Kind), strings.Compare(a.Stem, b.Stem),
			strings.Compare(a.Policy, b.Policy), strings.Compare(a.Rule, b.Rule))
	})
	return out
}
