package analysis

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenward/analysis/policy"
)

func TestStaleEntries(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		judgements  []Judgement
		allow, deny []string
		defaults    []string
		hidden      []string // what is deployed nobody knows where
		want        []string // list, pattern, whether it can be removed, beginning of the reason
	}{
		"patterns that match nothing": {judgements: []Judgement{deployment(NeedsToken, "web-api")}, allow: []string{"web-api-*", "gone-*"}, deny: []string{"gone-too-*"},
			want: []string{"allow gone-* true matches no pod", "deny gone-too-* true denied: matches no pod"}},
		"repetitions": {judgements: []Judgement{deployment(NeedsToken, "web-api"), deployment(NoToken, "web-ui")}, allow: []string{"web-*", "web-*"}, deny: []string{"web-ui-*", "web-ui-*"},
			want: []string{"allow web-* true listed twice", "deny web-ui-* true denied: listed twice"}},
		"a repeated default": {judgements: []Judgement{deployment(NoToken, "web-api")}, defaults: []string{"web", "zoo", "web", "web"},
			want: []string{"harden-default  true the namespace is listed twice", "harden-default  true the namespace is listed twice"}},
		"what allows only pods that need nothing": {judgements: []Judgement{deployment(NoToken, "web-ui")}, allow: []string{"web-ui-*"},
			want: []string{"allow web-ui-* true allows only pods that need no token"}},
		"what keeps a template's own true from breaking the policy": {judgements: []Judgement{explicit(deployment(NoToken, "web-ui"))}, allow: []string{"web-ui*"},
			want: []string{"allow web-ui* false allows only pods that need no token"}},
		"but not where another does": {judgements: []Judgement{explicit(deployment(NoToken, "web-ui"))}, allow: []string{"web-ui*", "web*"},
			want: []string{"allow web-ui* true allows only", "allow web* true allows only"}},
		"nor where it is denied": {judgements: []Judgement{explicit(deployment(NoToken, "web-ui"))}, allow: []string{"web-ui*"}, deny: []string{"web-ui*"},
			want: []string{"allow web-ui* true allows only"}},
		"a workload's name": {judgements: []Judgement{judged(NeedsToken, "Job", "tidy", PodName{"tidy-", "tidy-x7k2p"})}, allow: []string{"tidy-*", "tidy"},
			want: []string{"allow tidy true matches the name of Job tidy, but not its pods, which tidy-* matches"}},
		"what may be for a pod that nobody saw": {judgements: []Judgement{deployment(NoToken, "web-ui")}, allow: []string{"gone-*", "gone-*", "web-ui-*"}, deny: []string{"gone-too-*"}, hidden: []string{"addons.db"},
			want: []string{"allow gone-* false matches no pod of any release that this platform renders; whether it is for a pod of addons.db is not known",
				"allow gone-* true listed twice", "allow web-ui-* false allows only pods that need no token", "deny gone-too-* false denied: matches no pod"}},
		"of much that nobody saw, some is named": {judgements: []Judgement{deployment(NoToken, "web-ui")}, allow: []string{"gone-*"}, hidden: []string{"a", "b", "c", "d", "e"},
			want: []string{"allow gone-* false matches no pod of any release that this platform renders; whether it is for a pod of a, b, c and 2 more is not known"}},
		"what a person must look at stays": {judgements: []Judgement{deployment(Review, "web-ui")}, allow: []string{"web-ui-*"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listing := listed(tc.allow, tc.deny)
			if listing.Default = tc.defaults; listing.Default == nil {
				listing.Default = []string{"web"}
			}
			set := &Set{Releases: []*RenderedRelease{{Release: Release{Name: "web", Namespace: "web"}}}}
			plan := Plan(PlanInput{Set: set, Judgements: tc.judgements, Listing: &listing, Undiscovered: tc.hidden})[0]
			var got []string
			for _, c := range plan.Changes {
				if c.Kind == Stale {
					got = append(got, fmt.Sprintf("%s %s %t %s", c.In, c.Pattern, c.Removable(), c.Reason))
				}
			}
			if len(got) != len(tc.want) {
				t.Fatalf("got %q, want %q", got, tc.want)
			}
			for i := range got {
				if !strings.HasPrefix(got[i], tc.want[i]) {
					t.Errorf("got %q, want %q", got[i], tc.want[i])
				}
			}
		})
	}
}

