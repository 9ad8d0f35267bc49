package render

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// decodeText decodes what one template rendered.
func decodeText(rendered string) *decoder {
	var d decoder
	var pieces []piece
	for _, doc := range splitDocuments(rendered) {
		pieces = append(pieces, piece{template: "web/templates/a.yaml", source: "chart/templates/a.yaml", line: doc.line, text: doc.text})
	}
	d.decode(pieces)
	return &d
}

func TestSplitDocuments(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, text string
		want       []document
	}{
		{"nothing", "\n# comment\n---\n---\n  # more\n", nil},
		{"one", "a: 1\n", []document{{1, "a: 1\n"}}},
		{"two", "---\na: 1\n---\nb: 1", []document{{1, "\na: 1\n"}, {3, "\nb: 1\n"}}},
		{"content beside the separator", "--- a: 1\n---b: 1\n", []document{{1, "a: 1\n"}, {2, "b: 1\n"}}},
		{"comment beside the separator", "a: 1\n--- # Source\nb: 1\n", []document{{1, "a: 1\n"}, {2, "# Source\nb: 1\n"}}},
		{"a line inside a block scalar", "a: |\n  ---\n  x\n  ----BEGIN\nb: 1\n", []document{{1, "a: |\n  ---\n  x\n  ----BEGIN\nb: 1\n"}}},
		{"windows line ends", "a: 1\r\n---\r\nb: 1\r\n", []document{{1, "a: 1\n"}, {2, "\r\nb: 1\n"}}},
		{"a block scalar at the end", "a: |\n  x", []document{{1, "a: |\n  x\n"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, splitDocuments(tc.text), cmp.AllowUnexported(document{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, text string
		want       []string // "Kind name"
		invalid    []string // words of the errors
	}{
		{name: "JSON", text: `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}`, want: []string{"Pod a"}},
		{name: "quoted kind", text: "apiVersion: v1\n\"kind\": Pod # a pod\nmetadata: {name: a}\n", want: []string{"Pod a"}},
		{
			name: "list", text: "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n- {apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Secret, metadata: {name: b}}]}\n",
			want: []string{"Pod a", "Secret b"},
		},
		{
			name: "typed list", text: "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleList\nitems:\n- metadata: {name: a}\n- {kind: Role, apiVersion: rbac.authorization.k8s.io/v1, metadata: {name: b}}\n",
			want: []string{"Role a", "Role b"},
		},
		{
			name: "a list with a bad item keeps the good ones", text: "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod}\n- 7\n- {apiVersion: v1, kind: Pod, metadata: {name: c}}\n",
			want: []string{"Pod c"}, invalid: []string{"item 0 of the list: Pod has no name\nitem 1 of the list is not a map"},
		},
		{name: "a kind that only sounds like a list", text: "apiVersion: example.com/v1\nkind: AllowList\nmetadata: {name: a}\nspec: {items: []}\n", want: []string{"AllowList a"}},
		{name: "equal keys, the last wins", text: "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nmetadata: {name: b}\n", want: []string{"Pod b"}},
		{name: "empty map values", text: "null\n---\n~\n", want: nil},
		{
			name: "names that would match others",
			text: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: \"q*\"}\n---\napiVersion: v1\nkind: Pod\nmetadata: {generateName: \"?-\"}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: \"*\"}\n---\n" +
				"apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: \"view:*\"}\n",
			want: []string{"ClusterRole view:*"}, invalid: []string{"that Kubernetes refuses", `Pod "?-"`, `namespace "*"`},
		},
		{
			name: "lists in lists without end", text: strings.Repeat("{apiVersion: v1, kind: List, items: [", 18) + "{apiVersion: v1, kind: Pod, metadata: {name: a}}" + strings.Repeat("]}", 18),
			invalid: []string{"lists are nested more than 16 deep"},
		},
		{
			name: "a name that is too long", text: "apiVersion: v1\nkind: Pod\nmetadata: {name: " + strings.Repeat("a", 254) + "}\n",
			invalid: []string{"of more than 253 characters"},
		},
		{
			name: "invalid among valid", text: "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\na: [\n---\njust text\n---\nmetadata: {name: x}\n---\napiVersion: v1\nkind: Pod\nmetadata: {}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: z}\n",
			want:    []string{"Pod a", "Pod z"},
			invalid: []string{"line 4 of what chart/templates/a.yaml renders", "it is not a map", "no apiVersion or no kind", "Pod has no name"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := decodeText(tc.text)
			var got []string
			for _, o := range d.objects {
				got = append(got, o.Kind+" "+o.Name)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if len(d.invalid) != len(tc.invalid) {
				t.Fatalf("invalid: %v, want %d", d.invalid, len(tc.invalid))
			}
			for i, words := range tc.invalid {
				wantError(t, d.invalid[i].Err, words)
				if d.invalid[i].Source != "chart/templates/a.yaml" {
					t.Errorf("source %q", d.invalid[i].Source)
				}
			}
		})
	}
}

func TestNamespaces(t *testing.T) {
	t.Parallel()
	crds := []CRD{{Group: "example.com", Kind: "Tenant", Scope: "Cluster"}, {Group: "example.com", Kind: "ClusterThing", Scope: "Namespaced"}}
	for _, tc := range []struct{ apiVersion, kind, own, want string }{
		{"v1", "Pod", "", "shop"},
		{"v1", "Pod", "own", "own"},
		{"v1", "Namespace", "", ""},
		{"rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "own", ""},
		{"example.com/v1", "ClusterRole", "own", "own"},
		{"extensions/v1beta1", "PodSecurityPolicy", "", ""},
		{"example.com/v1", "Tenant", "own", ""},
		{"example.com/v1", "ClusterThing", "", "shop"},
		{"kyverno.io/v1", "ClusterPolicy", "", ""},
		{"postgresql.cnpg.io/v1", "Cluster", "", "shop"},
		{"example.org/v1", "Clusterware", "", "shop"},
	} {
		o := &Object{APIVersion: tc.apiVersion, Kind: tc.kind, Own: tc.own}
		SetNamespaces([]*Object{o}, "shop", crds)
		if o.Namespace != tc.want {
			t.Errorf("%s %s in %q: namespace %q, want %q", tc.apiVersion, tc.kind, tc.own, o.Namespace, tc.want)
		}
	}
}

// FuzzDecode looks for documents that bring the decoder down, or that are neither decoded nor reported.
func FuzzDecode(f *testing.F) {
	f.Add("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n---\na: [\n")
	f.Add("kind: List\napiVersion: v1\nitems:\n- {}\n")
	f.Add(crdText("example.com", "Shop", "Cluster", "v1", "v2"))
	f.Add("{\"kind\": \"x\"}")
	f.Fuzz(func(t *testing.T, text string) {
		d := decodeText(text)
		if len(d.objects) != len(d.templates) {
			t.Fatal("objects without a template")
		}
		for _, o := range d.objects {
			if o.Kind == "" || o.APIVersion == "" || o.Name == "" || o.Fields() == nil {
				t.Fatalf("incomplete object %+v", o)
			}
		}
		locate(d.objects, d.templates, map[string]template{"web/templates/a.yaml": {text: []byte(text)}})
		for _, o := range d.objects {
			if o.Line < 0 || o.Line > strings.Count(text, "\n")+1 {
				t.Fatalf("line %d", o.Line)
			}
		}
	})
}

// crdText writes a CustomResourceDefinition with a schema for every version.
func crdText(group, kind, scope string, versions ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: %ss.%s\nspec:\n  group: %s\n  names:\n    kind: %s\n  scope: %s\n  versions:\n",
		strings.ToLower(kind), group, group, kind, scope)
	for _, v := range versions {
		fmt.Fprintf(&b, "  - additionalPrinterColumns:\n    - jsonPath: .a\n      name: B\n    name: %s\n    schema:\n      openAPIV3Schema:\n        description: |\n          kind: of\n        type: object\n    served: true\n    storage: false\n", v)
	}
	return b.String()
}
