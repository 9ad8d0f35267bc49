package analysis

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenward/analysis/policy"
	"tokenward/analysis/render"
)

// pod, deployment and statefulSet make judged workloads of namespace web.
func judged(verdict Verdict, kind, name string, names ...PodName) Judgement {
	return Judgement{
		Workload: &Workload{Namespace: "web", Release: "web", Kind: kind, Name: name, ServiceAccount: "web", Pods: names,
			Object: &render.Object{Kind: kind, Name: name, Namespace: "web"}},
		Verdict: verdict, Confidence: High, Evidence: []Evidence{{Kind: "test", Summary: "because of " + name}},
	}
}

func deployment(verdict Verdict, name string) Judgement {
	return judged(verdict, "Deployment", name, PodName{Admission: name + "-5d8f7c9b4d-", Full: name + "-5d8f7c9b4d-x7k2p"})
}

func statefulSet(verdict Verdict, name string) Judgement {
	return judged(verdict, "StatefulSet", name, PodName{Admission: name + "-0", Full: name + "-0"})
}

func barePod(verdict Verdict, name string) Judgement {
	return judged(verdict, "Pod", name, PodName{Admission: name, Full: name})
}

func TestPlan(t *testing.T) {
	t.Parallel()
	account := &render.Object{Kind: "ServiceAccount", Name: "web", Namespace: "web", ReadFields: render.Held(map[string]any{})}
	for name, tc := range map[string]struct {
		judgements []Judgement
		listing    Listing
		broken     error
		want       []string // kind and pattern
		blocked    bool
	}{
		"a new namespace is hardened and its needing pods allowed": {
			judgements: []Judgement{deployment(NeedsToken, "web-api"), deployment(NoToken, "web-ui")},
			want:       []string{"harden ", "harden-default ", "allow web-api-*"},
		},
		"nothing but the listing is needed where no pod needs a token": {
			judgements: []Judgement{deployment(NoToken, "web-ui")},
			want:       []string{"harden ", "harden-default "},
		},
		"what is listed already is not proposed": {
			judgements: []Judgement{deployment(NeedsToken, "web-api")},
			listing:    Listing{Namespaces: []ListedNamespace{{Namespace: "web", Allow: []string{"web-api-*"}}}, Default: []string{"web"}},
		},
		"an unlisted pod of a listed namespace is added": {
			judgements: []Judgement{deployment(NeedsToken, "web-api"), deployment(NeedsToken, "web-job")},
			listing:    Listing{Namespaces: []ListedNamespace{{Namespace: "web", Allow: []string{"web-api-*"}}}, Default: []string{"web"}},
			want:       []string{"allow web-job-*"},
		},
		"one pattern serves workloads whose names it begins": {
			judgements: []Judgement{deployment(NeedsToken, "web"), deployment(NeedsToken, "web-api")},
			want:       []string{"harden ", "harden-default ", "allow web-*"},
		},
		"a pattern is narrowed where it would hit a pod that needs nothing": {
			judgements: []Judgement{statefulSet(NeedsToken, "web"), barePod(NoToken, "web-server-test")},
			want:       []string{"harden ", "harden-default ", "allow web-?"},
		},
		"where it cannot be narrowed, a deny carves the pod out": {
			judgements: []Judgement{deployment(NeedsToken, "web"), deployment(NoToken, "web-ui")},
			want:       []string{"harden ", "harden-default ", "allow web-*", "deny web-ui-*"},
		},
		"an existing pattern that hits too much is carved": {
			judgements: []Judgement{deployment(NeedsToken, "web-api"), deployment(NoToken, "web-ui")},
			listing:    Listing{Namespaces: []ListedNamespace{{Namespace: "web", Allow: []string{"web-*"}}}, Default: []string{"web"}},
			want:       []string{"deny web-ui-*"},
		},
		"stale entries are reported": {
			judgements: []Judgement{deployment(NeedsToken, "web-api"), deployment(NoToken, "web-ui")},
			listing:    Listing{Namespaces: []ListedNamespace{{Namespace: "web", Allow: []string{"web-api-*", "web-api-*", "web-ui-*", "gone-*"}}}, Default: []string{"web"}},
			want:       []string{"stale web-api-*", "stale web-ui-*", "stale gone-*"},
		},
		"a namespace that could not be seen whole is not hardened": {
			judgements: []Judgement{deployment(NeedsToken, "web-api")}, broken: errors.New("no such tag"), blocked: true,
		},
		"and nothing of its list is called stale": {
			judgements: []Judgement{deployment(NeedsToken, "web-api")}, broken: errors.New("no such tag"),
			listing: Listing{Namespaces: []ListedNamespace{{Namespace: "web", Allow: []string{"gone-*"}}}, Default: []string{"web"}},
			want:    []string{"allow web-api-*"},
		},
		"a pod to look at is allowed only where it has its token today": {
			judgements: []Judgement{deployment(Review, "web-api")},
			want:       []string{"harden ", "harden-default ", "allow web-api-*"},
		},
		"and not added to a list": {
			judgements: []Judgement{deployment(Review, "web-api")},
			listing:    Listing{Namespaces: []ListedNamespace{{Namespace: "web"}}, Default: []string{"web"}},
		},
		"a listed namespace may lack its default account": {
			judgements: []Judgement{deployment(NoToken, "web-ui")},
			listing:    Listing{Namespaces: []ListedNamespace{{Namespace: "web"}}},
			want:       []string{"harden-default "},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := &Set{Releases: []*RenderedRelease{{Release: Release{Name: "web", Namespace: "web"}, Objects: []*render.Object{account}}}}
			if tc.broken != nil {
				set.Releases = append(set.Releases, &RenderedRelease{Release: Release{Name: "other", Namespace: "web", Err: tc.broken}})
			}
			plans := Plan(PlanInput{Set: set, Judgements: tc.judgements, Listing: &tc.listing})
			if len(plans) != 1 {
				t.Fatalf("got %d plans, want the one of namespace web", len(plans))
			}
			var got []string
			for _, c := range plans[0].Changes {
				got = append(got, fmt.Sprintf("%s %s", c.Kind, c.Pattern))
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("changes (-want +got):\n%s", d)
			}
			if (plans[0].Blocked != "") != tc.blocked {
				t.Errorf("blocked %q, want blocked: %t", plans[0].Blocked, tc.blocked)
			}
		})
	}
}

