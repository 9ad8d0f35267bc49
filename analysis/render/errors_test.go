package render

import (
	"errors"
	"strings"
	"testing"
)

func TestTemplateErrorsAreOneClearSentence(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{
			"fail", map[string]string{"templates/a.yaml": "a: 1\nb: {{ fail \"set a\\nplugin\" }}"},
			"chart/templates/a.yaml:2: set a plugin",
		},
		{
			"required in a helper", map[string]string{
				"templates/_h.tpl": "{{ define \"h\" }}{{ required \"host is required\" .Values.host }}{{ end }}", "templates/a.yaml": "a: {{ include \"h\" . }}",
			},
			"chart/templates/a.yaml:1: host is required",
		},
		{
			"nil pointer", map[string]string{"templates/a.yaml": "\n\nc: {{ .Values.a.b.c }}"},
			"chart/templates/a.yaml:3: .Values.a.b.c: nil pointer evaluating interface {}.b",
		},
		{
			"nil pointer in a helper", map[string]string{
				"templates/_h.tpl": "\n{{ define \"h\" }}{{ .Values.a.b.c }}{{ end }}", "templates/a.yaml": "a: {{ include \"h\" . }}",
			},
			"chart/templates/a.yaml:1: .Values.a.b.c: nil pointer evaluating interface {}.b (in chart/templates/_h.tpl:2)",
		},
		{
			"in a subchart", map[string]string{
				"charts/x/Chart.yaml": "apiVersion: v2\nname: y\nversion: 1.0.0\n", "charts/x/templates/a.yaml": "{{ fail \"no\" }}",
			},
			"chart/charts/x/templates/a.yaml:1: no",
		},
		{
			"fail in tpl", map[string]string{"templates/a.yaml": "{{ tpl \"{{ fail `inner` }}\" . }}"},
			"chart/templates/a.yaml:1: inner",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := tryRender(simple(tc.files), Request{})
			var te *TemplateError
			if !errors.As(err, &te) {
				t.Fatalf("%T %v", err, err)
			}
			if te.Error() != tc.want {
				t.Errorf("got  %s\nwant %s\nfrom %s", te, tc.want, te.Err)
			}
			if !strings.HasPrefix(err.Error(), "render chart chart: ") {
				t.Errorf("not wrapped: %v", err)
			}
		})
	}
}

func TestTemplateErrorsOfUnknownFormStayWhole(t *testing.T) {
	t.Parallel()
	raw := errors.New("rendering template failed: boom " + strings.Repeat("x", 1000))
	err := newTemplateError(raw, nil)
	if !strings.HasPrefix(err.Error(), "rendering template failed: boom xxx") || len(err.Error()) > 700 || !errors.Is(err, raw) {
		t.Errorf("got %v", err)
	}
}
