package render

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mitchellh/copystructure"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
)

type copied struct {
	chart.Metadata
	Inner   *copied
	Any     any
	Array   [2][]string
	private int
}

// TestCopiesAreEqualAndApart pins what takes the place of the copying by reflection
// (see the replace in go.mod).
func TestCopiesAreEqualAndApart(t *testing.T) {
	t.Parallel()
	var nilMap map[string]any
	var nilList []any
	var nilPointer *copied
	for name, v := range map[string]any{
		"scalars":         []any{nil, true, 1, int8(1), int64(-2), uint16(3), 1.5, "text", time.Unix(1, 2)},
		"nil map":         nilMap,
		"nil list":        nilList,
		"nil pointer":     nilPointer,
		"nil within":      map[string]any{"a": nil, "b": nilMap, "c": nilList},
		"empty":           map[string]any{"a": map[string]any{}, "b": []any{}},
		"bytes":           map[string][]byte{"a": []byte("x"), "b": {}, "c": nil},
		"values of Helm":  chartutil.Values{"a": chartutil.Values{"b": []any{map[string]any{"c": "d"}}}},
		"maps of others":  map[any]any{1: []string{"a"}, "b": map[string]string{"c": "d"}},
		"lists of others": [][]int{{1}, nil, {}},
		"structs": &copied{Metadata: chart.Metadata{Name: "a", Maintainers: []*chart.Maintainer{{Name: "b"}}}, Inner: &copied{},
			Any: map[string]any{"a": []any{1}}, Array: [2][]string{{"a"}, nil}},
		"version set": chartutil.VersionSet{"v1", "apps/v1"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := copystructure.Copy(v)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(v, got, cmp.AllowUnexported(copied{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCopiesShareNothing(t *testing.T) {
	t.Parallel()
	inner, data := map[string]any{"a": []any{"b"}}, []byte("x")
	v := map[string]any{"values": chartutil.Values(inner), "pointer": &copied{Any: inner}, "files": map[string][]byte{"f": data}}
	got, err := copystructure.Copy(v)
	if err != nil {
		t.Fatal(err)
	}
	inner["a"].([]any)[0], inner["c"], data[0] = "changed", 1, 'y'
	want := map[string]any{"a": []any{"b"}}
	c := got.(map[string]any)
	if diff := cmp.Diff(map[string]any{"values": chartutil.Values(want), "pointer": &copied{Any: want}, "files": map[string][]byte{"f": []byte("x")}}, c,
		cmp.AllowUnexported(copied{})); diff != "" {
		t.Error(diff)
	}
}

func TestCopyRefuses(t *testing.T) {
	t.Parallel()
	var nilPointer *copied
	loop := map[string]any{}
	loop["self"] = []any{loop}
	pointers := &copied{}
	pointers.Inner = pointers
	for name, v := range map[string]any{"a function": func() {}, "a channel within": []any{make(chan int)}, "a loop": loop, "a loop of pointers": pointers} {
		if _, err := copystructure.Copy(v); err == nil {
			t.Errorf("%s: copied", name)
		}
	}
	if got, err := copystructure.Copy(map[string]any{"a": nilPointer}); err != nil || got.(map[string]any)["a"] != nil {
		t.Errorf("a nil pointer within: %#v, %v", got, err)
	}
	got, err := copystructure.Copy(copied{private: 1})
	if err != nil || got.(copied).private != 0 {
		t.Errorf("an unexported field: %v, %v", got, err)
	}
}
