package analysis_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"tokenward/analysis"
	"tokenward/analysis/render"
)

// renderedFiles notes the files of the charts that are rendered.
type renderedFiles struct {
	analysis.InProcess
	files [][]string
}

func (r *renderedFiles) Render(ctx context.Context, source render.ChartSource, q render.Request) (*render.Output, error) {
	chart, err := source.Open(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range chart.Files {
		names = append(names, f.Name)
	}
	r.files = append(r.files, names)
	return r.InProcess.Render(ctx, chart, q)
}

// sub is a subchart and what declares it.
func sub(name, condition string) map[string]string {
	return map[string]string{"charts/" + name + "/Chart.yaml": "{apiVersion: v2, name: " + name + ", version: 1.0.0}", "charts/" + name + "/values.yaml": "",
		"Chart.yaml": "{apiVersion: v2, name: c, version: 1.0.0, dependencies: [{name: " + name + ", version: 1.0.0, condition: " + condition + "}]}"}
}

func with(files, more map[string]string) map[string]string {
	maps.Copy(files, more)
	return files
}

// TestTrialsTakeWhatTheyNeed holds that a trial renders no more of a chart than what its templates
// can reach, and that what cannot be seen to be reached is there all the same in the end.
func TestTrialsTakeWhatTheyNeed(t *testing.T) {
	t.Parallel()
	pod := "apiVersion: v1\nkind: Pod\nmetadata: {name: made-by-x}\nspec: {containers: [{name: a, image: a}]}\n{{ end }}"
	begin := "{{ if .Values.x.enabled }}\n"
	always := []string{"Chart.yaml", "values.yaml"}
	for name, c := range map[string]struct {
		files map[string]string // beside templates/x.yaml
		text  string            // what that one says before its pod
		want  []string          // the files of the first render
		again int               // further renders
	}{
		"nothing else": {map[string]string{"templates/_a.tpl": `{{ define "a" }}{{ end }}`, "templates/b.yaml": "", "NOTES.md": ""}, "", nil, 0},
		"what is included, and what that includes": {map[string]string{"templates/_a.tpl": `{{ define "a" }}{{ include "b" . }}{{ end }}`,
			"templates/_b.tpl": "{{- define `b` }}{{ end }}", "templates/_c.tpl": `{{ define "c" }}{{ end }}`}, `{{ include "a" . }}`, []string{"templates/_a.tpl", "templates/_b.tpl"}, 0},
		"all that define a name": {map[string]string{"templates/_a.tpl": `{{ define "a" }}{{ end }}`, "templates/_b.tpl": `{{ define "a" }}{{ end }}`},
			`{{ template "a" . }}`, []string{"templates/_a.tpl", "templates/_b.tpl"}, 0},
		"a name that is handed on": {map[string]string{"templates/_a.tpl": `{{ define "a" }}{{ include (index . 0) . }}{{ end }}`,
			"templates/_b.tpl": `{{ define "b" }}{{ end }}`}, `{{ include "a" (list "b") }}`, []string{"templates/_a.tpl", "templates/_b.tpl"}, 0},
		"a template by its path": {map[string]string{"templates/c.yaml": "", "templates/d.yaml": ""}, `{{ $_ := include (print $.Template.BasePath "/c.yaml") . }}`, []string{"templates/c.yaml"}, 0},
		"the chart's files":      {map[string]string{"a.txt": "a", "templates/_a.tpl": `{{ define "a" }}{{ if eq ($.Files.Get "a.txt") "" }}{{ fail "no file" }}{{ end }}{{ end }}`}, `{{ include "a" . }}`, []string{"a.txt", "templates/_a.tpl"}, 0},
		"files by the values":    {map[string]string{"a.txt": "a", "values.yaml": "x: {enabled: false}\ntext: '# {{ required \"none\" (.Files.Get \"a.txt\") }}'"}, `{{ tpl .Values.text . }}`, []string{"a.txt"}, 0},
		"a subchart that is off": {with(sub("s", "s.enabled"), map[string]string{"values.yaml": "x: {enabled: false}\ns: {enabled: false}"}), "", nil, 0},
		"one that its own values keep out": {with(sub("s", "s.enabled"), map[string]string{"charts/s/values.yaml": "enabled: false"}), "",
			[]string{"charts/s/Chart.yaml", "charts/s/values.yaml"}, 0},
		"one that the trial lets in": {sub("s", "x.enabled"), "", []string{"charts/s/Chart.yaml", "charts/s/values.yaml"}, 0},
		"one that is in by another name": {with(sub("s", "s.enabled"), map[string]string{"values.yaml": "x: {enabled: false}\ns: {enabled: false}",
			"Chart.yaml": "{apiVersion: v2, name: c, version: 1.0.0, dependencies: [{name: s, version: 1.0.0, condition: s.enabled}, {name: s, alias: t, version: 1.0.0}]}"}), "",
			[]string{"charts/s/Chart.yaml", "charts/s/values.yaml"}, 0},
		"one of a subchart": {with(sub("s", ""), map[string]string{"charts/s/Chart.yaml": "{apiVersion: v2, name: s, version: 1.0.0, dependencies: [{name: u, version: 1.0.0, condition: u.active}]}",
			"charts/s/values.yaml": "u: {active: false}", "charts/s/charts/u/Chart.yaml": "{apiVersion: v2, name: u, version: 1.0.0}"}), "", []string{"charts/s/Chart.yaml", "charts/s/values.yaml"}, 0},
		"one that only seems to be off": {with(sub("s", ""), map[string]string{"charts/s/Chart.yaml": "{apiVersion: v2, name: s, version: 1.0.0, dependencies: [{name: u, version: 1.0.0, condition: global.u}]}",
			"charts/s/values.yaml": "global: {u: false}", "charts/s/charts/u/Chart.yaml": "{apiVersion: v2, name: u, version: 1.0.0}", "values.yaml": "x: {enabled: false}\nglobal: {u: true}"}), "",
			[]string{"charts/s/Chart.yaml", "charts/s/values.yaml"}, 1},
		"a name put together": {map[string]string{"templates/_a.tpl": `{{ define "a.b" }}{{ end }}`}, `{{ include (printf "a.%s" "b") . }}`, nil, 1},
		"a path put together": {map[string]string{"templates/c.yaml": ""}, `{{ $_ := include (printf "%s/c.%s" $.Template.BasePath "yaml") . }}`, nil, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := fstest.MapFS{"Chart.yaml": {Data: []byte("{apiVersion: v2, name: c, version: 1.0.0}")}, "values.yaml": {Data: []byte("x: {enabled: false}")},
				"templates/x.yaml": {Data: []byte(begin + c.text + "\n" + pod)}}
			for name, text := range c.files {
				tree[name] = &fstest.MapFile{Data: []byte(text)}
			}
			chart, err := render.LoadChart(tree, ".", "")
			if err != nil {
				t.Fatal(err)
			}
			r := &renderedFiles{}
			opts := analysis.FeatureOptions{Render: analysis.RenderOptions{Renderer: r}}
			in := analysis.Input{Release: analysis.Release{Name: "c", Namespace: "c"}, Chart: chart}
			found, err := analysis.FindFeatures(t.Context(), "c", []string{"made-by-x*"}, []analysis.Input{in}, opts)
			if err != nil || found["made-by-x*"].Values != "x.enabled: true" {
				t.Fatalf("found %v (error %v)", found, err)
			}
			want := slices.Concat(always, c.want, []string{"templates/x.yaml"})
			slices.Sort(want)
			if d := cmp.Diff(want, r.files[0]); d != "" {
				t.Errorf("files of the first render (-want +got):\n%s", d)
			}
			if again := len(r.files) - 1; again != c.again {
				t.Errorf("%d more renders, want %d", again, c.again)
			}
		})
	}
}

