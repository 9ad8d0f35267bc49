// Package copystructure takes the place of the module of that name, through which
// Helm's library and Sprig's deepCopy copy values: that one goes through every byte
// of every file of a chart by reflection, which takes half of the time that a
// platform takes to render. This one copies the types that YAML is made of directly
// and everything else by reflection, with the same results; only a value that says so (Same) stays what it is.
//
// It refuses what cannot be copied (functions, channels) and what contains itself,
// which ends a process that copies with the original.
package copystructure

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"
)

// Same is a value that every copy shares.
type Same interface{ SameInCopies() }

// maxDepth is far beyond what any document has, and far below what a stack holds.
const maxDepth = 10_000

// Copy returns a deep copy of v. Of structs the exported fields are copied, and the
// others are zero; only time.Time is copied whole.
func Copy(v any) (any, error) { return anyValue(v, 0) }

func anyValue(v any, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("copy a value: it is nested more than %d levels deep, or contains itself", maxDepth)
	}
	switch v := v.(type) {
	case nil, bool, string, int, int64, int32, uint, uint64, uint32, float64, float32, time.Time, Same:
		return v, nil
	case map[string]any:
		return stringMap(v, depth)
	case []any:
		return list(v, depth)
	case []byte:
		return slices.Clone(v), nil
	case []string:
		return slices.Clone(v), nil
	case map[string]string:
		return maps.Clone(v), nil
	}
	r := reflect.ValueOf(v)
	if depth > 0 && r.Kind() == reflect.Pointer && r.IsNil() {
		return nil, nil // as the original does inside of maps and lists
	}
	out, err := reflected(r, depth)
	if err != nil {
		return nil, err
	}
	return out.Interface(), nil
}

func stringMap(m map[string]any, depth int) (map[string]any, error) {
	if m == nil {
		return nil, nil
	}
	out := make(map[string]any, len(m))
	for k, v := range m {
		c, err := anyValue(v, depth+1)
		if err != nil {
			return nil, err
		}
		out[k] = c
	}
	return out, nil
}

func list(l []any, depth int) ([]any, error) {
	if l == nil {
		return nil, nil
	}
	out := make([]any, len(l))
	for i, v := range l {
		c, err := anyValue(v, depth+1)
		if err != nil {
			return nil, err
		}
		out[i] = c
	}
	return out, nil
}
