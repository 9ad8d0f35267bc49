package analysis

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenward/analysis/policy"
	"tokenward/analysis/render"
)

// explicit makes the pod template of a judged workload set true itself.
func explicit(j Judgement) Judgement {
	on := true
	j.Workload.Automount = &on
	return j
}

// made is a custom resource from which an operator makes the StatefulSets with the names.
func made(verdict Verdict, names ...string) Judgement {
	j := judged(verdict, "Cluster", "web")
	j.Workload.Object.APIVersion = "example.org/v1"
	for _, n := range names {
		j.Workload.Made = append(j.Workload.Made, n)
		j.Workload.Pods = append(j.Workload.Pods, PodName{Admission: n + "-0", Full: n + "-0"})
	}
	return j
}

func planned(t *testing.T, listing Listing, judgements ...Judgement) []string {
	t.Helper()
	listing.Default = []string{"web"}
	set := &Set{Releases: []*RenderedRelease{{Release: Release{Name: "web", Namespace: "web"}}}}
	var got []string
	for _, c := range Plan(PlanInput{Set: set, Judgements: judgements, Listing: &listing})[0].Changes {
		got = append(got, fmt.Sprintf("%s %s", c.Kind, c.Pattern))
	}
	return got
}

func listed(allow, deny []string) Listing {
	return Listing{Namespaces: []ListedNamespace{{Namespace: "web", Allow: allow, Deny: deny}}}
}

func TestPlanNamesControllersThatSetTrue(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		judgements []Judgement
		allow      []string
		deny       []string
		listForm   bool
		want       []string
	}{
		"a new pattern covers the Deployment":   {judgements: []Judgement{explicit(deployment(NeedsToken, "web-api"))}, want: []string{"allow web-api*"}},
		"an old pattern is completed":           {judgements: []Judgement{explicit(deployment(NeedsToken, "web-api"))}, allow: []string{"web-api-*"}, want: []string{"allow web-api"}},
		"one that covers it is left alone":      {judgements: []Judgement{explicit(deployment(NeedsToken, "web-api"))}, allow: []string{"web-api*"}},
		"without its own true, pods are enough": {judgements: []Judgement{deployment(NeedsToken, "web-api")}, allow: []string{"web-api-*"}},
		"a StatefulSet that an operator makes":  {judgements: []Judgement{explicit(made(NeedsToken, "prom-web"))}, allow: []string{"prom-web-*"}, want: []string{"allow prom-web"}},
		"a new pattern covers it":               {judgements: []Judgement{explicit(made(NeedsToken, "prom-web"))}, want: []string{"allow prom-web*"}},
		"it is narrowed where it hits another": {judgements: []Judgement{explicit(made(NeedsToken, "prom-web")), barePod(NoToken, "prom-web-server-test")},
			want: []string{"allow prom-web", "allow prom-web-?"}},
		"a pattern that names only the made StatefulSet hits it":    {judgements: []Judgement{explicit(made(NeedsToken, "prom-web")), made(NoToken, "other")}, allow: []string{"prom-web*", "other"}, want: []string{"stale other"}},
		"true for nothing is denied":                                {judgements: []Judgement{explicit(deployment(NoToken, "web-ui"))}, want: []string{"deny web-ui*"}},
		"also where its pods are allowed and the Deployment not":    {judgements: []Judgement{explicit(deployment(NoToken, "web-ui"))}, allow: []string{"web-ui-*"}, want: []string{"deny web-ui*", "stale web-ui-*"}},
		"but what is allowed as a whole is only reported":           {judgements: []Judgement{explicit(deployment(NoToken, "web-ui"))}, allow: []string{"web-ui*"}, want: []string{"stale web-ui*"}},
		"what is denied is done":                                    {judgements: []Judgement{explicit(deployment(NoToken, "web-ui"))}, deny: []string{"web-ui*"}},
		"a deny spares what needs a token":                          {judgements: []Judgement{explicit(deployment(NoToken, "web")), deployment(NeedsToken, "webhook")}, allow: []string{"webhook-*"}, want: []string{"deny web-*", "deny web"}},
		"where no deny can spare it, there is none":                 {judgements: []Judgement{explicit(deployment(NoToken, "web")), deployment(NeedsToken, "web-api-x")}, allow: []string{"web-api-*"}},
		"a chart that takes a plain list can deny nothing":          {judgements: []Judgement{explicit(deployment(NoToken, "web-ui"))}, listForm: true},
		"a Job that sets true for nothing has no controller":        {judgements: []Judgement{explicit(judged(NoToken, "Job", "tidy", PodName{"tidy-", "tidy-x7k2p"}))}, want: []string{"deny tidy-*"}},
		"a workload to look at is left to people, true or not":      {judgements: []Judgement{explicit(deployment(Review, "web-ui"))}},
		"a denied pod that needs its token has no controller named": {judgements: []Judgement{explicit(deployment(NeedsToken, "web-ui"))}, allow: []string{"web-*"}, deny: []string{"web-ui-*"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listing := listed(tc.allow, tc.deny)
			listing.ListForm = tc.listForm
			if d := cmp.Diff(tc.want, planned(t, listing, tc.judgements...)); d != "" {
				t.Errorf("changes (-want +got):\n%s", d)
			}
		})
	}
}

