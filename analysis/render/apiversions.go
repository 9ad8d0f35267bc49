package render

import (
	"bytes"
	"context"
	"path"
	"slices"
	"strings"
)

// AsksFor tells whether a chart may render something else once the given API versions
// ("group/version", "group/version/Kind") come or go: it asks for one of them by its
// name, or in another way while the group of one of them stands in its templates or
// default values. The error is of opening the chart, which only the latter takes.
func AsksFor(ctx context.Context, c ChartSource, versions []string) (bool, error) {
	f := c.Facts()
	if slices.ContainsFunc(f.Asks, func(v string) bool { return slices.Contains(versions, v) }) {
		return true, nil
	}
	if !f.AsksOpenly || len(versions) == 0 {
		return false, nil
	}
	chart, err := c.Open(ctx)
	if err != nil {
		return false, err
	}
	return chart.mentionsGroup(versions), nil
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
