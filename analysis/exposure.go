package analysis

import (
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"

	"tokenward/analysis/rbac"
)

// Exposure is how much a stolen token of a ServiceAccount opens; more is worse.
type Exposure int

// From the least to the worst.
const (
	OpensNothing        Exposure = iota
	OpensNamespace               // objects of single namespaces
	OpensSecrets                 // Secrets of single namespaces
	OpensCluster                 // objects of all namespaces, or of none
	OpensClusterSecrets          // Secrets of all namespaces, or everything
)

// Exposures returns what tells the exposure of a ServiceAccount by the grants of the
// whole set, those of its groups included.
func Exposures(set *Set) func(namespace, account string) Exposure {
	ix := rbac.New(sources(set))
	return func(namespace, account string) Exposure {
		worst := OpensNothing
		for g := range ix.Account(namespace, account) {
			worst = max(worst, exposureOf(g))
		}
		return worst
	}
}

// exposureOf is the exposure of one grant. A role that no release renders counts as
// one that reads no Secrets.
func exposureOf(g rbac.Grant) Exposure {
	if !g.Real() {
		return OpensNothing
	}
	secrets := false
	switch g.Origin {
	case rbac.BuiltIn:
		secrets = slices.Contains([]string{"cluster-admin", "admin", "edit"}, g.Binding.RoleRef.Name)
	case rbac.Rendered:
		secrets = slices.ContainsFunc(g.Rules, opensSecrets)
	}
	wide := g.Binding.Kind == "ClusterRoleBinding"
	switch {
	case wide && secrets:
		return OpensClusterSecrets
	case wide:
		return OpensCluster
	case secrets:
		return OpensSecrets
	}
	return OpensNamespace
}

// opensSecrets tells whether a rule lets all Secrets be read, by name or by wildcard. A
// rule that names single objects does not count.
func opensSecrets(r rbacv1.PolicyRule) bool {
	has := func(list []string, names ...string) bool {
		return slices.ContainsFunc(append(names, "*"), func(n string) bool { return slices.Contains(list, n) })
	}
	return len(r.ResourceNames) == 0 && has(r.APIGroups, "") && has(r.Resources, "secrets") && has(r.Verbs, "get", "list", "watch")
}
