package render

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRenderYieldsEverythingThatWillExist(t *testing.T) {
	t.Parallel()
	out := mustRender(t, simple(map[string]string{
		"values.yaml":                  "replicas: 1\nname: web\n",
		"crds/shop.yaml":               crdText("example.com", "Shop", "Namespaced", "v1"),
		"templates/NOTES.txt":          "thank you for {{ .Chart.Name }}",
		"templates/_helpers.tpl":       `{{ define "web.name" }}{{ .Release.Name }}-{{ .Values.name }}{{ end }}`,
		"templates/deployment.yaml":    "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ include \"web.name\" . }}\nspec:\n  replicas: {{ .Values.replicas }}\n",
		"templates/rbac.yaml":          "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: reader, namespace: wrong}\n---\n# nothing\n---\n\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: other}\n---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: sa, namespace: other}\n",
		"templates/hooks/job.yaml":     "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: migrate\n  annotations: {helm.sh/hook: \"pre-upgrade, Post-Install\"}\n",
		"templates/hooks/unknown.yaml": "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: never\n  annotations: {helm.sh/hook: crd-install}\n",
		"templates/tests/pod.yaml":     "apiVersion: v1\nkind: Pod\nmetadata:\n  generateName: check-\n  annotations: {helm.sh/hook: test}\n",
		"templates/empty.yaml":         "{{ if false }}\nkind: Pod\n{{ end }}\n",
		"templates/shop.yaml":          "apiVersion: example.com/v1\nkind: Shop\nmetadata: {name: s}\n",
	}), Request{ReleaseName: "demo", Namespace: "shop", Values: map[string]any{"replicas": 3.0}})
	want := []string{
		"Deployment shop/demo-web chart/templates/deployment.yaml:2 []",
		"Job shop/migrate chart/templates/hooks/job.yaml:2 [pre-upgrade post-install]",
		"ClusterRole reader chart/templates/rbac.yaml:2 []",
		"Namespace other chart/templates/rbac.yaml:10 []",
		"ServiceAccount other/sa chart/templates/rbac.yaml:14 []",
		"Shop shop/s chart/templates/shop.yaml:2 []",
		"Pod shop/check- chart/templates/tests/pod.yaml:2 [test]",
	}
	var got []string
	for _, o := range out.Objects {
		got = append(got, fmt.Sprintf("%s %s:%d %v", o.ID(), o.Source, o.Line, o.Hook))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(out.Invalid) > 0 {
		t.Errorf("invalid: %v", out.Invalid)
	}
	if diff := cmp.Diff([]CRD{{Group: "example.com", Kind: "Shop", Scope: "Namespaced", Versions: []string{"v1"}}}, out.CRDs); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]any{"name": "web", "replicas": 3.0}, out.Values()); diff != "" {
		t.Error(diff)
	}
	spec, _ := out.Objects[0].Fields()["spec"].(map[string]any)
	if spec["replicas"] != int64(3) {
		t.Errorf("replicas are %T %v, want int64 3", spec["replicas"], spec["replicas"])
	}
}

func TestRenderIsRepeatableAndChangesNothing(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, simple(map[string]string{
		"Chart.yaml":            "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n- {name: a, alias: x, version: '*', import-values: [data]}\n- {name: a, alias: z, version: '*'}\n",
		"values.yaml":           "list: [1]\nm: {a: 1}\n",
		"charts/a/Chart.yaml":   "apiVersion: v2\nname: a\nversion: 1.0.0\n",
		"charts/a/values.yaml":  "exports: {data: {imported: true}}\n",
		"charts/a/templates/t":  "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Chart.Name }}}\n",
		"templates/config.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {v: {{ toJson .Values | quote }}}\n{{- $_ := set .Values.m \"a\" 2 }}\n",
	}), "")
	before, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]any{"m": map[string]any{"b": 2.0}}
	var results [8]string
	var group sync.WaitGroup
	for i := range results {
		group.Go(func() {
			out, err := Render(context.Background(), c, Request{ReleaseName: "demo", Namespace: "shop", Values: values})
			if err != nil {
				results[i] = err.Error()
				return
			}
			var all []any
			for _, o := range out.Objects {
				all = append(all, o.ID(), o.Source, o.Line, o.Hook, o.Fields())
			}
			data, err := json.Marshal(all)
			results[i] = string(data) + fmt.Sprint(err)
		})
	}
	group.Wait()
	for _, r := range results {
		if r != results[0] {
			t.Fatalf("two renders differ:\n%s\n%s", results[0], r)
		}
	}
	if !strings.Contains(results[0], `\"imported\":true`) || !strings.Contains(results[0], `"name":"x"`) || !strings.Contains(results[0], `"name":"z"`) {
		t.Errorf("unexpected result %s", results[0])
	}
	if after, err := json.Marshal(c); err != nil || string(after) != string(before) {
		t.Error("the chart changed")
	}
	if diff := cmp.Diff(map[string]any{"m": map[string]any{"b": 2.0}}, values); diff != "" {
		t.Error(diff)
	}
}

func TestRenderRefusesWhatHelmRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		files map[string]string
		req   Request
		want  []string
	}{
		{
			name:  "Kubernetes version",
			files: map[string]string{"Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\nkubeVersion: '>=1.40.0-0'\n"},
			want:  []string{"render chart chart", "chart web requires Kubernetes >=1.40.0-0", "kubernetes.version is v1.34.0"},
		},
		{
			name: "no version", req: Request{ReleaseName: "a", KubeVersion: "latest"},
			want: []string{`read the Kubernetes version "latest"`},
		},
		{
			name:  "library",
			files: map[string]string{"Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\ntype: library\n"},
			want:  []string{"chart web is a library chart"},
		},
		{
			name:  "schema",
			files: map[string]string{"values.schema.json": `{"properties":{"port":{"type":"integer"}}}`},
			req:   Request{ReleaseName: "a", Values: map[string]any{"port": "x"}},
			want:  []string{"chart/values.schema.json", "'/port'", "want integer"},
		},
		{
			name: "schema of a subchart",
			files: map[string]string{
				"charts/a/Chart.yaml":         "apiVersion: v2\nname: a\nversion: 1.0.0\n",
				"charts/a/values.schema.json": `{"required":["port"]}`,
			},
			want: []string{"chart/charts/a/values.schema.json", "missing property 'port'"},
		},
		{
			name:  "schema that is no JSON",
			files: map[string]string{"values.schema.json": `{`},
			want:  []string{"chart/values.schema.json", "not valid JSON"},
		},
		{
			name:  "template that does not parse",
			files: map[string]string{"templates/a.yaml": "a: b\n{{ nope }}"},
			want:  []string{"chart/templates/a.yaml:2: function \"nope\" not defined"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := tryRender(simple(tc.files), tc.req)
			wantError(t, err, tc.want...)
		})
	}
}

func TestSchemaNeverLeavesTheChart(t *testing.T) {
	t.Parallel()
	asked := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked = true
		fmt.Fprint(w, `{}`)
	}))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "schema.json")
	if err := os.WriteFile(file, []byte(`{}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, ref := range map[string]string{
		"http": server.URL + "/schema.json", "file": "file://" + file, "relative": "../../etc/passwd", "other scheme": "ftp://example.com/x",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tryRender(simple(map[string]string{"values.schema.json": fmt.Sprintf(`{"$ref":%q}`, ref)}), Request{})
			wantError(t, err, "chart/values.schema.json", "a schema outside the chart is never read")
		})
	}
	if asked {
		t.Error("the server was asked")
	}
	inside := `{"$id":"https://example.com/root.json","$schema":"http://json-schema.org/draft-07/schema#",
		"definitions":{"port":{"$id":"https://example.com/port.json","type":"integer"}},
		"properties":{"a":{"$ref":"#/definitions/port"},"b":{"$ref":"port.json"},"c":{"$ref":"urn:example:any"}}}`
	if _, err := tryRender(simple(map[string]string{"values.schema.json": inside}), Request{}); err != nil {
		t.Errorf("a schema that refers to itself: %v", err)
	}
}

func TestRenderStopsWhenItMay(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	c := mustLoad(t, simple(nil), "")
	if _, err := Render(ctx, c, Request{ReleaseName: "demo"}); err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("got %v", err)
	}
}

func TestCapabilities(t *testing.T) {
	t.Parallel()
	out := mustRender(t, simple(map[string]string{"templates/a.yaml": `apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data:
  version: {{ .Capabilities.KubeVersion.Version }}
  minor: {{ .Capabilities.KubeVersion.Minor | quote }}
  crd: {{ .Capabilities.APIVersions.Has "example.com/v1/Shop" | quote }}
  extra: {{ .Capabilities.APIVersions.Has "route.openshift.io/v1" | quote }}
  stable: {{ .Capabilities.APIVersions.Has "policy/v1/PodDisruptionBudget" | quote }}
  core: {{ .Capabilities.APIVersions.Has "v1/Pod" | quote }}
  none: {{ .Capabilities.APIVersions.Has "example.com/v2" | quote }}
  lookup: {{ lookup "v1" "Secret" "a" "b" | toJson | quote }}
  dns: {{ getHostByName "localhost" | quote }}
  install: {{ .Release.IsInstall | quote }}
`}), Request{
		ReleaseName: "demo", Namespace: "shop", KubeVersion: "1.34.2",
		APIVersions: []string{"route.openshift.io/v1"}, CRDs: []CRD{{Group: "example.com", Kind: "Shop", Versions: []string{"v1"}}},
	})
	want := map[string]any{
		"version": "v1.34.2", "minor": "34", "crd": "true", "extra": "true", "stable": "true", "core": "true", "none": "false",
		"lookup": "{}", "dns": "", "install": "true",
	}
	if diff := cmp.Diff(want, out.Objects[0].Fields()["data"]); diff != "" {
		t.Error(diff)
	}
}

func TestCommonMetadata(t *testing.T) {
	t.Parallel()
	out := mustRender(t, simple(map[string]string{
		"templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  labels: {team: old, app: web}\n",
	}), Request{ReleaseName: "demo", CommonLabels: map[string]string{"team": "new"}, CommonAnnotations: map[string]string{"note": "x"}})
	want := map[string]any{"name": "a", "labels": map[string]any{"team": "new", "app": "web"}, "annotations": map[string]any{"note": "x"}}
	if diff := cmp.Diff(want, out.Objects[0].Fields()["metadata"]); diff != "" {
		t.Error(diff)
	}
}

// With NoHooks a hook has no common labels, as it goes through no post-renderer.
func TestCommonMetadataOfHooks(t *testing.T) {
	t.Parallel()
	for strategy, want := range map[PostRenderStrategy]any{"": "new", Separate: "new", NoHooks: nil} {
		out := mustRender(t, simple(map[string]string{
			"templates/a.yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  annotations: {helm.sh/hook: pre-install}\n",
		}), Request{ReleaseName: "demo", CommonLabels: map[string]string{"team": "new"}, PostRenderStrategy: strategy})
		labels, _ := out.Objects[0].Fields()["metadata"].(map[string]any)["labels"].(map[string]any)
		if got := labels["team"]; got != want {
			t.Errorf("%q: %v, want %v", strategy, got, want)
		}
	}
}
