package analysis

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tokenward/analysis/wildcard"
)

// randomWord is a few syllables, in patterns with wildcards between them.
func randomWord(random *rand.Rand, syllables ...string) string {
	var b strings.Builder
	for range 1 + random.IntN(4) {
		b.WriteString(syllables[random.IntN(len(syllables))])
	}
	return b.String()
}

// TestPlannerAsksAsEachPattern compares what the planner finds of patterns and workloads with what each pattern says
// of each workload.
func TestPlannerAsksAsEachPattern(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(15, 3))
	kinds := []func(Verdict, string) Judgement{deployment, statefulSet, barePod}
	verdicts := []Verdict{NeedsToken, NoToken, NoToken, Review}
	for range 2000 {
		p := &planner{}
		for range random.IntN(8) {
			j := kinds[random.IntN(len(kinds))](verdicts[random.IntN(len(verdicts))], randomWord(random, "a", "b", "-a", "-0"))
			if random.IntN(4) == 0 {
				j.Workload.Made = []string{randomWord(random, "a", "b", "-a")}
			}
			p.judgements = append(p.judgements, j)
		}
		for range random.IntN(6) {
			p.entry.Allow = append(p.entry.Allow, randomWord(random, "a", "b", "-a", "-*", "*", "?"))
		}
		p.read()
		for _, pattern := range p.entry.Allow {
			var hits []*Workload
			var wanted *Workload
			unneeded := false
			for _, j := range p.judgements {
				if !Hits(pattern, j.Workload) {
					continue
				}
				hits = append(hits, j.Workload)
				unneeded = unneeded || j.Verdict == NoToken
				if wanted == nil && j.Verdict != NoToken {
					wanted = j.Workload
				}
			}
			if !slices.Equal(p.hits(pattern), hits) || p.hitsWanted([]string{pattern}) != wanted || p.hitsUnneeded([]string{pattern}) != unneeded {
				t.Fatalf("%s: hits %v, wanted %v, unneeded %t; want %v, %v, %t", pattern, ids(p.hits(pattern)), p.hitsWanted([]string{pattern}), p.hitsUnneeded([]string{pattern}), ids(hits), wanted, unneeded)
			}
		}
		for _, j := range p.judgements {
			var hits []int
			shared := ""
			for i, pattern := range p.entry.Allow {
				if Hits(pattern, j.Workload) {
					hits = append(hits, i)
					if shared == "" && p.hitsWanted([]string{pattern}) != nil {
						shared = pattern
					}
				}
			}
			if got := HitsOf(p.listedAllow, j.Workload); !slices.Equal(got, hits) || p.sharedPattern(j.Workload) != shared {
				t.Fatalf("%s: hit by %v of %q, want %v; shared %q, want %q", j.Workload.ID(), got, p.entry.Allow, hits, p.sharedPattern(j.Workload), shared)
			}
			covered := true
			for _, pod := range j.Workload.Pods {
				for _, name := range []string{pod.Admission, pod.Full} {
					covered = covered && slices.ContainsFunc(p.entry.Allow, func(pattern string) bool { return wildcard.Match(pattern, name) })
				}
			}
			if got := coveredBy(p.listedAllow, j.Workload); got != covered {
				t.Fatalf("%s: covered by %q: %t", j.Workload.ID(), p.entry.Allow, got)
			}
		}
	}
}

// TestPodMakersOnce holds that the workloads that may make pods are looked for once, however many entries match no pod.
func TestPodMakersOnce(t *testing.T) {
	work := func(stale int) float64 {
		var patterns []string
		for range stale {
			patterns = append(patterns, "gone-"+strings.Repeat("x", 1+len(patterns)))
		}
		var judgements []Judgement
		for i := range 200 {
			j := deployment(NeedsToken, "web-api")
			j.Workload.ServiceAccount = strings.Repeat("x", i+1)
			judgements = append(judgements, j)
		}
		listing := listed(patterns, nil)
		set := &Set{Releases: []*RenderedRelease{{Release: Release{Name: "web", Namespace: "web"}}}}
		return testing.AllocsPerRun(1, func() { Plan(PlanInput{Set: set, Judgements: judgements, Listing: &listing}) })
	}
	if few, more := work(2), work(12); more-few > 10*100 {
		t.Errorf("%.0f allocations for 2 entries, %.0f for 12", few, more)
	}
}

// TestStaleOfManyThatSetTrue holds that the list is not read again for each of many stale entries whose pods set true.
func TestStaleOfManyThatSetTrue(t *testing.T) {
	work := func(n int) float64 {
		var judgements []Judgement
		var patterns []string
		for i := range n {
			name := fmt.Sprintf("web-%04d", i)
			judgements = append(judgements, explicit(deployment(NoToken, name)))
			patterns = append(patterns, name+"*")
		}
		listing := listed(patterns, nil)
		set := &Set{Releases: []*RenderedRelease{{Release: Release{Name: "web", Namespace: "web"}}}}
		return testing.AllocsPerRun(1, func() {
			if stale := len(Plan(PlanInput{Set: set, Judgements: judgements, Listing: &listing})[0].Removals()); stale != 0 {
				t.Errorf("%d of %d entries can go, although their pods would break the validating policy", stale, n)
			}
		})
	}
	if few, more := work(50), work(400); more > 16*few {
		t.Errorf("%.0f allocations for 50 entries, %.0f for 400", few, more)
	}
}
