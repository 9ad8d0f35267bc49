package policy

import (
	"reflect"
	"slices"

	"tokenward/analysis/wildcard"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// matchesNothing reports whether the engine refuses the rule since, by its reckoning,
// exclude takes out all that match takes in. It compares the filters as they are written:
// those of any with each other, and plain resources with plain resources, also where one
// of the blocks has none.
func (s *ruleSpec) matchesNothing() bool {
	if s.Exclude == nil || len(s.Match.All) > 0 || len(s.Exclude.All) > 0 {
		return false
	}
	if len(s.Match.Any) > 0 && len(s.Exclude.Any) > 0 {
		return slices.ContainsFunc(s.Match.Any, func(m filterSpec) bool {
			return slices.ContainsFunc(s.Exclude.Any, func(e filterSpec) bool { return reflect.DeepEqual(m, e) })
		})
	}
	if len(s.Exclude.Any) == 0 && s.Exclude.Resources.empty() {
		return false
	}
	return s.Exclude.Resources.swallows(&s.Match.Resources)
}

// swallows is matchesNothing for two plain filters.
func (e *resourcesSpec) swallows(m *resourcesSpec) bool {
	beyond := func(exclude, match []string) bool { // match takes in what exclude does not name
		return len(exclude) > 0 && (len(match) == 0 ||
			slices.ContainsFunc(match, func(s string) bool { return !slices.Contains(exclude, s) }))
	}
	switch {
	case e.Name != "" && !wildcard.Match(e.Name, m.Name):
		return false
	case len(e.Names) > 0:
		return slices.ContainsFunc(m.Names, func(name string) bool { return matchesAny(e.Names, name) })
	case beyond(e.Namespaces, m.Namespaces), beyond(e.Kinds, m.Kinds):
		return false
	case (m.Annotations == nil) != (e.Annotations == nil):
		return false
	case m.Annotations != nil && !reflect.DeepEqual(m.Annotations, e.Annotations):
		return false
	}
	return selectorSwallows(e.Selector, m.Selector) && selectorSwallows(e.NamespaceSelector, m.NamespaceSelector)
}

func selectorSwallows(e, m *metav1.LabelSelector) bool {
	if e == nil || m == nil {
		return e == m
	}
	if len(e.MatchExpressions) > 0 && (len(m.MatchExpressions) == 0 ||
		slices.ContainsFunc(m.MatchExpressions, func(x metav1.LabelSelectorRequirement) bool {
			return !slices.ContainsFunc(e.MatchExpressions, func(y metav1.LabelSelectorRequirement) bool { return reflect.DeepEqual(x, y) })
		})) {
		return false
	}
	if len(e.MatchLabels) > 0 && len(m.MatchLabels) == 0 {
		return false
	}
	for label, value := range m.MatchLabels {
		if len(e.MatchLabels) > 0 && e.MatchLabels[label] != value {
			return false
		}
	}
	return true
}
