package render

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A drawn namespace stays a wildcard when namespaces are given again, as other releases' definitions may demand.
func TestDrawnNamespaceBecomesWildcard(t *testing.T) {
	t.Parallel()
	c := simple(map[string]string{"templates/a.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: team-{{ randAlphaNum 8 | lower }}}\n"})
	out := mustRender(t, c, Request{ReleaseName: "web", Namespace: "n"})
	for range 2 {
		if o := out.Objects[0]; o.Namespace != "team-*" {
			t.Errorf("the Pod is in %s", o.Namespace)
		}
		SetNamespaces(out.Objects, "n", nil)
	}
}

func TestDrawnNamesBecomeWildcards(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, simple(map[string]string{"templates/a.yaml": `apiVersion: batch/v1
kind: Job
metadata:
  name: move-{{ randAlphaNum 5 | lower }}
  labels: {at: {{ now | date "20060102150405" | quote }}, say: {{ "now or never" | quote }}}
spec:
  template:
    spec:
      serviceAccountName: move-{{ uuidv4 }}-account
      containers: [{name: a, image: "a:{{ randNumeric 3 }}.0"}]
---
apiVersion: batch/v1
kind: Job
metadata: {name: "{{ (now).Format "2006" }}-b"}
---
apiVersion: v1
kind: Secret
metadata: {name: c, annotations: {sum: {{ randAlphaNum 9 | sha256sum }}}}
stringData: {key: "{{ randAlphaNum 9 }}"}
`}), "")
	var first []*Object
	for range 3 {
		out, err := Render(t.Context(), c, Request{ReleaseName: "web", Namespace: "n"})
		if err != nil {
			t.Fatal(err)
		}
		delete(out.Objects[2].Fields(), "stringData") // stays what it is for
		if first == nil {
			first = out.Objects
		}
		if diff := cmp.Diff(first, out.Objects, asFields); diff != "" {
			t.Fatal(diff)
		}
	}
	for i, want := range []string{"move-*", "*-b", "c"} {
		if got := first[i].Name; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	want := map[string]any{"at": "*", "say": "now or never"}
	if diff := cmp.Diff(want, first[0].Fields()["metadata"].(map[string]any)["labels"]); diff != "" {
		t.Error(diff)
	}
	spec := first[0].Fields()["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)
	if got := spec["serviceAccountName"]; got != "move-*-account" {
		t.Errorf("got %v", got)
	}
}

// A chart that names a day or a month by Go's words for them, and in lower case, draws nothing else.
func TestNamesOfDaysBecomeWildcards(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"Monday", "January", "02-January-06"} {
		out := mustRender(t, simple(map[string]string{
			"templates/a.yaml": `{apiVersion: v1, kind: ConfigMap, metadata: {name: 'on-{{ now | date "` + format + `" | lower }}'}}`,
		}), Request{})
		if got := out.Objects[0].Name; !strings.HasPrefix(got, "on-") || !strings.Contains(got, "*") {
			t.Errorf("%s: got %s", format, got)
		}
	}
}

func TestWithTime(t *testing.T) {
	t.Parallel()
	const at = `(toDate "2006-01-02" "2026-01-12")`
	for text, want := range map[string]string{
		`{{ now }}`:                     `{{ ` + at + ` }}`,
		`{{now|date "now"}}`:            `{{` + at + `|date "now"}}`,
		"{{- now -}}":                   "{{- " + at + " -}}",
		`{{ (now).Unix }}`:              `{{ (` + at + `).Unix }}`,
		`{{ date "2006" now }} now`:     `{{ date "2006" ` + at + ` }} now`,
		`{{ $x := now }}`:               `{{ $x := ` + at + ` }}`,
		"{{ printf `now %s` .now }}":    "{{ printf `now %s` .now }}",
		`{{ .Values.now }}{{ $now }}`:   `{{ .Values.now }}{{ $now }}`,
		`{{ "a \" now" }}{{ nowhere }}`: `{{ "a \" now" }}{{ nowhere }}`,
		`{{ include "now" . | snow }}`:  `{{ include "now" . | snow }}`,
	} {
		if got := string(withTime([]byte(text), "2026-01-12")); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestSteadyText(t *testing.T) {
	t.Parallel()
	for _, tc := range [][3]string{
		{"a", "a", "a"},
		{"job-abc12", "job-axy34", "job-*"},
		{"abc-job", "axc-job", "*-job"},
		{"a-1x-b-2y", "a-1z-b-2w", "a-*"},
		{"one\ntwo x1 end\nthree", "one\ntwo x2 end\nthree", "one\ntwo * end\nthree"},
		{"one\ntwo", "one", "*"},
		{"", "a", "*"},
	} {
		if got := steadyText(tc[0], tc[1]); got != tc[2] {
			t.Errorf("%q and %q: got %q, want %q", tc[0], tc[1], got, tc[2])
		}
	}
}

// The functions are found as a pattern would find them, in less time.
func TestDrawsIn(t *testing.T) {
	t.Parallel()
	pattern := regexp.MustCompile(`\b(?:rand[A-Z]\w*|shuffle|uuidv4|now|ago)\b`)
	parts := []string{"rand", "A", "Alpha", "now", "ago", "uuidv4", "shuffle", " ", "_", "(", "x", "é", "2", "know", "\n"}
	random := rand.New(rand.NewPCG(1, 2))
	found := 0
	for range 20_000 {
		var text []byte
		for range 1 + random.IntN(5) {
			text = append(text, parts[random.IntN(len(parts))]...)
		}
		want := pattern.Match(text)
		if want {
			found++
		}
		if got := drawsIn(text); got != want {
			t.Fatalf("%q: got %v", text, got)
		}
	}
	if found == 0 {
		t.Error("no text had one")
	}
}
