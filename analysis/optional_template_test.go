package analysis

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func scanned(prefix []string, files ...string) []podTemplate {
	s := templateScanner{kinds: newOperatorTable(nil).podKinds(), prefix: prefix, defines: map[string]*podTemplate{}}
	for _, text := range files {
		s.scan("templates/a.yaml", "templates/a.yaml", []byte(text))
	}
	return s.templates()
}

func TestTemplateScanner(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files  []string
		guards [][]string // of the first file's pods
		pods   bool
	}{
		"a condition around a pod":        {[]string{"{{- if .Values.a.b }}\nkind: Pod\n{{ end }}"}, [][]string{{"a", "b"}}, true},
		"one that is closed before":       {[]string{"{{ if .Values.a }}x: y{{ end }}\nkind: Pod"}, nil, true},
		"a condition around something":    {[]string{"{{ if .Values.a }}\nkind: Secret\n{{ end }}"}, nil, false},
		"the other branch":                {[]string{"{{ if .Values.a }}{{ else if .Values.b }}\n  kind: \"Job\"\n{{ end }}"}, [][]string{{"a"}, {"b"}}, true},
		"nested conditions, over lines":   {[]string{"{{ if and .Values.a\n  .Values.b }}{{ range .Values.c }}\nkind: Pod\n{{ end }}{{ end }}"}, [][]string{{"c"}, {"a"}, {"b"}}, true},
		"below a with":                    {[]string{"{{ with .Values.a }}{{ if .on }}\nkind: Pod\n{{ end }}{{ end }}"}, [][]string{{"a", "on"}, {"a"}}, true},
		"global values":                   {[]string{"{{ if .Values.global.x }}\nkind: Pod\n{{ end }}"}, [][]string{{"global", "x"}}, true},
		"in brackets":                     {[]string{"{{ if ((.Values.a).b).c }}\nkind: Pod\n{{ end }}"}, [][]string{{"a", "b", "c"}}, true},
		"a named template, used":          {[]string{"{{ if .Values.a }}{{ include \"x\" . }}{{ end }}", "{{ define \"x\" }}{{ if .Values.b }}\nkind: Pod\n{{ end }}{{ end }}"}, [][]string{{"a"}, {"b"}}, true},
		"a named template, not used":      {[]string{"kind: Secret", "{{ define \"x\" }}\nkind: Pod\n{{ end }}"}, nil, false},
		"conditions around a define":      {[]string{"{{ if .Values.a }}{{ define \"x\" }}\nkind: Pod\n{{ end }}{{ end }}{{ include \"x\" . }}"}, nil, true},
		"named templates that use others": {[]string{"{{ template \"x\" . }}", "{{ define \"x\" }}{{ include \"y\" . }}{{ end }}{{ define \"y\" }}{{ include \"x\" . }}{{ if .Values.b }}\nkind: Pod\n{{ end }}{{ end }}"}, [][]string{{"b"}}, true},
		"more ends than beginnings":       {[]string{"{{ end }}{{ end }}{{ else }}{{ if .Values.a }}\nkind: Pod"}, [][]string{{"a"}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := scanned(nil, c.files...)[0]
			if d := cmp.Diff(c.guards, got.guards.list); d != "" || got.pods != c.pods {
				t.Errorf("makes pods: %t, want %t; guards (-want +got):\n%s", got.pods, c.pods, d)
			}
		})
	}
	if got := scanned([]string{"sub"}, "{{ if .Values.a }}\nkind: Pod\n{{ end }}")[0].guards.list; len(got) != 1 || got[0][0] != "sub" {
		t.Errorf("a subchart's value is read at %v", got)
	}
}

func FuzzTemplateScanner(f *testing.F) {
	f.Add("{{ if .Values.a }}{{ define \"x\" }}kind: Pod{{ end }}", "{{ with .Values.b }}{{ .c }}{{ else")
	f.Add("kind: {{ .Values.kind }}\nname: {{ include \"x\" . }}", "{{ end }}{{ block \"x\" . }}}}")
	f.Fuzz(func(t *testing.T, a, b string) {
		if got := scanned(nil, a, b); len(got) != 2 {
			t.Errorf("%d templates of two files", len(got))
		}
	})
}

// TestTemplateOfManyValues reads more values than are noted, in a time that grows with their number.
func TestTemplateOfManyValues(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 200_000 {
		fmt.Fprintf(&text, "{{ .Values.a%d }}{{ .Values.a%d }}\n", i, i)
	}
	got := scanned(nil, text.String())[0].reads.list
	if len(got) != maxPaths {
		t.Fatalf("%d values are noted, want %d", len(got), maxPaths)
	}
	for i, path := range got {
		if want := fmt.Sprintf("a%d", i); path[0] != want {
			t.Fatalf("value %d is %s, want %s", i, path[0], want)
		}
	}
}
