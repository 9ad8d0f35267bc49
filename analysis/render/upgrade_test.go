package render

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRenderAddsWhatOnlyAnUpgradeRenders(t *testing.T) {
	t.Parallel()
	out := mustRender(t, simple(map[string]string{
		"templates/a-common.yaml": "kind: ConfigMap\napiVersion: v1\nmetadata: {name: common}\ndata: {revision: {{ .Release.Revision | quote }}}\n",
		"templates/job.yaml":      "{{ if .Release.IsUpgrade }}\nkind: Job\napiVersion: batch/v1\nmetadata: {name: convert-2024, annotations: {helm.sh/hook: pre-upgrade}}\n{{ end }}\n",
		"templates/migrate.yaml":  "kind: Job\napiVersion: batch/v1\nmetadata: {name: migrate-{{ .Release.Revision }}}\n",
		"templates/seed.yaml":     "{{ if .Release.IsInstall }}\nkind: Job\napiVersion: batch/v1\nmetadata: {name: seed-1}\n{{ else }}\nkind: Job\napiVersion: batch/v1\nmetadata: {name: refresh-1}\n{{ end }}\n",
		"templates/secret.yaml":   "{{ if .Release.IsUpgrade }}{{ $_ := required \"give the password of the installation\" .Values.password }}{{ fail \"really\" }}{{ end }}\nkind: Secret\napiVersion: v1\nmetadata: {name: password}\n",
	}), Request{ReleaseName: "demo", Namespace: "shop"})
	want := []string{
		"ConfigMap shop/common: a-common.yaml ",
		"Job shop/convert-2024: job.yaml ",
		"Job shop/migrate-1: migrate.yaml migrate-2",
		"Secret shop/password: secret.yaml ",
		"Job shop/seed-1: seed.yaml ",
		"Job shop/refresh-1: seed.yaml ",
	}
	var got []string
	for _, o := range out.Objects {
		got = append(got, fmt.Sprintf("%s: %s %s", o.ID(), o.Source[len("chart/templates/"):], o.Later))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	data, _ := out.Objects[0].Fields()["data"].(map[string]any)
	if data["revision"] != "1" {
		t.Errorf("what both render is not the installation's: %v", data)
	}
}

// Without a cluster some charts cannot be rendered as an upgrade at all.
func TestUpgradeThatNeedsAClusterLeavesTheInstallation(t *testing.T) {
	t.Parallel()
	out := mustRender(t, simple(map[string]string{
		"templates/secret.yaml": "kind: Secret\napiVersion: v1\nmetadata: {name: s}\ndata:\n{{ if .Release.IsUpgrade }}  a: {{ (lookup \"v1\" \"Secret\" \"shop\" \"s\").data.a.b }}{{ end }}\n",
	}), Request{ReleaseName: "demo", Namespace: "shop"})
	if len(out.Objects) != 1 || len(out.Invalid) != 0 {
		t.Errorf("%d objects, %v invalid", len(out.Objects), out.Invalid)
	}
}

// What only an upgrade renders is as steady as all the rest, whichever file draws.
func TestUpgradeOfChartThatDrawsIsSteady(t *testing.T) {
	t.Parallel()
	run := "kind: Job\napiVersion: batch/v1\nmetadata: {name: run-{{ now | date \"20060102\" }}}\n"
	migrate := "{{ if .Release.IsUpgrade }}\nkind: Job\napiVersion: batch/v1\nmetadata: {name: migrate, annotations: {a: {{ randAlphaNum 8 }}}}\n{{ end }}"
	pod := "kind: Pod\napiVersion: v1\nmetadata: {name: a, namespace: team-{{ randAlphaNum 8 | lower }}}\n"
	move := "{{ if .Release.IsUpgrade }}\nkind: Job\napiVersion: batch/v1\nmetadata: {name: move-{{ randAlphaNum 8 | lower }}}\n{{ end }}"
	thing := "{{ if .Capabilities.APIVersions.Has \"example.com/v1\" }}\nkind: Thing\napiVersion: example.com/v1\nmetadata: {name: t}\n{{ end }}"
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"the installation's file": {map[string]string{"templates/a.yaml": run, "templates/b.yaml": migrate}, []string{"Job shop/run-*", "Job shop/migrate"}},
		"a namespace":             {map[string]string{"templates/a.yaml": pod, "templates/b.yaml": migrate}, []string{"Pod team-*/a", "Job shop/migrate"}},
		"the upgrade's file":      {map[string]string{"templates/a.yaml": move, "templates/b.yaml": thing, "crds/a.yaml": thingDefinition}, []string{"Job shop/move-*"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := Request{ReleaseName: "demo", Namespace: "shop"}
			first := mustRender(t, simple(c.files), r)
			if diff := cmp.Diff(first.Objects, mustRender(t, simple(c.files), r).Objects, asFields); diff != "" {
				t.Error(diff)
			}
			if got := ids(first.Objects); !slices.Equal(got, c.want) {
				t.Errorf("got %v", got)
			}
		})
	}
}