func TestPlanDeniesNothingWhereNothingIsMutated(t *testing.T) {
	t.Parallel()
	listing := listed(nil, nil)
	listing.Default = []string{"web"}
	set := &Set{Releases: []*RenderedRelease{{Release: Release{Name: "web", Namespace: "web"}}}}
	for _, skipped := range []string{"web", "w*"} {
		in := PlanInput{Set: set, Judgements: []Judgement{explicit(deployment(NoToken, "web-ui"))}, Listing: &listing, Skipped: []string{skipped}}
		if got := Plan(in)[0].Changes; len(got) > 0 {
			t.Errorf("%s is skipped: changes %v", skipped, got)
		}
	}
}

func TestSimulateMutatesNothingWhereAdmissionSkips(t *testing.T) {
	t.Parallel()
	off := false
	for skipped, want := range map[string]bool{"web": false, "w*": false, "db-*": true} {
		w := deployment(NeedsToken, "web-ui").Workload
		w.Automount = &off
		if e := Simulate(&Set{}, []*Workload{w}, policiesFor(t, "web-*"), []string{skipped}); e.Token[w] != want {
			t.Errorf("%s is skipped: the listed pod has a token: %v, want %v", skipped, e.Token[w], want)
		}
	}
}

// TestSimulateLooksAtWhatOperatorsMake holds that the StatefulSet that an operator
// makes is admitted and validated as one from a chart is.
func TestSimulateLooksAtWhatOperatorsMake(t *testing.T) {
	t.Parallel()
	for allow, want := range map[string]int{"prom-web-*": 1, "prom-web*": 0, "": 1} {
		w := explicit(made(NeedsToken, "prom-web")).Workload
		e := Simulate(&Set{}, []*Workload{w}, policiesFor(t, allow), nil)
		if len(e.Violations) != want {
			t.Errorf("allow %q: violations %v, want %d", allow, e.Violations, want)
		}
		if !e.Token[w] {
			t.Errorf("allow %q: its pods have no token, although its template sets true", allow)
		}
		if want > 0 && e.Violations[0].Kind != "StatefulSet" {
			t.Errorf("allow %q: the violation is of a %s, want the StatefulSet", allow, e.Violations[0].Kind)
		}
	}
	d := judged(NoToken, "Cluster", "web", PodName{"web-kb-5d8f7c9b4d-", "web-kb-5d8f7c9b4d-x7k2p"}).Workload
	d.Made = []string{"web-kb"}
	if got := d.madeKind("web-kb"); got != "Deployment" {
		t.Errorf("a controller whose pods are generated is a %s", got)
	}
}

