package yaml

import (
	"maps"
	"math"
	"slices"

	goyaml "go.yaml.in/yaml/v2"
)

const (
	// maxKey is how many bytes a key may have that is certain: in JSON they are six times as many, at
	// most, and a reader of YAML takes keys of up to 1,024.
	maxKey = 128
	// maxWhole is where float64 begins to leave out whole numbers: beyond, JSON has zeros for its last digits.
	maxWhole = 1 << 53
)

// writePlain writes what Marshal does. ok is false where something may become something else by way of JSON.
func writePlain(v any) (text []byte, ok bool) {
	if text, ok := emit(v); ok {
		return text, true
	}
	p, _, ok := plain(v, 0)
	if !ok {
		return nil, false
	}
	text, err := goyaml.Marshal(p)
	return text, err == nil
}

// plain is a value as it is after it was JSON, and whether it differs from what it was. What
// is given stays what it is.
func plain(v any, depth int) (p any, differs, ok bool) {
	switch v := v.(type) {
	case nil, bool, int, int64:
		return v, false, true
	case string:
		return v, false, certain(v)
	case float64:
		return plainNumber(v)
	case []any:
		if v == nil {
			return nil, true, true
		}
		return plainList(v, depth+1)
	case map[string]any:
		if v == nil {
			return nil, true, true
		}
		return plainMap(v, depth+1)
	}
	return nil, false, false
}

// plainNumber makes whole numbers of those that JSON writes as such.
func plainNumber(v float64) (p any, differs, ok bool) {
	if v != math.Trunc(v) { // as NaN does
		return v, false, !math.IsNaN(v)
	}
	return int64(v), true, math.Abs(v) < maxWhole
}

func plainList(v []any, depth int) (p any, differs, ok bool) {
	if depth > maxDepth {
		return nil, false, false
	}
	out := v
	for i, e := range v {
		e, changed, ok := plain(e, depth)
		if !ok {
			return nil, false, false
		}
		if changed && !differs {
			out, differs = slices.Clone(v), true
		}
		if changed {
			out[i] = e
		}
	}
	return out, differs, true
}

func plainMap(v map[string]any, depth int) (p any, differs, ok bool) {
	if depth > maxDepth {
		return nil, false, false
	}
	out := v
	for k, e := range v {
		e, changed, ok := plain(e, depth)
		if !ok || len(k) > maxKey || !certain(k) {
			return nil, false, false
		}
		if changed && !differs {
			out, differs = maps.Clone(v), true
		}
		if changed {
			out[k] = e
		}
	}
	return out, differs, true
}

// certain tells whether a text comes back as it was from JSON that is read as YAML.
func certain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x7f {
			return certainRunes(s[i:])
		}
	}
	return true
}

// certainRunes leaves out what a reader of YAML refuses, the end of a line that JSON does not write as \u, and
// U+FFFD, which stands for what is no UTF-8.
func certainRunes(s string) bool {
	for _, r := range s {
		if r >= 0x7f && r < 0xa0 || r >= 0xfeff && r <= 0xffff {
			return false
		}
	}
	return true
}
