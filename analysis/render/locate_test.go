package render

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLocate(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, template string
		values         map[string]any
		want           map[string]int
	}{
		{
			name:     "names decide between documents of a kind",
			template: "kind: Role\napiVersion: v1\nmetadata:\n  name: {{ .Release.Name }}-reader\n---\nkind: Role\napiVersion: v1\nmetadata:\n  name: {{ .Release.Name }}-writer\n",
			want:     map[string]int{"demo-reader": 1, "demo-writer": 6},
		},
		{
			name:     "a document that is not rendered does not shift the others",
			template: "{{ if false }}\nkind: Role\napiVersion: v1\nmetadata:\n  name: {{ .Release.Name }}-off\n{{ end }}\n---\nkind: Role\napiVersion: v1\nmetadata:\n  name: {{ .Release.Name }}-on\n",
			want:     map[string]int{"demo-on": 8},
		},
		{
			name:     "one document in a range",
			template: "{{ range list \"a\" \"b\" }}\n---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ . }}\n{{ end }}\n",
			want:     map[string]int{"a": 4, "b": 4},
		},
		{
			name:     "the same name pattern twice, in order",
			template: "{{ $x := dict \"n\" \"a\" }}apiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ $x.n }}\n---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ print $x.n \"2\" }}\n",
			want:     map[string]int{"a": 2, "a2": 7},
		},
		{
			name:     "not the kind of a role ref",
			template: "roleRef:\n  kind: Role\n  name: x\nkind: RoleBinding\napiVersion: v1\nmetadata:\n  name: \"{{ .Release.Name }}\"\n---\nmetadata: {name: x}\napiVersion: v1\nkind: Role # the role\n",
			want:     map[string]int{"demo": 4, "x": 11},
		},
		{
			name:     "items of a list",
			template: "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Role\n  metadata:\n    name: a\n- apiVersion: v1\n  kind: Secret\n  metadata:\n    name: b\n",
			want:     map[string]int{"a": 5, "b": 9},
		},
		{
			name:     "a kind that an action decides",
			template: "apiVersion: apps/v1\nkind: {{ .Values.kind }}\nmetadata:\n  name: a\nspec:\n  scaleTargetRef:\n    kind: {{ .Values.kind }}\n",
			values:   map[string]any{"kind": "StatefulSet"}, want: map[string]int{"a": 2},
		},
		{
			name:     "from a helper",
			template: "{{ define \"x\" }}apiVersion: v1\nkind: {{ . }}\nmetadata: {name: a}{{ end }}{{ $y := include \"x\" \"Pod\" | replace \"a\" \"a\" }}{{ $y }}",
			want:     map[string]int{"a": 2},
		},
		{
			name:     "nothing to be found",
			template: `{{ dict "apiVersion" "v1" "kind" "Pod" "metadata" (dict "name" "a") | toYaml }}`, want: map[string]int{"a": 0},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			out := mustRender(t, simple(map[string]string{"templates/a.yaml": tc.template}), Request{ReleaseName: "demo", Values: tc.values})
			got := map[string]int{}
			for _, o := range out.Objects {
				got[o.Name] = o.Line
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
