package render

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/strvals"
)

// ValuesReference is one entry of a HelmRelease's spec.valuesFrom.
type ValuesReference struct {
	Kind       string `json:"kind"` // Secret or ConfigMap
	Name       string `json:"name"`
	ValuesKey  string `json:"valuesKey"`  // values.yaml where empty
	TargetPath string `json:"targetPath"` // the content is one value at this path, where not empty
	Optional   bool   `json:"optional"`
	Literal    bool   `json:"literal"` // the value at TargetPath is a plain string
}

// ValuesSource is the decoded content of the Secret or ConfigMap that a reference names.
type ValuesSource map[string]string

// Compose merges what a HelmRelease's valuesFrom and values give, in
// Flux's order: the references one after the other, a later one wins, and the
// inline values last. A value at a targetPath also wins over inline values that
// no earlier reference shares a map with, as it does in Flux. lookup finds a reference's
// object, or says that there is none; that is an error unless the reference is optional.
// It is also an error where it takes too much together with what the Composer did before. Nothing given is changed.
func (c *Composer) Compose(refs []ValuesReference, lookup func(kind, name string) (ValuesSource, bool), inline map[string]any) (map[string]any, error) {
	inline, err := plainValues(inline)
	if err != nil {
		return nil, fmt.Errorf("read the inline values: %w", err)
	}
	result := map[string]any{}
	for _, ref := range refs {
		if ref.ValuesKey == "" {
			ref.ValuesKey = "values.yaml"
		}
		content, found, err := findValues(ref, lookup)
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		if ref.TargetPath == "" {
			if result, err = c.merge(result, []byte(content)); err != nil {
				return nil, fmt.Errorf("read values from key %s of %s %s: %w", ref.ValuesKey, ref.Kind, ref.Name, err)
			}
			continue
		}
		// Merging first is what makes the value win over inline ones: the maps that only they have are shared from here on.
		result = MergeValues(result, inline)
		if err := c.set(result, ref, content); err != nil {
			return nil, fmt.Errorf("set %s from %s %s: %w", ref.TargetPath, ref.Kind, ref.Name, err)
		}
	}
	return MergeValues(result, inline), nil
}

func findValues(ref ValuesReference, lookup func(kind, name string) (ValuesSource, bool)) (content string, found bool, err error) {
	if ref.Kind != "Secret" && ref.Kind != "ConfigMap" {
		return "", false, fmt.Errorf("valuesFrom names a %s, and only Secrets and ConfigMaps can hold values", ref.Kind)
	}
	source, ok := lookup(ref.Kind, ref.Name)
	if !ok {
		if ref.Optional {
			return "", false, nil
		}
		return "", false, fmt.Errorf("valuesFrom names the %s %s, which the umbrella does not render", ref.Kind, ref.Name)
	}
	content, ok = source[ref.ValuesKey]
	if !ok && !ref.Optional {
		return "", false, fmt.Errorf("valuesFrom names the key %s of %s %s, which has no such key", ref.ValuesKey, ref.Kind, ref.Name)
	}
	return content, ok, nil
}

// setValue sets one value at a path as helm --set does; quotes around the value make it a string.
func setValue(values map[string]any, ref ValuesReference, content string) error {
	named := ref.TargetPath
	if !ref.Literal {
		named += content
	}
	if err := checkListed(named); err != nil {
		return err
	}
	switch {
	case ref.Literal:
		escape := strings.NewReplacer(`\`, `\\`, `,`, `\,`, `[`, `\[`, `]`, `\]`, `{`, `\{`, `}`, `\}`)
		return strvals.ParseIntoString(ref.TargetPath+"="+escape.Replace(content), values)
	case quoted(content, `'`) || quoted(content, `"`):
		return strvals.ParseIntoString(ref.TargetPath+"="+strings.Trim(content, `'"`), values)
	}
	return strvals.ParseInto(ref.TargetPath+"="+content, values)
}

func quoted(s, quote string) bool {
	return strings.HasPrefix(s, quote) && strings.HasSuffix(s, quote)
}

// MergeValues returns a with b over it: maps merge, anything else of b wins.
// Neither is changed, but the result shares maps with both.
func MergeValues(a, b map[string]any) map[string]any {
	out := make(map[string]any, len(a)+len(b))
	maps.Copy(out, a)
	for k, v := range b {
		if over, ok := v.(map[string]any); ok {
			if under, ok := out[k].(map[string]any); ok {
				out[k] = MergeValues(under, over)
				continue
			}
		}
		out[k] = v
	}
	return out
}

// ParseValues decodes a values file as Helm does. Empty content gives an empty map.
func ParseValues(data []byte) (map[string]any, error) {
	if err := checkAliases(data); err != nil {
		return nil, err
	}
	values, err := readValues(data)
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) && kind.Field == "" {
		return nil, fmt.Errorf("must be a mapping of keys to values (got JSON's %s)", kind.Value)
	}
	return values, err
}

// readValues decodes a values file of which it is known that its aliases are bounded.
func readValues(data []byte) (map[string]any, error) {
	values, err := decodeValues(trimBOM(data))
	if err != nil {
		return nil, err
	}
	if values == nil {
		values = map[string]any{}
	}
	return values, nil
}

// plainValues copies values deeply; numbers become float64, as Helm reads them from a file.
func plainValues(values map[string]any) (map[string]any, error) {
	data, err := json.Marshal(values)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	if err := json.Unmarshal(data, &out); err != nil {
		return nil, err
	}
	if out == nil {
		out = map[string]any{}
	}
	return out, nil
}

// DefaultValues returns the chart's values with the given ones over them, as
// its templates would see them; a null takes a key away. Nothing is rendered, and values are not changed.
func (c *Chart) DefaultValues(values map[string]any) (merged map[string]any, err error) {
	return new(Renderer).DefaultValues(c, values)
}

// DefaultValues are those of the chart.
func (by *Renderer) DefaultValues(c *Chart, values map[string]any) (merged map[string]any, err error) {
	defer recovered(&err)
	p, err := by.parse(c)
	if err != nil {
		return nil, fmt.Errorf("read chart %s: %w", c.Dir, err)
	}
	merged, err = chartutil.CoalesceValues(p.chart, values)
	if err != nil {
		return nil, fmt.Errorf("merge values of chart %s: %w", c.Dir, err)
	}
	return merged, nil
}
