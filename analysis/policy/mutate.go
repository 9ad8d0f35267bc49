package policy

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// anchorForm is a key with an anchor: a modifier and a key in parentheses.
var anchorForm = regexp.MustCompile(`^([+<=X^]?)\((.+)\)$`)

// parseAnchor splits a key into its anchor and the field that it stands for. The
// modifier is "" both for a plain key and for the plain anchor (key): ok tells them apart.
func parseAnchor(key string) (modifier, field string, ok bool) {
	var m []string
	if trimmed := strings.TrimSpace(key); strings.HasSuffix(trimmed, ")") {
		m = anchorForm.FindStringSubmatch(trimmed)
	}
	if m == nil {
		return "", key, false
	}
	return m[1], m[2], true
}

// checkPatch refuses what mutate does not evaluate: lists, removals, variables,
// directives, and anchors but those for conditions on scalars and for adding.
func checkPatch(path string, patch map[string]any) error {
	if len(patch) == 0 {
		return fmt.Errorf("field %s is missing or empty", path)
	}
	for _, key := range slices.Sorted(maps.Keys(patch)) {
		value, at := patch[key], path+"."+key
		modifier, _, anchored := parseAnchor(key)
		if strings.HasPrefix(key, "$") || strings.Contains(key, "{{") || anchored && !strings.Contains("+<", modifier) {
			return fmt.Errorf("field %s is not understood", at)
		}
		switch v := value.(type) {
		case map[string]any:
			if anchored {
				return fmt.Errorf("field %s is not understood: an anchor on a map", at)
			}
			if len(v) == 0 {
				continue
			}
			if err := checkPatch(at, v); err != nil {
				return err
			}
		case string:
			if strings.Contains(v, "{{") || strings.Contains(v, "$(") {
				return fmt.Errorf("field %s is not understood: %q holds a variable", at, v)
			}
			if anchored && modifier != "+" && !isPlainText(v) {
				return fmt.Errorf("field %s is not understood: condition %q", at, v)
			}
		case bool, float64:
		default:
			return fmt.Errorf("field %s is not understood: %T in a patch", at, value)
		}
	}
	return nil
}

// patched returns obj with patch merged into it, and whether that changed anything; obj stays
// as it is. Nothing changes where a condition in the patch does not hold or the shapes do not fit.
func patched(obj, patch map[string]any) (map[string]any, bool) {
	if !conditionsHold(obj, patch) || !shapesFit(obj, patch) {
		return obj, false
	}
	return merged(obj, patch)
}

// conditionsHold evaluates the anchors (key) and <(key). One that fails, at whatever
// depth, stops the whole patch.
func conditionsHold(obj any, patch map[string]any) bool {
	have, _ := obj.(map[string]any)
	for key, value := range patch {
		modifier, field, anchored := parseAnchor(key)
		current, exists := have[field]
		if anchored && modifier != "+" && (!exists || !fits(current, value)) {
			return false
		}
		if nested, ok := value.(map[string]any); ok && !conditionsHold(current, nested) {
			return false
		}
	}
	return true
}

func shapesFit(obj, patch map[string]any) bool {
	for key, value := range patch {
		nested, ok := value.(map[string]any)
		if !ok {
			continue
		}
		switch current := obj[key].(type) {
		case nil:
		case map[string]any:
			if !shapesFit(current, nested) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// merged is a strategic merge of maps and scalars: a copy of obj that shares with it what does not
// change. A map of which only conditions are left adds nothing.
func merged(obj, patch map[string]any) (out map[string]any, changed bool) {
	out = obj
	set := func(field string, value any) {
		if !changed {
			out, changed = maps.Clone(obj), true
		}
		out[field] = value
	}
	for key, value := range patch {
		modifier, field, anchored := parseAnchor(key)
		nested, isMap := value.(map[string]any)
		old, exists := out[field]
		switch {
		case anchored && (modifier != "+" || exists):
		case !isMap:
			if !exists || !sameScalar(old, value) {
				set(field, value)
			}
		default:
			current, _ := old.(map[string]any)
			if current == nil {
				current = map[string]any{}
			}
			if inner, differs := merged(current, nested); differs {
				set(field, inner)
			}
		}
	}
	return out, changed
}

// sameScalar compares a manifest's value with a patch's; maps and lists never equal a
// scalar.
func sameScalar(a, b any) bool {
	switch a.(type) {
	case map[string]any, []any:
		return false
	}
	return a == b
}
