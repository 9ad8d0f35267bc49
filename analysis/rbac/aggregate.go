package rbac

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// What the aggregated roles of one release may cost, far beyond what charts need. A role that would exceed it is a
// Problem, so that no release takes the others' time and memory.
const (
	maxLooks = 5_000_000 // roles held against selectors, and roles reached
	maxRules = 500_000   // rules gathered
)

var errTooMuch = errors.New("the aggregated roles of its release gather too much to be read")

// aggregate fills every ClusterRole that has an aggregationRule with the rules
// of the ClusterRoles that its selectors match, as Kubernetes' controller does:
// what the role itself states is overwritten. Aggregated roles may select each
// other, so the rules are gathered from the plain roles at the end of each chain.
// Roles that have the same selectors share what they gather.
func (ix *Index) aggregate() {
	a := &aggregator{known: map[string]*selection{}, of: map[*Role][]*selection{}, spent: map[string]*expense{}}
	for key, role := range ix.roles {
		if key.kind == "ClusterRole" {
			a.roles = append(a.roles, role)
			role.Aggregated = role.aggregation != nil
		}
	}
	sort.Slice(a.roles, func(i, j int) bool { return a.roles[i].Name < a.roles[j].Name })
	var aggregated []*Role
	for _, role := range a.roles {
		if role.Aggregated {
			aggregated = append(aggregated, role)
			a.compile(role)
		}
	}
	full := map[string]*rights{} // by selectors
	for _, role := range aggregated {
		key := fmt.Sprint(a.of[role])
		if full[key] == nil {
			rules, err := a.gather(role)
			if err != nil {
				ix.problems = append(ix.problems, Problem{Source: role.Source, Err: err})
				role.rights = rightsOf(nil)
				continue
			}
			full[key] = rightsOf(rules)
		}
		role.rights = full[key]
	}
	for _, role := range aggregated { // not before all have gathered
		role.Rules = role.rights.rules
	}
}

// aggregator gathers the rules of aggregated roles.
type aggregator struct {
	roles []*Role               // all ClusterRoles, by name
	known map[string]*selection // by the selector in words
	of    map[*Role][]*selection
	spent map[string]*expense // by release
}

// selection is a selector that aggregated roles have, and what it selects.
type selection struct {
	number   int
	selector labels.Selector
	err      error // what is wrong with the selector
	selected bool  // whether roles are filled in
	roles    []*Role
}

// String tells selections apart.
func (s *selection) String() string { return strconv.Itoa(s.number) }

type expense struct{ looks, rules int }

// compile reads the selectors of an aggregated role.
func (a *aggregator) compile(role *Role) {
	for _, s := range role.aggregation.ClusterRoleSelectors {
		selector, err := metav1.LabelSelectorAsSelector(&s)
		words := fmt.Sprint("unreadable: ", err)
		if err == nil {
			words = "selects " + selector.String()
		}
		if a.known[words] == nil {
			a.known[words] = &selection{number: len(a.known), selector: selector, err: err}
		}
		a.of[role] = append(a.of[role], a.known[words])
	}
}

// gather returns the rules of all plain roles at the end of the chains from an aggregated role.
func (a *aggregator) gather(role *Role) ([]rbacv1.PolicyRule, error) {
	if a.spent[role.Release] == nil {
		a.spent[role.Release] = &expense{}
	}
	w := &walk{from: a, spent: a.spent[role.Release], seen: map[*Role]bool{}, next: map[*selection]int{}}
	err := w.visit(role)
	return slices.Clip(w.rules), err
}

// walk is the way from one aggregated role to the plain ones. A selection is gone through once on it, also where
// several roles have it: next is how far.
type walk struct {
	from  *aggregator
	spent *expense // by the release of the first role
	seen  map[*Role]bool
	next  map[*selection]int
	rules []rbacv1.PolicyRule
}

func (w *walk) visit(role *Role) error {
	if w.seen[role] {
		return nil
	}
	w.seen[role] = true
	if !role.Aggregated {
		return w.add(role.Rules)
	}
	for _, s := range w.from.of[role] {
		if s.err != nil {
			return s.err
		}
		if _, begun := w.next[s]; !begun {
			w.next[s] = 0
			if err := errors.Join(w.add(ofBuiltIn(s.selector)), w.fill(s)); err != nil {
				return err
			}
		}
		for w.next[s] < len(s.roles) {
			part := s.roles[w.next[s]]
			w.next[s]++
			if err := w.look(1); err != nil {
				return err
			}
			if err := w.visit(part); err != nil {
				return err
			}
		}
	}
	return nil
}

// fill finds the roles that a selection selects, unless they are found already.
func (w *walk) fill(s *selection) error {
	if s.selected {
		return nil
	}
	requirements, _ := s.selector.Requirements()
	if err := w.look(len(w.from.roles) * (1 + len(requirements))); err != nil {
		return err
	}
	for _, role := range w.from.roles {
		if s.selector.Matches(labels.Set(role.labels)) {
			s.roles = append(s.roles, role)
		}
	}
	s.selected = true
	return nil
}

func (w *walk) look(n int) error {
	if w.spent.looks += n; w.spent.looks > maxLooks {
		return errTooMuch
	}
	return nil
}

func (w *walk) add(rules []rbacv1.PolicyRule) error {
	if w.spent.rules += len(rules); w.spent.rules > maxRules {
		return errTooMuch
	}
	w.rules = append(w.rules, rules...)
	return nil
}

// ofBuiltIn returns the gist of the rules that a selector gathers from the roles that every cluster brings for that.
// Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles
func ofBuiltIn(selector labels.Selector) []rbacv1.PolicyRule {
	gathers := func(label string) bool {
		return selector.Matches(labels.Set{rbacv1.GroupName + "/aggregate-to-" + label: "true", "kubernetes.io/bootstrapping": "rbac-defaults"})
	}
	if selector.Matches(labels.Set{"kubernetes.io/bootstrapping": "rbac-defaults"}) {
		return []rbacv1.PolicyRule{{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"*"}}} // cluster-admin among them
	}
	var rules []rbacv1.PolicyRule
	writes := gathers("edit") || gathers("admin")
	if writes || gathers("view") {
		rules = append(rules, rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"pods", "services", "configmaps"}, Verbs: []string{"get", "list", "watch"}})
	}
	if writes {
		rules = append(rules, rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"secrets", "pods", "services", "configmaps"}, Verbs: []string{"create", "delete", "patch", "update"}})
	}
	return rules
}
