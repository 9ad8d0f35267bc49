package render

import (
	"slices"
	"strings"
	"testing"
)

func TestOnlyTheTemplatesThatSayIt(t *testing.T) {
	t.Parallel()
	helpers := `{{ define "draw" }}{{ randAlphaNum 5 }}{{ end }}{{ define "plain" }}a{{ end }}{{ define "both" }}{{ include "plain" . }}{{ include "draw" . }}{{ end }}`
	for name, tc := range map[string]struct {
		files  map[string]string
		values map[string]any
		want   string // "all", "none" or names
	}{
		"says it":                       {files: map[string]string{"a.yaml": "{{ randAlphaNum 5 }}", "b.yaml": "b"}, want: "a.yaml"},
		"outside of actions":            {files: map[string]string{"a.yaml": "randAlphaNum", "b.yaml": "b"}, want: "none"},
		"includes what does":            {files: map[string]string{"a.yaml": `{{ include "both" . }}`, "b.yaml": `{{ include "plain" . }}`, "_h.tpl": helpers}, want: "a.yaml"},
		"nobody includes it":            {files: map[string]string{"b.yaml": `{{ include "plain" . }}`, "_h.tpl": helpers}, want: "none"},
		"a name worked out":             {files: map[string]string{"a.yaml": `{{ include (printf "%s.x" .a) . }}`, "b.yaml": "b", "_h.tpl": helpers}, want: "a.yaml"},
		"by its path":                   {files: map[string]string{"a.yaml": `{{ include (print $.Template.BasePath "/c.yaml") . }}`, "c.yaml": "{{ uuidv4 }}", "b.yaml": "b"}, want: "a.yaml c.yaml"},
		"needs another":                 {files: map[string]string{"a.yaml": `{{ now }}{{ include (print $.Template.BasePath "/c.yaml") . }}`, "c.yaml": "c", "b.yaml": "b"}, want: "a.yaml c.yaml"},
		"values say it":                 {files: map[string]string{"a.yaml": `{{ tpl .Values.t . }}{{ now }}`, "b.yaml": "b"}, values: map[string]any{"t": "{{ now }}"}, want: "all"},
		"values include it":             {files: map[string]string{"a.yaml": `{{ tpl .Values.t . }}`, "b.yaml": "b", "_h.tpl": helpers}, values: map[string]any{"t": `{{ include "draw" . }}`}, want: "all"},
		"values for all to see":         {files: map[string]string{"a.yaml": `{{ $x := uuidv4 }}{{ $_ := set .Values "key" $x }}`, "b.yaml": "{{ .Values.key }}", "c.yaml": "{{ .Values.a }}"}, want: "a.yaml b.yaml"},
		"values that are worked out":    {files: map[string]string{"a.yaml": `{{ $_ := set $ .k uuidv4 }}`, "b.yaml": "b"}, want: "all"},
		"values of values":              {files: map[string]string{"a.yaml": `{{ $_ := set $ "key" uuidv4 }}`, "b.yaml": `{{ $_ := set $.Values "next" .key }}`, "c.yaml": `{{ .Values.next }}`, "d.yaml": "{{ .a }}"}, want: "a.yaml b.yaml c.yaml"},
		"values of its own":             {files: map[string]string{"a.yaml": `{{ $d := dict }}{{ $_ := set $d "x" uuidv4 }}`, "b.yaml": "b"}, want: "a.yaml"},
		"shared values through another": {files: map[string]string{"a.yaml": `{{ $_ := set .Values "key" (include "draw" .) }}`, "b.yaml": "{{ .Values.key }}", "_h.tpl": helpers}, want: "a.yaml b.yaml"},
	} {
		files := map[string]string{}
		for file, text := range tc.files {
			files["templates/"+file] = text
		}
		c := mustLoad(t, simple(files), "")
		part := c.saying(tc.values, draws.MatchString, drawWords)
		got := "none"
		switch {
		case part == c:
			got = "all"
		case part != nil:
			var names []string
			for _, f := range part.Files {
				if base, ok := strings.CutPrefix(f.Name, "templates/"); ok && base[0] != '_' {
					names = append(names, base)
				}
			}
			slices.Sort(names)
			got = strings.Join(names, " ")
		}
		if got != tc.want {
			t.Errorf("%s: got %s, want %s", name, got, tc.want)
		}
	}
}
