// Package yaml takes the place of sigs.k8s.io/yaml, by which Helm's toYaml, fromYaml and values go: that
// one makes JSON of everything and reads it again, which takes two thirds of the time of an
// umbrella that hands values from map to map. This one goes straight where it is certain what comes out, and
// leaves everything else to the original, which go.mod knows by the name of its repository.
//
// ReadPlain, ReadUnique and Remember are beyond what the original offers. Of the original there is what Helm, Kubernetes'
// libraries and this project use.
package yaml

import original "github.com/kubernetes-sigs/yaml"

// JSONOpt is original.JSONOpt.
type JSONOpt = original.JSONOpt

// Marshal is original.Marshal.
func Marshal(v any) ([]byte, error) {
	if text, ok := writePlain(v); ok {
		return text, nil
	}
	return original.Marshal(v)
}

// Unmarshal is original.Unmarshal.
func Unmarshal(text []byte, into any, opts ...JSONOpt) error {
	if m, ok := into.(*map[string]any); ok && m != nil && len(*m) == 0 && len(opts) == 0 {
		if values, ok := readValues(text); ok {
			fill(m, values)
			return nil
		}
	}
	return original.Unmarshal(text, into, opts...)
}

// UnmarshalStrict is original.UnmarshalStrict.
func UnmarshalStrict(text []byte, into any, opts ...JSONOpt) error {
	return original.UnmarshalStrict(text, into, opts...)
}

// JSONToYAML is original.JSONToYAML.
func JSONToYAML(json []byte) ([]byte, error) { return original.JSONToYAML(json) }

// YAMLToJSON is original.YAMLToJSON.
func YAMLToJSON(text []byte) ([]byte, error) { return original.YAMLToJSON(text) }

// YAMLToJSONStrict is original.YAMLToJSONStrict.
func YAMLToJSONStrict(text []byte) ([]byte, error) { return original.YAMLToJSONStrict(text) }
