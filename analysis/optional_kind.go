package analysis

import (
	"slices"
	"strings"
)

// podKinds knows of what kinds the objects are that pods come from.
type podKinds struct {
	table *operatorTable
	named map[string]bool // the kinds, whatever their group
}

func (t *operatorTable) podKinds() podKinds {
	out := podKinds{table: t, named: map[string]bool{}}
	for _, m := range makers() {
		out.named[m.kind] = true
	}
	for _, o := range t.entries {
		if !o.NoPods {
			out.named[o.Kind] = true
		}
	}
	return out
}

// called tells whether pods come from objects of a kind, whatever their group. A kind that
// a template puts together may be any.
func (k podKinds) called(kind string) bool {
	return strings.HasPrefix(kind, "{{") || k.named[strings.Trim(kind, `"'`)]
}

// maybe tells whether pods may come from the object whose kind, so called, a template gives
// in the line at a place, -1 for a place that is not known.
func (k podKinds) maybe(kind, text string, at int) bool {
	if at < 0 {
		return true
	}
	if isReference(text, at) {
		return false
	}
	open := strings.HasPrefix(kind, "{{")
	kind = strings.Trim(kind, `"'`)
	version, known := versionBeside(text, at)
	group, _, grouped := strings.Cut(version, "/")
	if !grouped {
		group = ""
	}
	if !known || slices.ContainsFunc(makers(), func(m maker) bool { return (open || m.kind == kind) && slices.Contains(m.groups, group) }) {
		return true
	}
	if !strings.Contains(group, ".") {
		return false // it is one of Kubernetes itself
	}
	entries := k.table.find(group, kind) // none of a custom resource that nobody taught us about
	return open || len(entries) == 0 || slices.ContainsFunc(entries, func(o *Operator) bool { return !o.NoPods })
}

// versionBeside reads the apiVersion that stands in the line before the one at a place, or in
// the line after it, in the same mapping. It is known where it is written out.
func versionBeside(text string, at int) (version string, known bool) {
	depth, item := indent(text[at:])
	if at > 0 && !item {
		before := strings.LastIndexByte(text[:at-1], '\n') + 1
		if d, _ := indent(text[before:]); d == depth {
			if version, known = versionOn(text[before:at]); known {
				return version, true
			}
		}
	}
	end := lineEnd(text, at)
	if d, item := indent(text[end:]); d == depth && !item {
		return versionOn(text[end:lineEnd(text, end)])
	}
	return "", false
}

func versionOn(line string) (version string, known bool) {
	rest, ok := strings.CutPrefix(strings.TrimLeft(line, " \t-"), "apiVersion:")
	version = strings.Trim(strings.TrimSpace(rest), `"'`)
	return version, ok && version != "" && !strings.ContainsFunc(version, func(c rune) bool {
		return c != '.' && c != '/' && c != '-' && (c >= 0x80 || !isWordByte(byte(c)))
	})
}

// isReference tells whether the line at a place belongs to the mapping of a key such as
// scaleTargetRef, which names an object that stands elsewhere.
func isReference(text string, at int) bool {
	const maxLines = 8
	depth, item := indent(text[at:])
	for range maxLines {
		if item || depth == 0 || at == 0 {
			return false
		}
		at = strings.LastIndexByte(text[:at-1], '\n') + 1
		line := strings.TrimSpace(text[at:lineEnd(text, at)])
		if line == "" || strings.HasPrefix(line, "{{") {
			continue
		}
		var d int
		if d, item = indent(text[at:]); d < depth {
			return !item && strings.HasSuffix(line, "Ref:")
		}
		item = item && d == depth
	}
	return false
}

// indent measures how far in the line begins that text begins with, and tells whether it is an item of a list.
func indent(text string) (depth int, item bool) {
	for depth < len(text) && (text[depth] == ' ' || text[depth] == '-') {
		item = item || text[depth] == '-'
		depth++
	}
	return depth, item
}
