package policy

import (
	"fmt"
	"reflect"
	"slices"

	"tokenward/analysis/wildcard"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// matchesNothing reports whether the engine refuses the rule since, by its reckoning,
// exclude takes out all that match takes in. It compares the filters as they are written:
// those of any with each other, and plain resources with plain resources, also where one
// of the blocks has none. An exclude block that says nothing is passed over only where it
// has no list either: one with any: [] is refused.
func (s *ruleSpec) matchesNothing() bool {
	if s.Exclude == nil || len(s.Match.All) > 0 || len(s.Exclude.All) > 0 {
		return false
	}
	if len(s.Match.Any) > 0 && len(s.Exclude.Any) > 0 {
		excluded := setOf(s.Exclude.Any, filterSpec.text)
		return slices.ContainsFunc(s.Match.Any, func(m filterSpec) bool { return excluded[m.text()] })
	}
	if reflect.DeepEqual(*s.Exclude, matchSpec{}) {
		return false
	}
	return s.Exclude.Resources.swallows(&s.Match.Resources)
}

// swallows is matchesNothing for two plain filters.
func (e *resourcesSpec) swallows(m *resourcesSpec) bool {
	itself := func(s string) string { return s }
	beyond := func(exclude, match []string) bool { return isBeyond(exclude, match, itself) }
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
	if isBeyond(e.MatchExpressions, m.MatchExpressions, requirementText) {
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

// isBeyond reports whether match takes in what exclude, if it says anything, does not name.
func isBeyond[T any](exclude, match []T, text func(T) string) bool {
	if len(exclude) == 0 || len(match) == 0 {
		return len(exclude) > 0
	}
	named := setOf(exclude, text)
	return slices.ContainsFunc(match, func(item T) bool { return !named[text(item)] })
}

// setOf holds the texts of a list, so that long lists are not compared item by item.
func setOf[T any](list []T, text func(T) string) map[string]bool {
	out := make(map[string]bool, len(list))
	for _, item := range list {
		out[text(item)] = true
	}
	return out
}

// text is the same for two filters that are deeply equal, and for no others.
func (f filterSpec) text() string {
	plain := f.Resources
	plain.Selector, plain.NamespaceSelector = nil, nil
	return fmt.Sprintf("%#v %#v %#v", plain, f.Resources.Selector, f.Resources.NamespaceSelector)
}

func requirementText(r metav1.LabelSelectorRequirement) string { return fmt.Sprintf("%#v", r) }
