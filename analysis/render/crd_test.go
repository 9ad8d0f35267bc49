package render

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCRDs(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, text string
		want       []CRD
	}{
		{"block", crdText("example.com", "Shop", "Cluster", "v1", "v2"), []CRD{{"example.com", "Shop", "Cluster", []string{"v1", "v2"}}}},
		{
			"a version that is not served", strings.Replace(crdText("example.com", "Shop", "Cluster", "v1", "v2"), "served: true", "served: false", 1),
			[]CRD{{"example.com", "Shop", "Cluster", []string{"v2"}}},
		},
		{
			"a schema begins the item", "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a}\nspec:\n  group: g\n  names: {kind: K}\n  scope: Namespaced\n  versions:\n    - schema:\n        openAPIV3Schema:\n          properties:\n            name: x\n      name: v1\n      served: true\n",
			[]CRD{{"g", "K", "Namespaced", []string{"v1"}}},
		},
		{
			"v1beta1", "apiVersion: apiextensions.k8s.io/v1beta1\nkind: CustomResourceDefinition\nmetadata: {name: a}\nspec: {group: g, version: v1alpha1, scope: Namespaced, names: {kind: K}}\n",
			[]CRD{{"g", "K", "Namespaced", []string{"v1alpha1"}}},
		},
		{
			"JSON", `{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"a"},"spec":{"group":"g","scope":"Cluster","names":{"kind":"K"},"versions":[{"name":"v1","served":true,"schema":{"x":1}}]}}`,
			[]CRD{{"g", "K", "Cluster", []string{"v1"}}},
		},
		{"no versions", "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a}\nspec: {group: g}\n", nil},
		{"other kind", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := decodeText(tc.text)
			if len(d.invalid) > 0 {
				t.Fatal(d.invalid)
			}
			if diff := cmp.Diff(tc.want, CRDs(d.objects)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCRDsComeWithoutTheirSchemas(t *testing.T) {
	t.Parallel()
	o := decodeText(crdText("example.com", "Shop", "Cluster", "v1")).objects[0]
	spec, _ := o.Fields()["spec"].(map[string]any)
	want := []any{map[string]any{"name": "v1", "served": true, "storage": false, "schema": nil, "additionalPrinterColumns": nil}}
	if diff := cmp.Diff(want, spec["versions"]); diff != "" {
		t.Error(diff)
	}
}

func TestChartCRDs(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, simple(map[string]string{
		"Chart.yaml":               "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n- {name: busy, version: '*'}\n- {name: idle, version: '*', condition: idle.enabled}\n",
		"crds/a.yaml":              crdText("example.com", "A", "Cluster", "v1") + "---\n" + crdText("example.com", "B", "Cluster", "v2"),
		"charts/busy/Chart.yaml":   "apiVersion: v2\nname: busy\nversion: 1.0.0\n",
		"charts/busy/crds/c.yaml":  crdText("example.com", "C", "Namespaced", "v1"),
		"charts/idle/Chart.yaml":   "apiVersion: v2\nname: idle\nversion: 1.0.0\n",
		"charts/idle/crds/d.yaml":  crdText("example.org", "D", "Namespaced", "v1"),
		"files/crds/e.yaml":        crdText("example.com", "E", "Namespaced", "v1"),
		"templates/crds/f.yaml":    "{{- if .Values.f }}\n" + strings.Replace(crdText("example.net", "F", "Namespaced", "v1"), "metadata:", "metadata:\n  {{- with .Values.labels }}\n  labels: {{ toYaml . | nindent 4 }}\n  {{- end }}", 1) + "{{- end }}\n",
		"charts/idle/templates/_x": "",
	}), "")
	want := []string{
		"example.com/v1", "example.com/v1/A", "example.com/v1/C", "example.com/v2", "example.com/v2/B",
		"example.org/v1", "example.org/v1/D",
	}
	if diff := cmp.Diff(want, APIVersions(c.CRDs())); diff != "" {
		t.Error(diff)
	}
	want = []string{
		"example.com/v1", "example.com/v1/A", "example.com/v1/C", "example.com/v2", "example.com/v2/B",
		"example.net/v1", "example.net/v1/F",
	}
	expected := APIVersions(c.ExpectedCRDs(map[string]any{"idle": map[string]any{"enabled": false}}))
	if diff := cmp.Diff(want, expected); diff != "" {
		t.Error(diff)
	}
}

func TestAsksFor(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		files map[string]string
		asks  bool
	}{
		{"plainly", map[string]string{"templates/a.yaml": `{{ .Capabilities.APIVersions.Has "example.com/v1" }}`}, true},
		{"for another", map[string]string{"templates/a.yaml": `{{ .Capabilities.APIVersions.Has "example.org/v1" }} example.com`}, false},
		{"for something unknown of that group", map[string]string{"templates/_a.tpl": `{{ .Capabilities.APIVersions.Has .v }}`, "templates/b.yaml": `{{ include "a" (dict "v" "example.com/v1") }}`}, true},
		{"for something unknown of another group", map[string]string{"templates/_a.tpl": `{{ .Capabilities.APIVersions.Has .v }}`, "templates/b.yaml": `{{ include "a" (dict "v" "example.org/v1") }}`}, false},
		{"for something unknown, and defines the kind", map[string]string{"templates/_a.tpl": `{{ .Capabilities.APIVersions.Has .v }}`, "templates/b.yaml": crdText("example.com", "A", "Cluster", "v1")}, false},
		{"in a subchart", map[string]string{
			"charts/a/Chart.yaml": "apiVersion: v2\nname: a\nversion: 1.0.0\n", "charts/a/templates/a.yaml": `{{ .Capabilities.APIVersions.Has "example.com/v1" }}`,
		}, true},
		{"not in a template", map[string]string{"README.md": `.Capabilities.APIVersions.Has "example.com/v1"`}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := mustLoad(t, simple(tc.files), "")
			f := c.Facts()
			if got := f.AsksFor([]string{"example.com/v1", "example.com/v1/A"}); got != tc.asks {
				t.Errorf("asks: %v, want %v", got, tc.asks)
			}
			if f.AsksFor(nil) {
				t.Error("asks for nothing")
			}
		})
	}
}

