package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"tokenward/analysis"
	"tokenward/analysis/policy"
	"tokenward/analysis/render"
)

const deployDir = "../../deploy"

// installations are the ways to install the chart that the tests look at.
var installations = map[string]map[string]any{
	"service": {},
	"cronjob": {"mode": "cronjob"},
	"replicas": {"replicas": 3, "config": map[string]any{"store": "postgres://tokenward@db/tokenward"},
		"secrets":        map[string]any{"keys": map[string]any{"storePassword": "store-password"}},
		"serviceMonitor": map[string]any{"enabled": true}},
}

// environmentNames finds our variables in a text; secretVariables are those that are no
// key of the configuration.
var (
	environmentNames = regexp.MustCompile(`TOKENWARD_[A-Z_]+`)
	secretVariables  = []string{"TOKENWARD_CONFIG", "TOKENWARD_IMAGE", "TOKENWARD_GITLAB_TOKEN"}
)

// renderChart renders our own chart as a release called tokenward.
func renderChart(t *testing.T, values map[string]any) *render.Output {
	t.Helper()
	chart, err := render.LoadChart(os.DirFS(deployDir), "chart", "")
	if err != nil {
		t.Fatal(err)
	}
	out, err := render.Render(t.Context(), chart, render.Request{ReleaseName: "tokenward", Namespace: "tokenward", Values: values, KubeVersion: defaultConfig().Kubernetes.Version})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Invalid) > 0 {
		t.Fatalf("manifests that cannot be read: %v", out.Invalid)
	}
	return out
}

// TestDeployJudged judges what we ship with our own rules, and by the validating policy
// that our own sample platform has: no pod of ours needs a token or gets one.
func TestDeployJudged(t *testing.T) {
	t.Parallel()
	policies, err := policy.Load(samplePolicies(t), policy.DefaultNames())
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range installations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			judgeOurs(t, policies, renderChart(t, values).Objects)
		})
	}
	for _, form := range []string{"service", "cronjob"} {
		t.Run("kustomize "+form, func(t *testing.T) {
			t.Parallel()
			judgeOurs(t, policies, kustomized(t, form))
		})
	}
}

func judgeOurs(t *testing.T, policies *policy.Policies, objects []*render.Object) {
	t.Helper()
	release := &analysis.RenderedRelease{Release: analysis.Release{Name: "tokenward", Namespace: "tokenward"}, Objects: objects}
	set := &analysis.Set{Releases: []*analysis.RenderedRelease{release}}
	judged := analysis.Judge(set, analysis.JudgeOptions{})
	if len(judged) != 1 {
		t.Fatalf("%d workloads, want 1", len(judged))
	}
	var workloads []*analysis.Workload
	for _, j := range judged {
		workloads = append(workloads, j.Workload)
		if j.Verdict != analysis.NoToken {
			t.Errorf("%s %s: %s, want no-token: %v", j.Workload.Kind, j.Workload.Name, j.Verdict, j.Evidence)
		}
	}
	effect := analysis.Simulate(set, workloads, policies, nil)
	for _, w := range workloads {
		if effect.Token[w] {
			t.Errorf("%s %s gets a token", w.Kind, w.Name)
		}
	}
	for _, v := range effect.Violations {
		t.Errorf("%s %s breaks the rule %s", v.Kind, v.Name, v.Rule)
	}
}

// samplePolicies are the policies of the sample platform.
func samplePolicies(t *testing.T) []*render.Object {
	t.Helper()
	chart, err := render.LoadChart(os.DirFS("samples/released/platform/packages/kyverno-policies"), "chart", "")
	if err != nil {
		t.Fatal(err)
	}
	out, err := render.Render(t.Context(), chart, render.Request{ReleaseName: "kyverno-policies", Namespace: "kyverno", KubeVersion: defaultConfig().Kubernetes.Version})
	if err != nil {
		t.Fatal(err)
	}
	return out.Objects
}

// TestDeployHardened holds the restricted pod security standard, a root that cannot be
// written, and limits, which a platform that would run us asks for.
func TestDeployHardened(t *testing.T) {
	t.Parallel()
	for name, values := range installations {
		pods := 0
		for _, o := range renderChart(t, values).Objects {
			spec := podSpecOf(o)
			if spec == nil {
				continue
			}
			pods++
			pod, _ := spec["securityContext"].(map[string]any)
			if pod["runAsNonRoot"] != true || fmt.Sprint(pod["seccompProfile"]) != "map[type:RuntimeDefault]" || spec["automountServiceAccountToken"] != false {
				t.Errorf("%s: %s %s: the pod's securityContext is %v", name, o.Kind, o.Name, pod)
			}
			for _, c := range spec["containers"].([]any) {
				c := c.(map[string]any)
				got, err := json.Marshal(c["securityContext"])
				if want := `{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]},"readOnlyRootFilesystem":true}`; err != nil || string(got) != want {
					t.Errorf("%s: %s %s: the container's securityContext is %s (%v)", name, o.Kind, o.Name, got, err)
				}
				if limits, _ := c["resources"].(map[string]any)["limits"].(map[string]any); limits["memory"] == nil {
					t.Errorf("%s: %s %s: no limit of memory", name, o.Kind, o.Name)
				}
			}
		}
		if pods != 1 {
			t.Errorf("%s: %d pods, want 1", name, pods)
		}
	}
}

func podSpecOf(o *render.Object) map[string]any {
	path := map[string][]string{"Deployment": {"spec", "template", "spec"}, "CronJob": {"spec", "jobTemplate", "spec", "template", "spec"}}[o.Kind]
	if path == nil {
		return nil
	}
	fields := o.Fields()
	for _, key := range path {
		fields, _ = fields[key].(map[string]any)
	}
	return fields
}

