package edit_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"tokenward/gitops/edit"
)

// TestPolicyEditRendersThePlan makes values files of many shapes and edits of them.
// Taking the added lines out must give back the file, and rendering it before and
// after, with conditions on and off, must differ by what the edit says and nothing else.
func TestPolicyEditRendersThePlan(t *testing.T) {
	t.Parallel()
	const files = 800
	for seed := range uint64(files) {
		r := rand.New(rand.NewPCG(seed, 7))
		f := newValuesFile(r)
		src := f.write()
		c := f.edit()
		dst, changes, err := c.Apply(src)
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, src)
		}
		checkChanges(t, src, dst, changes)
		for _, on := range []bool{true, false} {
			want := expected(t, render(t, src, on), c, f.conditional[c.Namespace] && !on, f.listForm)
			if diff := cmp.Diff(want, canonical(render(t, dst, on))); diff != "" {
				t.Fatalf("seed %d, conditions %v: %+v (-want +got):\n%s\n%s", seed, on, c, diff, edit.UnifiedDiff("values.yaml", src, dst))
			}
		}
		if again, changes, err := c.Apply(dst); err != nil || len(changes) > 0 || !bytes.Equal(again, dst) {
			t.Fatalf("seed %d: a second time: %d changes, error %v\n%s", seed, len(changes), err, again)
		}
		if t.Failed() {
			t.Fatalf("seed %d\n%s", seed, src)
		}
	}
}

// valuesFile is a values file in the making, in a style drawn at random.
type valuesFile struct {
	r                         *rand.Rand
	out                       strings.Builder
	step, list, inner         int // indentation of mappings, of lists, of the lists of pods
	listForm, blank, template bool
	quote, eol                string
	conditional               map[string]bool
	namespaces                []string
}

func newValuesFile(r *rand.Rand) *valuesFile {
	f := &valuesFile{r: r, step: 2 + 2*r.IntN(2), conditional: map[string]bool{}}
	f.list, f.inner = f.step*r.IntN(2), f.step*r.IntN(2)
	f.listForm, f.blank, f.template = r.IntN(3) == 0, r.IntN(3) == 0, r.IntN(4) > 0
	f.quote = []string{"", "", `"`, "'"}[r.IntN(4)]
	f.eol = []string{"\n", "\n", "\r\n"}[r.IntN(3)]
	return f
}

func (f *valuesFile) chance(n int) bool { return f.r.IntN(n) == 0 }

func (f *valuesFile) line(indent int, format string, args ...any) {
	f.out.WriteString(strings.TrimRight(strings.Repeat(" ", indent)+fmt.Sprintf(format, args...), " ") + f.eol)
}

// condition opens a condition in one case of three, and returns what closes it.
func (f *valuesFile) condition(indent int) (end func(), open bool) {
	if !f.template || !f.chance(3) {
		return func() {}, false
	}
	if f.chance(2) {
		indent = 0
	}
	start, stop := "{{- if .on }}", "{{- end }}"
	if f.chance(4) {
		start = "{{- if and .on\n  (eq \"}}\" \"}}\") }}"
		start = strings.ReplaceAll(start, "\n", f.eol)
	}
	f.line(indent, "%s", start)
	return func() { f.line(indent, "%s", stop) }, true
}

func (f *valuesFile) write() []byte {
	if f.template {
		f.line(0, `{{- if .on }}{{ $x := "}}" }}{{- end }}`)
		f.line(0, `{{- define "defaults" -}}`)
	} else if f.chance(3) {
		f.line(0, "---")
	}
	f.line(0, "policies:")
	f.others("first")
	f.defaults()
	f.mutator()
	f.others("last")
	if f.template {
		f.line(0, "{{- end }}")
		f.line(0, `{{- /* not: {{ end */ -}}`)
		f.line(0, `{{- define "overlay" }}`)
		f.line(0, `  {{- range $i, $x := .none -}}`)
		f.line(4, `{{ $x }}: {{ $i }}: - `)
		f.line(0, "  {{- end }}")
		f.line(0, "{{- end }}")
		f.line(0, `{{ template "defaults" . }}`)
	}
	text := f.out.String()
	if f.chance(3) {
		text = strings.TrimSuffix(text, f.eol)
	}
	return []byte(text)
}

