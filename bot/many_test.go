package bot

import (
	"fmt"
	"runtime"
	"testing"

	"tokenward/analysis"
	"tokenward/analysis/policy"
	"tokenward/analysis/render"
	decisions "tokenward/bot/decision"
	"tokenward/gitops/git"
)

// manyPods is a scan of a listed namespace of n Deployments, of which each second has a pattern in the list and each
// other one in the plan of the unit, and the unit.
func manyPods(n int) (*Scan, *Unit) {
	effect := &analysis.Effect{Token: map[*analysis.Workload]bool{}, Hardened: map[*render.Object]bool{}}
	entry := analysis.ListedNamespace{Namespace: "shop"}
	plan := analysis.NamespacePlan{Namespace: "shop"}
	s := &Scan{Umbrella: &git.Snapshot{}, Discovery: &analysis.Discovery{}, Set: &analysis.Set{}, Policies: &policy.Policies{}, Before: effect, After: effect}
	for i := range n {
		name := fmt.Sprintf("a-worker-of-the-shop-%05d", i)
		w := &analysis.Workload{Namespace: "shop", Kind: "Deployment", Name: name, Pods: []analysis.PodName{{Admission: name + "-x-", Full: name + "-x-y"}},
			Object: &render.Object{Kind: "Deployment", Name: name, Namespace: "shop", ReadFields: render.Held(map[string]any{})}}
		effect.Token[w] = true
		s.Judgements = append(s.Judgements, analysis.Judgement{Workload: w, Verdict: analysis.NeedsToken, Evidence: []analysis.Evidence{{Summary: "kubectl"}}})
		if i%2 == 0 {
			entry.Allow = append(entry.Allow, name+"-*")
			continue
		}
		plan.Changes = append(plan.Changes, analysis.Change{Namespace: "shop", Kind: analysis.Allow, Pattern: name + "-*", Workloads: []string{"Deployment " + name}})
	}
	s.Listing = &analysis.Listing{Namespaces: []analysis.ListedNamespace{entry}}
	return s, &Unit{Plan: plan, Umbrella: &FileChange{}, Proof: &Proof{Before: effect, After: effect}, pending: &decisions.File{}}
}

// allocated is how many bytes the work takes from the heap.
func allocated(t *testing.T, work func() error) uint64 {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := work(); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// What it takes to check, describe and report many pods grows with their number, not with its square.
func TestWorkOfManyPods(t *testing.T) {
	const n = 200
	b := &Bot{}
	for name, work := range map[string]func(*Scan, *Unit) error{
		"check":    func(s *Scan, u *Unit) error { return u.Proof.check(s, u.plans()) },
		"describe": func(s *Scan, u *Unit) error { b.umbrellaText(s, u); return nil },
		"report":   func(s *Scan, _ *Unit) error { b.Report(s); return nil },
	} {
		bytes := func(n int) uint64 {
			s, u := manyPods(n)
			return allocated(t, func() error { return work(s, u) })
		}
		if few, more := bytes(n), bytes(8*n); more > 16*few {
			t.Errorf("%s: %d bytes for %d pods, %d for %d", name, few, n, more, 8*n)
		}
	}
	s, u := manyPods(n)
	text, report := b.umbrellaText(s, u), b.Report(s)
	for i, j := range s.Judgements {
		listed := map[int]string{0: "allowed", 1: "unlisted"}[i%2]
		if text.Pods[i].Pattern != j.Workload.Name+"-*" || report.Workloads[i].Listed != listed {
			t.Fatalf("%s: pattern %s, %s", j.Workload.Name, text.Pods[i].Pattern, report.Workloads[i].Listed)
		}
	}
}

// Each pod of a description has an address, which is made without a table of what to replace.
func TestEscapedPath(t *testing.T) {
	const path = "chart/templates/a (b)/%.yaml"
	if got, want := escapePath(path), "chart/templates/a%20%28b%29/%25.yaml"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if n := allocated(t, func() error { escapePath(path); return nil }); n > 1<<10 {
		t.Errorf("%d bytes for one path", n)
	}
}
