package rbac

import (
	"iter"
	"slices"
	"sort"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// Origin says where a grant's role comes from.
type Origin int

const (
	Rendered Origin = iota // some release renders the role
	BuiltIn                // every cluster brings it
	Outside                // rendered nowhere: what it allows is not known
)

// Grant is one role that a ServiceAccount holds.
type Grant struct {
	Binding *Binding
	// Group is the group through which the account holds the role, "" where the
	// binding names the account itself.
	Group string
	// Role is nil unless Origin is Rendered.
	Role   *Role
	Origin Origin
	// Rules are the role's rules, those that only serve admission left out.
	Rules []rbacv1.PolicyRule
	// UseOnly tells that the role has rules, yet nothing but `use` of pod security
	// policies or security context constraints: admission reads these, the pod
	// never calls the API with them.
	UseOnly bool

	real bool
}

// Real tells whether the grant is a reason to call the API: its role has rules, or
// is one whose rules are not known.
func (g Grant) Real() bool { return g.real }

// RoleID names the role for people, whether it is rendered or not.
func (g Grant) RoleID() string {
	if g.Role != nil {
		return g.Role.Object.ID()
	}
	if g.Binding.RoleRef.Kind == "Role" {
		return "Role " + g.Binding.Namespace + "/" + g.Binding.RoleRef.Name
	}
	return g.Binding.RoleRef.Kind + " " + g.Binding.RoleRef.Name
}

// Words says what the grant allows.
func (g Grant) Words() string {
	switch g.Origin {
	case BuiltIn:
		return builtInWords(g.Binding.RoleRef.Name)
	case Outside:
		return "holds a role that no release renders"
	}
	words := g.Role.rights.words()
	if g.Binding.Kind == "RoleBinding" && g.Role.Kind == "ClusterRole" && words != "" {
		words += " of namespace " + g.Binding.Namespace
	}
	return words
}

// Account goes through every grant of a ServiceAccount, those of its own first, then
// those of the groups that it is in; each sorted by binding.
func (ix *Index) Account(namespace, name string) iter.Seq[Grant] {
	keys := []subjectKey{{rbacv1.ServiceAccountKind, namespace, name}}
	for _, group := range Groups(namespace) {
		keys = append(keys, subjectKey{kind: rbacv1.GroupKind, name: group})
	}
	return func(yield func(Grant) bool) {
		for _, key := range keys {
			for _, g := range ix.grants[key] {
				if !yield(g) {
					return
				}
			}
		}
	}
}

// Groups lists the groups that every ServiceAccount of a namespace is in, the
// narrowest first.
func Groups(namespace string) []string {
	return []string{"system:serviceaccounts:" + namespace, "system:serviceaccounts", "system:authenticated"}
}

// grantsOf turns the bindings of a subject into its grants.
func (ix *Index) grantsOf(key subjectKey, bindings []*Binding) []Grant {
	out := make([]Grant, len(bindings))
	for i, b := range bindings {
		g := Grant{Binding: b, Role: ix.role(b)}
		if key.kind == rbacv1.GroupKind {
			g.Group = key.name
		}
		switch {
		case g.Role != nil:
			g.Rules = g.Role.rights.useful()
			g.UseOnly = len(g.Rules) == 0 && len(g.Role.Rules) > 0
			g.real = len(g.Rules) > 0
		case isBuiltIn(b.RoleRef):
			g.Origin, g.real = BuiltIn, !emptyBuiltIn(b.RoleRef)
		default:
			g.Origin, g.real = Outside, !emptyBuiltIn(b.RoleRef)
		}
		out[i] = g
	}
	sort.SliceStable(out, func(i, j int) bool {
		a, b := out[i].Binding, out[j].Binding
		return a.Kind+" "+a.Namespace+"/"+a.Name < b.Kind+" "+b.Namespace+"/"+b.Name
	})
	return out
}

// withoutUse leaves out rules without effect and those that only say which pod
// security a pod may claim. The rules that it is given stay as they are.
func withoutUse(rules []rbacv1.PolicyRule) []rbacv1.PolicyRule {
	useless := func(r rbacv1.PolicyRule) bool {
		return len(r.Verbs) == 0 || len(r.Resources)+len(r.NonResourceURLs) == 0 || isUse(r)
	}
	if !slices.ContainsFunc(rules, useless) {
		return rules // as nearly always
	}
	return slices.DeleteFunc(slices.Clone(rules), useless)
}

func isUse(r rbacv1.PolicyRule) bool {
	if len(r.Verbs) != 1 || r.Verbs[0] != "use" || len(r.NonResourceURLs) > 0 {
		return false
	}
	for _, resource := range r.Resources {
		switch strings.ToLower(resource) {
		case "podsecuritypolicies", "securitycontextconstraints":
		default:
			return false
		}
	}
	return true
}
