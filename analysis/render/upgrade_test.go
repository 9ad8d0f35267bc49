package render

import (
	"fmt"
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
