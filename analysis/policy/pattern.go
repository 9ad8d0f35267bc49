package policy

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"tokenward/analysis/wildcard"
)

// checkPattern refuses what fits does not evaluate: lists, variables, comparisons, and
// all anchors but equality =(key) and negation X(key).
func checkPattern(path string, pattern any) error {
	switch p := pattern.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(p)) {
			modifier, _, anchored := parseAnchor(key)
			if anchored && modifier != "=" && modifier != "X" {
				return fmt.Errorf("field %s.%s is not understood", path, key)
			}
			if err := checkPattern(path+"."+key, p[key]); err != nil {
				return err
			}
		}
	case string:
		if !isPlainText(p) {
			return fmt.Errorf("field %s is not understood: pattern %q", path, p)
		}
	case bool, float64, nil:
	default:
		return fmt.Errorf("field %s is not understood: %T in a pattern", path, pattern)
	}
	return nil
}

// isPlainText reports whether textFits compares with a text pattern as the engine does: it
// knows neither comparisons, ranges and quantities nor variables.
func isPlainText(pattern string) bool {
	for _, option := range strings.Split(pattern, "|") {
		option = strings.TrimPrefix(strings.TrimSpace(option), "!")
		if strings.ContainsAny(option, "<>&!{}$()") || option != "" && strings.ContainsAny(option[:1], "0123456789+-.") {
			return false
		}
	}
	return true
}

// fits reports whether a value has the shape that the pattern asks for. Fields that the
// pattern does not name may hold anything.
func fits(value, pattern any) bool {
	switch p := pattern.(type) {
	case map[string]any:
		m, ok := value.(map[string]any)
		if !ok {
			return false
		}
		for key, want := range p {
			if !fieldFits(m, key, want) {
				return false
			}
		}
		return true
	case bool, float64, string, nil:
		list, ok := value.([]any)
		if !ok {
			return scalarFits(value, pattern)
		}
		for _, item := range list {
			if !scalarFits(item, pattern) {
				return false
			}
		}
		return true
	}
	return false
}

func fieldFits(m map[string]any, key string, want any) bool {
	modifier, field, _ := parseAnchor(key)
	value, exists := m[field]
	switch {
	case modifier == "X":
		return !exists
	case modifier == "=":
		return !exists || fits(value, want)
	case want == "*":
		return value != nil
	}
	return fits(value, want)
}

func scalarFits(value, pattern any) bool {
	switch p := pattern.(type) {
	case bool:
		v, ok := value.(bool)
		return ok && v == p
	case float64:
		v, ok := number(value)
		return ok && v == p
	case nil:
		v, ok := number(value)
		return value == nil || value == "" || value == false || ok && v == 0
	case string:
		return textFits(value, p)
	}
	return false
}

// number reads a value as the engine compares it with a number: text counts too.
func number(value any) (float64, bool) {
	switch v := value.(type) {
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case string:
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil && !math.IsNaN(f)
	}
	return 0, false
}

// textFits compares with a text pattern: options separated by |, each with wildcards
// and perhaps a leading ! for anything else.
func textFits(value any, pattern string) bool {
	var text string
	switch v := value.(type) {
	case string:
		text = v
	case bool:
		text = strconv.FormatBool(v)
	case int, int64:
		text = fmt.Sprint(v)
	case float64:
		text = strconv.FormatFloat(v, 'E', -1, 64)
	default:
		return false
	}
	for _, option := range strings.Split(pattern, "|") {
		option, negated := strings.CutPrefix(strings.TrimSpace(option), "!")
		if wildcard.Match(option, text) != negated {
			return true
		}
	}
	return false
}
