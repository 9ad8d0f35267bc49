package analysis

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"tokenward/analysis/render"
)

// umbrellaFiles is an umbrella chart in small: packages at several depths, values in Secrets.
func umbrellaFiles() map[string]string {
	return map[string]string{
		"chart/Chart.yaml": "apiVersion: v2\nname: platform\nversion: 1.0.0\n",
		"chart/values.yaml": `
domain: example.com
logging:
  enabled: true
  git: {repo: "https://git.example.com/logging.git", tag: "1.0", path: ./chart}
addons:
  webShop:
    enabled: false
    git: {repo: "https://git.example.com/shop.git", tag: "2.0", path: chart}
    values: {replicas: 1}
  registry:
    enabled: false
    helmRepo: {repoName: public, chartName: registry, tag: "3.0"}
packages:
  sample:
    enabled: false
    git: {repo: }
    helmRepo: {repoName: , chartName: }
networkPolicies: {enabled: true}
`,
		"chart/templates/_helpers.tpl": `{{- define "release" }}
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: {{ .name }}, namespace: {{ .root.Release.Namespace }}}
spec: {url: {{ .package.git.repo }}, ref: {tag: {{ .package.git.tag | quote }}}, ignore: "/**/*.md\n"}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: {{ .name }}, namespace: {{ .root.Release.Namespace }}}
spec:
  targetNamespace: {{ .name }}
  chart: {spec: {chart: {{ .package.git.path }}, sourceRef: {kind: GitRepository, name: {{ .name }}}}}
  valuesFrom:
  - {kind: Secret, name: {{ .name }}-values, valuesKey: defaults}
  - {kind: Secret, name: {{ .name }}-values, valuesKey: overlays}
---
apiVersion: v1
kind: Secret
metadata: {name: {{ .name }}-values, namespace: {{ .root.Release.Namespace }}}
stringData:
  defaults: {{ dict "replicas" 2 "domain" .root.Values.domain | toYaml | quote }}
  overlays: {{ .package.values | toYaml | quote }}
{{- end }}
`,
		"chart/templates/logging/release.yaml":  `{{ if .Values.logging.enabled }}{{ include "release" (dict "name" "logging" "package" .Values.logging "root" .) }}{{ end }}`,
		"chart/templates/web-shop/release.yaml": `{{ if .Values.addons.webShop.enabled }}{{ include "release" (dict "name" "web-shop" "package" .Values.addons.webShop "root" .) }}{{ end }}`,
		"chart/templates/registry.yaml": `{{ if .Values.addons.registry.enabled }}
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: public}
spec: {url: "https://user:secret@charts.example.com"}
---
apiVersion: helm.toolkit.fluxcd.io/v2beta1
kind: HelmRelease
metadata: {name: registry}
spec:
  chart: {spec: {chart: registry, version: 3.0, sourceRef: {kind: HelmRepository, name: public}}}
{{ end }}`,
		"chart/templates/namespaces.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: logging}\n",
	}
}