const thingDefinition = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.com}\nspec: {group: example.com, scope: Cluster, names: {kind: Thing}, versions: [{name: v1, served: true}]}\n"

// Files that an upgrade renders as before count with those that it renders otherwise: for the
// scopes of kinds, for post-renderers, for names that go with the revision.
func TestUpgradeIsOneWithItsUnchangedFiles(t *testing.T) {
	t.Parallel()
	const upgraded = "{{ if .Release.IsUpgrade }}\n%s\n{{ end }}"
	patch := map[string]any{"kustomize": map[string]any{"patchesStrategicMerge": []any{map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": "web"}, "spec": map[string]any{"replicas": int64(2)}}}}}
	for name, c := range map[string]struct {
		files map[string]string
		post  []any
		want  []string
	}{
		"a scope": {map[string]string{
			"templates/a.yaml": thingDefinition, "templates/b.yaml": fmt.Sprintf(upgraded, "kind: Thing\napiVersion: example.com/v1\nmetadata: {name: t}"),
		}, nil, []string{"CustomResourceDefinition things.example.com", "Thing t"}},
		"a post-renderer": {map[string]string{
			"templates/a.yaml": "kind: Deployment\napiVersion: apps/v1\nmetadata: {name: web}\n", "templates/b.yaml": fmt.Sprintf(upgraded, "kind: Job\napiVersion: batch/v1\nmetadata: {name: migrate}"),
		}, []any{patch}, []string{"Deployment shop/web", "Job shop/migrate"}},
		"a name that another file has": {map[string]string{
			"templates/a.yaml": "kind: Job\napiVersion: batch/v1\nmetadata: {name: migrate-1}\n", "templates/b.yaml": fmt.Sprintf(upgraded, "kind: Job\napiVersion: batch/v1\nmetadata: {name: migrate-2}"),
		}, nil, []string{"Job shop/migrate-1", "Job shop/migrate-2"}},
		"a name that the same file gives for another alias": {map[string]string{
			"Chart.yaml":  "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies: [{name: sub, version: 1.0.0, alias: a}, {name: sub, version: 1.0.0, alias: b}]\n",
			"values.yaml": "b: {late: true}\n", "charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
			"charts/sub/templates/a.yaml": "{{ if not .Values.late }}\nkind: Job\napiVersion: batch/v1\nmetadata: {name: migrate-1}\n" +
				"{{ else if .Release.IsUpgrade }}\nkind: Job\napiVersion: batch/v1\nmetadata: {name: migrate-2}\n{{ end }}",
		}, nil, []string{"Job shop/migrate-1", "Job shop/migrate-2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := mustRender(t, simple(c.files), Request{ReleaseName: "demo", Namespace: "shop", PostRenderers: c.post})
			if got := ids(out.Objects); !slices.Equal(got, c.want) {
				t.Errorf("got %v", got)
			}
		})
	}
}
