package analysis

import (
	"fmt"
	"slices"
	"strings"

	"tokenward/analysis/rbac"
)

// maxBindings is how many bindings are shown for a workload, of its accounts and of their groups each: far more than
// people give. What is beyond them only counts.
const maxBindings = 50

// granted is what the grants of accounts say. All workloads to which they say the same share it: nobody changes it.
type granted struct {
	roles, delegation, empty []finding
}

// holder is what the words about grants depend on, beside the grants.
type holder struct {
	namespace, release string
	accounts           string // "" for groups
	hook               bool
}

// granted returns what the grants of a subject's own accounts say.
func (ix *index) granted(s *subject) *granted {
	accounts := strings.Join(s.accounts(), " ")
	return ix.ofAccounts.get(holder{s.Namespace, s.Release, accounts, s.isHook()}, func() *granted {
		own := ix.held(s)
		return &granted{
			roles:      cut(roleFindings(s, own), 2),
			delegation: delegationFindings(own),
			empty:      cut(emptyFindings(own), 1),
		}
	})
}

// held lists the grants of all accounts of a subject, without those of their groups.
func (ix *index) held(s *subject) []rbac.Grant {
	var out []rbac.Grant
	for _, name := range s.accounts() {
		for g := range ix.rbac.Account(s.Namespace, name) {
			if g.Group != "" {
				break // the account's own come first
			}
			if applies(g, s) {
				out = append(out, g)
			}
		}
	}
	return out
}

// applies tells whether a grant is there when the subject runs: bindings that exist only
// while hooks run are no grants of pods that run at other times.
func applies(g rbac.Grant, s *subject) bool { return s.isHook() || !g.Binding.Passes() }

// cut leaves out the findings beyond maxBindings bindings, of which each has so many. One finding says how
// many bindings they are, and weighs what they weigh.
func cut(found []finding, each int) []finding {
	shown := maxBindings * each
	if len(found) <= shown {
		return found
	}
	rest := found[shown:]
	more := rest[each-1]
	more.Kind, more.says = kindBinding, picture
	if more.Summary = "and 1 more binding"; len(rest) > each {
		more.Summary = fmt.Sprintf("and %d more bindings", len(rest)/each)
	}
	for _, f := range rest {
		if f.says != picture && (f.says != grants || f.Kind != kindOutside) {
			more.says = f.says
		}
	}
	return append(found[:shown:shown], more)
}

func (s *subject) isHook() bool { return len(s.Object.Hook) > 0 }

const (
	authDelegator = "system:auth-delegator"
	kindBinding   = "binding"      // of evidence that shows a binding
	kindOutside   = "outside-role" // of evidence for a role that no release renders
)

func findGrants(ix *index, s *subject) []finding { return ix.granted(s).roles }

func roleFindings(s *subject, own []rbac.Grant) []finding {
	var out []finding
	seen := map[string]bool{}
	for _, g := range own {
		if !g.Real() || g.Binding.RoleRef.Name == authDelegator || seen[g.RoleID()+g.Binding.Namespace] {
			continue
		}
		seen[g.RoleID()+g.Binding.Namespace] = true
		out = append(out, grantFindings(s, g, grants)...)
	}
	return out
}

func findDelegation(ix *index, s *subject) []finding { return ix.granted(s).delegation }

func delegationFindings(own []rbac.Grant) []finding {
	for _, g := range own {
		if g.Binding.RoleRef.Name == authDelegator {
			return []finding{at(g.Binding.Source, grants, g.Words())}
		}
	}
	return nil
}

func findGroups(ix *index, s *subject) []finding {
	one := ix.ofGroups.get(holder{namespace: s.Namespace, release: s.Release, hook: s.isHook()}, func() []finding {
		return cut(ix.groupFindings(s), 2)
	})
	out := one
	for range s.OtherAccounts {
		if len(out) < 2*maxBindings {
			out = slices.Concat(out, one)
		}
	}
	return out
}

func (ix *index) groupFindings(s *subject) []finding {
	var out []finding
	for g := range ix.rbac.Account(s.Namespace, s.ServiceAccount) {
		if g.Group == "" || !g.Real() || !applies(g, s) {
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
	binding.Kind = kindBinding
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
			role.Kind = kindOutside
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

func findEmpty(ix *index, s *subject) []finding { return ix.granted(s).empty }

func emptyFindings(own []rbac.Grant) []finding {
	var out []finding
	for _, g := range own {
		if g.Real() {
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