// TestDeployConfiguration holds the chart's values, the environment and the schema of
// the configuration against each other.
func TestDeployConfiguration(t *testing.T) {
	t.Parallel()
	for name, values := range installations {
		for _, o := range renderChart(t, values).Objects {
			if o.Kind != "ConfigMap" {
				continue
			}
			text := o.Fields()["data"].(map[string]any)["config.yaml"].(string)
			c := defaultConfig()
			if err := decodeConfig([]byte(text), &c); err != nil {
				t.Errorf("%s: the chart writes a configuration that is not one: %v\n%s", name, err, text)
			} else if err := c.validate(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	known := map[string]bool{}
	c := defaultConfig()
	for _, f := range configFields(&c) {
		known[f.environment()] = true
	}
	for _, file := range []string{"tokenward.service", "gitlab-ci.yml"} {
		raw, err := os.ReadFile(filepath.Join(deployDir, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range environmentNames.FindAllString(string(raw), -1) {
			if !known[v] && !slices.Contains(secretVariables, v) {
				t.Errorf("%s sets %s, which means nothing", file, v)
			}
		}
	}
}

// A pod that is given less time than the service keeps back for its end hands its runs back at once.
func TestDeployShortGracePeriod(t *testing.T) {
	t.Parallel()
	for seconds, want := range map[int]string{3: "gracePeriod: 0s\n", 60: "gracePeriod: 55s\n"} {
		found := false
		for _, o := range renderChart(t, map[string]any{"terminationGracePeriodSeconds": seconds}).Objects {
			if o.Kind == "ConfigMap" {
				found = strings.Contains(o.Fields()["data"].(map[string]any)["config.yaml"].(string), want)
			}
		}
		if !found {
			t.Errorf("with %d seconds the configuration lacks %s", seconds, want)
		}
	}
}

// TestDeploySchema holds the part of the values' schema that is our configuration's
// own against the configuration; -update writes it.
func TestDeploySchema(t *testing.T) {
	t.Parallel()
	file := filepath.Join(deployDir, "chart", "values.schema.json")
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(raw, &schema); err != nil {
		t.Fatal(err)
	}
	text, err := configSchema()
	if err != nil {
		t.Fatal(err)
	}
	var ours map[string]any
	if err := json.Unmarshal(text, &ours); err != nil {
		t.Fatal(err)
	}
	delete(ours, "$schema") // the file's own stands at its top
	properties := schema["properties"].(map[string]any)
	properties["config"] = ours
	var want bytes.Buffer
	encoder := json.NewEncoder(&want)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(schema); err != nil {
		t.Fatal(err)
	}
	golden(t, file, want.Bytes())
	values := map[string]any{}
	raw, err = os.ReadFile(filepath.Join(deployDir, "chart", "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(raw, &values); err != nil {
		t.Fatal(err)
	}
	for key := range values {
		if properties[key] == nil {
			t.Errorf("values.yaml has the key %s, and its schema has not", key)
		}
	}
}

// TestDeployKustomize holds the plain manifests against the chart that they are printed
// from; -update prints them.
func TestDeployKustomize(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"service", "cronjob"} {
		out := renderChart(t, installations[form])
		text := bytes.NewBufferString("# Printed from the chart in deploy/chart by `go test ./cmd/tokenward -run Deploy -update`.\n")
		var config string
		for _, o := range out.Objects {
			if o.Kind == "ConfigMap" {
				config = o.Fields()["data"].(map[string]any)["config.yaml"].(string)
				continue
			}
			fields := o.Fields()
			withoutHelm(fields)
			raw, err := yaml.Marshal(fields)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(text, "---\n%s", raw)
		}
		golden(t, filepath.Join(deployDir, "kustomize", form, "manifests.yaml"), text.Bytes())
		golden(t, filepath.Join(deployDir, "kustomize", form, "config.yaml"), []byte(config))
		names := map[string]bool{}
		for _, o := range kustomized(t, form) {
			names[o.Kind] = true
		}
		if !names["ConfigMap"] || !names["ServiceAccount"] {
			t.Errorf("%s: kustomize builds %v", form, slices.Sorted(maps.Keys(names)))
		}
	}
}

// withoutHelm takes away what says that Helm manages an object.
func withoutHelm(v any) {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "helm.sh/chart")
		delete(v, "app.kubernetes.io/managed-by")
		delete(v, "checksum/config")
		for key, e := range v {
			withoutHelm(e)
			if m, ok := e.(map[string]any); ok && len(m) == 0 && key == "annotations" {
				delete(v, key)
			}
		}
	case []any:
		for _, e := range v {
			withoutHelm(e)
		}
	}
}

// kustomized builds plain manifests as kubectl would.
func kustomized(t *testing.T, form string) []*render.Object {
	t.Helper()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(deployDir, "kustomize", form))
	if err != nil {
		t.Fatal(err)
	}
	var out []*render.Object
	for _, r := range built.Resources() {
		fields, err := r.Map()
		if err != nil {
			t.Fatal(err)
		}
		namespace := r.GetNamespace()
		if namespace == "" {
			namespace = "tokenward"
		}
		out = append(out, &render.Object{APIVersion: r.GetApiVersion(), Kind: r.GetKind(), Name: r.GetName(), Namespace: namespace, ReadFields: render.Held(fields)})
	}
	return out
}

// golden compares a file with what it should hold, and writes it with -update.
func golden(t *testing.T, file string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s is not what the code prints; `go test ./cmd/tokenward -run Deploy -update` rewrites it (-want +got):\n%s", strings.TrimPrefix(file, "../../"), d)
	}
}
