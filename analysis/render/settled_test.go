package render

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What kustomize is not given is as if it had been.
func TestSettledDocumentsAreAsKustomizeLeavesThem(t *testing.T) {
	t.Parallel()
	const service = "kind: Service\napiVersion: v1\nmetadata: {name: web}\n"
	thing := func(more string) string {
		return "kind: Thing\napiVersion: example.com/v1\nmetadata: {name: a}\n" + more
	}
	for name, text := range map[string]string{
		"values":                        thing("spec: {a: b, c: 1, d: 1.5, e: true, f: null, g: [h, {i: j}], k: \"1\", l: \"yes\", m: \"a\\nb\\n\", n: {}, o: []}\n"),
		"truth":                         "kind: ServiceAccount\napiVersion: v1\nmetadata: {name: a}\nautomountServiceAccountToken: no\n",
		"truths":                        thing("spec: {a: yes, b: [on, off], c: y}\n"),
		"more truths":                   thing("spec:\n  a: NO # really\n  b:\n  - On\n  - n\t\n"),
		"a date":                        thing("spec: {a: 2001-01-01}\n"),
		"a time":                        thing("spec:\n  a: 2001-01-01 10:00:00\n"),
		"tags":                          thing("spec: {a: !!str 1, b: !!binary gIGC}\n"),
		"tags in a list":                thing("spec:\n  x:\n  - !!int 1\n  -   !c d\n  - e\n"),
		"an annotation that is no text": "kind: Thing\napiVersion: example.com/v1\nmetadata: {name: a, annotations: {a: true}}\n",
		"no labels":                     "kind: Thing\napiVersion: example.com/v1\nmetadata: {name: a, labels: ~, annotations: {}}\n",
		"labels that are no map":        "kind: Thing\napiVersion: example.com/v1\nmetadata: {name: a, labels: [a]}\n",
		"hidden, for its own use":       "kind: Thing\napiVersion: example.com/v1\nmetadata: {name: a, annotations: {\"config.kubernetes\\u002eio/local-config\": \"true\"}}\n",
		"in no namespace":               "kind: Namespace\napiVersion: v1\nmetadata: {name: a}\n---\nkind: Namespace\napiVersion: v1\nmetadata: {name: a, namespace: z}\n",
		"numbers of many forms":         thing("spec: {a: 010, b: 0x1f, c: 1:30, d: 1e3, e: 1_000, f: 0o7, g: 1.0, h: 0b1, i: +1, j: .5}\n"),
		"words that end lines":          thing("spec:\n  a: >-\n    go on\n    or no\n  b: \"no\"\n  c: \"!\"\n  d: a!b\n  e: x != y\n"),
		"a reference to a name":         "kind: StatefulSet\napiVersion: apps/v1\nmetadata: {name: a}\nspec: {serviceName: web}\n",
		"a list of one, marked":         "kind: List\napiVersion: v1\nitems: [{kind: Thing, apiVersion: example.com/v1, metadata: {name: b, annotations: {config.kubernetes.io/local-config: \"true\"}}}]\n",
		"a list of nothing":             "kind: AllowList\napiVersion: example.com/v1\nmetadata: {name: x}\nitems: ~\n",
		"items that are none":           "kind: AllowThing\napiVersion: example.com/v1\nmetadata: {name: x}\nitems: {a: b}\n",
		"kept breaks":                   thing("spec:\n  a: |+\n    b\n\n"),
		"kept breaks, indented":         thing("spec:\n  a: >2+\n    b\n\n"),
		"left out":                      thing("spec: {a: , b: c}\n"),
		"left out at the end":           thing("spec: {b: c, a: }\n"),
		"a set":                         thing("spec: !!set {b}\n"),
		"truths before comments":        thing("spec:\n  a: no\t# c\n  b: {a: on} # c\n"),
		"truths before a return":        thing("spec:\n  a: no\r\n  b: c\r\n"),
		"a date without a space":        thing("spec: {\"a\":2001-01-01}\n"),
		"an id":                         "kind: Thing\napiVersion: example.com/v1\nmetadata: {name: a, annotations: {config.k8s.io/id: \"1\"}}\n",
		"two slashes":                   "kind: Thing\napiVersion: a/b/c\nmetadata: {name: a}\n",
		"block texts":                   thing("spec:\n  a: |\n    b\n     c\n  d: >-\n    e\n    f\n"),
		"anchors":                       thing("spec: &x {a: b}\nmore: *x\nmerged: {<<: *x, c: d}\n"),
		"comments":                      "# a\n" + thing("# b\nspec: {a: b} # c\n"),
		"a key twice":                   thing("spec: {a: b, a: c}\n"),
		"a label twice":                 "kind: Thing\napiVersion: example.com/v1\nmetadata: {name: a, labels: {a: b, a: c}}\n",
		"a key that is no text":         thing("spec: {1: a}\n"),
		"an object twice":               thing("") + "---\n" + thing(""),
		"an object twice, nearly":       thing("") + "---\nkind: Thing\napiVersion: example.com/v1\nmetadata: {name: a, namespace: default}\n",
		"the same name":                 thing("") + "---\nkind: Thing\napiVersion: example.com/v1\nmetadata: {name: a, namespace: b}\n",
		"a list":                        "kind: ThingList\napiVersion: example.com/v1\nitems: [{kind: Thing, apiVersion: example.com/v1, metadata: {name: b}}, {kind: Service, apiVersion: v1, metadata: {name: web-2}}]\n",
		"for kustomize's own use":       "kind: Thing\napiVersion: example.com/v1\nmetadata: {name: a, annotations: {config.kubernetes.io/local-config: \"true\"}}\n",
		"a hook":                        "kind: Job\napiVersion: batch/v1\nmetadata: {name: a, annotations: {helm.sh/hook: test}}\nspec: {template: {spec: {containers: [{name: a}]}}}\n",
		"no hook of Helm":               "kind: Job\napiVersion: batch/v1\nmetadata: {name: a, annotations: {helm.sh/hook: never}}\n",
		"a definition":                  thingDefinition,
		"the kind of another group":     "kind: Service\napiVersion: serving.example.com/v1\nmetadata: {name: web}\n",
		"no YAML":                       "kind: [\n",
		"nothing":                       "{}\n",
	} {
		for renderer, spec := range map[string]map[string]any{
			"of a kind":     {"patches": []any{patchOf(map[string]any{"kind": "Service"})}},
			"of a group":    {"patches": []any{patchOf(map[string]any{"group": "", "version": "v1", "kind": "Serv.*"})}},
			"of a name":     {"patches": []any{patchOf(map[string]any{"name": "web.*"})}},
			"of everything": {"patches": []any{patchOf(map[string]any{})}},
			"renaming": {"patches": []any{map[string]any{"target": map[string]any{"kind": "Service"}, "options": map[string]any{"allowNameChange": true, "allowKindChange": true},
				"patch": "{kind: Thing, apiVersion: example.com/v1, metadata: {name: c}}"}}},
			"of another group": {"patches": []any{patchOf(map[string]any{"group": "serving.example.com", "kind": "Service"})}},
			"no such":          {"patches": []any{patchOf(map[string]any{"kind": "Nothing"})}},
			"a name":           {"patches": []any{map[string]any{"target": map[string]any{"kind": "Service"}, "patch": "- {op: replace, path: /metadata/name, value: web2}\n"}}},
			"of an odd group":  {"patches": []any{patchOf(map[string]any{"group": "a", "version": "b/c"})}},
			"no pattern":       {"patches": []any{patchOf(map[string]any{"kind": "("})}},
			"no patch":         {"patches": []any{map[string]any{"target": map[string]any{"kind": "Nothing"}, "patch": "nothing"}}},
			"no target":        {"patches": []any{map[string]any{"patch": "{kind: Service, apiVersion: v1, metadata: {name: web}, spec: {x: y}}"}}},
			"missing":          {"patches": []any{map[string]any{"patch": "{kind: Service, apiVersion: v1, metadata: {name: missing}, spec: {x: y}}"}}},
			"6902":             {"patchesJson6902": []any{patchOf(map[string]any{"version": "v1", "kind": "Service", "name": "web"})}},
		} {
			t.Run(name+", "+renderer, func(t *testing.T) {
				t.Parallel()
				fsys := simple(map[string]string{"templates/a.yaml": service, "templates/b.yaml": text, "templates/c.yaml": "kind: Thing\napiVersion: example.com/v1\nmetadata: {name: c}\n"})
				whole := maps.Clone(spec)
				whole["images"] = []any{map[string]any{"name": "no-such-image", "newTag": "1"}} // has all go to kustomize
				request := func(specs ...map[string]any) Request {
					r := Request{ReleaseName: "demo", Namespace: "shop"}
					for _, s := range specs {
						r.PostRenderers = append(r.PostRenderers, map[string]any{"kustomize": s})
					}
					return r
				}
				// The second changes what the first has left.
				got, err := tryRender(fsys, request(spec, spec))
				want, wantErr := tryRender(fsys, request(whole, whole))
				if (err == nil) != (wantErr == nil) || err != nil && withoutResource(err) != withoutResource(wantErr) {
					t.Fatalf("%v, not %v", err, wantErr)
				}
				if err == nil {
					if diff := cmp.Diff(want.Objects, got.Objects, asFields); diff != "" {
						t.Error(diff)
					}
					if diff := cmp.Diff(len(want.Invalid), len(got.Invalid)); diff != "" {
						t.Error(diff)
					}
				}
			})
		}
	}
}

func patchOf(target map[string]any) map[string]any {
	return map[string]any{"target": target, "patch": "- {op: add, path: /x, value: {y: z}}\n"}
}

// withoutResource is an error's text without the line or the resource that it may name.
func withoutResource(err error) string {
	text, _, _ := strings.Cut(err.Error(), "line ")
	return text
}
