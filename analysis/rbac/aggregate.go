package rbac

import (
	"sort"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// aggregate fills every ClusterRole that has an aggregationRule with the rules
// of the ClusterRoles that its selectors match, as Kubernetes' controller does:
// what the role itself states is overwritten. Aggregated roles may select each
// other, so the rules are gathered from the plain roles at the end of each chain.
func (ix *Index) aggregate() {
	var names []roleKey
	for key, role := range ix.roles {
		if key.kind == "ClusterRole" {
			names = append(names, key)
		}
		if role.aggregation != nil && key.kind == "ClusterRole" {
			role.Aggregated = true
		}
	}
	sort.Slice(names, func(i, j int) bool { return names[i].name < names[j].name })
	full := map[*Role][]rbacv1.PolicyRule{}
	for _, key := range names {
		role := ix.roles[key]
		if !role.Aggregated {
			continue
		}
		rules, err := ix.gather(role, names, map[*Role]bool{})
		if err != nil {
			ix.problems = append(ix.problems, Problem{Source: role.Source, Err: err})
			rules = nil
		}
		full[role] = rules
	}
	for role, rules := range full {
		role.Rules = rules
	}
}

func (ix *Index) gather(role *Role, names []roleKey, seen map[*Role]bool) ([]rbacv1.PolicyRule, error) {
	if seen[role] {
		return nil, nil
	}
	seen[role] = true
	if !role.Aggregated {
		return role.Rules, nil
	}
	var rules []rbacv1.PolicyRule
	for _, s := range role.aggregation.ClusterRoleSelectors {
		selector, err := metav1.LabelSelectorAsSelector(&s)
		if err != nil {
			return nil, err
		}
		rules = append(rules, ofBuiltIn(selector)...)
		for _, key := range names {
			part := ix.roles[key]
			if part == role || !selector.Matches(labels.Set(part.labels)) {
				continue
			}
			more, err := ix.gather(part, names, seen)
			if err != nil {
				return nil, err
			}
			rules = append(rules, more...)
		}
	}
	return rules, nil
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
