package analysis

import (
	"fmt"
	"testing"
)

// Half of a namespace's many pods need a token, and a pattern of the list hits all.
func TestPlanOfManyPods(t *testing.T) {
	t.Parallel()
	const n = 3000
	name := func(i int) string { return fmt.Sprintf("a-worker-of-the-shop-%04d", i) }
	var judgements []Judgement
	for i := range n {
		verdict := NeedsToken
		if i%2 == 1 {
			verdict = NoToken
		}
		judgements = append(judgements, deployment(verdict, name(i)))
	}
	for list, wants := range map[string]struct{ even, odd string }{
		"":             {even: "allow %s-*"},
		"a-worker-of*": {odd: "deny %s-*"},
	} {
		var allow []string
		if list != "" {
			allow = []string{list}
		}
		got := planned(t, listed(allow, nil), judgements...)
		var want []string
		for i := range n {
			if form := map[int]string{0: wants.even, 1: wants.odd}[i%2]; form != "" {
				want = append(want, fmt.Sprintf(form, name(i)))
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%q: %d changes, want %d", list, len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("%q: change %d is %s, want %s", list, i, got[i], want[i])
			}
		}
	}
	// One pattern that all need names them all in its reason.
	for i := range judgements {
		judgements[i].Verdict = NeedsToken
	}
	judgements = append(judgements, deployment(NeedsToken, "a"))
	listing := listed(nil, nil)
	set := &Set{Releases: []*RenderedRelease{{Release: Release{Name: "web", Namespace: "web"}}}}
	changes := Plan(PlanInput{Set: set, Judgements: judgements, Listing: &listing})[0].Changes
	last := changes[len(changes)-1]
	if len(changes) != 2 || last.Pattern != "a-*" || len(last.Workloads) != n+1 || len(last.Reason) < n*len("because of a-worker-of-the-shop-0000; ") {
		t.Errorf("%d changes, the last is %s for %d workloads, with a reason of %d bytes", len(changes), last.Pattern, len(last.Workloads), len(last.Reason))
	}
}
