package render

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

const postRenderChart = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1000000
  template:
    spec:
      containers:
      - {name: web, image: "registry.example.com/web:1"}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: web
---
apiVersion: batch/v1
kind: Job
metadata:
  name: test
  annotations: {helm.sh/hook: test}
spec: {template: {spec: {containers: [{name: web, image: "registry.example.com/web:1"}]}}}
---
apiVersion: v1
kind: Pod
metadata:
  generateName: any-
---
broken: [
`

func postRendered(t *testing.T, renderers string, strategy PostRenderStrategy) (*Output, error) {
	t.Helper()
	var list []any
	if err := yaml.Unmarshal([]byte(renderers), &list); err != nil {
		t.Fatal(err)
	}
	fsys := simple(map[string]string{"templates/all.yaml": postRenderChart, "templates/z.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: z}\n"})
	return tryRender(fsys, Request{ReleaseName: "demo", Namespace: "shop", PostRenderers: list, PostRenderStrategy: strategy})
}

// automount tells, for every object, where it sets automountServiceAccountToken.
func automount(o *Object) any {
	if v, ok := o.Fields()["automountServiceAccountToken"]; ok {
		return v
	}
	spec, _ := o.Fields()["spec"].(map[string]any)
	template, _ := spec["template"].(map[string]any)
	inner, _ := template["spec"].(map[string]any)
	return inner["automountServiceAccountToken"]
}

func TestPostRenderers(t *testing.T) {
	t.Parallel()
	const untouched = "Pod shop/any- chart/templates/all.yaml:25 <nil>"
	for _, tc := range []struct {
		name, renderers string
		strategy        PostRenderStrategy
		want            []string
	}{
		{
			name: "patches", renderers: `
- kustomize:
    patches:
    - target: {kind: ServiceAccount}
      patch: |
        - {op: add, path: /automountServiceAccountToken, value: false}
    - patch: |
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web}
        spec: {template: {spec: {automountServiceAccountToken: true}}}
- kustomize:
    patches:
    - target: {name: web, kind: ServiceAccount}
      patch: |
        - {op: replace, path: /automountServiceAccountToken, value: true}
`,
			want: []string{
				"Deployment shop/web chart/templates/all.yaml:2 true", "ServiceAccount shop/web chart/templates/all.yaml:13 true",
				"Job shop/test chart/templates/all.yaml:18 <nil>", untouched, "Secret shop/z chart/templates/z.yaml:2 <nil>",
			},
		},
		{
			name: "the fields of earlier API versions", renderers: `
- kustomize:
    patchesStrategicMerge:
    - {apiVersion: v1, kind: ServiceAccount, metadata: {name: web}, automountServiceAccountToken: false}
    patchesJson6902:
    - target: {group: apps, version: v1, kind: Deployment, name: web}
      patch: [{op: add, path: /spec/template/spec/automountServiceAccountToken, value: false}]
`,
			want: []string{
				"Deployment shop/web chart/templates/all.yaml:2 false", "ServiceAccount shop/web chart/templates/all.yaml:13 false",
				"Job shop/test chart/templates/all.yaml:18 <nil>", untouched, "Secret shop/z chart/templates/z.yaml:2 <nil>",
			},
		},
		{
			name: "fields in another case are none", renderers: `
- Kustomize: {patches: [{target: {kind: ServiceAccount}, patch: "- {op: add, path: /automountServiceAccountToken, value: false}"}]}
- kustomize:
    Patches: [{target: {kind: ServiceAccount}, patch: "- {op: add, path: /automountServiceAccountToken, value: false}"}]
`,
			want: []string{
				"Deployment shop/web chart/templates/all.yaml:2 <nil>", "ServiceAccount shop/web chart/templates/all.yaml:13 <nil>",
				"Job shop/test chart/templates/all.yaml:18 <nil>", untouched, "Secret shop/z chart/templates/z.yaml:2 <nil>",
			},
		},
		{
			name: "an object is taken away, another renamed", renderers: `
- kustomize:
    patches:
    - patch: |
        {$patch: delete, apiVersion: v1, kind: ServiceAccount, metadata: {name: web}}
    - target: {kind: Deployment}
      patch: |
        - {op: replace, path: /spec/template/spec/automountServiceAccountToken, value: false}