func (f *valuesFile) others(name string) {
	if f.chance(2) {
		return
	}
	f.line(f.step, "%s:", name)
	f.line(2*f.step, "enabled: true")
	f.line(2*f.step, "exclude:")
	f.line(3*f.step, "- namespaces: [a, b]")
	if f.template {
		f.line(3*f.step, "- name: {{ .name | quote }}-x")
	}
	f.space()
}

func (f *valuesFile) space() {
	if f.blank {
		f.line(0, "")
	}
}

func (f *valuesFile) defaults() {
	if f.chance(6) {
		return
	}
	f.line(f.step, "%s:", defaultMutator)
	f.line(2*f.step, "enabled: true")
	switch {
	case f.chance(6):
		f.line(2*f.step, "namespaces: []")
	case f.chance(6):
		f.line(2*f.step, "namespaces: [web-0, 'web-1'] # in place")
	default:
		f.line(2*f.step, "namespaces:")
		for i := range 1 + f.r.IntN(3) {
			f.comment(2*f.step + f.list)
			f.line(2*f.step+f.list, "- web-%d", i)
		}
	}
	f.space()
}

func (f *valuesFile) comment(indent int) {
	if f.chance(4) {
		f.line(indent, "# it's so: {{/* not */}} [")
	}
}

func (f *valuesFile) mutator() {
	f.line(f.step, "%s:", mutator)
	if f.chance(2) {
		f.line(2*f.step, "enabled: true")
	}
	if f.chance(8) {
		f.line(2*f.step, "namespaces: []")
		f.space()
		return
	}
	f.line(2*f.step, "namespaces:")
	count := 1 + f.r.IntN(4)
	for i := range count {
		f.item(fmt.Sprintf("shop-%d", i), 2*f.step+f.list)
		if i < count-1 || f.chance(2) {
			f.space()
		}
	}
	if f.template && f.chance(4) {
		f.line(2*f.step+f.list, "{{- range .loop }}")
		f.line(2*f.step+f.list, "- namespace: {{ . }}")
		f.line(0, "{{- end }}")
	}
	if f.template && f.chance(4) {
		f.comment(2*f.step + f.list)
		f.line(2*f.step+f.list, "{{- with .loop }}")
		f.line(2*f.step+f.list, "{{- items . | nindent %d }}", 2*f.step+f.list)
		f.line(2*f.step+f.list, "{{- end }}")
	}
}

func (f *valuesFile) item(namespace string, dash int) {
	f.comment(dash)
	end, open := f.condition(dash)
	defer end()
	f.conditional[namespace] = open
	f.namespaces = append(f.namespaces, namespace)
	f.line(dash, "- namespace: %s", namespace)
	if f.chance(4) {
		f.line(dash+2, "serviceAccounts:")
		f.line(dash+2+f.inner, "- %s-*", namespace)
	}
	switch {
	case f.chance(4):
		if f.chance(2) {
			f.line(dash+2, "# Omitting the pods hardens all")
		}
	case f.listForm:
		f.pods("pods", namespace, dash+2)
	default:
		f.line(dash+2, "pods:")
		f.pods("allow", namespace, dash+2+f.step)
		if f.chance(2) {
			f.pods("deny", namespace, dash+2+f.step)
		}
	}
}

func (f *valuesFile) pods(key, namespace string, col int) {
	switch {
	case f.chance(6):
		f.line(col, "%s: [%s%s-a-*%s]", key, f.quote, namespace, f.quote)
		return
	case f.chance(10):
		f.line(col, "%s: []", key)
		return
	}
	f.line(col, "%s:", key)
	for i := range 1 + f.r.IntN(3) {
		end, open := func() {}, false
		if i > 0 {
			end, open = f.condition(col + f.inner)
		}
		f.comment(col + f.inner)
		if open && f.chance(2) {
			f.line(col+f.inner, "- %s%s-%s-if-*%s", f.quote, namespace, key, f.quote)
			f.line(0, "{{- else }}")
		}
		f.line(col+f.inner, "- %s%s-%s-%d-*%s", f.quote, namespace, key, i, f.quote)
		end()
	}
	if f.chance(6) {
		f.line(col+f.inner+2, "# no more than that")
	}
}

