package policy

import (
	"slices"
)

// List says what the rendered mutator holds for a namespace: whether it hardens the
// ServiceAccounts there, and the patterns of the pods that it gives a token or takes it
// from, in the order rendered. A namespace that no rule names yields false and nothing.
func (p *Policies) List(namespace string) (listed bool, allow, deny []string) {
	labels := p.labelsOf(namespace)
	for _, pol := range p.policies {
		if pol.name != p.names.Mutator {
			continue
		}
		for _, r := range pol.rules {
			for _, f := range r.match.filters {
				if r.patch == nil || !f.isAbout(labels, namespace) {
					continue
				}
				switch {
				case namesKind(f.spec.Kinds, "ServiceAccount") && r.patch["automountServiceAccountToken"] == false:
					listed = true
				case namesKind(f.spec.Kinds, "Pod") && dig(r.patch, "spec", "automountServiceAccountToken") == true:
					allow = append(allow, f.patterns()...)
				case namesKind(f.spec.Kinds, "Pod") && dig(r.patch, "spec", "automountServiceAccountToken") == false:
					deny = append(deny, f.patterns()...)
				}
			}
		}
	}
	return listed, once(allow), once(deny)
}

// isAbout reports whether the filter can match something in the namespace.
func (f filter) isAbout(labels map[string]string, namespace string) bool {
	s := &f.spec
	return (len(s.Namespaces) == 0 || matchesAny(s.Namespaces, namespace)) &&
		(s.NamespaceSelector == nil || matchesSelector(s.NamespaceSelector, labels))
}

// patterns returns the filter's names; one without any matches all.
func (f filter) patterns() []string {
	switch s := &f.spec; {
	case s.Name != "":
		return []string{s.Name}
	case len(s.Names) > 0:
		return s.Names
	}
	return []string{"*"}
}

// once keeps the first of each text.
func once(list []string) []string {
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(s string) bool {
		again := seen[s]
		seen[s] = true
		return again
	})
}

// Excluded reports whether the validator's own exclude blocks take a manifest out of
// every rule that would look at it: then it is settled elsewhere. A manifest that no
// rule of the validator looks at is not excluded.
func (p *Policies) Excluded(obj map[string]any) bool {
	res := p.resource(obj)
	excluded := false
	for _, pol := range p.policies {
		if pol.name != p.names.Validator || !pol.covers(res) {
			continue
		}
		for _, r := range pol.rules {
			if !r.looksAt(res) || !r.match.matches(res) {
				continue
			}
			if !r.excludes(res) {
				return false
			}
			excluded = true
		}
	}
	return excluded
}