`,
			want: []string{
				"Deployment shop/web chart/templates/all.yaml:2 false",
				"Job shop/test chart/templates/all.yaml:18 <nil>", untouched, "Secret shop/z chart/templates/z.yaml:2 <nil>",
			},
		},
		{
			name: "hooks too", renderers: `
- kustomize:
    patches:
    - target: {kind: Job}
      patch: |
        - {op: add, path: /spec/template/spec/automountServiceAccountToken, value: true}
`,
			want: []string{
				"Deployment shop/web chart/templates/all.yaml:2 <nil>", "ServiceAccount shop/web chart/templates/all.yaml:13 <nil>",
				"Job shop/test chart/templates/all.yaml:18 true", untouched, "Secret shop/z chart/templates/z.yaml:2 <nil>",
			},
		},
		{
			name: "hooks not", strategy: NoHooks, renderers: `
- kustomize:
    patches:
    - target: {kind: Job}
      patch: |
        - {op: add, path: /spec/template/spec/automountServiceAccountToken, value: true}
- {}
`,
			want: []string{
				"Deployment shop/web chart/templates/all.yaml:2 <nil>", "ServiceAccount shop/web chart/templates/all.yaml:13 <nil>",
				"Job shop/test chart/templates/all.yaml:18 <nil>", untouched, "Secret shop/z chart/templates/z.yaml:2 <nil>",
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			out, err := postRendered(t, tc.renderers, tc.strategy)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, o := range out.Objects {
				got = append(got, fmt.Sprintf("%s %s:%d %v", o.ID(), o.Source, o.Line, automount(o)))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if len(out.Invalid) != 1 {
				t.Errorf("invalid: %v", out.Invalid)
			}
			spec, _ := out.Objects[0].Fields()["spec"].(map[string]any)
			if spec["replicas"] != int64(1000000) {
				t.Errorf("replicas: %v", spec["replicas"])
			}
		})
	}
}

func TestPostRendererImages(t *testing.T) {
	t.Parallel()
	out, err := postRendered(t, "- kustomize: {images: [{name: registry.example.com/web, newName: mirror.example.com/web, newTag: '2'}]}", "")
	if err != nil {
		t.Fatal(err)
	}
	spec, _ := out.Objects[0].Fields()["spec"].(map[string]any)
	template, _ := spec["template"].(map[string]any)
	want := map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": "web", "image": "mirror.example.com/web:2"}}}}
	if diff := cmp.Diff(want, template); diff != "" {
		t.Error(diff)
	}
}

// TestPostRenderersAreWhatFluxKnowsOfThem holds that fields which kustomize knows, and Flux does not, say nothing.
func TestPostRenderersAreWhatFluxKnowsOfThem(t *testing.T) {
	t.Parallel()
	out, err := postRendered(t, `
- kustomize:
    images: [{name: registry.example.com/web, tagSuffix: -debug}]
    patches:
    - target: {kind: ServiceAccount}
      options: {allowNameChange: true, allowKindChange: true}
      patch: '{apiVersion: v1, kind: ConfigMap, metadata: {name: other}, automountServiceAccountToken: false}'
    - target: {kind: Secret}
      path: patch.yaml
      patch: '[{"op": "add", "path": "/type", "value": "Opaque"}]'
