package analysis

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// deploy renders what a HelmRelease, given with its source as text, deploys of a repository.
func deploy(t *testing.T, text string, repository map[string]string) *RenderedRelease {
	t.Helper()
	in := Input{Release: mustDiscover(t, fluxUmbrella(text), DiscoverOptions{}).Releases[0]}
	if in.Release.Err == nil {
		chart, err := LoadReleaseChart(files(repository), in.Release)
		if err != nil {
			return &RenderedRelease{Release: Release{Err: err}}
		}
		in.Chart = chart
	}
	return mustRenderAll(t, []Input{in}, RenderOptions{}).Releases[0]
}

// errorHas tells whether err is an error that has the given words, or none where there are none.
func errorHas(err error, words string) bool {
	if words == "" {
		return err == nil
	}
	return err != nil && strings.Contains(err.Error(), words)
}

// Hooks and all else may have the same object, as a ServiceAccount that is there before the chart's own. Kustomize refuses
// two of one, and patches that find no object.
func TestHooksThroughPostRenderers(t *testing.T) {
	t.Parallel()
	const account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web}\n"
	repository := map[string]string{
		"chart/Chart.yaml":          "apiVersion: v2\nname: app\nversion: 1.0.0\n",
		"chart/templates/hook.yaml": strings.Replace(account, "{name: web}", "{name: web, annotations: {helm.sh/hook: pre-install}}", 1),
		"chart/templates/sa.yaml":   account + "---\napiVersion: v1\nkind: Secret\nmetadata: {name: web}\n",
	}
	const all = `  postRenderers: [{kustomize: {patches: [{target: {kind: ServiceAccount}, patch: '[{"op": "add", "path": "/automountServiceAccountToken", "value": false}]'}]}}]` + "\n"
	const one = `  postRenderers: [{kustomize: {patches: [{patch: '{apiVersion: v1, kind: Secret, metadata: {name: web}, type: Opaque}'}]}}]` + "\n"
	for _, tc := range []struct {
		strategy, renderers string
		automount           []any
		err                 string
	}{
		{"separate", all, []any{false, false}, ""},
		{"nohooks", all, []any{nil, false}, ""},
		{"combined", all, nil, "already registered id"},
		{"separate", one, nil, "no matches for Id Secret"},
		{"nohooks", one, []any{nil, nil}, ""},
	} {
		r := deploy(t, helmRelease(appChart+tc.renderers+"  postRenderStrategy: "+tc.strategy+"\n"), repository)
		var automount []any
		for _, o := range r.Objects {
			if o.Kind == "ServiceAccount" {
				automount = append(automount, o.Fields()["automountServiceAccountToken"])
			}
		}
		if diff := cmp.Diff(tc.automount, automount); diff != "" || !errorHas(r.Err, tc.err) {
			t.Errorf("%s: %v, want an error that says %q: %s", tc.strategy, r.Err, tc.err, diff)
		}
	}
}

