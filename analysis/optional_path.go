package analysis

import (
	"slices"
	"strings"
)

// pathSet is different paths among values, in the order in which they were met. The zero value is empty.
type pathSet struct {
	list [][]string
	keys map[string]bool // of a list that is long
}

const (
	// maxPaths bounds a set: templates come from whoever can push to a package, and are not run for this.
	maxPaths = 5000
	fewPaths = 24
)

func (s *pathSet) add(path []string) {
	if len(s.list) >= maxPaths || s.has(path) {
		return
	}
	s.list = append(s.list, path)
	if s.keys != nil {
		s.keys[pathKey(path)] = true
	} else if len(s.list) > fewPaths {
		s.keys = map[string]bool{}
		for _, p := range s.list {
			s.keys[pathKey(p)] = true
		}
	}
}

func (s *pathSet) addAll(paths [][]string) {
	for _, p := range paths {
		if len(s.list) >= maxPaths {
			return
		}
		s.add(p)
	}
}

func (s *pathSet) has(path []string) bool {
	if s.keys != nil {
		return s.keys[pathKey(path)]
	}
	return slices.ContainsFunc(s.list, func(p []string) bool { return slices.Equal(p, path) })
}

// clone is a set of its own with the same paths.
func (s *pathSet) clone() (c pathSet) {
	c.addAll(s.list)
	return c
}

func pathKey(path []string) string { return strings.Join(path, "\x00") }