`, "")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range out.Objects {
		got = append(got, fmt.Sprint(o.ID(), " ", automount(o)))
	}
	want := []string{"Deployment shop/web <nil>", "ServiceAccount shop/web false", "Job shop/test <nil>", "Pod shop/any- <nil>", "Secret shop/z <nil>"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if text := fmt.Sprint(out.Objects[0].Fields()); strings.Contains(text, "-debug") {
		t.Errorf("the image has a new tag: %s", text)
	}
	if got := out.Objects[4].Fields()["type"]; got != "Opaque" {
		t.Errorf("the Secret has the type %v", got)
	}
}

// TestStrategicMergesComeFirst holds that patches of earlier API versions are applied in kustomize's order:
// strategic merges, patches, JSON patches.
func TestStrategicMergesComeFirst(t *testing.T) {
	t.Parallel()
	const patches = `patches: [{target: {kind: ServiceAccount}, patch: '[{"op": "add", "path": "/automountServiceAccountToken", "value": true}]'}]`
	for renderer, want := range map[string]any{
		`{` + patches + `, patchesStrategicMerge: [{apiVersion: v1, kind: ServiceAccount, metadata: {name: web}, automountServiceAccountToken: false}]}`: true,
		`{` + patches + `, patchesJson6902: [{target: {kind: ServiceAccount}, patch: [{op: add, path: /automountServiceAccountToken, value: false}]}]}`:  false,
	} {
		out, err := postRendered(t, "- kustomize: "+renderer, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := automount(out.Objects[1]); got != want {
			t.Errorf("%s: %v, want %v", renderer, got, want)
		}
	}
}

func TestPostRendererErrors(t *testing.T) {
	t.Parallel()
	_, err := postRendered(t, "- kustomize: {patches: [{patch: '{apiVersion: v1, kind: Secret, metadata: {name: none}}'}]}", "")
	wantError(t, err, "render chart chart: run post-renderer 1")
	_, err = postRendered(t, "- {}\n- kustomize: {patches: 7}", "")
	wantError(t, err, "read post-renderer 2")
	_, err = postRendered(t, "- kustomize: {patches: [{path: patch.yaml}]}", "")
	wantError(t, err, `a patch names the path "patch.yaml"`)
}

// TestPostRendererChangesEveryKindItNames holds that only resources of the kinds that a
// post-renderer cannot reach pass by kustomize.
func TestPostRendererChangesEveryKindItNames(t *testing.T) {
	t.Parallel()
	const label = `patch: '[{"op": "add", "path": "/metadata/labels", "value": {"seen": "yes"}}]'`
	for renderer, want := range map[string]string{
		`{patches: [{target: {kind: Secret}, ` + label + `}]}`:                                                                     "Secret",
		`{patches: [{target: {kind: "Secret|ServiceAccount"}, ` + label + `}]}`:                                                    "Secret ServiceAccount",
		`{patches: [{target: {name: "web|z"}, ` + label + `}]}`:                                                                    "Deployment Secret ServiceAccount",
		`{patches: [{patch: "{apiVersion: v1, kind: Secret, metadata: {name: z, labels: {seen: 'yes'}}}"}]}`:                       "Secret",
		`{patchesStrategicMerge: [{apiVersion: v1, kind: ServiceAccount, metadata: {name: web, labels: {seen: "yes"}}}]}`:          "ServiceAccount",
		`{patchesJson6902: [{target: {kind: Job, name: test}, patch: [{op: add, path: /metadata/labels, value: {seen: "yes"}}]}]}`: "Job",
	} {
		out, err := postRendered(t, "- kustomize: "+renderer, "")
		if err != nil {
			t.Errorf("%s: %v", renderer, err)
			continue
		}
		var got []string
		for _, o := range out.Objects {
			meta, _ := o.Fields()["metadata"].(map[string]any)
			labels, _ := meta["labels"].(map[string]any)
			if labels["seen"] == "yes" {
				got = append(got, o.Kind)
			}
		}
		slices.Sort(got)
		if strings.Join(got, " ") != want {
			t.Errorf("%s: changed %s, want %s", renderer, got, want)
		}
	}
}

func TestDefinitionsLoseTheirSchemasAfterPostRenderersToo(t *testing.T) {
	t.Parallel()
	text := "kind: CustomResourceDefinition\napiVersion: apiextensions.k8s.io/v1\nmetadata: {name: things.example.com}\nspec:\n  group: example.com\n  scope: Cluster\n  names: {kind: Thing}\n  versions:\n  - name: v1\n    served: true\n    schema: {openAPIV3Schema: {type: object, description: long}}\n"
	r := Request{ReleaseName: "demo", Namespace: "shop"}
	plain := mustRender(t, simple(map[string]string{"templates/a.yaml": text}), r)
	r.PostRenderers = []any{map[string]any{"kustomize": map[string]any{"images": []any{map[string]any{"name": "a", "newName": "b"}}}}}
	out := mustRender(t, simple(map[string]string{"templates/a.yaml": text}), r)
	if diff := cmp.Diff(plain.CRDs, out.CRDs); diff != "" || len(out.CRDs) != 1 {
		t.Error(diff)
	}
	if got := fmt.Sprint(out.Objects[0].Fields()); strings.Contains(got, "long") {
		t.Errorf("got %s", got)
	}
}
