package edit_test

import (
	"bytes"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"

	"sigs.k8s.io/kustomize/kyaml/yaml"

	"tokenward/gitops/edit"
)

// endless are templates that a fuzzer must not run: loops over numbers, and templates in templates.
var endless = regexp.MustCompile(`range[^.}]*\d|template|block`)

// rendered is what a text says: as YAML, or as a template with conditions on or off. It is
// false for what cannot be rendered here.
func rendered(src []byte, on bool) (values map[string]any, ok bool) {
	if bytes.Contains(src, []byte("{{")) {
		if endless.Match(src) {
			return nil, false
		}
		tpl, err := template.New("values").Parse(string(src))
		if err != nil {
			return nil, false
		}
		if define := tpl.Lookup("defaults"); define != nil {
			tpl = define
		}
		var out bytes.Buffer
		data := map[string]any{"on": on, "name": "n", "loop": []string{"made-1", "made-2"}, "Values": map[string]any{"a": on}}
		if tpl.Execute(io.MultiWriter(&out, &short{1 << 20}), data) != nil {
			return nil, false
		}
		src = out.Bytes()
	}
	return values, yaml.Unmarshal(src, &values) == nil
}

// short takes so many bytes.
type short struct{ left int }

func (s *short) Write(p []byte) (int, error) {
	if s.left -= len(p); s.left < 0 {
		return 0, io.ErrShortWrite
	}
	return len(p), nil
}

// checkRendered holds that what a file renders grows by the plan and nothing else, with
// conditions on: there every line is part of what is rendered.
func checkRendered(t *testing.T, e edit.PolicyEdit, src, dst []byte) {
	t.Helper()
	before, ok := rendered(src, true)
	if !ok {
		return
	}
	after, ok := rendered(dst, true)
	if !ok || !grows(e, before, after) {
		t.Fatalf("it renders something else (%t):\n%v\n%v\n%s", ok, before, after, edit.UnifiedDiff("f", src, dst))
	}
}

// grows says whether after is before, with nothing more than what an edit plans.
func grows(e edit.PolicyEdit, before, after any) bool {
	switch after := after.(type) {
	case map[string]any:
		old, ok := before.(map[string]any)
		if !ok && before != nil {
			return false
		}
		for key := range old {
			if _, there := after[key]; !there {
				return false
			}
		}
		for key, value := range after {
			was, there := old[key]
			if there && !grows(e, was, value) || !there && !planned(e, map[string]any{key: value}) {
				return false
			}
		}
		return true
	case []any:
		old, ok := before.([]any)
		if !ok && before != nil {
			return false
		}
		for _, item := range after {
			if len(old) > 0 && grows(e, old[0], item) {
				old = old[1:]
			} else if !planned(e, item) {
				return false
			}
		}
		return len(old) == 0
	}
	return reflect.DeepEqual(before, after)
}

// planned says whether a value holds nothing but what an edit plans.
func planned(e edit.PolicyEdit, v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if !slices.Contains([]string{e.Mutator, e.DefaultMutator, "enabled", "namespaces", "namespace", "pods", "allow", "deny"}, key) || !planned(e, value) {
				return false
			}
		}
		return true
	case []any:
		return !slices.ContainsFunc(v, func(item any) bool { return !planned(e, item) })
	case string:
		is := func(entry edit.Entry) bool { return entry.Pattern == v }
		return v == e.Namespace || slices.ContainsFunc(e.Allow, is) || slices.ContainsFunc(e.Deny, is)
	}
	return v == true
}

func TestGrows(t *testing.T) {
	t.Parallel()
	e := edit.PolicyEdit{Mutator: "m", DefaultMutator: "d", Namespace: "shop", Allow: []edit.Entry{{Pattern: "a-*"}}}
	for text, want := range map[string]bool{
		"m: {namespaces: [x]}|m: {namespaces: [x, shop]}":                                                                true,
		"m: {namespaces: []}|m: {namespaces: [{namespace: shop, pods: {allow: [a-*]}}]}":                                 true,
		"m: |m: {enabled: true, namespaces: [shop]}":                                                                     true,
		"m: {namespaces: [x]}|m: {namespaces: [shop]}":                                                                   false,
		"m: {namespaces: [x]}|m: {namespaces: [x, other]}":                                                               false,
		"m: {namespaces: [{namespace: shop}]}|m: {namespaces: [{namespace: shop, pods: {allow: [a-*]}, exclude: true}]}": false,
		"m: {a: 1}|m: {a: 2}": false,
	} {
		was, is, _ := strings.Cut(text, "|")
		before, _ := rendered([]byte(was), true)
		after, _ := rendered([]byte(is), true)
		if got := grows(e, before, after); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
}