// Flux hands to Helm what sparseCheckout names: paths that begin so, whether they are folders or not.
func TestSparseCheckout(t *testing.T) {
	t.Parallel()
	pod := func(name string) string { return fmt.Sprintf(podText, name) }
	repository := map[string]string{
		".sourceignore": "b.yaml\n", "values.yaml": "{}\n",
		"chart/Chart.yaml":                 "apiVersion: v2\nname: app\nversion: 1.0.0\n",
		"chart/templates/a.yaml":           pod("a"),
		"chart/templates/b.yaml":           pod("b"),
		"chart/templates2/c.yaml":          pod("{{ fail \"no template\" }}"),
		"chart/charts/lib/Chart.yaml":      "apiVersion: v2\nname: lib\nversion: 1.0.0\n",
		"chart/charts/lib/templates/d.yml": pod("d"),
		"charts2/values.yaml":              "{}\n",
	}
	const all = "Pod flux/d Pod flux/a Pod flux/b"
	for _, tc := range []struct{ sparse, more, want, err string }{
		{"[]", "", "Pod flux/d Pod flux/a", ""}, // with .sourceignore
		{"[chart]", "", all, ""},
		{"[./chart/]", "", all, ""},
		{"[chart/, chart/templates, .sourceignore]", "", "Pod flux/d Pod flux/a", ""},
		{`[""]`, "", "Pod flux/d Pod flux/a", ""},
		{"[chart/Chart.yaml, chart/templates]", "", "Pod flux/a Pod flux/b", ""},
		{"[chart/Chart.yaml, chart/templates/a.yaml]", "", "Pod flux/a", ""},
		{"[chart/templates]", "", "", "Chart.yaml"},
		{"[charts2]", "", "", "leaves out chart"},
		{"[chart, none]", "", "", "names none, which is not there"},
		{"[chart, charts]", "", "", "names charts, which is not there"},
		{"[/chart]", "", "", "names /chart, which is not there"},
		{"[chart]", "valuesFiles: [values.yaml, charts2/values.yaml]", "", "values file"},
		{"[chart, charts2, values.yaml]", "valuesFiles: [values.yaml, charts2/values.yaml]", all, ""},
	} {
		text := strings.Replace(helmRelease(appChart), "spec: {url:", "spec: {sparseCheckout: "+tc.sparse+", url:", 1)
		text = strings.Replace(text, "{spec: {chart:", "{spec: {"+tc.more+", chart:", 1)
		r := deploy(t, strings.Replace(text, "{, ", "{", 1), repository)
		var got []string
		for _, o := range r.Objects {
			got = append(got, o.ID())
		}
		if diff := cmp.Diff(tc.want, strings.Join(got, " ")); diff != "" || !errorHas(r.Err, tc.err) {
			t.Errorf("%s %s: %v, want an error that says %q: %s", tc.sparse, tc.more, r.Err, tc.err, diff)
		}
	}
}

// openings is a tree that counts what is opened of it.
type openings struct {
	fstest.MapFS
	opened *int
}

func (t openings) Open(name string) (fs.File, error) {
	*t.opened++
	return t.MapFS.Open(name)
}

// An umbrella may write a list of any length, of names that each are a large file.
func TestSparseCheckoutIsBounded(t *testing.T) {
	t.Parallel()
	tree := openings{files(map[string]string{"chart/Chart.yaml": "", "large": ""}), new(int)}
	if _, err := artifact(tree, Release{Chart: "chart", SparseCheckout: []string{"chart", "large", "large"}}); err != nil || *tree.opened > 0 {
		t.Errorf("%d are opened: %v", *tree.opened, err)
	}
	for _, dir := range []string{"", "chart"} {
		dirs := slices.Repeat([]string{dir}, maxSparseCheckout/(len(dir)+1))
		if _, err := artifact(tree, Release{Chart: "chart", SparseCheckout: dirs}); err != nil {
			t.Errorf("%d times %q: %v", len(dirs), dir, err)
		}
		dirs = append(dirs, dir)
		if _, err := artifact(tree, Release{Chart: "chart", SparseCheckout: dirs}); !errorHas(err, "the sparseCheckout of its source has more than 64 KiB") {
			t.Errorf("%d times %q: %v", len(dirs), dir, err)
		}
	}
}

// Files of submodules are Flux's where it is told to take them, and not fetched. Charts that have none of them are as before.
func TestSubmodules(t *testing.T) {
	t.Parallel()
	const chart, common = "chart/Chart.yaml", "common/Chart.yaml"
	const err, none = "its source takes in submodules", "-"
	for _, tc := range []struct{ source, path, chart, err string }{
		{"recurseSubmodules: true, ", none, "", ""},
		{"recurseSubmodules: true, ", "chart/charts/lib", "", err},
		{"recurseSubmodules: true, ", "chart", "", err},
		{"recurseSubmodules: true, ", "common/templates/lib", "", ""},
		{"recurseSubmodules: true, ", "common/templates/lib", "dependencies: [{name: common, version: 1.0.0, repository: file://../common}]\n", err},
		{"recurseSubmodules: true, ", "common", "dependencies: [{name: common, version: 1.0.0, repository: file://../common}]\n", err},
		{"recurseSubmodules: true, ", "docs/theme", "", ""},
		{"recurseSubmodules: true, ", "chart2", "", ""},
		{"recurseSubmodules: true, ", "a]\n[", "", "read .gitmodules"},
		{"recurseSubmodules: true, sparseCheckout: [chart], ", "chart/charts/lib", "", ""},
		{"", "chart/charts/lib", "", ""},
	} {
		repository := map[string]string{
			chart:  "apiVersion: v2\nname: app\nversion: 1.0.0\n" + tc.chart,
			common: "apiVersion: v2\nname: common\nversion: 1.0.0\n", "common/templates/a.yaml": "",
			"chart/templates/a.yaml": "", "chart/charts/.keep": "",
		}
		if tc.path != none {
			repository[".gitmodules"] = "[submodule \"lib\"]\n\tpath = " + tc.path + "\n\turl = https://git.example.com/lib.git\n"
		}
		r := deploy(t, strings.Replace(helmRelease(appChart), "spec: {url:", "spec: {"+tc.source+"url:", 1), repository)
		if !errorHas(r.Err, tc.err) {
			t.Errorf("%q, submodule %q: %v, want an error that says %q", tc.source, tc.path, r.Err, tc.err)
		}
	}
}

