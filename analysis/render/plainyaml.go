package render

import (
	"math"
	"unicode/utf8"

	goyaml "go.yaml.in/yaml/v2"
	"sigs.k8s.io/yaml"
)

// Kubernetes' YAML library makes JSON of what it reads and reads that again, which takes a third of its time. Where
// it is certain what comes out, the way by JSON is spared.

// maxPlainDepth is how deep values may be nested that are certain: far less than what one of the two readers refuses.
const maxPlainDepth = 500

// decodeYAML decodes as Kubernetes' own tools do: YAML 1.1, the last of two
// equal keys wins, numbers become int64 or float64.
func decodeYAML(text []byte) (map[string]any, error) {
	if fields, ok := readPlain(text, objectNumber); ok {
		return fields, nil
	}
	data, err := yaml.YAMLToJSON(text)
	if err != nil {
		return nil, err
	}
	return decodeJSON(data)
}

// decodeValues decodes as Helm reads values: as decodeYAML, but all numbers become float64.
func decodeValues(text []byte) (map[string]any, error) {
	if values, ok := readPlain(text, valueNumber); ok {
		return values, nil
	}
	values := map[string]any{}
	err := yaml.Unmarshal(text, &values)
	return values, err
}

// readPlain reads a map. ok is false where something in it may become something else by way of JSON.
func readPlain(text []byte, number func(any) (any, bool)) (fields map[string]any, ok bool) {
	var doc any
	if goyaml.Unmarshal(text, &doc) != nil {
		return nil, false
	}
	if m, isMap := doc.(map[any]any); isMap {
		return plainMap(m, number, 0)
	}
	return nil, false
}

func plainMap(m map[any]any, number func(any) (any, bool), depth int) (map[string]any, bool) {
	fields := make(map[string]any, len(m))
	for k, v := range m {
		key, isText := k.(string)
		v, ok := plainValue(v, number, depth+1)
		if !ok || !isText || !utf8.ValidString(key) {
			return nil, false
		}
		fields[key] = v
	}
	return fields, true
}

// plainValue changes lists in place.
func plainValue(v any, number func(any) (any, bool), depth int) (any, bool) {
	switch v := v.(type) {
	case nil, bool:
		return v, true
	case string:
		return v, utf8.ValidString(v)
	case map[any]any:
		if depth > maxPlainDepth {
			return nil, false
		}
		return plainMap(v, number, depth)
	case []any:
		if depth > maxPlainDepth {
			return nil, false
		}
		for i, e := range v {
			var ok bool
			if v[i], ok = plainValue(e, number, depth+1); !ok {
				return nil, false
			}
		}
		return v, true
	}
	return number(v)
}

// objectNumber keeps whole numbers apart from others. A whole number that is written as another is not certain.
func objectNumber(v any) (any, bool) {
	switch v := v.(type) {
	case int:
		return int64(v), true
	case float64:
		return v, v != math.Trunc(v) && !math.IsNaN(v)
	}
	return nil, false
}

func valueNumber(v any) (any, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, !math.IsInf(v, 0) && !math.IsNaN(v)
	}
	return nil, false
}