func TestPlanOfWhatGoesNobodyKnowsWhere(t *testing.T) {
	t.Parallel()
	set := &Set{Releases: []*RenderedRelease{{Release: Release{Name: "db", Err: errors.New("cannot be enabled")}},
		{Release: Release{Name: "web", Namespace: "web"}}}}
	plans := Plan(PlanInput{Set: set, Judgements: []Judgement{deployment(NeedsToken, "web-api")}, Listing: &Listing{}, Undiscovered: []string{"addons.db", "b", "c", "d"}})
	if len(plans) != 1 || plans[0].Namespace != "web" {
		t.Fatalf("got %+v, want a plan for web alone", plans)
	}
	want := []string{"Whether pods of addons.db, b, c and 1 more are deployed into this namespace, too, is not known."}
	if diff := cmp.Diff(want, plans[0].Notes); diff != "" {
		t.Error(diff)
	}
}

// TestPlanAsksAboutWhatPeopleAllowed holds that a deny which takes a token away that a
// listed pattern gives is for a person to look at, and one that narrows a new pattern is not.
func TestPlanAsksAboutWhatPeopleAllowed(t *testing.T) {
	t.Parallel()
	set := &Set{Releases: []*RenderedRelease{{Release: Release{Name: "web", Namespace: "web"}}}}
	for allow, want := range map[string]bool{"web-*": true, "": false} {
		listing := &Listing{Default: []string{"web"}}
		if allow != "" {
			listing.Namespaces = []ListedNamespace{{Namespace: "web", Allow: []string{allow}}}
		}
		judgements := []Judgement{deployment(NeedsToken, "web"), deployment(NoToken, "web-ui")}
		denied := false
		for _, c := range Plan(PlanInput{Set: set, Judgements: judgements, Listing: listing})[0].Changes {
			if c.Kind == Deny {
				denied = true
				if c.Review != want {
					t.Errorf("listed %q: deny %s, to look at: %t", allow, c.Pattern, c.Review)
				}
			}
		}
		if !denied {
			t.Errorf("listed %q: nothing is denied", allow)
		}
	}
}