// FuzzCRD compares what is read without the schemas with what is read from the whole.
func FuzzCRD(f *testing.F) {
	f.Add(crdText("example.com", "Shop", "Cluster", "v1", "v2"))
	f.Add("spec:\n  versions:\n  - schema:\n    - a\n    name: v1\n")
	f.Add("spec:\n  schema:\n    a: b\n# c\n    d: e\n   \n  f: g\n")
	f.Fuzz(func(t *testing.T, text string) {
		whole, err := decodeYAML([]byte(text))
		if err != nil {
			return
		}
		want, ok := readCRD(whole)
		if !ok {
			return
		}
		// Only the usual layout is compared: no anchors, tabs or block scalars, that may hold anything.
		if strings.ContainsAny(text, "|>&*\t'\"{}[]?!\r%") {
			return
		}
		fields, err := decodeCRD([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := readCRD(fields); !cmp.Equal(want, got) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

func TestCRDPartIsEnoughForExpectedCRDs(t *testing.T) {
	t.Parallel()
	crd := func(name string) string {
		return "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: " + name + "s.example.com}\nspec:\n  group: example.com\n  scope: Namespaced\n  names: {kind: " + name + "}\n  versions: [{name: v1, served: true}]\n"
	}
	sub := func(name string) map[string]string {
		return map[string]string{
			"charts/" + name + "/Chart.yaml":       "apiVersion: v2\nname: " + name + "\nversion: 1.0.0\n",
			"charts/" + name + "/crds/a.yaml":      crd("Of" + name),
			"charts/" + name + "/templates/a.yaml": "kind: Pod\napiVersion: v1\nmetadata: {name: a}\n",
		}
	}
	files := map[string]string{
		"Chart.yaml":         "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies: [{name: used, condition: used.enabled}, {name: unused, condition: unused.enabled}]\n",
		"values.yaml":        "used: {enabled: true}\nunused: {enabled: false}\n",
		"templates/crd.yaml": "{{ if .Values.used }}\n" + crd("Own") + "---\n" + crdText("example.com", "Shop", "Cluster", "v1") + "{{ end }}\n",
		"templates/a.yaml":   "kind: Pod\napiVersion: v1\nmetadata: {name: b}\n", "README.md": "Of each CustomResourceDefinition.",
	}
	maps.Copy(files, sub("used"))
	maps.Copy(files, sub("unused"))
	c := mustLoad(t, simple(files), "")
	part := c.CRDPart()
	want := c.ExpectedCRDs(nil)
	if diff := cmp.Diff(want, part.ExpectedCRDs(nil)); diff != "" || len(want) != 3 {
		t.Errorf("of %d: %s", len(want), diff)
	}
	if len(part.Files) != 7 {
		t.Errorf("it has %d files", len(part.Files))
	}
}

// What stands in a schema must not keep the definition around it from being read.
func TestCRDWithCommentsInItsSchema(t *testing.T) {
	t.Parallel()
	crd := "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: shops.example.com}\nspec:\n  group: example.com\n  scope: Cluster\n" +
		"  names: {kind: Shop}\n  versions:\n  - name: v1\n    served: true\n    schema:\n      properties:\n          a: {type: string}\n# new\n          b: {type: string}\n      type: object\n"
	fields, err := decodeYAML(withoutSchemas([]byte(crd)))
	if got, ok := readCRD(fields); err != nil || !ok || got.Kind != "Shop" {
		t.Errorf("without schemas: %v, %v", got, err)
	}
	// One that only its whole text can be read of is read beside one that only its short text can be.
	anchored := strings.ReplaceAll(strings.Replace(strings.Replace(crd, "# new\n", "", 1), "a: {type: string}", "a: &a {type: string}", 1), "Shop", "Anchor") + "  other: *a\n"
	broken := strings.Replace(strings.ReplaceAll(crd, "Shop", "Broken"), "b: {type: string}", "b: {{ .Values.d }}: more", 1)
	c := mustLoad(t, simple(map[string]string{"templates/crds.yaml": anchored + "---\n" + broken}), "")
	if got := c.ExpectedCRDs(nil); len(got) != 2 {
		t.Errorf("expected are %v", got)
	}
}
