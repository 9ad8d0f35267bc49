package yaml

import (
	"maps"
	"math"
	"unicode/utf8"

	goyaml "go.yaml.in/yaml/v2"
)

// maxDepth is how deep values may be nested that are certain: far less than what the original refuses.
const maxDepth = 500

// ReadPlain reads a map as YAMLToJSON and a reader of JSON do, with numbers as number makes them of
// an int, int64, uint64 or float64. ok is false where something in it may become something else by way of JSON.
func ReadPlain(text []byte, number func(any) (any, bool)) (fields map[string]any, ok bool) {
	return readPlain(text, number, goyaml.Unmarshal)
}

// ReadUnique is ReadPlain of a text in which no map has a key twice.
func ReadUnique(text []byte, number func(any) (any, bool)) (fields map[string]any, ok bool) {
	return readPlain(text, number, goyaml.UnmarshalStrict)
}

func readPlain(text []byte, number func(any) (any, bool), unmarshal func([]byte, any) error) (fields map[string]any, ok bool) {
	var doc any
	if unmarshal(text, &doc) != nil {
		return nil, false
	}
	if m, isMap := doc.(map[any]any); isMap {
		return readMap(m, number, 0)
	}
	return nil, false
}

func readMap(m map[any]any, number func(any) (any, bool), depth int) (map[string]any, bool) {
	fields := make(map[string]any, len(m))
	for k, v := range m {
		key, isText := k.(string)
		v, ok := readValue(v, number, depth+1)
		if !ok || !isText || !utf8.ValidString(key) {
			return nil, false
		}
		fields[key] = v
	}
	return fields, true
}

// readValue changes lists in place.
func readValue(v any, number func(any) (any, bool), depth int) (any, bool) {
	switch v := v.(type) {
	case nil, bool:
		return v, true
	case string:
		return v, utf8.ValidString(v)
	case map[any]any:
		if depth > maxDepth {
			return nil, false
		}
		return readMap(v, number, depth)
	case []any:
		if depth > maxDepth {
			return nil, false
		}
		for i, e := range v {
			var ok bool
			if v[i], ok = readValue(e, number, depth+1); !ok {
				return nil, false
			}
		}
		return v, true
	}
	return number(v)
}

// valueNumber is a number as Unmarshal gives it.
func valueNumber(v any) (any, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, !math.IsInf(v, 0) && !math.IsNaN(v)
	}
	return nil, false
}

// fill puts values into an empty map, which is made where there is none.
func fill(m *map[string]any, values map[string]any) {
	if *m == nil {
		*m = values
		return
	}
	maps.Copy(*m, values)
}
