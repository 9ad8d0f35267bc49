package render

import (
	"context"
	"testing"
)

// FuzzChart looks for charts that bring Helm's library down, or that render
// differently the second time.
func FuzzChart(f *testing.F) {
	f.Add("apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n- {name: a, version: '*', condition: a.b, tags: [x], import-values: [c, {child: d, parent: e}]}\n", "a: {b: true}\ntags: {x: false}\n", "exports: {c: {y: 1}}\nd: 1\n", `{"type":"object"}`)
	f.Add("dependencies: [null]", "null", "[]", "{")
	f.Add("apiVersion: v1\nname: ../x\nversion: 1", "a: 1", "global: 7", `{"$ref":"#"}`)
	f.Fuzz(func(t *testing.T, meta, values, subValues, schema string) {
		fsys := tree(map[string]string{
			"chart/Chart.yaml": meta, "chart/values.yaml": values, "chart/values.schema.json": schema,
			"chart/charts/a/Chart.yaml": "apiVersion: v2\nname: a\nversion: 1.0.0\n", "chart/charts/a/values.yaml": subValues,
			"chart/charts/a/templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {v: {{ .Values | toJson | quote }}}\n",
		})
		c, err := LoadChart(fsys, "chart", "")
		if err != nil {
			return
		}
		first, err := Render(context.Background(), c, Request{ReleaseName: "demo", Namespace: "shop"})
		again, errAgain := Render(context.Background(), c, Request{ReleaseName: "demo", Namespace: "shop"})
		if (err == nil) != (errAgain == nil) {
			t.Fatalf("first %v, then %v", err, errAgain)
		}
		if err == nil && len(first.Objects) != len(again.Objects) {
			t.Fatal("two renders differ")
		}
		c.ExpectedCRDs(nil)
	})
}