func TestAFeaturesEntryIsNotRemovable(t *testing.T) {
	t.Parallel()
	c := Change{Kind: Stale, Feature: &Feature{}}
	if c.Removable() || (Change{Kind: Allow}).Removable() {
		t.Error("what belongs to an optional feature, or is not stale, can be removed")
	}
}

func TestApplyChangesTakesStaleEntriesOut(t *testing.T) {
	t.Parallel()
	names := policy.DefaultNames()
	values := func(pods ...any) map[string]any {
		var namespaces []any
		for _, p := range pods {
			item := map[string]any{"namespace": "web"}
			if p != nil {
				item["pods"] = p
			}
			namespaces = append(namespaces, item)
		}
		return map[string]any{"policies": map[string]any{names.Mutator: map[string]any{"namespaces": namespaces},
			names.DefaultMutator: map[string]any{"namespaces": []any{"web", "other", "web"}}}}
	}
	allow := func(list ...any) map[string]any { return map[string]any{"allow": list} }
	for name, tc := range map[string]struct {
		before, want []any
		changes      []Change
	}{
		"the first occurrence":      {[]any{allow("a", "b", "a")}, []any{allow("b", "a")}, []Change{{In: Allow, Pattern: "a"}}},
		"the repetition":            {[]any{allow("a", "b", "a")}, []any{allow("a", "b")}, []Change{{In: Allow, Pattern: "a", Repeated: true}}},
		"one of another item":       {[]any{allow("a"), allow("a")}, []any{allow("a"), nil}, []Change{{In: Allow, Pattern: "a", Repeated: true}}},
		"all":                       {[]any{allow("a", "a")}, []any{nil}, []Change{{In: Allow, Pattern: "a"}, {In: Allow, Pattern: "a", Repeated: true}}},
		"a denied one":              {[]any{map[string]any{"allow": []any{"a"}, "deny": []any{"a"}}}, []any{allow("a")}, []Change{{In: Deny, Pattern: "a"}}},
		"one of a plain list":       {[]any{[]any{"a", "b"}}, []any{[]any{"b"}}, []Change{{In: Allow, Pattern: "a"}}},
		"what is not there":         {[]any{allow("a"), nil}, []any{allow("a"), nil}, []Change{{In: Allow, Pattern: "b"}, {In: Deny, Pattern: "a"}}},
		"the last of a plain list":  {[]any{[]any{"a"}}, []any{nil}, []Change{{In: Allow, Pattern: "a"}}},
		"a plain list denies never": {[]any{[]any{"a"}}, []any{[]any{"a"}}, []Change{{In: Deny, Pattern: "a"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i := range tc.changes {
				tc.changes[i].Kind, tc.changes[i].Namespace = Stale, "web"
			}
			before := values(tc.before...)
			if d := cmp.Diff(values(tc.want...), ApplyChanges(before, names, tc.changes, false)); d != "" {
				t.Errorf("values (-want +got):\n%s", d)
			}
			if d := cmp.Diff(values(tc.before...), before); d != "" {
				t.Errorf("the given values were changed:\n%s", d)
			}
		})
	}
	after := ApplyChanges(values(nil), names, []Change{{Kind: Stale, In: HardenDefault, Namespace: "web", Repeated: true}}, false)
	l, err := ReadListing([]Release{{Name: "policies", Values: after}}, names)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"web", "other"}, l.Default); d != "" {
		t.Errorf("default namespaces (-want +got):\n%s", d)
	}
}

func TestExactDifference(t *testing.T) {
	t.Parallel()
	a := &Listing{Namespaces: []ListedNamespace{{Namespace: "web", Allow: []string{"a", "a"}, Deny: []string{"b"}}}, Default: []string{"web", "x"}}
	same := &Listing{Namespaces: []ListedNamespace{{Namespace: "web", Allow: []string{"a", "a"}, Deny: []string{"b"}}}, Default: []string{"x", "web"}}
	if d := a.ExactDifference(same); d != "" {
		t.Errorf("the order of entries makes a difference: %s", d)
	}
	other := &Listing{Namespaces: []ListedNamespace{{Namespace: "web", Allow: []string{"a"}, Deny: []string{"b", "c"}}}, Default: []string{"web"}}
	want := "allow of web: a was not wanted; default ServiceAccount of x was not wanted; deny of web: c is missing"
	if d := a.ExactDifference(other); d != want {
		t.Errorf("got %q, want %q", d, want)
	}
}
