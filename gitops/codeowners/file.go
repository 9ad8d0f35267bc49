package codeowners

import (
	"slices"
	"strings"
)

// File is a parsed CODEOWNERS file. It does not change any more and may be used
// by several goroutines.
type File struct {
	sections []*section
}

// section holds the entries under all headings of one name.
type section struct {
	name    string
	entries []*entry
	// places says where in entries a pattern stands.
	places map[string]int
}

// entry is one line with a pattern.
type entry struct {
	line      int
	text      string
	pattern   *pattern
	exclusion bool
	optional  bool
	approvals int
	owners    []reference
}

// put adds an entry. An entry of the same pattern is replaced and keeps its
// place in the order: GitLab holds a section's entries in a hash by pattern. So
// a repeated pattern does not win over the lines between its first place and its
// last, whatever the documentation says of later lines. It returns the entry
// that has been replaced, if any.
func (s *section) put(e *entry) *entry {
	if i, ok := s.places[e.pattern.text]; ok {
		old := s.entries[i]
		s.entries[i] = e
		return old
	}
	s.places[e.pattern.text] = len(s.entries)
	s.entries = append(s.entries, e)
	return nil
}

// optional says whether the section needs no approval: all its entries stand
// under optional headings.
func (s *section) optional() bool {
	return !slices.ContainsFunc(s.entries, func(e *entry) bool { return !e.optional })
}

// match returns the entry that decides about a path: the last that matches,
// unless the path is excluded. An exclusion holds for the whole section, wherever
// in it the line stands; no later line takes it back.
func (s *section) match(path []string) *entry {
	var last *entry
	for _, e := range slices.Backward(s.entries) {
		if last != nil && !e.exclusion || !e.pattern.match(path) {
			continue
		}
		if e.exclusion {
			return nil
		}
		last = e
	}
	return last
}

// Rule is what one section says of a path.
type Rule struct {
	// Section is the section's name, DefaultSection for the entries before the
	// first heading.
	Section string
	// Pattern is the pattern that decides, as it is written, and Line where.
	Pattern string
	Line    int
	// Optional says that the section needs no approval.
	Optional bool
	// Approvals is how many owners have to approve: at least 1, or 0 if the
	// section is optional.
	Approvals int
	// Owners are the entry's owners in the order they are written, or those of
	// the heading if the entry has none. It may be empty, in which case GitLab
	// asks nobody.
	Owners []Owner
}

// Rules returns what the sections say of a path, in the order of the sections,
// at most one rule each. The path is relative to the root of the repository,
// with slashes; a leading one changes nothing.
func (f *File) Rules(path string) []Rule {
	parts := strings.Split("/"+strings.TrimPrefix(path, "/"), "/")
	var rules []Rule
	for _, s := range f.sections {
		e := s.match(parts)
		if e == nil {
			continue
		}
		r := Rule{Section: s.name, Pattern: e.text, Line: e.line, Optional: s.optional()}
		if !r.Optional {
			r.Approvals = max(e.approvals, 1)
		}
		for _, o := range e.owners {
			r.Owners = append(r.Owners, Owner{Kind: o.kind, Name: o.name, Section: r.Section, Optional: r.Optional})
		}
		rules = append(rules, r)
	}
	return rules
}

// Owners returns the owners of a path in all sections, in the order of the
// sections. Who owns it in two sections is returned twice. It returns none if no
// entry matches, if the path is excluded everywhere, or if the entries that
// match name nobody.
func (f *File) Owners(path string) []Owner {
	var owners []Owner
	for _, r := range f.Rules(path) {
		owners = append(owners, r.Owners...)
	}
	return owners
}
