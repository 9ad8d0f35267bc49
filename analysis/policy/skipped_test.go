package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tokenward/analysis/render"
)

func TestSkippedNamespaces(t *testing.T) {
	t.Parallel()
	config := func(data string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: engine, namespace: policies}\ndata:\n" + data
	}
	tests := map[string]struct {
		manifest string
		want     []string
	}{
		"filters": {config("  resourceFilters: >-\n    [*/*,policies,*] [Event,*,*] [*/*,kube-system,*] [Node/*,*,*]\n" +
			"    [Pod,shop,web-*] [ReplicaSet,*,*]\n"), []string{"kube-system", "policies"}},
		"pods and accounts apart": {config("  resourceFilters: '[Pod,a,*][ServiceAccount,a,*][Pod,b,*][*,c,*][v1/Pod,d,*][v1/*,d,*]'\n"), []string{"a", "c", "d"}},
		"other groups":            {config("  resourceFilters: '[apps/v1/*,a,*][Pod/status,a,*]'\n"), nil},
		"broken filters":          {config("  resourceFilters: '[Pod][a,b][,,*][[*,x,*]] [*,y,* *,z,*'\n"), []string{"x"}},
		"webhooks object": {config("  resourceFilters: ''\n  webhooks: '{\"namespaceSelector\":{\"matchExpressions\":[" +
			"{\"key\":\"kubernetes.io/metadata.name\",\"operator\":\"NotIn\",\"values\":[\"policies\",\"infra\"]},{\"key\":\"team\",\"operator\":\"NotIn\",\"values\":[\"x\"]}]}}'\n"),
			[]string{"infra", "policies"}},
		"webhooks list": {config("  resourceFilters: ''\n  webhooks: '[{\"namespaceSelector\":{\"matchExpressions\":[" +
			"{\"key\":\"kubernetes.io/metadata.name\",\"operator\":\"NotIn\",\"values\":[\"policies\"]}]}}]'\n"), []string{"policies"}},
		"broken webhooks":   {config("  resourceFilters: ''\n  webhooks: 'x'\n"), nil},
		"another ConfigMap": {config("  webhooks: '{}'\n"), nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects := objectsOf(t, []byte(tt.manifest))
			for range 2 {
				if diff := cmp.Diff(tt.want, SkippedNamespaces(objects), cmpopts.EquateEmpty()); diff != "" {
					t.Error(diff)
				}
				for _, o := range objects { // as it comes from a worker
					fields, packed := o.Pack()
					o.ReadFields, o.Packed = render.Held(fields), packed
				}
			}
		})
	}
}
