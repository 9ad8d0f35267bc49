package render

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"
)

// The ways to ask for an API version in a template: plainly, or with something that is not known before it runs.
var (
	anyQuestion   = regexp.MustCompile(`Capabilities\.APIVersions`)
	plainQuestion = regexp.MustCompile(`Capabilities\.APIVersions\.Has\s+"([^"]*)"`)
)

// UsesAPIVersions tells whether a template of the chart, or of a chart below
// it, asks which API versions the cluster has: what it renders then depends
// on the other charts of the platform.
func (c *Chart) UsesAPIVersions() bool {
	return slices.ContainsFunc(c.Files, func(f File) bool {
		return inTemplates(f.Name) && anyQuestion.Match(f.Data)
	})
}

// AsksFor tells whether the chart may render something else once the given
// API versions ("group/version", "group/version/Kind") come or go: a template
// asks for one of them, or asks for what is not known before it runs while the
// group of one of them stands in the chart's templates or default values.
func (c *Chart) AsksFor(versions []string) bool {
	if len(versions) == 0 {
		return false
	}
	open := false
	for _, f := range c.Files {
		if !inTemplates(f.Name) {
			continue
		}
		plain := plainQuestion.FindAllSubmatch(f.Data, -1)
		for _, q := range plain {
			if slices.Contains(versions, string(q[1])) {
				return true
			}
		}
		open = open || len(anyQuestion.FindAllIndex(f.Data, -1)) > len(plain)
	}
	return open && c.mentionsGroup(versions)
}

// mentionsGroup passes over templates that define kinds: they name their group without asking for it.
func (c *Chart) mentionsGroup(versions []string) bool {
	groups := map[string]bool{}
	for _, v := range versions {
		groups[groupOf(v)] = true
	}
	return slices.ContainsFunc(c.Files, func(f File) bool {
		if !inTemplates(f.Name) && path.Base(f.Name) != "values.yaml" || bytes.Contains(f.Data, []byte(crdKind)) {
			return false
		}
		for g := range groups {
			if bytes.Contains(f.Data, []byte(g)) {
				return true
			}
		}
		return false
	})
}

func inTemplates(name string) bool {
	return strings.HasPrefix(ownPath(name), "templates/")
}