func TestPlanLeavesSettledNamespacesAlone(t *testing.T) {
	t.Parallel()
	off := false
	hardened := deployment(NoToken, "web")
	hardened.Workload.Automount = &off
	set := &Set{Releases: []*RenderedRelease{{Release: Release{Name: "web", Namespace: "web"}, Objects: []*render.Object{
		{Kind: "ServiceAccount", Name: "web", Namespace: "web", ReadFields: render.Held(map[string]any{"automountServiceAccountToken": false})}}}}}
	in := PlanInput{Set: set, Judgements: []Judgement{hardened}, Listing: &Listing{}}
	if got := Plan(in)[0].Changes; len(got) != 0 {
		t.Errorf("a namespace whose charts turn everything off got %v", got)
	}
	in.Judgements = []Judgement{deployment(NeedsToken, "web")}
	in.Excluded = func(*Workload) bool { return true }
	if got := Plan(in)[0].Changes; len(got) != 0 {
		t.Errorf("a namespace that the validating policy excludes got %v", got)
	}
}

// TestApplyChanges holds that applied changes read back as a listing that needs no
// further change, in both forms of pods, and that the values given stay as they are.
func TestApplyChanges(t *testing.T) {
	t.Parallel()
	names := policy.DefaultNames()
	for _, listForm := range []bool{false, true} {
		values := map[string]any{"policies": map[string]any{names.Mutator: map[string]any{"enabled": true, "namespaces": []any{map[string]any{"namespace": "other"}}}}}
		changes := []Change{{Namespace: "web", Kind: Harden}, {Namespace: "web", Kind: HardenDefault}, {Namespace: "web", Kind: Allow, Pattern: "web-*"}}
		want := ListedNamespace{Namespace: "web", Allow: []string{"web-*"}}
		if !listForm {
			changes = append(changes, Change{Namespace: "web", Kind: Deny, Pattern: "web-ui-*"})
			want.Deny = []string{"web-ui-*"}
		}
		after := ApplyChanges(values, names, changes, listForm)
		l, err := ReadListing([]Release{{Name: "policies", Values: after}}, names)
		if err != nil {
			t.Fatal(err)
		}
		got, listed := l.Find("web")
		if d := cmp.Diff(want, got); d != "" || !listed || !l.HardensDefault("web") || l.ListForm != listForm {
			t.Errorf("list form %t: listing %+v (-want +got):\n%s", listForm, l, d)
		}
		before, err := ReadListing([]Release{{Name: "policies", Values: values}}, names)
		if err != nil {
			t.Fatal(err)
		}
		if len(before.Namespaces) != 1 || len(before.Default) != 0 {
			t.Errorf("the given values were changed: %+v", before)
		}
		if d := before.Difference(l); d == "" {
			t.Error("two different listings are said to mean the same")
		}
		if d := cmp.Diff(WithoutLists(values, names), WithoutLists(after, names)); d != "" {
			t.Errorf("more than the lists differs:\n%s", d)
		}
	}
}

func TestReadListingRefusesNamesThatAreNoStrings(t *testing.T) {
	t.Parallel()
	names := policy.DefaultNames()
	_, err := ReadListing([]Release{{Name: "policies", Values: map[string]any{"policies": map[string]any{
		names.Mutator: map[string]any{"namespaces": []any{map[string]any{"namespace": true}}}}}}}, names)
	if err == nil {
		t.Fatal("a namespace that YAML reads as a boolean was accepted")
	}
}

func TestCovers(t *testing.T) {
	t.Parallel()
	w := deployment(NeedsToken, "web").Workload
	for pattern, want := range map[string]bool{"web-*": true, "web*": true, "*": true, "web-?????": false, "web-*-?????": false, "web": false, "web-ui-*": false} {
		if got := Covers(pattern, w); got != want {
			t.Errorf("Covers(%q) = %t, want %t", pattern, got, want)
		}
	}
	if !Hits("web", w) {
		t.Error("a pattern that names the Deployment itself does not hit it")
	}
}
