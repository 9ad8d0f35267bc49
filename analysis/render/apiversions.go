package render

import (
	"slices"
	"strings"
)

// AsksFor tells whether a chart may render something else once the given API versions
// ("group/version", "group/version/Kind") come or go: it asks for one of them by its
// name, or in another way while the group of one of them stands in its templates or
// in what they may execute.
func (f Facts) AsksFor(versions []string) bool {
	return slices.ContainsFunc(versions, func(v string) bool {
		return slices.Contains(f.Asks, v) || f.AsksOpenly && f.mentions(groupOf(v))
	})
}

// mentions tells whether an API group stands in the chart; it may where its name is no dotted word.
func (f Facts) mentions(group string) bool {
	if f.Words == "" || !strings.Contains(group, ".") || strings.ContainsFunc(group, func(r rune) bool { return r > 127 || !isGroupByte(byte(r)) }) {
		return true
	}
	return strings.Contains(f.Words, group)
}

func inTemplates(name string) bool {
	return strings.HasPrefix(ownPath(name), "templates/")
}
