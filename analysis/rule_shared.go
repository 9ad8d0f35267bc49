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
	var others, explaining crowd
	same := true
	for _, name := range s.accounts() {
		c := ix.company(s, name)
		others.add(c.others, s)
		explaining.add(c.explaining, s)
		same = same && c.same && (len(c.others) == 0 || slices.Equal(mainImages(s), mainImages(c.others[0])))
	}
	switch {
	case others.count == 0:
		return nil
	case s.isTest():
		return []finding{here(s, explained, fmt.Sprintf("its ServiceAccount %s is that of %s", s.ServiceAccount, others))}
	case says(own, hint) || namedFor(s):
		return []finding{here(s, picture, fmt.Sprintf("shares its ServiceAccount %s with %s", s.ServiceAccount, others))}
	case explaining.count > 0:
		return []finding{here(s, explained, fmt.Sprintf("shares its ServiceAccount %s with %s, to which the rights belong by all signs; shows no sign of its own", s.ServiceAccount, explaining))}
	case same:
		return []finding{here(s, alike, fmt.Sprintf("shares its ServiceAccount %s and its image with %s", s.ServiceAccount, others))}
	}
	return []finding{here(s, unclear, fmt.Sprintf("shares its ServiceAccount %s with %s; nothing tells which of them uses its rights", s.ServiceAccount, others))}
}

// asker is a user of an account, as far as the others that count depend on it.
type asker struct {
	account
	hook, test bool
}

// company is who may be the one whose rights those of an account are, the asker included.
type company struct {
	others     []*subject
	explaining []*subject // those of the others that stand out
	// same tells whether all of them run the same program all the time, or all in a hook: then
	// they have the same need. A hook that runs it once does something else.
	same bool
}

// company returns the users of one of a subject's accounts that count for it.
func (ix *index) company(s *subject, name string) *company {
	by := asker{account{s.Namespace, name}, s.isHook(), s.isTest()}
	return ix.companies.get(by, func() *company {
		c := &company{same: true}
		var images []string
		for _, other := range ix.users[by.account] {
			if !counts(other, by) {
				continue
			}
			if len(c.others) == 0 {
				images = mainImages(other)
			}
			c.same = c.same && other.isHook() == by.hook && len(images) > 0 && slices.Equal(images, mainImages(other))
			c.others = append(c.others, other)
			if standsOut(other) {
				c.explaining = append(c.explaining, other)
			}
		}
		return c
	})
}

// counts tells whether another user of an account may be the one whose rights they are.
func counts(other *subject, by asker) bool {
	switch {
	case other.isTest():
		return by.test && says(other.own, asks)
	case other.isHook() && !by.hook:
		return says(other.own, asks)
	}
	return true
}

// standsOut tells whether something says that just this workload calls the API.
func standsOut(s *subject) bool {
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

// crowd is some workloads, of which people only read a few names.
type crowd struct {
	first []*subject
	count int
}

const maxNamed = 3

// add adds all but one.
func (c *crowd) add(all []*subject, but *subject) {
	for _, s := range all {
		if s == but {
			continue
		}
		if c.count++; c.count <= maxNamed {
			c.first = append(c.first, s)
		}
	}
}

// String names the workloads for people.
func (c crowd) String() string {
	var names []string
	for _, s := range c.first {
		names = append(names, s.Kind+" "+s.Name)
	}
	if c.count > maxNamed {
		names = append(names, fmt.Sprintf("%d more", c.count-maxNamed))
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
