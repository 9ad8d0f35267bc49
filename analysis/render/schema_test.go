package render

import (
	"fmt"
	"strings"
	"testing"
)

// What is kept of one chart's schema says nothing about another's values, and nothing that was
// said before is said again.
func TestSchemasThatAreKeptAreNoOthers(t *testing.T) {
	t.Parallel()
	schema := func(kind string) string {
		return fmt.Sprintf(`{"$id":"https://example.com/values.json","properties":{"port":{"type":%q},"a":{"type":"object","required":["b"]}}}`, kind)
	}
	var r Renderer
	for range 2 {
		for _, kind := range []string{"integer", "string", "boolean"} {
			for _, port := range []any{int64(1), "x", true} {
				c := mustLoad(t, simple(map[string]string{"values.schema.json": schema(kind)}), "")
				q := Request{ReleaseName: "demo", Values: map[string]any{"port": port, "a": map[string]any{}}}
				_, want := Render(t.Context(), c, q)
				if _, err := r.Render(t.Context(), c, q); fmt.Sprint(err) != fmt.Sprint(want) {
					t.Errorf("%v for %s: %v, want %v", port, kind, err, want)
				}
			}
		}
	}
	if n := len(r.schemas.kept.entries); n != 3 {
		t.Errorf("%d schemas are kept, want 3", n)
	}
}

// The validator goes through maps, and a report must be the same the next time.
func TestSchemaProblemsHaveAnOrder(t *testing.T) {
	t.Parallel()
	const schema = `{"properties":{"a":{"type":"string"},"b":{"anyOf":[{"type":"string"},{"type":"object","additionalProperties":false}]},"c":{"type":"string"}},"additionalProperties":false}`
	var s schemas
	values := map[string]any{"a": 1, "b": map[string]any{"z": 1, "y": 2, "x": 3}, "c": 2, "r": 1, "q": 2, "p": 3}
	const want = "the values do not fit: at '': additional properties 'p', 'q', 'r' not allowed, at '/a': got number, want string, at '/b': 'anyOf' failed, " +
		"at '/b': additional properties 'x', 'y', 'z' not allowed, at '/b': got object, want string, at '/c': got number, want string"
	for range 20 {
		if err := s.validate([]byte(schema), values); err == nil || err.Error() != want {
			t.Fatalf("got %v", err)
		}
	}
}

// Where a name is wrong the validator writes over what it says, in an order of maps.
func TestSchemaProblemsOfNamesStay(t *testing.T) {
	t.Parallel()
	const schema = `{"properties":{"a":{"propertyNames":{"pattern":"^x"}},"b":{"type":"string"}}}`
	const want = "the values do not fit: at '/*': invalid propertyName 'y', at '': 'y' does not match pattern '^x', at '/b': got number, want string"
	var s schemas
	for range 20 {
		if err := s.validate([]byte(schema), map[string]any{"a": map[string]any{"y": 1}, "b": 1}); err == nil || err.Error() != want {
			t.Fatalf("got %v", err)
		}
	}
}

// What a schema holds is no more than what compiling it took, as here, where patterns are repeated.
func TestCostlySchemasAreNotKept(t *testing.T) {
	t.Parallel()
	var s schemas
	for _, n := range []int{1, 60} {
		if _, err := s.compiled([]byte(`{"allOf":[` + strings.Repeat(`{"pattern":"a{1,900}b"},`, n) + `{}]}`)); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.kept.entries) != 1 || s.kept.cost < 900*40 {
		t.Errorf("%d schemas are kept, and cost %d", len(s.kept.entries), s.kept.cost)
	}
}
