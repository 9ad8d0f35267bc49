package analysis

import "testing"

func TestKindsThatMakePods(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"kind: Service":                                                true, // Knative's may be
		"apiVersion: v1\nkind: Service":                                false,
		"kind: Service\napiVersion: \"v1\"":                            false,
		"apiVersion: v1\nkind: Pod":                                    true,
		"apiVersion: serving.knative.dev/v1\nkind: Service":            true,
		"apiVersion: example.com/v1\nkind: Service":                    true, // nobody taught us about it
		"apiVersion: sts.min.io/v1\nkind: Service":                     false,
		"apiVersion: {{ .a }}\nkind: Service":                          true,
		"apiVersion: v1{{ .a }}\nkind: Service":                        true,
		"  apiVersion: v1\nkind: Service":                              true,
		"apiVersion: v1\n{{ end }}\nkind: Service":                     true,
		"- apiVersion: v1\n  kind: Service":                            false,
		"- apiVersion: v1\n- kind: Service":                            true,
		"  kind: Service\n- apiVersion: v1":                            true,
		"- kind: Service\n  apiVersion: v1":                            false,
		"apiVersion: batch/v1\nkind: {{ .a }}":                         true,
		"apiVersion: policy/v1\nkind: {{ .a }}":                        false,
		"apiVersion: example.com/v1\nkind: {{ .a }}":                   true,
		"scaleTargetRef:\n  apiVersion: apps/v1\n  kind: Deployment":   false,
		"issuerRef:\n  name: a\n\n  {{ if .b }}\n  kind: {{ .a }}":     false,
		"otherwise:\n  name: a\n  kind: {{ .a }}":                      true,
		"aRef:\n  name: a\nb:\n  kind: {{ .a }}":                       true,
		"aRef:\n  kind: a\nkind: Pod":                                  true,
		"items:\n  - apiVersion: apps/v1\n    kind: Deployment":        true,
		"aRef:\n  - kind: Pod":                                         true,
		"aRef:\n  - name: a\n    kind: Pod":                            true,
		"data: |\n  aRef:\n    b:\n      kind: Pod":                    true,
		"kind: Pod\napiVersion: {{ include (.Values.a).b . }}\n":       true,
		"{{ (.Values.a).b }}\napiVersion: v1\nkind: Service\n{{ if }}": false,
	} {
		s := templateScanner{kinds: newOperatorTable(nil).podKinds(), defines: map[string]*podTemplate{}}
		s.scan("a", "a", []byte(text))
		if got := s.templates()[0].makes; got != want {
			t.Errorf("%q makes pods: %t, want %t", text, got, want)
		}
	}
}
