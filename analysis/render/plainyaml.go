package render

import (
	"math"

	"sigs.k8s.io/yaml"
)

// decodeYAML decodes as Kubernetes' own tools do: YAML 1.1, the last of two
// equal keys wins, numbers become int64 or float64.
func decodeYAML(text []byte) (map[string]any, error) {
	if fields, ok := yaml.ReadPlain(text, objectNumber); ok {
		return fields, nil
	}
	data, err := yaml.YAMLToJSON(text)
	if err != nil {
		return nil, err
	}
	return decodeJSON(data)
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

// decodeValues decodes as Helm reads values: as decodeYAML, but all numbers become float64.
func decodeValues(text []byte) (map[string]any, error) {
	values := map[string]any{}
	err := yaml.Unmarshal(text, &values)
	return values, err
}
