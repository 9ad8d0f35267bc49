package policy

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"tokenward/analysis/render"
)

// engineCase is one file of testdata/engine. Its policies stand in policies.yaml, or
// come out of the templates of testdata/shape with the values in values.yaml.
type engineCase struct {
	name       string
	file       string
	archive    *txtar.Archive
	policies   []byte
	namespaces []byte
	resources  []map[string]any
	recorded   *recording
}

// recording is what the engine's command line answered for a case.
type recording struct {
	// Rules is the number of rules that it said to apply.
	Rules int `json:"rules"`
	// Rejected are the documents that it did not load, Skipped those that it loaded
	// and then did not apply.
	Rejected []string `json:"rejected,omitempty"`
	Skipped  []string `json:"skipped,omitempty"`
	Answers  []answer `json:"answers"`
	// HardensDefault holds the namespaces whose ServiceAccount default is patched.
	HardensDefault []string `json:"hardensDefault,omitempty"`
}

// answer is what becomes of one resource.
type answer struct {
	Object string `json:"object"`
	// Fields are the automount fields after mutation and all others that changed.
	Fields map[string]any `json:"fields,omitempty"`
	// Violations are the rules that it fails, as policy/rule.
	Violations []string `json:"violations,omitempty"`
}

func readCases(t *testing.T) []*engineCase {
	t.Helper()
	files, err := filepath.Glob("testdata/engine/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var out []*engineCase
	for _, file := range files {
		c, err := readCase(file)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		out = append(out, c)
	}
	return out
}

func readCase(file string) (*engineCase, error) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		return nil, err
	}
	c := &engineCase{name: strings.TrimSuffix(filepath.Base(file), ".txtar"), file: file, archive: archive}
	for _, f := range archive.Files {
		switch f.Name {
		case "values.yaml":
			c.policies, err = renderShape(f.Data)
		case "policies.yaml":
			c.policies = append(append(c.policies, "\n---\n"...), f.Data...)
		case "namespaces.yaml":
			c.namespaces = f.Data
		case "resources.yaml":
			c.resources, err = documents(f.Data)
		case "recorded.yaml":
			c.recorded = &recording{}
			err = yaml.UnmarshalStrict(f.Data, c.recorded)
		default:
			err = fmt.Errorf("file %s has no meaning", f.Name)
		}
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}

// renderShape renders the policies from values in the form of the policies chart.
func renderShape(values []byte) ([]byte, error) {
	var data map[string]any
	if err := yaml.Unmarshal(values, &data); err != nil {
		return nil, err
	}
	shapes := []string{"validator", "mutator"}
	if data["form"] == "list" {
		shapes[1] = "mutator-list"
	}
	if _, ok := data["default"]; ok {
		shapes = append(shapes, "default")
	}
	var out bytes.Buffer
	for _, shape := range shapes {
		text, err := os.ReadFile("testdata/shape/" + shape + ".yaml")
		if err != nil {
			return nil, err
		}
		tmpl, err := template.New(shape).Funcs(shapeFuncs()).Parse(string(text))
		if err != nil {
			return nil, err
		}
		out.WriteString("---\n")
		if err := tmpl.Execute(&out, data); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

func shapeFuncs() template.FuncMap {
	list := func(key string, namespace any) (any, bool) {
		m, _ := namespace.(map[string]any)
		if pods, ok := m["pods"].(map[string]any); ok {
			v, ok := pods[key]
			return v, ok
		}
		v, ok := m[key]
		return v, ok
	}
	return template.FuncMap{
		"yaml": func(v any) (string, error) {
			out, err := yaml.Marshal(v)
			return strings.TrimSuffix(string(out), "\n"), err
		},
		"indent": func(n int, s string) string {
			pad := strings.Repeat(" ", n)
			return pad + strings.ReplaceAll(s, "\n", "\n"+pad)
		},
		"has": func(key string, namespaces []any) bool {
			return slices.ContainsFunc(namespaces, func(n any) bool { _, ok := list(key, n); return ok })
		},
		"filters": func(key string, namespaces []any, kinds ...string) string {
			var out strings.Builder
			for _, n := range namespaces {
				names, _ := list(key, n)
				patterns, _ := names.([]any)
				if len(patterns) == 0 {
					continue
				}
				fmt.Fprintf(&out, "      - resources:\n          kinds: [%s]\n          namespaces:\n          - %v\n          names:\n",
					strings.Join(kinds, ", "), dig(n, "namespace"))
				for _, p := range patterns {
					fmt.Fprintf(&out, "          - %v\n", p)
				}
			}
			return strings.TrimSuffix(out.String(), "\n")
		},
	}
}

// documents decodes a stream of manifests as kubectl does.
func documents(data []byte) ([]map[string]any, error) {
	var out []map[string]any
	for _, doc := range strings.Split("\n"+string(data), "\n---") {
		var m map[string]any
		if err := yaml.Unmarshal([]byte(doc), &m); err != nil {
			return nil, err
		}
		if m != nil {
			out = append(out, m)
		}
	}
	return out, nil
}

// objectsOf decodes manifests as rendering hands them over.
func objectsOf(t *testing.T, streams ...[]byte) []*render.Object {
	t.Helper()
	var out []*render.Object
	for _, stream := range streams {
		docs, err := documents(stream)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range docs {
			text := func(path ...string) string { s, _ := dig(m, path...).(string); return s }
			out = append(out, &render.Object{
				APIVersion: text("apiVersion"), Kind: text("kind"), ReadFields: render.Held(m),
				Namespace: text("metadata", "namespace"), Name: text("metadata", "name"),
			})
		}
	}
	return out
}

// nameOf names a resource of a case for people.
func nameOf(obj map[string]any) string {
	name := dig(obj, "metadata", "name")
	if name == nil {
		name = fmt.Sprintf("%v(generated)", dig(obj, "metadata", "generateName"))
	}
	return fmt.Sprintf("%v %v/%v", obj["kind"], dig(obj, "metadata", "namespace"), name)
}

// changedFields returns the automount fields of a mutated manifest, and whatever else
// differs from the original.
func changedFields(before, after map[string]any) map[string]any {
	old, now := map[string]any{}, map[string]any{}
	flatten("", before, old)
	flatten("", after, now)
	out := map[string]any{}
	for path, v := range now {
		previous, existed := old[path]
		if strings.HasSuffix(path, "automountServiceAccountToken") || !existed || fmt.Sprint(previous) != fmt.Sprint(v) {
			out[path] = v
		}
	}
	for path := range old {
		if _, ok := now[path]; !ok {
			out[path] = "removed"
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func flatten(path string, v any, into map[string]any) {
	switch v := v.(type) {
	case map[string]any:
		for k, item := range v {
			flatten(strings.TrimPrefix(path+"."+k, "."), item, into)
		}
	case []any:
		for i, item := range v {
			flatten(fmt.Sprintf("%s[%d]", path, i), item, into)
		}
	default:
		into[path] = v
	}
}
