package report

import (
	"fmt"
	"testing"

	"tokenward/bot"
)

// many is a namespace of n workloads that is about to be hardened, with a change, a
// ServiceAccount and a violation for each.
func many(n int) *bot.ScanReport {
	all := bot.ChangeReport{Namespace: "shop", Kind: ruleHarden, Reason: "all"}
	r := &bot.ScanReport{Releases: []bot.ReleaseReport{{Name: "shop", Namespace: "shop", Repository: "https://h/shop.git", Chart: "chart"}}}
	for i := range n {
		name := fmt.Sprintf("a-worker-of-the-shop-that-is-called-%05d", i)
		own := bot.ChangeReport{Namespace: "shop", Kind: ruleAllow, Pattern: name + "-*", Workloads: []string{"Deployment " + name}}
		all.Workloads = append(all.Workloads, own.Workloads...)
		r.Changes = append(r.Changes, own)
		r.Workloads = append(r.Workloads, bot.WorkloadReport{Namespace: "shop", Release: "shop", Kind: "Deployment", Name: name, ServiceAccount: name, Verdict: needsToken,
			Evidence: []bot.EvidenceReport{{Kind: "tool", Summary: "kubectl", Object: "Deployment shop/" + name, Source: fmt.Sprintf("chart/templates/%d.yaml:7", i)}}})
		r.ServiceAccounts = append(r.ServiceAccounts, bot.ServiceAccountReport{Namespace: "shop", Release: "shop", Name: name})
		r.Violations.Before = append(r.Violations.Before, bot.ViolationReport{Rule: "automount", Kind: "ServiceAccount", Namespace: "shop", Name: name})
	}
	r.Violations.After = r.Violations.Before[:n/2]
	r.Changes = append(r.Changes, all)
	return r
}

// What it takes to find what many workloads are about grows with their number, not with its square.
func TestFindingsOfManyWorkloads(t *testing.T) {
	const n = 300
	work := func(n int) float64 {
		r := many(n)
		return testing.AllocsPerRun(1, func() {
			if _, err := findings(r, newPlaces(r)); err != nil {
				t.Fatal(err)
			}
		})
	}
	if few, more := work(n), work(4*n); more > 8*few {
		t.Errorf("%.0f allocations for %d workloads, %.0f for %d", few, n, more, 4*n)
	}
	r := many(n)
	found, err := findings(r, newPlaces(r))
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, f := range found {
		count[f.rule+" "+f.level]++
		if f.rule == ruleHarden && (len(f.objects) != n || len(f.also) != n) || f.rule == ruleViolation && f.at.path != "chart/Chart.yaml" {
			t.Errorf("%s %s: %d objects, %d places, at %s", f.rule, f.subject, len(f.objects), len(f.also), f.at.text())
		}
	}
	want := map[string]int{"harden warning": 1, "allow error": n, "missing-token error": n, "violation warning": n}
	if fmt.Sprint(count) != fmt.Sprint(want) {
		t.Errorf("%v, want %v", count, want)
	}
}