// TestNothingIsTriedThatMakesNoPods holds that a value is not tried on which only objects of
// Kubernetes depend that make no pods, unless what it switches on speaks of the pods.
func TestNothingIsTriedThatMakesNoPods(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"apiVersion: v1\nkind: Service\nmetadata: {name: madeby}":                         0,
		"apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: madeby}":     1,
		"apiVersion: v1\nkind: Service\nmetadata: {name: madeby, labels: {a: made-by-x}}": 1,
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: madeby}":                       0,
	} {
		tree := fstest.MapFS{"Chart.yaml": {Data: []byte("{apiVersion: v2, name: c, version: 1.0.0}")}, "values.yaml": {Data: []byte("madeBy: {enabled: false}")},
			"templates/made-by.yaml": {Data: []byte("{{ if .Values.madeBy.enabled }}\n" + text + "\n{{ end }}")}}
		chart, err := render.LoadChart(tree, ".", "")
		if err != nil {
			t.Fatal(err)
		}
		r := &renderedFiles{}
		in := analysis.Input{Release: analysis.Release{Name: "c", Namespace: "c"}, Chart: chart}
		if _, err := analysis.FindFeatures(t.Context(), "c", []string{"made-by-x*"}, []analysis.Input{in}, analysis.FeatureOptions{Render: analysis.RenderOptions{Renderer: r}}); err != nil {
			t.Fatal(err)
		}
		if len(r.files) != want {
			t.Errorf("%d trials of %q, want %d", len(r.files), text, want)
		}
	}
}
