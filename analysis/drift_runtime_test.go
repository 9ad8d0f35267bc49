package analysis

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenward/analysis/render"
)

func TestSpokenNames(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string][]string{
		"shop-cert-upgrader-job-*": {"shop-cert-upgrader-job", "cert-upgrader-job", "upgrader-job"},
		"shop-sorter-*":            {"shop-sorter"}, // "sorter" alone says nothing
		"console-*":                nil,
		"shop-shop-*":              {"shop-shop"},
		"shop-*-upgrader-job":      {"upgrader-job"},
		"*":                        nil,
	} {
		if d := cmp.Diff(want, spokenNames(pattern, "shop shop")); d != "" {
			t.Errorf("%s (-want +got):\n%s", pattern, d)
		}
	}
}

// A pattern that is longer than any name would have as many names in a text as words, each nearly as long as itself.
func TestLongPatternsHaveNoNames(t *testing.T) {
	t.Parallel()
	if names := spokenNames(strings.Repeat("ab-cd-", 2000)+"*", "shop"); len(names) > 0 {
		t.Errorf("%d names, the first of %d bytes", len(names), len(names[0]))
	}
	if names := spokenNames(strings.Repeat("*", 2000)+"-ab-cd-*", "shop"); len(names) != 1 {
		t.Errorf("%q", names)
	}
}

func TestStaleEntriesThatSomethingMentionsStay(t *testing.T) {
	t.Parallel()
	container := func(key string, v any) map[string]any {
		return map[string]any{"template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": "tidy-lines-pod", key: v}}}}}
	}
	for name, tc := range map[string]struct {
		object *render.Object
		want   string
	}{
		"a command":                 {&render.Object{Kind: "Deployment", ReadFields: render.Held(map[string]any{"spec": container("command", []any{"/run", "create-tidy-lines"})})}, "Deployment x mentions tidy-lines"},
		"an environment":            {&render.Object{Kind: "Job", ReadFields: render.Held(map[string]any{"spec": container("env", []any{map[string]any{"name": "A", "value": "TIDY_LINES_X"}})})}, "Job x mentions tidy-lines"},
		"a script":                  {&render.Object{APIVersion: "v1", Kind: "ConfigMap", ReadFields: render.Held(map[string]any{"data": map[string]any{"run.sh": "kubectl create job web-tidy-lines --image x"}})}, "ConfigMap x mentions web-tidy-lines"},
		"a Secret":                  {&render.Object{APIVersion: "v1", Kind: "Secret", ReadFields: render.Held(map[string]any{"stringData": map[string]any{"run.sh": "run tidy-lines"}})}, "Secret x mentions tidy-lines"},
		"a container's name":        {&render.Object{Kind: "Deployment", ReadFields: render.Held(map[string]any{"spec": container("image", "tidy-lines")})}, ""},
		"a name of another thing":   {&render.Object{APIVersion: "v1", Kind: "ConfigMap", ReadFields: render.Held(map[string]any{"metadata": map[string]any{"name": "tidy-lines"}})}, ""},
		"one word in common":        {&render.Object{APIVersion: "v1", Kind: "ConfigMap", ReadFields: render.Held(map[string]any{"data": map[string]any{"a": "tidy up the lines"}})}, ""},
		"a script of another place": {&render.Object{APIVersion: "v1", Kind: "ConfigMap", Namespace: "other", ReadFields: render.Held(map[string]any{"data": map[string]any{"a": "tidy-lines"}})}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.object.Name = "x"
			fields, packed := tc.object.Pack() // as it comes from a worker
			tc.object.ReadFields, tc.object.Packed = render.Held(fields), packed
			if tc.object.Namespace == "" {
				tc.object.Namespace = "web"
			}
			listing := listed([]string{"web-tidy-lines-*"}, nil)
			listing.Default = []string{"web"}
			set := &Set{Releases: []*RenderedRelease{{Release: Release{Name: "web", Namespace: "web"}, Objects: []*render.Object{tc.object}}}}
			c := Plan(PlanInput{Set: set, Judgements: []Judgement{deployment(NoToken, "web-ui")}, Listing: &listing})[0].Changes[0]
			if c.Kind != Stale || c.Held != tc.want || c.Removable() != (tc.want == "") || !strings.HasSuffix(c.Reason, tc.want) {
				t.Errorf("%s %s: held %q, removable %t, reason %q; want held %q", c.Kind, c.Pattern, c.Held, c.Removable(), c.Reason, tc.want)
			}
		})
	}
}

// What nobody looked for stays in the list.
func TestStaleEntriesAreLookedForWithinBounds(t *testing.T) {
	t.Parallel()
	p := &planner{plan: NamespacePlan{Namespace: "web"}, in: PlanInput{Set: &Set{}}, searched: maxSearched - 40}
	p.speakers = []speaker{{&render.Object{Kind: "ConfigMap", Name: "x"}, "run tidy-lines"}}
	for _, want := range []string{"ConfigMap x mentions tidy-lines", tooMuchSaid} {
		if got := p.mentioned("web-tidy-lines-*"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestPodMakers(t *testing.T) {
	t.Parallel()
	role := func(name, verb, group, resource string) *render.Object {
		return &render.Object{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "Role", Name: name, Namespace: "web", ReadFields: render.Held(map[string]any{
			"metadata": map[string]any{"name": name, "namespace": "web"},
			"rules":    []any{map[string]any{"apiGroups": []any{group}, "resources": []any{resource}, "verbs": []any{verb}}}})}
	}
	binding := func(kind, name, account string) *render.Object {
		return &render.Object{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "RoleBinding", Name: name + account, Namespace: "web", ReadFields: render.Held(map[string]any{
			"metadata": map[string]any{"name": name + account, "namespace": "web"},
			"roleRef":  map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
			"subjects": []any{map[string]any{"kind": "ServiceAccount", "name": account, "namespace": "web"}}})}
	}
	as := func(account string, j Judgement) Judgement { j.Workload.ServiceAccount = account; return j }
	set := &Set{Releases: []*RenderedRelease{{Release: Release{Name: "web", Namespace: "web"}, Objects: []*render.Object{
		role("jobs", "create", "batch", "jobs"), role("reads", "list", "", "pods"), role("secrets", "create", "", "secrets"),
		binding("Role", "jobs", "maker"), binding("Role", "reads", "reader"), binding("Role", "secrets", "keeper"), binding("ClusterRole", "edit", "editor")}}}}
	listing := listed([]string{"gone-away-*"}, nil)
	judgements := []Judgement{as("maker", deployment(NeedsToken, "web-maker")), as("reader", deployment(NeedsToken, "web-reader")), as("keeper", deployment(NeedsToken, "web-keeper")),
		as("editor", deployment(Review, "web-editor")), as("maker", deployment(NoToken, "web-idle"))}
	plan := Plan(PlanInput{Set: set, Judgements: judgements, Listing: &listing})[0]
	if d := cmp.Diff([]string{"Deployment web-maker", "Deployment web-editor"}, plan.PodMakers); d != "" {
		t.Errorf("workloads that may make pods (-want +got):\n%s", d)
	}
}