func files(m map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, content := range m {
		fsys[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return fsys
}

func mustDiscover(t *testing.T, m map[string]string, opts DiscoverOptions) *Discovery {
	t.Helper()
	d, err := Discover(context.Background(), files(m), opts)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func releaseByName(t *testing.T, d *Discovery, helmRelease string) Release {
	t.Helper()
	for _, r := range d.Releases {
		if r.HelmRelease == helmRelease {
			return r
		}
	}
	t.Fatalf("no HelmRelease %s among %d", helmRelease, len(d.Releases))
	return Release{}
}

// problems lists problems as "package: reason", with a star for what was rendered apart.
func problems(d *Discovery) []string {
	var out []string
	for _, p := range d.Problems {
		line := p.Package + ": " + p.Reason
		if p.Apart {
			line = "* " + line
		}
		out = append(out, line)
	}
	return out
}

func TestDiscoverEnablesEveryPackage(t *testing.T) {
	t.Parallel()
	d := mustDiscover(t, umbrellaFiles(), DiscoverOptions{Values: []map[string]any{{
		"domain": "example.org", "addons": map[string]any{"webShop": map[string]any{"enabled": false}},
	}}})
	var got []string
	for _, r := range d.Releases {
		got = append(got, fmt.Sprintf("%s %s/%s %s@%s %s %v", r.HelmRelease, r.Namespace, r.Name, r.Repository, r.Ref.Tag, r.Chart, r.Err))
	}
	want := []string{
		"logging logging/logging-logging https://git.example.com/logging.git@1.0 chart <nil>",
		"registry platform/registry https://charts.example.com@ registry its source is HelmRepository platform/public (https://charts.example.com): not analysable yet",
		"web-shop web-shop/web-shop-web-shop https://git.example.com/shop.git@2.0 chart <nil>",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]any{"replicas": 1.0, "domain": "example.org"}, releaseByName(t, d, "web-shop").Values); diff != "" {
		t.Error(diff)
	}
	if got := releaseByName(t, d, "logging").Ignore; got != "/**/*.md\n" {
		t.Errorf("ignore %q", got)
	}
	var extra []string
	for _, o := range d.Extra {
		extra = append(extra, o.ID())
	}
	if diff := cmp.Diff([]string{"Namespace logging"}, extra); diff != "" {
		t.Error(diff)
	}
	if len(d.Problems) > 0 {
		t.Errorf("problems: %v", d.Problems)
	}
}

func TestDiscoverFindsTheChartAndTheValuesFiles(t *testing.T) {
	t.Parallel()
	m := map[string]string{}
	for name, content := range umbrellaFiles() {
		m[strings.TrimPrefix(name, "chart/")] = content
	}
	m["ci/one.yaml"], m["ci/two.yaml"] = "domain: one\nlogging: {values: {a: 1}}\n", "domain: two\n"
	d := mustDiscover(t, m, DiscoverOptions{ValuesFiles: []string{"ci/one.yaml", "ci/two.yaml"}})
	want := map[string]any{"replicas": 2.0, "domain": "two", "a": 1.0}
	if diff := cmp.Diff(want, releaseByName(t, d, "logging").Values); diff != "" {
		t.Error(diff)
	}
	_, err := Discover(context.Background(), files(m), DiscoverOptions{ValuesFiles: []string{"ci/none.yaml"}})
	if err == nil || !strings.Contains(err.Error(), "ci/none.yaml") {
		t.Errorf("missing values file: %v", err)
	}
	const hint = ": set umbrella.chart to the folder that holds its chart"
	_, err = Discover(context.Background(), files(m), DiscoverOptions{ChartDir: "elsewhere"})
	if err == nil || !strings.Contains(err.Error(), "no folder elsewhere"+hint) {
		t.Errorf("missing chart: %v", err)
	}
	_, err = Discover(context.Background(), files(map[string]string{"README.md": "# Platform"}), DiscoverOptions{})
	if err == nil || !strings.Contains(err.Error(), "Chart.yaml is missing"+hint) {
		t.Errorf("no chart at all: %v", err)
	}
}

func TestDiscoverGoesOnWithoutAPackageThatFails(t *testing.T) {
	t.Parallel()
	plugins := `{{ if .Values.addons.webShop.enabled }}{{ required "a plugin is required: aws or csi" .Values.addons.webShop.plugin }}{{ end }}`
	for _, tc := range []struct {
		name     string
		change   func(m map[string]string)
		values   map[string]any
		releases []string
		problems []string
	}{
		{
			name:     "the template's folder names it",
			change:   func(m map[string]string) { m["chart/templates/web-shop/check.yaml"] = plugins },
			releases: []string{"logging", "registry", "webShop!"},
			problems: []string{"addons.webShop: addons.webShop cannot be enabled: chart/templates/web-shop/check.yaml:1: a plugin is required: aws or csi"},
		},
		{
			name:     "values of the user's heal it",
			change:   func(m map[string]string) { m["chart/templates/web-shop/check.yaml"] = plugins },
			values:   map[string]any{"addons": map[string]any{"webShop": map[string]any{"plugin": "# csi"}}},
			releases: []string{"logging", "registry", "web-shop"},
		},
		{
			name: "nothing names it",
			change: func(m map[string]string) {
				m["chart/templates/checks.yaml"] = `{{ if .Values.addons.webShop.enabled }}{{ fail "no" }}{{ end }}`
			},
			releases: []string{"logging", "registry", "webShop!"},
			problems: []string{"addons.webShop: addons.webShop cannot be enabled: chart/templates/checks.yaml:1: no"},
		},
		{
			name: "two fail, and an innocent one is named",
			change: func(m map[string]string) {
				m["chart/templates/logging/checks.yaml"] = `{{ if .Values.addons.webShop.enabled }}{{ fail "logging says no to the shop" }}{{ end }}`
				m["chart/templates/z.yaml"] = `{{ if .Values.addons.registry.enabled }}{{ .Values.a.b }}{{ end }}`
			},
			releases: []string{"logging", "registry!", "webShop!"},
			problems: []string{
				"addons.registry: addons.registry cannot be enabled: chart/templates/z.yaml:1: .Values.a.b: nil pointer evaluating interface {}.b",
				"addons.webShop: addons.webShop cannot be enabled: chart/templates/logging/checks.yaml:1: logging says no to the shop",
			},
		},
		{
			name: "two exclude each other, and one goes apart",
			change: func(m map[string]string) {
				m["chart/templates/checks.yaml"] = `{{ if and .Values.addons.webShop.enabled .Values.addons.registry.enabled }}{{ fail "either the shop or the registry" }}{{ end }}`
			},
			releases: []string{"logging", "registry", "web-shop"},
			problems: []string{"* addons.registry: addons.registry cannot be enabled together with the other packages and was rendered apart: chart/templates/checks.yaml:1: either the shop or the registry"},
		},
		{
			name: "one is insisted on, another fails",
			change: func(m map[string]string) {
				m["chart/templates/checks.yaml"] = `{{ if not .Values.logging.enabled }}{{ fail "logging must be on" }}{{ end }}`
				m["chart/templates/more.yaml"] = `{{ if .Values.addons.webShop.enabled }}{{ fail "no" }}{{ end }}`
			},
			releases: []string{"logging", "registry", "webShop!"},
			problems: []string{"addons.webShop: addons.webShop cannot be enabled: chart/templates/more.yaml:1: no"},
		},
		{
			name: "a schema refuses it",
			change: func(m map[string]string) {
				m["chart/values.schema.json"] = `{"properties":{"addons":{"properties":{"registry":{"properties":{"enabled":{"const":false}}}}}}}`
			},
			releases: []string{"logging", "registry!", "web-shop"},
			problems: []string{"addons.registry: addons.registry cannot be enabled: render chart chart: chart/values.schema.json: the values do not fit: at '/addons/registry/enabled': value must be false"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			m := umbrellaFiles()
			tc.change(m)
			d := mustDiscover(t, m, DiscoverOptions{Values: []map[string]any{tc.values}})
			var got []string
			for _, r := range d.Releases {
				name := r.HelmRelease
				if r.Err != nil && r.Namespace == "" {
					name += "!"
				}
				got = append(got, name)
			}
			if diff := cmp.Diff(tc.releases, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tc.problems, problems(d)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDiscoverFailsIfTheUmbrellaDoes(t *testing.T) {
	t.Parallel()
	m := umbrellaFiles()
	m["chart/templates/checks.yaml"] = `{{ required "the domain is required" .Values.host }}`
	_, err := Discover(context.Background(), files(m), DiscoverOptions{})
	if err == nil || !strings.Contains(err.Error(), "render umbrella") || !strings.Contains(err.Error(), "chart/templates/checks.yaml:1: the domain is required") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Discover(ctx, files(m), DiscoverOptions{}); err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("canceled: %v", err)
	}
}

func TestFindPackages(t *testing.T) {
	t.Parallel()
	values, err := render.ParseValues([]byte(`
a: {enabled: true, git: {repo: r1, tag: t, branch: b, semver: s, commit: c, path: p}}
deep: {er: {b: {enabled: false, helmRepo: {repoName: x, chartName: c}, nested: {enabled: true, git: {repo: inner}}}}}
wrapper: {git: {repo: r2}}
sample: {enabled: false, git: {repo: null}, helmRepo: {}}
plain: {enabled: true}
list: [{enabled: true, git: {repo: r}}]
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []packageNode{
		{keys: []string{"a"}, switchable: true, repo: "r1", chart: "p", ref: SourceRef{Branch: "b", Tag: "t", Semver: "s", Commit: "c"}},
		{keys: []string{"deep", "er", "b"}, switchable: true, chart: "c"},
		{keys: []string{"wrapper"}, repo: "r2", ref: SourceRef{Branch: "master"}},
	}
	if diff := cmp.Diff(want, findPackages(values), cmp.AllowUnexported(packageNode{})); diff != "" {
		t.Error(diff)
	}
}
