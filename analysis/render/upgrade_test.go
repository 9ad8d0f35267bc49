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
	data, _ := out.Objects[0].Fields["data"].(map[string]any)
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
	fsys := simple(map[string]string{
		"templates/a.yaml": "kind: Job\napiVersion: batch/v1\nmetadata: {name: run-{{ now | date \"20060102\" }}}\n",
		"templates/b.yaml": "{{ if .Release.IsUpgrade }}\nkind: Job\napiVersion: batch/v1\nmetadata: {name: migrate, annotations: {a: {{ randAlphaNum 8 }}}}\n{{ end }}",
		"templates/c.yaml": "{{ if .Release.IsUpgrade }}\nkind: Job\napiVersion: batch/v1\nmetadata: {name: move-{{ randAlphaNum 8 | lower }}}\n{{ end }}",
		"templates/d.yaml": "{{ if .Capabilities.APIVersions.Has \"example.com/v1\" }}\nkind: Thing\napiVersion: example.com/v1\nmetadata: {name: t}\n{{ end }}",
		"crds/a.yaml":      "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.com}\nspec: {group: example.com, scope: Namespaced, names: {kind: Thing}, versions: [{name: v1, served: true}]}\n",
	})
	r := Request{ReleaseName: "demo", Namespace: "shop"}
	first := mustRender(t, fsys, r)
	if diff := cmp.Diff(first.Objects, mustRender(t, fsys, r).Objects); diff != "" {
		t.Error(diff)
	}
	if got, want := ids(first.Objects), []string{"Job shop/run-*", "Job shop/migrate", "Job shop/move-*"}; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}
