package render

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart/loader"
)

// FuzzParse holds that a chart is what Helm makes of the files, however often it is read, and
// whatever was done to what it was made of before.
func FuzzParse(f *testing.F) {
	for _, seed := range [][2]string{
		{"a: 1\nb: {c: [1, {d: 2.5}]}", "x: y"}, {"", "null"}, {"null", "[]"}, {"place: 1", "place: 0"}, {"a: [", "a: b"}, {"{}", "a: &x {b: 1}\nc: *x\n"},
		{"place: 0", "a: ["}, {"yes: on\n1: 2", "a: 12345678901234567890"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, values, subValues string) {
		c := &Chart{Dir: "chart", Files: []File{
			{Name: "Chart.yaml", Data: []byte("apiVersion: v2\nname: web\nversion: 1.0.0\n")}, {Name: "values.yaml", Data: []byte(values), Source: "chart/values.yaml"},
			{Name: "charts/a/Chart.yaml", Data: []byte("apiVersion: v2\nname: a\nversion: 1.0.0\n")}, {Name: "charts/a/values.yaml", Data: []byte(subValues)},
			{Name: "charts/b/Chart.yaml", Data: []byte("apiVersion: v2\nname: b\nversion: 1.0.0\n")},
			{Name: "charts/b/charts/a/Chart.yaml", Data: []byte("apiVersion: v2\nname: a\nversion: 1.0.0\n")}, {Name: "charts/b/charts/a/values.yaml", Data: []byte(values)},
			{Name: "files/values.yaml", Data: []byte(values)},
		}}
		buffered := func() (out []*loader.BufferedFile) {
			for _, f := range c.Files {
				out = append(out, &loader.BufferedFile{Name: f.Name, Data: f.Data})
			}
			return out
		}
		want, wantErr := loader.LoadFiles(buffered())
		var by Renderer
		for range 3 {
			p, err := by.parse(c)
			if (err != nil) != (wantErr != nil) {
				t.Fatalf("error %v, want %v", err, wantErr)
			}
			if err != nil {
				continue
			}
			sortDependencies(want)
			wantSubs, subs := want.Dependencies(), p.chart.Dependencies()
			got := []any{p.chart.Values, subs[0].Values, subs[1].Values, subs[1].Dependencies()[0].Values, p.chart.Files}
			if diff := cmp.Diff([]any{want.Values, wantSubs[0].Values, wantSubs[1].Values, wantSubs[1].Dependencies()[0].Values, want.Files}, got); diff != "" {
				t.Fatal(diff)
			}
			spoil(p.chart.Values)
			spoil(subs[0].Values)
		}
	})
}

// What is kept of small maps, which have room for eight keys, is within the bound, too.
func TestWeightOfSmallMaps(t *testing.T) {
	t.Parallel()
	const places = 8 * (16 + 16) // of a string and a value each
	list := []any{map[string]any{"a": nil}, map[string]any{"a": nil, "b": nil}}
	if got := weight(list); got < 2*places {
		t.Errorf("they take %d bytes, and not the %d of their keys alone", got, 2*places)
	}
}

// spoil changes everything in some values.
func spoil(v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, e := range v {
			spoil(e)
			v[key] = "spoilt"
		}
		if v != nil {
			v["more"] = true
		}
	case []any:
		for i, e := range v {
			spoil(e)
			v[i] = "spoilt"
		}
	}
}
