package policy

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"tokenward/analysis/render"
)

// FuzzLoad feeds whatever YAML there is as a policy's and an exception's spec: loading
// may refuse it, but what is loaded must evaluate, and the same way twice.
func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/engine/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		c, err := readCase(file)
		if err != nil {
			f.Fatal(err)
		}
		docs, err := documents(c.policies)
		if err != nil {
			f.Fatal(err)
		}
		for _, m := range docs {
			spec, err := yaml.Marshal(m["spec"])
			if err != nil {
				f.Fatal(err)
			}
			f.Add(string(spec), "web-1")
		}
	}
	f.Add("rules: [{name: null, match: {any: [null]}, mutate: {patchStrategicMerge: {\"+(a)\": {b: c}}}}]", "")
	f.Fuzz(func(t *testing.T, text, name string) {
		var spec map[string]any
		if yaml.Unmarshal([]byte(text), &spec) != nil {
			return
		}
		names := DefaultNames()
		objects := []*render.Object{
			{APIVersion: "kyverno.io/v1", Kind: "ClusterPolicy", Name: names.Mutator, ReadFields: render.Held(map[string]any{"spec": spec})},
			{APIVersion: "kyverno.io/v2", Kind: "PolicyException", Name: "e", Namespace: "n", ReadFields: render.Held(map[string]any{"spec": spec})},
		}
		p, err := Load(objects, names)
		if err != nil {
			return
		}
		for _, kind := range []string{"Pod", "ServiceAccount", "Deployment", "CronJob"} {
			obj := map[string]any{"apiVersion": "v1", "kind": kind, "metadata": map[string]any{"name": name, "namespace": "shop"}}
			once := p.Admit(obj)
			if diff := cmp.Diff(once, p.Admit(obj)); diff != "" {
				t.Fatalf("two evaluations differ:\n%s", diff)
			}
			p.Validate(once)
			p.Excluded(once)
		}
		p.List(name)
		p.HardensDefault(name)
	})
}

// FuzzSkippedNamespaces feeds the engine's configuration as foreign text.
func FuzzSkippedNamespaces(f *testing.F) {
	f.Add("[*/*,kube-system,*][Pod,a,*]", `{"namespaceSelector":{}}`)
	f.Add("[[,]]", "[]")
	f.Fuzz(func(t *testing.T, filters, webhooks string) {
		SkippedNamespaces([]*render.Object{{APIVersion: "v1", Kind: "ConfigMap", ReadFields: render.Held(map[string]any{
			"data": map[string]any{"resourceFilters": filters, "webhooks": webhooks},
		})}})
	})
}
