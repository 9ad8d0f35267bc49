package analysis

import (
	"fmt"
	"sort"
)

// mapAt returns the mapping under key, nil if there is none.
func mapAt(m map[string]any, key string) map[string]any {
	v, _ := m[key].(map[string]any)
	return v
}

// textAt returns the string under key, "" if there is none.
func textAt(m map[string]any, key string) string {
	v, _ := m[key].(string)
	return v
}

// textsAt returns the mapping of strings under key; values of other kinds are
// left out, as no label or annotation may have them.
func textsAt(m map[string]any, key string) map[string]string {
	return textsIn(m[key])
}

// textsIn returns a mapping of strings as a new one.
func textsIn(v any) map[string]string {
	m, _ := v.(map[string]any)
	out := make(map[string]string, len(m))
	for k, v := range m {
		if s, ok := v.(string); ok {
			out[k] = s
		}
	}
	return out
}

// mapPath follows keys into nested mappings; a missing or other kind of value on
// the way is an error.
func mapPath(m map[string]any, path []string) (map[string]any, error) {
	for _, key := range path {
		next, ok := m[key].(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s is not a mapping", key)
		}
		m = next
	}
	return m, nil
}

// number reads a whole number as the different decoders give it.
func number(v any) (int, bool) {
	switch n := v.(type) {
	case int:
		return n, true
	case int64:
		return int(n), true
	case float64:
		return int(n), n == float64(int(n))
	}
	return 0, false
}

func sortSubjects(all []*subject) {
	sort.SliceStable(all, func(i, j int) bool {
		a, b := all[i], all[j]
		switch {
		case a.Namespace != b.Namespace:
			return a.Namespace < b.Namespace
		case a.Release != b.Release:
			return a.Release < b.Release
		case a.Kind != b.Kind:
			return a.Kind < b.Kind
		}
		return a.Name < b.Name
	})
}
