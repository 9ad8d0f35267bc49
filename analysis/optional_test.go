package analysis_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"tokenward/analysis"
	"tokenward/analysis/render"
)

// optionalChart is a chart with features that are off: each template makes one.
func optionalChart(t *testing.T) *render.Chart {
	t.Helper()
	files := map[string]string{
		"Chart.yaml": `{apiVersion: v2, name: shop, version: 1.0.0, dependencies: [{name: store, version: 1.0.0, alias: db, condition: db.enabled}, {name: kit, version: 1.0.0}]}`,
		"values.yaml": `
bbtests: {enabled: false}
reports: {enabled: false, nightly: {create: false}}
deployNodeAgent: false
disableImporter: true
workers: {replicas: 0}
tidy: {labels: {}}
broken: {enabled: false}
db: {enabled: false}
kit: {}
wait: {enabled: false}
jobs: {patchTenant: false}
paths: {enabled: false}
scripts: {enabled: false}
`,
		"templates/web.yaml":         deploymentText("{{ .Release.Name }}-web"),
		"templates/tests/script.yml": "{{- if .Values.bbtests.enabled }}\napiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Release.Name }}-script-test\n  annotations: {helm.sh/hook: test}\nspec: {containers: [{name: a, image: a}]}\n{{- end }}",
		"templates/reports.yaml":     "{{- with .Values.reports }}\n{{- if .enabled }}\n" + deploymentText("{{ $.Release.Name }}-reports") + "\n{{- end }}\n{{- end }}\n{{- if .Values.reports.nightly.create }}\n---\n" + deploymentText("nightly-report") + "\n{{- end }}",
		"templates/agent.yaml":       "{{- if .Values.deployNodeAgent }}\n" + deploymentText("node-agent") + "\n{{- end }}",
		"templates/importer.yaml":    "{{- if not .Values.disableImporter }}\n" + deploymentText("{{ .Release.Name }}-importer") + "\n{{- end }}",
		"templates/workers.yaml":     "{{- if gt (int .Values.workers.replicas) 0 }}\n" + deploymentText("{{ .Release.Name }}-workers") + "\n{{- end }}",
		"templates/tidy.yaml":        "{{- if .Values.tidy.labels }}\n" + deploymentText("{{ .Release.Name }}-tidy-labels") + "\n{{- end }}",
		"templates/broken.yaml":      "{{- if .Values.broken.enabled }}\n{{ fail \"no\" }}\n" + deploymentText("broken") + "\n{{- end }}",
		"templates/wait.yaml":        `{{ include "kit.pod" (list . "shop.wait") }}` + "\n" + `{{ define "shop.wait" }}x: y{{ end }}`,
		"templates/patch.yaml":       "{{- if .Values.jobs.patchTenant }}\napiVersion: batch/v1\nkind: Job\nmetadata: {name: patch-tenant}\nspec: {template: {spec: {containers: [{name: a, image: a}]}}}\n{{- end }}",
		"templates/paths.yaml":       "{{- if .Values.paths.enabled }}\n" + deploymentText("paths") + "\n{{ $x := include (print $.Template.BasePath \"/web.yaml\") . }}{{- end }}",

		"templates/tests/scripts.yaml": "{{- if .Values.scripts.enabled }}\n" + deploymentText("tester") + "\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: scripts}\ndata: {run.sh: kubectl run restored-by-test}\n{{- end }}",

		"charts/store/Chart.yaml":         "{apiVersion: v2, name: store, version: 1.0.0}",
		"charts/store/values.yaml":        "exporter: {enabled: false}",
		"charts/store/templates/db.yaml":  deploymentText("{{ .Release.Name }}-db"),
		"charts/store/templates/exp.yaml": "{{- if .Values.exporter.enabled }}\n" + deploymentText("{{ .Release.Name }}-db-exporter") + "\n{{- end }}",
		"charts/kit/Chart.yaml":           "{apiVersion: v2, name: kit, version: 1.0.0, type: library}",
		"charts/kit/templates/_pod.yaml":  "{{- define \"kit.pod\" }}\n{{- $top := first . }}\n{{- if ($top.Values.wait).enabled }}\n---\nkind: Pod\napiVersion: v1\nmetadata:\n  name: {{ $top.Release.Name }}-wait-pod\nspec: {containers: [{name: a, image: a}]}\n{{- end }}\n{{- end }}",
	}
	tree := fstest.MapFS{}
	for name, text := range files {
		tree["chart/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	chart, err := render.LoadChart(tree, "chart", "")
	if err != nil {
		t.Fatal(err)
	}
	return chart
}

func deploymentText(name string) string {
	return "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: " + name + "\nspec: {template: {spec: {containers: [{name: a, image: a}]}}}"
}

func TestFindFeatures(t *testing.T) {
	t.Parallel()
	chart := optionalChart(t)
	input := analysis.Input{Release: analysis.Release{Name: "shop", Namespace: "shop"}, Chart: chart}
	for pattern, want := range map[string]string{
		"shop-script-test":   "bbtests.enabled: true: Pod shop-script-test",
		"shop-reports-*":     "reports.enabled: true: Deployment shop-reports",
		"nightly-report-*":   "reports.nightly.create: true: Deployment nightly-report",
		"node-agent-*":       "deployNodeAgent: true: Deployment node-agent",
		"shop-importer-*":    "disableImporter: false: Deployment shop-importer",
		"shop-workers-*":     "workers.replicas: 1: Deployment shop-workers",
		"shop-tidy-labels-*": "tidy.labels: {example: example}: Deployment shop-tidy-labels",
		"shop-db-*":          "db.enabled: true: Deployment shop-db",
		"*-db-exporter-*":    "db.enabled: true, db.exporter.enabled: true: Deployment shop-db-exporter",
		"shop-wait-pod":      "wait.enabled: true: Pod shop-wait-pod",
		"paths-*":            "paths.enabled: true: Deployment paths",
		"patch-tenant":       "jobs.patchTenant: true: Job patch-tenant (by name, pods patch-tenant-*)",
		"restored-by-test":   "scripts.enabled: true:  (ConfigMap scripts mentions restored-by-test)",
		"broken-*":           "",
		"gone-for-good-*":    "",
	} {
		t.Run(pattern, func(t *testing.T) {
			t.Parallel()
			if pattern == "shop-db-*" {
				pattern = "shop-db-?????*" // not the exporter's
			}
			found, err := analysis.FindFeatures(t.Context(), "shop", []string{pattern}, []analysis.Input{input}, analysis.FeatureOptions{})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if f, ok := found[pattern]; ok {
				got = f.Values + ": " + f.Workload
				if f.NameOnly {
					got += " (by name, pods " + f.Pods + ")"
				}
				if f.Mention != "" {
					got += " (" + f.Mention + ")"
				}
				if f.Release != "shop" {
					t.Errorf("release %q, want shop", f.Release)
				}
			}
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// TestFindFeaturesIsBounded holds that the number of renders is kept, that other namespaces and
// releases without a chart are left alone, and that a stopped context stops it.
func TestFindFeaturesIsBounded(t *testing.T) {
	t.Parallel()
	chart := optionalChart(t)
	patterns := []string{"shop-script-test", "node-agent-*"}
	in := func(name, namespace string) analysis.Input {
		return analysis.Input{Release: analysis.Release{Name: name, Namespace: namespace}, Chart: chart}
	}
	find := func(ctx context.Context, opts analysis.FeatureOptions, inputs ...analysis.Input) (map[string]analysis.Feature, error) {
		return analysis.FindFeatures(ctx, "shop", patterns, inputs, opts)
	}
	if found, err := find(t.Context(), analysis.FeatureOptions{MaxRenders: 1}, in("shop", "shop")); err != nil || len(found) != 1 {
		t.Errorf("one render explains %v (error %v), want one pattern", found, err)
	}
	failed := analysis.Input{Release: analysis.Release{Name: "shop", Namespace: "shop", Err: errors.New("no such tag")}}
	if found, err := find(t.Context(), analysis.FeatureOptions{}, in("shop", "other"), failed); err != nil || len(found) != 0 {
		t.Errorf("releases that cannot explain the patterns explain %v (error %v)", found, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := find(ctx, analysis.FeatureOptions{}, in("shop", "shop")); !errors.Is(err, context.Canceled) {
		t.Errorf("after its context was cancelled: error %v", err)
	}
	inputs := []analysis.Input{in("shop", "shop"), in("a", "shop"), in("b", "shop")}
	want, err := find(t.Context(), analysis.FeatureOptions{}, inputs...)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(inputs)
	got, err := find(t.Context(), analysis.FeatureOptions{}, inputs...)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" || want["node-agent-*"].Release != "a" {
		t.Errorf("the order of the inputs matters, or not the first release by name is taken:\n%s", d)
	}
}

func TestExplainStale(t *testing.T) {
	t.Parallel()
	input := analysis.Input{Release: analysis.Release{Name: "shop", Namespace: "shop"}, Chart: optionalChart(t)}
	set, err := analysis.RenderAll(t.Context(), []analysis.Input{input}, analysis.RenderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	listing := &analysis.Listing{Default: []string{"shop"}, Namespaces: []analysis.ListedNamespace{
		{Namespace: "shop", Allow: []string{"shop-web-*", "shop-script-test", "gone", "shop-script-test", "shop-web?"}}}}
	plans := analysis.Plan(analysis.PlanInput{Set: set, Judgements: analysis.Judge(set, analysis.JudgeOptions{}), Listing: listing})
	if err := analysis.ExplainStale(t.Context(), plans, []analysis.Input{input}, analysis.FeatureOptions{}); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range plans[0].Changes {
		got = append(got, c.Pattern+": "+c.Reason)
	}
	want := []string{
		"shop-web-*: allows only pods that need no token: Deployment shop-web",
		"shop-script-test: matches no pod today; would match Pod shop-script-test with values bbtests.enabled: true of release shop",
		"gone: matches no pod of any release that this platform renders",
		"shop-script-test: listed twice",
		"shop-web?: matches no pod of any release that this platform renders",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("stale entries (-want +got):\n%s", d)
	}
}
