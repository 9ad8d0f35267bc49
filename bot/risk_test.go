package bot

import (
	"slices"
	"strings"
	"testing"

	"tokenward/analysis"
	"tokenward/analysis/render"
)

// TestOrderOfRisk holds the order in which namespaces are proposed: what breaks comes
// first, then what exposes most.
func TestOrderOfRisk(t *testing.T) {
	t.Parallel()
	s := &Scan{}
	proof := &Proof{Before: &analysis.Effect{Token: map[*analysis.Workload]bool{}, Hardened: map[*render.Object]bool{}},
		After: &analysis.Effect{Token: map[*analysis.Workload]bool{}, Hardened: map[*render.Object]bool{}}}
	pod := func(ns string, v analysis.Verdict, before, after bool) {
		w := &analysis.Workload{Namespace: ns, Kind: "Deployment", Name: ns, ServiceAccount: "app"}
		s.Judgements = append(s.Judgements, analysis.Judgement{Workload: w, Verdict: v})
		proof.Before.Token[w], proof.After.Token[w] = before, after
	}
	exposures := map[string]analysis.Exposure{
		"d-reads/app": analysis.OpensNamespace, "c-secrets/app": analysis.OpensSecrets, "b-cluster/app": analysis.OpensCluster,
		"a-all/operator": analysis.OpensClusterSecrets, "z-keeps/app": analysis.OpensClusterSecrets,
	}
	for _, ns := range []string{"b-cluster", "c-secrets", "d-reads", "e-none", "f-none"} {
		pod(ns, analysis.NoToken, true, false)
	}
	pod("e-none", analysis.NoToken, true, false)
	pod("y-broken", analysis.NeedsToken, false, true)
	pod("x-broken", analysis.NeedsToken, false, true)
	pod("x-broken", analysis.NeedsToken, false, true)
	pod("z-keeps", analysis.NeedsToken, true, true)
	pod("a-all", analysis.NeedsToken, true, true)
	account := &render.Object{Namespace: "a-all", Name: "operator"} // nothing runs as it, and it is hardened
	proof.After.Hardened[account] = true

	var runs []*unitRun
	for _, ns := range []string{"g-documents", "e-none", "f-none", "d-reads", "z-keeps", "c-secrets", "y-broken", "b-cluster", "a-all", "x-broken"} {
		runs = append(runs, &unitRun{unit: &Unit{Plan: analysis.NamespacePlan{Namespace: ns}, Umbrella: &FileChange{}, Proof: proof}})
	}
	runs[0].unit.Umbrella, runs[0].unit.Proof = nil, nil
	order(s, runs, func(ns, name string) analysis.Exposure { return exposures[ns+"/"+name] })
	var got []string
	for _, r := range runs {
		got = append(got, r.unit.name())
	}
	want := "x-broken y-broken a-all b-cluster c-secrets d-reads e-none f-none g-documents z-keeps"
	if !slices.Equal(got, strings.Fields(want)) {
		t.Errorf("order %q, want %q", strings.Join(got, " "), want)
	}
}
