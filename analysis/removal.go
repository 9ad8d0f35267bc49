package analysis

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tokenward/analysis/policy"
)

// removeEntry takes a stale entry out of the values: its last occurrence where it is
// repeated, else the first. A list that becomes empty goes with its key.
func removeEntry(policies map[string]any, names policy.Names, c Change) {
	if c.In == HardenDefault {
		m := child(policies, names.DefaultMutator)
		if list, ok := withoutOne(items(m["namespaces"]), c.Namespace, true); ok {
			m["namespaces"] = list
		}
		return
	}
	namespaces := items(child(policies, names.Mutator)["namespaces"])
	if c.Repeated {
		namespaces = slices.Clone(namespaces)
		slices.Reverse(namespaces)
	}
	for _, item := range namespaces {
		n, ok := item.(map[string]any)
		if ok && n["namespace"] == c.Namespace && removePattern(n, c) {
			return
		}
	}
}

// removePattern takes one occurrence of the pattern out of a namespace's item, and tells whether it was there.
func removePattern(n map[string]any, c Change) bool {
	switch pods := n["pods"].(type) {
	case []any:
		list, ok := withoutOne(pods, c.Pattern, c.Repeated)
		if !ok || c.In != Allow {
			return false
		}
		if n["pods"] = list; len(list) == 0 {
			delete(n, "pods")
		}
		return true
	case map[string]any:
		list, ok := withoutOne(items(pods[string(c.In)]), c.Pattern, c.Repeated)
		if !ok {
			return false
		}
		if pods[string(c.In)] = list; len(list) == 0 {
			delete(pods, string(c.In))
		}
		if len(pods) == 0 {
			delete(n, "pods")
		}
		return true
	}
	return false
}

func withoutOne(list []any, text string, last bool) ([]any, bool) {
	at := slices.Index(list, any(text))
	if last {
		for i, v := range list {
			if v == any(text) {
				at = i
			}
		}
	}
	if at < 0 {
		return list, false
	}
	return slices.Delete(slices.Clone(list), at, at+1), true
}

// ExactDifference says how the listing differs from the one that is wanted, "" if
// they hold the same entries, each as often. Their order means nothing.
func (l *Listing) ExactDifference(wanted *Listing) string {
	counts := map[string]int{}
	l.count(counts, 1)
	wanted.count(counts, -1)
	var out []string
	for _, entry := range slices.Sorted(maps.Keys(counts)) {
		switch n := counts[entry]; {
		case n > 0:
			out = append(out, fmt.Sprintf("%s was not wanted", entry))
		case n < 0:
			out = append(out, fmt.Sprintf("%s is missing", entry))
		}
	}
	return strings.Join(out, "; ")
}

func (l *Listing) count(counts map[string]int, by int) {
	for _, ns := range l.Default {
		counts["default ServiceAccount of "+ns] += by
	}
	for _, n := range l.Namespaces {
		counts["namespace "+n.Namespace] += by
		for kind, list := range map[string][]string{"allow": n.Allow, "deny": n.Deny, "serviceAccounts": n.ServiceAccounts} {
			for _, entry := range list {
				counts[kind+" of "+n.Namespace+": "+entry] += by
			}
		}
	}
}
