package analysis

import (
	"fmt"
	"slices"
	"strings"
)

func (s *subject) isTest() bool {
	return slices.ContainsFunc(s.Object.Hook, func(h string) bool { return strings.HasPrefix(strings.TrimSpace(h), "test") })
}

func findTest(_ *index, s *subject) []finding {
	if !s.isTest() {
		return nil
	}
	return []finding{here(s, testOnly, "is a Helm test")}
}

// findShared asks, where several workloads run as one account that holds rights,
// whose rights they are. A workload that says by itself that it calls the API needs
// no answer. Tests explain the rights of other tests only, and hooks and tests explain
// none unless they say by themselves that they call the API.
func findShared(ix *index, s *subject) []finding {
	own := s.own
	if !says(own, grants, maybe) || says(own, asks, mayAsk) {
		return nil
	}
	var others, explaining []*subject
	for _, other := range ix.neighbours(s) {
		if !ix.counts(other, s) {
			continue
		}
		others = append(others, other)
		if ix.standsOut(other) {
			explaining = append(explaining, other)
		}
	}
	switch {
	case len(others) == 0:
		return nil
	case s.isTest():
		return []finding{here(s, explained, fmt.Sprintf("its ServiceAccount %s is that of %s", s.ServiceAccount, list(others)))}
	case says(own, hint) || namedFor(s):
		return []finding{here(s, picture, fmt.Sprintf("shares its ServiceAccount %s with %s", s.ServiceAccount, list(others)))}
	case len(explaining) > 0:
		return []finding{here(s, explained, fmt.Sprintf("shares its ServiceAccount %s with %s, to which the rights belong by all signs; shows no sign of its own", s.ServiceAccount, list(explaining)))}
	case sameImages(s, others):
		return []finding{here(s, alike, fmt.Sprintf("shares its ServiceAccount %s and its image with %s", s.ServiceAccount, list(others)))}
	}
	return []finding{here(s, unclear, fmt.Sprintf("shares its ServiceAccount %s with %s; nothing tells which of them uses its rights", s.ServiceAccount, list(others)))}
}

// counts tells whether another user of a subject's account may be the one whose
// rights they are.
func (ix *index) counts(other, s *subject) bool {
	switch {
	case other.isTest():
		return s.isTest() && says(other.own, asks)
	case other.isHook() && !s.isHook():
		return says(other.own, asks)
	}
	return true
}

// standsOut tells whether something says that just this workload calls the API.
func (ix *index) standsOut(s *subject) bool {
	return says(s.own, asks, mayAsk, hint) || namedFor(s)
}

// namedFor tells whether the account bears the workload's name, so that its
// rights were made for it.
func namedFor(s *subject) bool {
	if s.ServiceAccount == "default" {
		return false
	}
	return s.ServiceAccount == s.Name || strings.HasSuffix(s.Name, "-"+s.ServiceAccount) && strings.Contains(s.ServiceAccount, "-")
}

// sameImages tells whether all of them run the same program all the time: then
// they have the same need. A hook that runs it once does something else.
func sameImages(s *subject, others []*subject) bool {
	mine := mainImages(s)
	if len(mine) == 0 {
		return false
	}
	for _, other := range others {
		if s.isHook() != other.isHook() || !slices.Equal(mine, mainImages(other)) {
			return false
		}
	}
	return true
}

func mainImages(s *subject) []string {
	var out []string
	if s.pod == nil {
		return nil
	}
	for _, c := range s.pod.spec.Containers {
		out = append(out, c.Image)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// list names some workloads for people.
func list(all []*subject) string {
	var names []string
	for _, s := range all {
		names = append(names, s.Kind+" "+s.Name)
	}
	if len(names) > 3 {
		names = append(names[:3], fmt.Sprintf("%d more", len(names)-3))
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// findNothing says what was looked at in vain.
func findNothing(ix *index, s *subject) []finding {
	own := s.own
	if says(own, grants, maybe, unreadable) || (s.operator != nil && s.operator.Needs == NeedYes) {
		return nil
	}
	var out []finding
	for _, name := range s.accounts() {
		source := ix.account(s.Namespace, name)
		switch {
		case source != nil:
			out = append(out, at(*source, nothing, "ServiceAccount "+name+" is bound to no role"+withRules(own)))
		case name == "default":
			out = append(out, here(s, nothing, "ServiceAccount default is bound to no role"+withRules(own)))
		case s.operator != nil && firstText(s.Object.Fields(), s.operator.ServiceAccount) == "":
			out = append(out, here(s, nothing, "ServiceAccount "+name+", which its operator makes, is bound to no role"+withRules(own)))
		default:
			out = append(out, here(s, partial, "ServiceAccount "+name+" is bound to no role"+withRules(own)+"; no release renders the account"))
		}
	}
	if failed := ix.failed[s.Namespace]; len(failed) > 0 {
		out = append(out, here(s, partial, "not analysed, and might bind a role: release "+strings.Join(failed, ", ")))
	}
	return out
}

func withRules(own []finding) string {
	if says(own, emptied) {
		return " that has rules"
	}
	return ""
}
