package policy

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tokenward/analysis/wildcard"
)

// preconditions are the conditions of a rule that are understood: comparisons of the
// operation or of a field that is text in every manifest with fixed text. Other
// variables and operators are refused when the policy is loaded.
type preconditions struct {
	any, all []condition
	hasAny   bool // an empty any fails, an absent one does not
}

type condition struct {
	variable variable
	operator string
	values   []string
}

// variable is one {{ ... }} expression: a path of request, and what stands for it
// where the path is missing.
type variable struct {
	path      []string
	fallback  string
	defaulted bool
}

type conditionSpec struct {
	Key      string `json:"key"`
	Operator string `json:"operator"`
	Value    any    `json:"value"`
	Message  any    `json:"message"`
}

// compilePreconditions reads both forms: any and all, and the older plain list, which
// means all. Nothing given holds always.
func compilePreconditions(raw json.RawMessage) (*preconditions, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var blocks struct {
		Any []conditionSpec `json:"any"`
		All []conditionSpec `json:"all"`
	}
	into := any(&blocks)
	if raw[0] == '[' {
		into = &blocks.All
	}
	if err := decodeStrict(raw, into); err != nil {
		return nil, fmt.Errorf("preconditions: %w", err)
	}
	p := &preconditions{hasAny: blocks.Any != nil}
	var err error
	if p.any, err = compileConditions(blocks.Any); err != nil {
		return nil, err
	}
	if p.all, err = compileConditions(blocks.All); err != nil {
		return nil, err
	}
	return p, nil
}

func compileConditions(specs []conditionSpec) ([]condition, error) {
	var out []condition
	for _, s := range specs {
		v, ok := parseVariable(s.Key)
		if !ok {
			return nil, fmt.Errorf("preconditions: key %q is not understood", s.Key)
		}
		if err := s.check(); err != nil {
			return nil, err
		}
		c := condition{variable: v, operator: s.Operator}
		switch value := s.Value.(type) {
		case string:
			ok = slices.Contains([]string{"Equal", "Equals", "NotEqual", "NotEquals"}, c.operator)
			c.values = []string{value}
		case []any:
			ok = slices.Contains([]string{"In", "AnyIn", "AllIn", "NotIn", "AnyNotIn", "AllNotIn"}, c.operator)
			for _, item := range value {
				text, isText := item.(string)
				ok = ok && isText
				c.values = append(c.values, text)
			}
		default:
			ok = false
		}
		if !ok || strings.Contains(strings.Join(c.values, " "), "{{") {
			return nil, fmt.Errorf("preconditions: operator %s with value %v is not understood", s.Operator, s.Value)
		}
		out = append(out, c)
	}
	return out, nil
}

// check finds what makes the engine refuse the policy of a condition: the operation is
// compared with something else, without a fallback. Of white space it overlooks spaces only.
func (s *conditionSpec) check() error {
	if strings.ReplaceAll(s.Key, " ", "") != "{{request.operation}}" {
		return nil
	}
	values, isList := s.Value.([]any)
	if !isList {
		values = []any{s.Value}
	}
	for _, value := range values {
		if text, ok := value.(string); ok && !slices.Contains([]string{"CREATE", "UPDATE", "DELETE", "CONNECT"}, text) {
			return droppedf("preconditions: %q is no operation", text)
		}
	}
	return nil
}

// variableForm is an expression that is a path and perhaps a fallback, 'text' or `"text"`.
// The paths are those whose value is text, of the object or of its pod template.
var variableForm = regexp.MustCompile(`^\{\{\s*request\.(operation|object\.(?:kind|apiVersion|(?:spec\.(?:jobTemplate\.spec\.)?template\.)?` +
	`(?:spec\.serviceAccountName|metadata\.(?:name|namespace|generateName|labels\.\w+|annotations\.\w+))))` +
	`\s*(\|\|\s*(?:'([^']*)'|\x60("[^\x60]*")\x60)\s*)?\}\}$`)

func parseVariable(key string) (variable, bool) {
	m := variableForm.FindStringSubmatch(strings.TrimSpace(key))
	if m == nil {
		return variable{}, false
	}
	v := variable{path: strings.Split(m[1], "."), defaulted: m[2] != "", fallback: m[3]}
	if m[4] != "" && json.Unmarshal([]byte(m[4]), &v.fallback) != nil {
		return variable{}, false
	}
	return v, true
}

// value resolves the variable for a resource that is being created. ok is false where
// it has none: then the engine reports an error and does not run the rule.
func (v variable) value(res *resource) (text string, ok bool) {
	if v.path[0] == "operation" {
		return "CREATE", true
	}
	text, ok = dig(res.object, v.path[1:]...).(string)
	if (!ok || text == "") && v.defaulted {
		return v.fallback, true
	}
	return text, ok
}

func (p *preconditions) hold(res *resource) bool {
	if p == nil {
		return true
	}
	anyHolds := !p.hasAny
	for _, c := range p.any {
		holds, ok := c.holds(res)
		if !ok {
			return false
		}
		if anyHolds = anyHolds || holds; anyHolds {
			break
		}
	}
	for _, c := range p.all {
		if holds, ok := c.holds(res); !ok || !holds {
			return false
		}
	}
	return anyHolds
}

// resolve reports whether every variable has a value.
func (p *preconditions) resolve(res *resource) bool {
	return p == nil || !slices.ContainsFunc(slices.Concat(p.any, p.all), func(c condition) bool {
		_, ok := c.variable.value(res)
		return !ok
	})
}

// holds compares as the engine does: a list matches if a wildcard on either side does.
func (c condition) holds(res *resource) (holds, ok bool) {
	text, ok := c.variable.value(res)
	if !ok {
		return false, false
	}
	switch c.operator {
	case "Equal", "Equals":
		return wildcard.Match(c.values[0], text), true
	case "NotEqual", "NotEquals":
		return !wildcard.Match(c.values[0], text), true
	}
	found := slices.ContainsFunc(c.values, func(v string) bool {
		return wildcard.Match(v, text) || wildcard.Match(text, v)
	})
	return found != strings.Contains(c.operator, "Not"), true
}
