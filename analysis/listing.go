package analysis

import (
	"errors"
	"fmt"
	"slices"

	"tokenward/analysis/policy"
)

// Listing is what the mutator's values say today, as the umbrella hands them
// to the release that renders the policies.
type Listing struct {
	// Release is the Helm release's name; Index is its place in the releases that
	// ReadListing was given.
	Release    string
	Index      int
	Namespaces []ListedNamespace // in the values' order; a namespace may stand there twice
	Default    []string          // namespaces whose default ServiceAccount is hardened
	// ListForm tells that some namespace gives its pods as a plain list, the form
	// of older policies charts.
	ListForm bool
}

// ListedNamespace is one item of the mutator's namespaces.
type ListedNamespace struct {
	Namespace       string
	ServiceAccounts []string // nil: all accounts but default
	Allow, Deny     []string
}

// Find returns everything that the listing says of a namespace, its items
// merged in order, and whether there is any.
func (l *Listing) Find(namespace string) (ListedNamespace, bool) {
	out, found := ListedNamespace{Namespace: namespace}, false
	for _, n := range l.Namespaces {
		if n.Namespace == namespace {
			found = true
			out.ServiceAccounts = append(out.ServiceAccounts, n.ServiceAccounts...)
			out.Allow = append(out.Allow, n.Allow...)
			out.Deny = append(out.Deny, n.Deny...)
		}
	}
	return out, found
}

// HardensDefault tells whether the namespace's default ServiceAccount is listed.
func (l *Listing) HardensDefault(namespace string) bool {
	return slices.Contains(l.Default, namespace)
}

// ReadListing finds the release that is given the mutator's values and reads
// them. Where no release has them, the release that has values for the
// validating policy or for policies at all stands in, with an empty listing; it
// is an error if there is none of these either, or if the values have a shape
// that the policies chart could not read.
func ReadListing(releases []Release, names policy.Names) (*Listing, error) {
	best, rank := -1, 0
	for i, r := range releases {
		if got := policyRank(r.Values, names); got > rank {
			best, rank = i, got
		}
	}
	if best < 0 {
		for _, r := range releases {
			if text, ok := r.Values["Error"].(string); ok { // what Sprig's fromYaml makes of YAML that it cannot read
				return nil, fmt.Errorf("the umbrella cannot read its own values for release %s: %s", r.Name, text)
			}
		}
		return nil, fmt.Errorf("no release of the umbrella is given values for the policies %s or %s: is the policies chart among the umbrella's packages, and are the values that the umbrella gives it valid YAML?", names.Mutator, names.Validator)
	}
	l := &Listing{Release: releases[best].Name, Index: best}
	policies, _ := releases[best].Values["policies"].(map[string]any)
	if err := l.readMutator(policies[names.Mutator]); err != nil {
		return nil, fmt.Errorf("values of release %s: policies.%s: %w", l.Release, names.Mutator, err)
	}
	if err := l.readDefault(policies[names.DefaultMutator]); err != nil {
		return nil, fmt.Errorf("values of release %s: policies.%s: %w", l.Release, names.DefaultMutator, err)
	}
	return l, nil
}

func policyRank(values map[string]any, names policy.Names) int {
	policies, ok := values["policies"].(map[string]any)
	if !ok {
		return 0
	}
	for i, name := range []string{names.Mutator, names.DefaultMutator, names.Validator} {
		if _, ok := policies[name].(map[string]any); ok {
			return 3 - i
		}
	}
	return 0
}

func (l *Listing) readMutator(v any) error {
	items, err := namespaceItems(v)
	if err != nil {
		return err
	}
	for i, item := range items {
		m, ok := item.(map[string]any)
		if !ok {
			return fmt.Errorf("namespaces[%d] is not a mapping", i)
		}
		name, ok := m["namespace"].(string)
		if !ok {
			return fmt.Errorf("namespaces[%d].namespace is %v, not a string: quote it", i, m["namespace"])
		}
		n := ListedNamespace{Namespace: name}
		if n.ServiceAccounts, err = texts(m["serviceAccounts"]); err != nil {
			return fmt.Errorf("serviceAccounts of %s: %w", name, err)
		}
		if err := l.readPods(&n, m["pods"]); err != nil {
			return fmt.Errorf("pods of %s: %w", name, err)
		}
		l.Namespaces = append(l.Namespaces, n)
	}
	return nil
}

func (l *Listing) readPods(n *ListedNamespace, v any) (err error) {
	switch pods := v.(type) {
	case nil:
		return nil
	case []any:
		l.ListForm = true
		n.Allow, err = texts(pods)
		return err
	case map[string]any:
		if n.Allow, err = texts(pods["allow"]); err != nil {
			return err
		}
		n.Deny, err = texts(pods["deny"])
		return err
	default:
		return fmt.Errorf("neither a list nor allow and deny: %v", v)
	}
}

func (l *Listing) readDefault(v any) error {
	items, err := namespaceItems(v)
	if err != nil {
		return err
	}
	l.Default, err = texts(items)
	return err
}

// namespaceItems is what a policy's values list as namespaces, nil where they do not.
func namespaceItems(v any) ([]any, error) {
	m, ok := v.(map[string]any)
	if !ok || m["namespaces"] == nil {
		return nil, nil
	}
	items, ok := m["namespaces"].([]any)
	if !ok {
		return nil, errors.New("namespaces is not a list")
	}
	return items, nil
}

// texts reads a list of strings. Helm's policies chart prints whatever stands
// there, so a bare number or boolean would become another name: it is refused.
func texts(v any) ([]string, error) {
	if v == nil {
		return nil, nil
	}
	items, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("not a list: %v", v)
	}
	out := make([]string, 0, len(items))
	for _, item := range items {
		s, ok := item.(string)
		if !ok {
			return nil, fmt.Errorf("%v is not a string: quote it", item)
		}
		out = append(out, s)
	}
	return out, nil
}
