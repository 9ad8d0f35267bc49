package analysis

import (
	"fmt"
	"strconv"
	"strings"

	"tokenward/analysis/render"
)

// valuesAt returns every value at a dotted path, in order; "[]" behind a step
// goes into each item of the list there, and "\." is a dot inside a step.
func valuesAt(fields map[string]any, path string) []any {
	values := []any{fields}
	for step := range strings.SplitSeq(strings.ReplaceAll(path, `\.`, "\x00"), ".") {
		key, each := strings.CutSuffix(strings.ReplaceAll(step, "\x00", "."), "[]")
		var next []any
		for _, v := range values {
			m, ok := v.(map[string]any)
			if !ok {
				continue
			}
			switch child := m[key].(type) {
			case nil:
			case []any:
				if each {
					next = append(next, child...)
				} else {
					next = append(next, child)
				}
			default:
				next = append(next, child)
			}
		}
		values = next
	}
	return values
}

// firstText returns the first non-empty string at any of the paths.
func firstText(fields map[string]any, paths []string) string {
	for _, s := range textsAtPaths(fields, paths) {
		return s
	}
	return ""
}

// textsAtPaths returns the different non-empty strings at the paths.
func textsAtPaths(fields map[string]any, paths []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, path := range paths {
		for _, v := range valuesAt(fields, path) {
			if s, ok := v.(string); ok && s != "" && !seen[s] {
				seen[s] = true
				out = append(out, s)
			}
		}
	}
	return out
}

// expand fills the placeholders of a name template. A placeholder with a list in
// its path gives one name per item; a value that is missing and has no default, holds * or ? or is
// longer than names are, gives no name.
func expand(template string, fields map[string]any, name, namespace string) []string {
	before, rest, ok := strings.Cut(template, "{")
	if !ok {
		return []string{template}
	}
	hole, after, ok := strings.Cut(rest, "}")
	if !ok {
		return nil
	}
	var out []string
	for _, value := range placeholder(hole, fields, name, namespace) {
		for _, tail := range expand(after, fields, name, namespace) {
			out = append(out, before+value+tail)
		}
	}
	return out
}

func placeholder(hole string, fields map[string]any, name, namespace string) []string {
	path, fallback, hasFallback := strings.Cut(hole, "|")
	switch path {
	case "name":
		return []string{name}
	case "namespace":
		return []string{namespace}
	}
	if list, leaf, ok := strings.Cut(path, "[]."); ok {
		var out []string
		for i, item := range valuesAt(fields, list+"[]") {
			m, _ := item.(map[string]any)
			value := firstText(m, []string{leaf})
			if value == "" && hasFallback {
				value = strings.ReplaceAll(fallback, "#", strconv.Itoa(i))
			}
			if value != "" && render.IsNamePart(value) {
				out = append(out, value)
			}
		}
		return out
	}
	for _, v := range valuesAt(fields, path) {
		switch v.(type) {
		case string, int, int64, float64, bool:
			if text := fmt.Sprint(v); render.IsNamePart(text) {
				return []string{text}
			}
			return nil
		}
	}
	if hasFallback {
		return []string{strings.ReplaceAll(fallback, "@", name)}
	}
	return nil
}

// holds tells whether a condition of the table is met. See OperatorPods.When.
func holds(condition string, fields map[string]any) bool {
	if condition == "" {
		return true
	}
	for alternative := range strings.SplitSeq(condition, "|") {
		all := true
		for atom := range strings.SplitSeq(alternative, "&") {
			all = all && holdsOne(strings.TrimSpace(atom), fields)
		}
		if all {
			return true
		}
	}
	return false
}

func holdsOne(atom string, fields map[string]any) bool {
	if path, want, ok := strings.Cut(atom, "!="); ok {
		return firstText(fields, []string{path}) != want
	}
	if path, want, ok := strings.Cut(atom, "="); ok {
		return firstText(fields, []string{path}) == want
	}
	path, negated := strings.CutPrefix(atom, "!")
	met := false
	for _, v := range valuesAt(fields, path) {
		met = met || isSet(v)
	}
	return met != negated
}

// isSet tells whether a value is more than nothing: true, not empty, above zero.
func isSet(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return true
	}
	n, isNumber := number(v)
	return !isNumber || n > 0
}
