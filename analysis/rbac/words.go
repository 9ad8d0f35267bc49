package rbac

import (
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// maxWords is how many resources Words names before it counts the rest.
const maxWords = 4

// Words says in a line what rules allow, for example "reads Secrets and
// ConfigMaps, patches Deployments, watches Applications". What is most telling
// comes first: the widest rights, then Secrets, then the rules' own order. Rules
// that have no effect and those that only serve admission are left out; it is ""
// if no rule is left.
func Words(rules []rbacv1.PolicyRule) string {
	items := itemsOf(withoutUse(rules))
	items = withoutParts(items)
	if len(items) == 0 {
		return ""
	}
	slices.SortStableFunc(items, func(a, b item) int { return a.rank() - b.rank() })
	shown := items
	if len(items) > maxWords+1 {
		shown = items[:maxWords]
	}
	text := sentence(shown)
	if left := len(items) - len(shown); left > 0 {
		text += fmt.Sprintf(" and %d more", left)
	}
	return text
}

// item is one resource with everything that may be done with it.
type item struct {
	resource string
	verbs    [][]string // of the rules that name it
}

func (i item) rank() int {
	switch {
	case i.resource == everything:
		return 0
	case i.resource == "Secrets":
		return 1
	default:
		return 2
	}
}

const everything = "everything"

// itemsOf lists the resources of rules, each once, in the order in which they are first named.
func itemsOf(rules []rbacv1.PolicyRule) []item {
	var items []item
	at := map[string]int{}
	for _, rule := range rules {
		for _, name := range namesOf(rule) {
			i, ok := at[name]
			if !ok {
				i = len(items)
				at[name] = i
				items = append(items, item{resource: name})
			}
			items[i].verbs = append(items[i].verbs, rule.Verbs)
		}
	}
	return items
}

func namesOf(rule rbacv1.PolicyRule) []string {
	var names []string
	for _, r := range rule.Resources {
		names = append(names, resourceName(r, rule.APIGroups))
	}
	for _, url := range rule.NonResourceURLs {
		names = append(names, "the URL "+url)
	}
	return names
}

// withoutParts leaves out the status and finalizers of resources that are named
// anyway.
func withoutParts(items []item) []item {
	named := map[string]bool{}
	for _, i := range items {
		named[i.resource] = true
	}
	return slices.DeleteFunc(slices.Clone(items), func(i item) bool {
		name, part, _ := strings.Cut(i.resource, "/")
		return (part == "status" || part == "finalizers" || part == "scale") && named[name]
	})
}

// verbsOf joins lists of verbs, each verb once and in lower case.
func verbsOf(lists [][]string) []string {
	var out []string
	seen := map[string]bool{}
	for _, list := range lists {
		for _, verb := range list {
			if verb = strings.ToLower(verb); !seen[verb] {
				seen[verb] = true
				out = append(out, verb)
			}
		}
	}
	return out
}

// sentence joins neighbours of the same verbs: "reads A and B, patches C".
func sentence(items []item) string {
	type clause struct {
		verb      string
		resources []string
	}
	var clauses []clause
	for _, i := range items {
		verb := verbWords(verbsOf(i.verbs))
		at := slices.IndexFunc(clauses, func(c clause) bool { return c.verb == verb })
		if at < 0 {
			clauses = append(clauses, clause{verb: verb})
			at = len(clauses) - 1
		}
		clauses[at].resources = append(clauses[at].resources, i.resource)
	}
	var parts []string
	for _, c := range clauses {
		parts = append(parts, c.verb+" "+and(c.resources))
	}
	return strings.Join(parts, ", ")
}

// verbWords turns verbs into a predicate: "reads, watches and patches".
func verbWords(verbs []string) string {
	has := func(v ...string) (n int) {
		for _, verb := range v {
			if slices.Contains(verbs, verb) {
				n++
			}
		}
		return n
	}
	if has("*") > 0 {
		return "may do anything with"
	}
	var out []string
	if has("get", "list") > 0 {
		out = append(out, "reads")
	}
	if has("watch") > 0 && (len(out) == 0 || has("get", "list", "watch") == len(verbs)) {
		out = append(out, "watches") // whoever writes what he reads watches it, too
	}
	writes := []string{"create", "update", "patch", "delete"}
	if has(writes...) >= 3 {
		out = append(out, "writes")
	} else {
		for _, verb := range writes {
			if has(verb) > 0 {
				out = append(out, third(verb))
			}
		}
		if has("delete") == 0 && has("deletecollection") > 0 {
			out = append(out, third("delete"))
		}
	}
	known := append([]string{"get", "list", "watch", "deletecollection"}, writes...)
	for _, verb := range verbs {
		if !slices.Contains(known, verb) {
			out = append(out, third(verb))
		}
	}
	return and(out)
}

// third puts a verb into the third person.
func third(verb string) string {
	if stem, ok := strings.CutSuffix(verb, "y"); ok && len(stem) > 1 {
		return stem + "ies"
	}
	for _, ending := range []string{"s", "x", "ch", "sh"} {
		if strings.HasSuffix(verb, ending) {
			return verb + "es"
		}
	}
	return verb + "s"
}

func and(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
