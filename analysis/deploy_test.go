package analysis

import (
	"strings"
	"testing"

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
