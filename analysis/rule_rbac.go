package analysis

import (
	"fmt"

	"tokenward/analysis/rbac"
)

// held lists the grants of all accounts of a subject. Bindings that exist only
// while hooks run are no grants of pods that run at other times.
func (ix *index) held(s *subject) []rbac.Grant {
	var out []rbac.Grant
	for _, name := range s.accounts() {
		for g := range ix.rbac.Account(s.Namespace, name) {
			if g.Binding.Passes() && !s.isHook() {
				continue
			}
			out = append(out, g)
		}
	}
	return out
}

func (s *subject) isHook() bool { return len(s.Object.Hook) > 0 }

const authDelegator = "system:auth-delegator"

func findGrants(ix *index, s *subject) []finding {
	var out []finding
	seen := map[string]bool{}
	for _, g := range ix.held(s) {
		if g.Group != "" || !g.Real() || g.Binding.RoleRef.Name == authDelegator || seen[g.RoleID()+g.Binding.Namespace] {
			continue
		}
		seen[g.RoleID()+g.Binding.Namespace] = true
		out = append(out, grantFindings(s, g, grants)...)
	}
	return out
}

func findDelegation(ix *index, s *subject) []finding {
	for _, g := range ix.held(s) {
		if g.Group == "" && g.Binding.RoleRef.Name == authDelegator {
			f := at(g.Binding.Source, grants, g.Words())
			return []finding{f}
		}
	}
	return nil
}

func findGroups(ix *index, s *subject) []finding {
	var out []finding
	for _, g := range ix.held(s) {
		if g.Group == "" || !g.Real() {
			continue
		}
		effect := maybe
		everybody := g.Group != "system:serviceaccounts:"+s.Namespace
		if everybody && g.Binding.Release != s.Release && g.Binding.Release != "" && g.Binding.Namespace != s.Namespace {
			effect = picture
		}
		out = append(out, grantFindings(s, g, effect)...)
	}
	return out
}

// grantFindings says what a grant allows, where its role stands, and which
// binding gives it.
func grantFindings(s *subject, g rbac.Grant, says effect) []finding {
	binding := at(g.Binding.Source, picture, bindingWords(s, g))
	binding.Kind = "binding"
	words := g.Words()
	role := at(g.Binding.Source, says, words)
	role.Object = g.RoleID()
	if g.Role != nil {
		role = at(g.Role.Source, says, words)
		if g.Role.Aggregated {
			role.Kind = "aggregated-role"
		}
	} else {
		role.Release = g.Binding.Release
		if g.Origin == rbac.Outside {
			role.Kind = "outside-role"
		}
	}
	return []finding{role, binding}
}

func bindingWords(s *subject, g rbac.Grant) string {
	who := "its ServiceAccount " + s.ServiceAccount
	if g.Group != "" {
		who = "the group " + g.Group
	}
	words := fmt.Sprintf("%s is bound to %s", who, g.RoleID())
	if g.Binding.Release != s.Release && g.Binding.Release != "" {
		words += ", by release " + g.Binding.Release
	}
	return words
}

func findEmpty(ix *index, s *subject) []finding {
	var out []finding
	for _, g := range ix.held(s) {
		if g.Real() || g.Group != "" {
			continue
		}
		words := "is bound to " + g.RoleID() + ", which has no rules"
		if g.UseOnly {
			words = "is bound to " + g.RoleID() + ", which only admission reads (use)"
		}
		source := g.Binding.Source
		if g.Role != nil {
			source = g.Role.Source
		}
		out = append(out, at(source, emptied, words))
	}
	return out
}