// A hook of which no kind runs is not deployed.
func TestDisabledHooks(t *testing.T) {
	t.Parallel()
	repository := map[string]string{"chart/Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\n", "chart/templates/plain.yaml": fmt.Sprintf(podText, "plain")}
	for _, hook := range []string{"pre-install", "post-upgrade", "pre-rollback", "post-delete", "test", "post-install, Pre-Upgrade"} {
		name := strings.ToLower(strings.ReplaceAll(hook, ", ", "-"))
		repository["chart/templates/"+name+".yaml"] = fmt.Sprintf(podText, name+", annotations: {helm.sh/hook: '"+hook+"'}")
	}
	for _, tc := range []struct{ spec, want string }{
		{"", "plain post-delete post-install-pre-upgrade post-upgrade pre-install pre-rollback test"},
		{"install: {disableHooks: true}", "plain post-delete post-install-pre-upgrade post-upgrade pre-rollback test"},
		{"install: {disableHooks: true}, upgrade: {disableHooks: true}", "plain post-delete pre-rollback test"},
		{"rollback: {disableHooks: true}", "plain post-delete post-install-pre-upgrade post-upgrade pre-install test"},
		{"uninstall: {disableHooks: true}", "plain post-install-pre-upgrade post-upgrade pre-install pre-rollback test"},
	} {
		spec := appChart + "  " + strings.ReplaceAll(tc.spec, ", ", "\n  ") + "\n"
		r := deploy(t, helmRelease(spec), repository)
		var got []string
		for _, o := range r.Objects {
			got = append(got, o.Name)
		}
		if diff := cmp.Diff(tc.want, strings.Join(got, " ")); diff != "" || r.Err != nil {
			t.Errorf("%s: %v %s", tc.spec, r.Err, diff)
		}
	}
}

// Flux installs a release whatever its schemas say where it is told so. Charts whose schema is elsewhere need that.
func TestDisabledSchemaValidation(t *testing.T) {
	t.Parallel()
	repository := map[string]string{
		"chart/Chart.yaml":                         "apiVersion: v2\nname: app\nversion: 1.0.0\n",
		"chart/values.schema.json":                 `{"$ref": "https://schemas.example.com/app.json"}`,
		"chart/charts/lib/Chart.yaml":              "apiVersion: v2\nname: lib\nversion: 1.0.0\n",
		"chart/charts/lib/values.schema.json":      `{"required": ["size"]}`,
		"chart/templates/values.schema.json":       "{{/* a template */}}",
		"chart/charts/lib/templates/template.yaml": fmt.Sprintf(podText, "lib"),
	}
	for spec, want := range map[string]string{
		"": "a schema outside the chart is never read",
		"  upgrade: {disableSchemaValidation: true}\n": "a schema outside the chart is never read",
		"  install: {disableSchemaValidation: true}\n": "",
	} {
		r := deploy(t, helmRelease(appChart+spec), repository)
		if !errorHas(r.Err, want) || want == "" && len(r.Objects) != 1 {
			t.Errorf("%q: %d objects, %v, want an error that says %q", spec, len(r.Objects), r.Err, want)
		}
	}
}
