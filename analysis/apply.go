package analysis

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tokenward/analysis/policy"
)

// ApplyChanges returns the values with the changes made to the mutator's lists;
// stale entries among the changes are taken out. The values that are given stay as they are. With listForm, pods are written as a
// plain list, the form of older policies charts.
func ApplyChanges(values map[string]any, names policy.Names, changes []Change, listForm bool) map[string]any {
	out := clone(values).(map[string]any)
	policies := child(out, "policies")
	for _, c := range changes {
		switch c.Kind {
		case Harden:
			m := block(policies, names.Mutator)
			m["namespaces"] = append(items(m["namespaces"]), map[string]any{"namespace": c.Namespace})
		case HardenDefault:
			m := block(policies, names.DefaultMutator)
			m["namespaces"] = append(items(m["namespaces"]), c.Namespace)
		case Allow, Deny:
			addPattern(child(policies, names.Mutator), c, listForm)
		case Stale:
			removeEntry(policies, names, c)
		}
	}
	return out
}

// block returns the values of a policy; those that an edit has to make enable it.
func block(policies map[string]any, name string) map[string]any {
	if _, ok := policies[name].(map[string]any); !ok {
		policies[name] = map[string]any{"enabled": true}
	}
	return child(policies, name)
}

func addPattern(mutator map[string]any, c Change, listForm bool) {
	for _, item := range items(mutator["namespaces"]) {
		n, ok := item.(map[string]any)
		if !ok || n["namespace"] != c.Namespace {
			continue
		}
		if list, ok := n["pods"].([]any); ok || listForm {
			if c.Kind == Allow { // the plain list cannot deny
				n["pods"] = append(list, c.Pattern)
			}
			return
		}
		pods := child(n, "pods")
		pods[string(c.Kind)] = append(items(pods[string(c.Kind)]), c.Pattern)
		return
	}
}

// Difference says how the listing differs from the one that is wanted, "" if they
// mean the same. The order of entries and repeated patterns mean nothing, since an
// umbrella may sort and merge them.
func (l *Listing) Difference(wanted *Listing) string {
	var out []string
	out = append(out, setDifference("default ServiceAccounts of", l.Default, wanted.Default)...)
	names := map[string]bool{}
	for _, n := range slices.Concat(l.Namespaces, wanted.Namespaces) {
		names[n.Namespace] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		got, isListed := l.Find(name)
		want, shouldBe := wanted.Find(name)
		if isListed != shouldBe {
			out = append(out, fmt.Sprintf("namespace %s is listed: %t, wanted: %t", name, isListed, shouldBe))
			continue
		}
		out = append(out, setDifference("allow of "+name+":", got.Allow, want.Allow)...)
		out = append(out, setDifference("deny of "+name+":", got.Deny, want.Deny)...)
		out = append(out, setDifference("serviceAccounts of "+name+":", got.ServiceAccounts, want.ServiceAccounts)...)
	}
	return strings.Join(out, "; ")
}

func setDifference(what string, got, want []string) []string {
	got, want = uniq(got), uniq(want)
	var out []string
	for _, g := range got {
		if _, wanted := slices.BinarySearch(want, g); !wanted {
			out = append(out, fmt.Sprintf("%s %s was not wanted", what, g))
		}
	}
	for _, w := range want {
		if _, there := slices.BinarySearch(got, w); !there {
			out = append(out, fmt.Sprintf("%s %s is missing", what, w))
		}
	}
	return out
}

func uniq(in []string) []string {
	out := slices.Clone(in)
	slices.Sort(out)
	return slices.Compact(out)
}

// WithoutLists returns the values without the mutating policies' lists: what an
// edit of them must leave alone.
func WithoutLists(values map[string]any, names policy.Names) map[string]any {
	out := clone(values).(map[string]any)
	policies, ok := out["policies"].(map[string]any)
	if !ok {
		return out
	}
	for _, name := range []string{names.Mutator, names.DefaultMutator} {
		m, ok := policies[name].(map[string]any)
		if !ok {
			continue
		}
		delete(m, "namespaces")
		if on, ok := m["enabled"].(bool); ok && on && len(m) == 1 {
			delete(policies, name) // a block that the edit may have had to make
		}
	}
	return out
}

func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = clone(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = clone(e)
		}
		return out
	default:
		return v
	}
}

// child returns the mapping below the key, made if there is none.
func child(m map[string]any, key string) map[string]any {
	c, ok := m[key].(map[string]any)
	if !ok {
		c = map[string]any{}
		m[key] = c
	}
	return c
}

func items(v any) []any {
	l, _ := v.([]any)
	return l
}
