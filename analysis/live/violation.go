package live

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Violation is one object that a policy engine found against a rule.
type Violation struct {
	Policy, Rule string
	// Kind, Namespace and Name are the object's, as the engine saw it: for a pod of
	// a Deployment this is the pod or its controller, by the policy's rules.
	Kind, Namespace, Name string
	// Message is the engine's, in one line and cut to a readable length.
	Message string
	// Last is when it was found last, zero if the report gives no time.
	Last time.Time
	// Source says where it was read: "reports.json: PolicyReport shop/7f3a".
	Source string
}

// maxViolations bounds how many violations are kept.
const maxViolations = 100_000

// Violations collects what reports and events say. Policies names the policies of
// interest, empty for all; the rest is skipped while reading.
type Violations struct {
	Policies []string

	limit    int // maxViolations if 0
	found    map[violationKey]Violation
	problems []string
}

type violationKey struct{ policy, rule, kind, namespace, name string }

// All returns every violation once, with what was said of it last, sorted by
// namespace, kind, name, policy and rule.
func (v *Violations) All() []Violation {
	out := make([]Violation, 0, len(v.found))
	for _, one := range v.found {
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b Violation) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name),
			strings.Compare(a.Policy, b.Policy), strings.Compare(a.Rule, b.Rule))
	})
	return out
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

// add keeps a violation, or the later one of two about the same.
func (v *Violations) add(one Violation) {
	limit := cmp.Or(v.limit, maxViolations)
	key := violationKey{one.Policy, one.Rule, one.Kind, one.Namespace, one.Name}
	old, known := v.found[key]
	switch {
	case known && !one.Last.After(old.Last):
		return
	case !known && len(v.found) >= limit:
		sentence := fmt.Sprintf("there are more than %s violations; further ones were left out", thousands(limit))
		if !slices.Contains(v.problems, sentence) {
			v.problems = append(v.problems, sentence)
		}
		return
	}
	if v.found == nil {
		v.found = map[violationKey]Violation{}
	}
	v.found[key] = one
}

// Group is what one rule finds in objects that are called alike, such as the pods
// of one workload over time.
type Group struct {
	Policy, Rule, Kind, Namespace string
	// Stem is what the names have in common, see Stem.
	Stem string
	// Names are the objects' names, sorted.
	Names []string
	// Last and Message are the latest violation's.
	Last    time.Time
	Message string
}

// Groups puts together the violations of objects that are called alike, sorted by
// namespace, kind, stem, policy and rule.
func Groups(violations []Violation) []Group {
	byKey := map[violationKey]*Group{}
	for _, v := range violations {
		stem := Stem(v.Kind, v.Name)
		key := violationKey{v.Policy, v.Rule, v.Kind, v.Namespace, stem}
		g := byKey[key]
		if g == nil {
			g = &Group{Policy: v.Policy, Rule: v.Rule, Kind: v.Kind, Namespace: v.Namespace, Stem: stem, Message: v.Message}
			byKey[key] = g
		}
		g.Names = append(g.Names, v.Name)
		if v.Last.After(g.Last) {
			g.Last, g.Message = v.Last, v.Message
		}
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
