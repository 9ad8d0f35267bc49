package render

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWithoutSchemas(t *testing.T) {
	t.Parallel()
	head := func(kind string) string { return "apiVersion: apiextensions.k8s.io/v1\nkind: " + kind + "\nspec:\n" }
	const schema = "  - schema:\n      a: b\n# c\n\n      d: |\n        {}\n    name: v1\n"
	const blank = "  - schema:\n\n\n\n\n\n    name: v1\n"
	for name, c := range map[string]struct{ text, want string }{
		"a definition":             {head("CustomResourceDefinition") + schema, head("CustomResourceDefinition") + blank},
		"quoted, with a comment":   {head("\"CustomResourceDefinition\" # a") + schema, head("\"CustomResourceDefinition\" # a") + blank},
		"several":                  {head("CustomResourceDefinition") + schema + "---\n" + head("CustomResourceDefinition") + schema, head("CustomResourceDefinition") + blank + "---\n" + head("CustomResourceDefinition") + blank},
		"a list at the same depth": {head("CustomResourceDefinition") + "  additionalPrinterColumns:\n  - a\n  name: b\n", head("CustomResourceDefinition") + "  additionalPrinterColumns:\n\n  name: b\n"},
		"at its end":               {head("CustomResourceDefinition") + "  validation:\n    a: b\n", head("CustomResourceDefinition") + "  validation:\n\n"},
		"within an action":         {"{{ if .Values.a }}\n" + head("CustomResourceDefinition") + schema + "{{ end }}\n", "{{ if .Values.a }}\n" + head("CustomResourceDefinition") + blank + "{{ end }}\n"},
		"another document":         {head("Thing") + schema + "---\n" + head("CustomResourceDefinition") + schema, head("Thing") + schema + "---\n" + head("CustomResourceDefinition") + blank},
		"two kinds":                {head("CustomResourceDefinition") + schema + "kind: Thing\n", ""},
		"an action in it":          {head("CustomResourceDefinition") + "  schema:\n    a: {{ .Values.a }}\n  b: c\n", ""},
		"an action after it":       {head("CustomResourceDefinition") + "  schema:\n    a: b\n{{ if .Values.a }}\n    c: d\n{{ end }}\n", ""},
		"an anchor in it":          {head("CustomResourceDefinition") + "  schema:\n    a: &b\n      c: d\n  e: *b\n", ""},
		"an anchor in its list":    {head("CustomResourceDefinition") + "  schema:\n    - &b c\n  e: *b\n", ""},
		"anchors in flow":          {head("CustomResourceDefinition") + "  schema:\n    a: [&b c]\n  e: *b\n", ""},
		"an anchor after spaces":   {head("CustomResourceDefinition") + "  schema:\n    a:  &b c\n  e: *b\n", ""},
		"no anchors":               {head("CustomResourceDefinition") + "  schema:\n    a: b & c && d&e\n  e: f\n", head("CustomResourceDefinition") + "  schema:\n\n  e: f\n"},
		"a comment's end in it":    {head("CustomResourceDefinition") + "  {{- /* not yet:\n  validation:\n    a: b\n    */}}\n", ""},
		"a comment's end after it": {head("CustomResourceDefinition") + "  {{- /* not yet:\n  validation:\n    a: b\n*/}}\n", ""},
		"a part in one that stays": {head("CustomResourceDefinition") + "  schema:\n    a: {{ .Values.a }}\n    schema:\n      b: c\n  d: e\n", ""},
		"an anchor behind a colon": {head("CustomResourceDefinition") + "  schema:\n    {\"a\":&b c}\n  e: *b\n", ""},
		"a quoted text":            {head("CustomResourceDefinition") + "  a: \"b\n  schema:\n    c\"\n" + schema, ""},
		"a quoted text, ending":    {head("CustomResourceDefinition") + "  a: 'b\n  schema:\n    c'\n", ""},
		"a literal text":           {head("CustomResourceDefinition") + "  a: |-\n    schema:\n      c\n", ""},
		"a folded text":            {head("CustomResourceDefinition") + "  a: >  # b\n    schema:\n      c\n", ""},
		"a raw text in an action":  {head("CustomResourceDefinition") + "  a: {{ `b` | quote }}{{ `\n  schema:\n    c\n` }}\n", ""},
		"an action of many lines":  {head("CustomResourceDefinition") + "  a: {{ list\n  schema:\n    c\n  d\n  }}\n", ""},
		"an escaped quote":         {head("CustomResourceDefinition") + "  a: \"b\\\"\n  schema:\n    c\"\n", ""},
		"quotes within quotes":     {head("CustomResourceDefinition") + "  a: ['\"', \"b\n  schema:\n    c\"]\n", ""},
		"a map in braces":          {head("CustomResourceDefinition") + "  a: {\n    schema:\n      c,\n    d: e }\n", ""},
		"a list in brackets":       {head("CustomResourceDefinition") + "  a: [\n    schema:\n      c,\n    d ]\n", ""},
		"a text, by an action":     {head("CustomResourceDefinition") + "  a: |{{ \"-\" }}\n    schema:\n      c\n", ""},
		"a text out of an action":  {head("CustomResourceDefinition") + "  a: {{ \"|\" }}\n    schema:\n      c\n", ""},
		"texts on one line":        {head("CustomResourceDefinition") + "  a: \"it's \\\" its\" # it's\n  b: {{ `c` | quote }}\n  d: [{e: f}]\n" + schema, head("CustomResourceDefinition") + "  a: \"it's \\\" its\" # it's\n  b: {{ `c` | quote }}\n  d: [{e: f}]\n" + blank},
		"no end of line":           {head("CustomResourceDefinition") + "  schema:\n    a: b", ""},
		"on one line":              {head("CustomResourceDefinition") + "  schema: {a: b}\n", ""},
	} {
		if c.want == "" {
			c.want = c.text
		}
		if diff := cmp.Diff(c.want, string(withBlankSchemas([]byte(c.text)))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	text := head("CustomResourceDefinition") + schema
	chart := mustLoad(t, simple(map[string]string{"templates/a.yaml": text, "crds/a.yaml": text, "other.yaml": text}), "").WithoutSchemas()
	for name, want := range map[string]string{"templates/a.yaml": blank, "crds/a.yaml": blank, "other.yaml": schema} {
		i := slices.IndexFunc(chart.Files, func(f File) bool { return f.Name == name })
		if got := string(chart.Files[i].Data); got != head("CustomResourceDefinition")+want {
			t.Errorf("%s is %q", name, got)
		}
	}
}

// Where a template looks at a file, the file stays as it is.
func TestSchemasThatTemplatesSee(t *testing.T) {
	t.Parallel()
	crd := crdText("example.com", "Shop", "Cluster", "v1")
	for template, c := range map[string]struct{ templates, crds bool }{
		"": {}, `{{ include (print $.Template.BasePath "/config.yaml") . | sha256sum }}`: {}, `{{ .Files.Get "config/crd.yml" }}`: {},
		`{{ (.Files.Glob "dashboards/*").AsConfig }}`: {}, `{{ include "web.crd" . }}`: {}, `name: crd.yaml`: {},
		`{{ include (print $.Template.BasePath "/crd.yaml") . | sha256sum }}`:        {true, true},
		"{{ include (print $.Template.BasePath `/crd.yaml`) . | sha256sum }}":        {true, true},
		`{{ include (print $.Template.BasePath "/" .Values.name ".yaml") . }}`:       {true, true},
		`{{ include (printf "%s/%s.yaml" $.Template.BasePath .Values.name) . }}`:     {true, true},
		`{{ include (printf "%s/c%s.yaml" $.Template.BasePath .Values.name) . }}`:    {true, true},
		`{{ .Files.Get "crds/crd.yaml" | sha256sum }}`:                               {true, true},
		`{{ range $name, $_ := .Files.Glob "crds/*" }}{{ $name }}{{ end }}`:          {false, true},
		`{{ range $name, $_ := .Files.Glob "**" }}{{ $name }}{{ end }}`:              {false, true},
		`{{ .Files.Get .Values.name }}`:                                              {false, true},
		`{{ .Files.Get (printf "%s/%s" "crds" .Values.name) }}`:                      {false, true},
		`{{ include (print $.Template.BasePath "/c" "rd.yaml") . | sha256sum }}`:     {true, true},
		"# CustomResourceDefinition\n{{ .Files.Get \"crds/crd.yaml\" | sha256sum }}": {true, true},
		`{{ .Values.varFiles }}{{ $Filesystem }}{{ .Files_ }}`:                       {},
		`{{ toJson (index . "Files") }}`:                                             {false, true},
		`{{ range $name, $data := .Files }}{{ $name }}{{ end }}`:                     {false, true},
		`{{ tpl (dict "f" .Files | toYaml) . }}`:                                     {false, true},
	} {
		chart := mustLoad(t, simple(map[string]string{"templates/crd.yaml": crd, "crds/crd.yaml": crd, "templates/a.yaml": template}), "").WithoutSchemas()
		whole := func(name string) bool {
			i := slices.IndexFunc(chart.Files, func(f File) bool { return f.Name == name })
			return string(chart.Files[i].Data) == crd
		}
		if got := whole("templates/crd.yaml"); got != c.templates {
			t.Errorf("%s: the template is whole: %v", template, got)
		}
		if got := whole("crds/crd.yaml"); got != c.crds {
			t.Errorf("%s: the file is whole: %v", template, got)
		}
	}
}

func TestSchemasThatOtherFilesSee(t *testing.T) {
	t.Parallel()
	crd := crdText("example.com", "Shop", "Cluster", "v1")
	for name, files := range map[string]map[string]string{
		"a value":               {"values.yaml": "file: crd.yaml\n", "templates/a.yaml": `{{ include (print $.Template.BasePath "/" .Values.file) . }}`},
		"a text for tpl":        {"files/a.txt": `{{ include (print $.Template.BasePath "/crd.yaml") . | sha256sum }}`, "templates/a.yaml": `{{ tpl (.Files.Get "files/a.txt") . }}`},
		"what the file defines": {"templates/crd.yaml": `{{ define "crd" }}` + "\n" + crd + "{{ end }}\n"},
	} {
		if files["templates/crd.yaml"] == "" {
			files["templates/crd.yaml"] = crd
		}
		for _, f := range mustLoad(t, simple(files), "").WithoutSchemas().Files {
			if f.Name == "templates/crd.yaml" && string(f.Data) != files[f.Name] {
				t.Errorf("%s: the file became %q", name, f.Data)
			}
		}
	}
}

// What a chart says of names takes no more than what it is long, and many names are any.
func TestManyNamesOfFiles(t *testing.T) {
	t.Parallel()
	bytes := 0
	text := strings.Repeat("a.yaml", 100_000)
	for end := range endsOfNames([]byte(text)) {
		bytes += len(end)
	}
	if bytes != len(text) {
		t.Errorf("the names of %d bytes have %d", len(text), bytes)
	}
	var names strings.Builder
	for i := range maxWords + 1 {
		fmt.Fprintf(&names, "{{ \"n%d.yaml\" }}", i)
	}
	crd := crdText("example.com", "Shop", "Cluster", "v1")
	for _, f := range mustLoad(t, simple(map[string]string{"templates/crd.yaml": crd, "templates/a.yaml": names.String()}), "").WithoutSchemas().Files {
		if f.Name == "templates/crd.yaml" && string(f.Data) != crd {
			t.Errorf("the file became %q", f.Data)
		}
	}
}

// FuzzWithoutSchemas holds that lines are only emptied, and that definitions are read as before.
func FuzzWithoutSchemas(f *testing.F) {
	crd := crdText("example.com", "Shop", "Cluster", "v1", "v2")
	for _, seed := range []string{crd, crd + "---\n" + crd, "---\n" + crd, "a: b\n---" + crd, strings.ReplaceAll(crd, "\n", "\r\n"), strings.ReplaceAll(crd, "      ", "        "),
		strings.ReplaceAll(crd, "schema:", "validation:"), crd + "  more: {schema: a}\n", strings.Replace(crd, "schema:", "schema: # a", 1)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := string(withBlankSchemas([]byte(text)))
		before, after := slices.Collect(strings.Lines(text)), slices.Collect(strings.Lines(got))
		if len(before) != len(after) {
			t.Fatalf("%d lines became %d: %q", len(before), len(after), got)
		}
		for i, line := range after {
			if line != before[i] && line != "\n" {
				t.Fatalf("line %d became %q, not %q", i, line, before[i])
			}
		}
		if want, crds := crdsIn([]byte(text)), crdsIn([]byte(got)); len(want) > 0 && !cmp.Equal(want, crds) {
			t.Fatalf("%q: %s", got, cmp.Diff(want, crds))
		}
	})
}