// edit draws an edit: of a namespace that is listed, or of a new one.
func (f *valuesFile) edit() edit.PolicyEdit {
	e := edit.PolicyEdit{Mutator: mutator, DefaultMutator: defaultMutator, Namespace: "new", Harden: true, ListForm: f.listForm}
	if len(f.namespaces) > 0 && f.chance(2) {
		e.Namespace = f.namespaces[f.r.IntN(len(f.namespaces))]
	}
	e.HardenDefault = f.chance(2)
	patterns := []string{"a-*", "*-b", "c?", e.Namespace + "-a-*", "1e3", "no", "d-{x}"}
	for range f.r.IntN(4) {
		e.Allow = append(e.Allow, edit.Entry{Pattern: patterns[f.r.IntN(len(patterns))], Comment: []string{"why: it's \"so\"", "where"}})
	}
	if !f.listForm && f.chance(2) {
		e.Deny = append(e.Deny, edit.Entry{Pattern: patterns[f.r.IntN(len(patterns))]})
	}
	return e
}

func render(t *testing.T, src []byte, on bool) map[string]any {
	t.Helper()
	text := src
	if bytes.Contains(src, []byte("{{- define")) {
		funcs := template.FuncMap{
			"quote":   func(s string) string { return s },
			"items":   func(names []string) string { return "- namespace: " + strings.Join(names, "-2\n- namespace: ") + "-2" },
			"nindent": func(n int, s string) string { return strings.ReplaceAll("\n"+s, "\n", "\n"+strings.Repeat(" ", n)) },
		}
		tpl, err := template.New("values").Funcs(funcs).Parse(string(src))
		if err != nil {
			t.Fatalf("parse the template: %v\n%s", err, src)
		}
		var out bytes.Buffer
		data := map[string]any{"on": on, "name": "n", "loop": []string{"made-1", "made-2"}}
		if err := tpl.Execute(&out, data); err != nil {
			t.Fatalf("render: %v\n%s", err, src)
		}
		text = out.Bytes()
	}
	var values map[string]any
	if err := yaml.Unmarshal(text, &values); err != nil {
		t.Fatalf("read what is rendered: %v\n%s", err, text)
	}
	return values
}

// expected makes the edit on rendered values, unless the namespace's item is switched off.
func expected(t *testing.T, values map[string]any, e edit.PolicyEdit, off, listForm bool) any {
	t.Helper()
	policies := values["policies"].(map[string]any)
	if e.HardenDefault {
		addName(policies, e)
	}
	policy := policies[e.Mutator].(map[string]any)
	items, _ := policy["namespaces"].([]any)
	var item map[string]any
	for _, each := range items {
		if each.(map[string]any)["namespace"] == e.Namespace {
			item = each.(map[string]any)
		}
	}
	if item == nil && off {
		return canonical(values)
	}
	if item == nil {
		item = map[string]any{"namespace": e.Namespace}
		policy["namespaces"] = append(items, item)
	}
	if listForm {
		addTo(item, "pods", e.Allow)
		return canonical(values)
	}
	if len(e.Allow)+len(e.Deny) > 0 {
		pods, _ := item["pods"].(map[string]any)
		if pods == nil {
			pods = map[string]any{}
			item["pods"] = pods
		}
		addTo(pods, "allow", e.Allow)
		addTo(pods, "deny", e.Deny)
	}
	return canonical(values)
}

func addName(policies map[string]any, e edit.PolicyEdit) {
	policy, _ := policies[e.DefaultMutator].(map[string]any)
	if policy == nil {
		policy = map[string]any{"enabled": true}
		policies[e.DefaultMutator] = policy
	}
	addTo(policy, "namespaces", []edit.Entry{{Pattern: e.Namespace}})
}

func addTo(m map[string]any, key string, entries []edit.Entry) {
	for _, entry := range entries {
		list, _ := m[key].([]any)
		found := false
		for _, each := range list {
			found = found || each == entry.Pattern
		}
		if !found {
			m[key] = append(list, entry.Pattern)
		}
	}
}

// canonical sorts every list, as the order of what is added is free.
func canonical(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, value := range v {
			out[key] = canonical(value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, each := range v {
			out[i] = canonical(each)
		}
		sort.Slice(out, func(i, j int) bool { return fmt.Sprint(out[i]) < fmt.Sprint(out[j]) })
		return out
	}
	return v
}