// What policies would do is simulated over and over on the same objects.
func TestSimulateLeavesObjectsAlone(t *testing.T) {
	t.Parallel()
	fields := func() map[string]any {
		return map[string]any{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": map[string]any{"name": "default", "namespace": "web"}}
	}
	account := &render.Object{APIVersion: "v1", Kind: "ServiceAccount", Name: "default", Namespace: "web", ReadFields: render.Held(fields())}
	policies, err := policy.Load([]*render.Object{clusterPolicy(policy.DefaultNames().DefaultMutator, map[string]any{"name": "default",
		"match": map[string]any{"any": []any{map[string]any{"resources": map[string]any{"kinds": []any{"ServiceAccount"}, "names": []any{"default"}}}}},
		"mutate": map[string]any{"targets": []any{map[string]any{"apiVersion": "v1", "kind": "ServiceAccount", "name": "default", "namespace": "web"}},
			"patchStrategicMerge": map[string]any{"automountServiceAccountToken": false}}})}, policy.DefaultNames())
	if err != nil {
		t.Fatal(err)
	}
	set := &Set{Releases: []*RenderedRelease{{Release: Release{Name: "web", Namespace: "web"}, Objects: []*render.Object{account}}}}
	if e := Simulate(set, nil, policies, nil); !e.Hardened[account] {
		t.Error("the default account is not hardened")
	}
	if diff := cmp.Diff(fields(), account.Fields()); diff != "" {
		t.Error(diff)
	}
}

// policiesFor are small policies in the form that policies charts give them.
func policiesFor(t *testing.T, allow string) *policy.Policies {
	t.Helper()
	names := policy.DefaultNames()
	resource := func(kinds []any, patterns ...any) map[string]any {
		r := map[string]any{"kinds": kinds, "namespaces": []any{"web"}}
		if len(patterns) > 0 {
			r["names"] = patterns
		}
		return map[string]any{"any": []any{map[string]any{"resources": r}}}
	}
	spec := map[string]any{"automountServiceAccountToken": true}
	validate := map[string]any{"name": "automount-pods", "match": resource([]any{"Pod", "Deployment", "StatefulSet"}),
		"validate": map[string]any{"message": "no", "pattern": map[string]any{"spec": map[string]any{
			"=(automountServiceAccountToken)": "false", "=(template)": map[string]any{"spec": map[string]any{"=(automountServiceAccountToken)": "false"}}}}}}
	objects := []*render.Object{
		clusterPolicy(names.Validator, validate),
	}
	if allow != "" {
		objects = append(objects,
			clusterPolicy(names.Mutator, map[string]any{"name": "enable-pods", "match": resource([]any{"Pod"}, allow),
				"mutate": map[string]any{"patchStrategicMerge": map[string]any{"spec": spec}}}),
			&render.Object{APIVersion: "kyverno.io/v2", Kind: "PolicyException", Name: "exception", Namespace: "kyverno", ReadFields: render.Held(map[string]any{
				"apiVersion": "kyverno.io/v2", "kind": "PolicyException", "metadata": map[string]any{"name": "exception", "namespace": "kyverno"},
				"spec": map[string]any{"exceptions": []any{map[string]any{"policyName": names.Validator, "ruleNames": []any{"automount-pods"}}},
					"match": resource([]any{"Pod", "Deployment", "StatefulSet"}, allow)}})})
	}
	p, err := policy.Load(objects, names)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func clusterPolicy(name string, rule map[string]any) *render.Object {
	return &render.Object{APIVersion: "kyverno.io/v1", Kind: "ClusterPolicy", Name: name, ReadFields: render.Held(map[string]any{
		"apiVersion": "kyverno.io/v1", "kind": "ClusterPolicy", "metadata": map[string]any{"name": name},
		"spec": map[string]any{"rules": []any{rule}}})}
}
