package analysis

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenward/analysis/render"
)

func TestStaleNamespaces(t *testing.T) {
	t.Parallel()
	listing := &Listing{Default: []string{"web", "gone", "kube-system", "older"}, Namespaces: []ListedNamespace{{Namespace: "web"},
		{Namespace: "gone", Allow: []string{"gone-*"}}, {Namespace: "team-*"}, {Namespace: "made"}, {Namespace: "held"}, {Namespace: "broken"}}}
	release := func(name string, err error, objects ...*render.Object) *RenderedRelease {
		return &RenderedRelease{Release: Release{Name: name, Namespace: name, Err: err}, Objects: objects}
	}
	seen := []*RenderedRelease{release("web", nil, &render.Object{Kind: "ConfigMap", Namespace: "held"}), release("broken", errors.New("no such tag"))}
	for name, tc := range map[string]struct {
		in   PlanInput
		want []string
	}{
		"nothing is deployed any more":     {in: PlanInput{Set: &Set{Releases: seen}}, want: []string{"gone harden false", "gone harden-default false"}},
		"the umbrella was not seen whole":  {in: PlanInput{Set: &Set{Releases: seen}, Undiscovered: []string{"addons.velero"}}},
		"the umbrella makes the namespace": {in: PlanInput{Set: &Set{Releases: seen, Extra: []*render.Object{{Kind: "Namespace", Name: "gone"}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.in.Listing = listing
			tc.in.Set.Extra = append(tc.in.Set.Extra, &render.Object{Kind: "Namespace", Name: "made"})
			var got []string
			for _, p := range Plan(tc.in) {
				for _, c := range p.Changes {
					if c.Kind == Stale {
						got = append(got, fmt.Sprintf("%s %s %t", p.Namespace, c.In, c.Removable()))
					}
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
