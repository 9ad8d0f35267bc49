package bot

import (
	"cmp"
	"slices"
	"strings"

	"tokenward/analysis"
)

// risk is what is at stake until a unit is merged.
type risk struct {
	// broken counts pods that need a token and get none: they are broken, or break at
	// the next release.
	broken int
	// worst is the most that a token opens which the unit takes: from pods that do not
	// need it, or from ServiceAccounts that it hardens.
	worst analysis.Exposure
	// exposed counts the workloads whose pods lose a token.
	exposed int
}

// compare sorts the higher risk first: what breaks, then what exposes most.
func (r risk) compare(o risk) int {
	return cmp.Or(o.broken-r.broken, int(o.worst-r.worst), o.exposed-r.exposed)
}

// riskOf weighs a unit by its proof. Without a change of the umbrella there is no risk.
func riskOf(s *Scan, u *Unit, exposure func(namespace, account string) analysis.Exposure) risk {
	r := risk{}
	if u.Umbrella == nil || u.Proof == nil {
		return r
	}
	for _, j := range s.Judgements {
		w := j.Workload
		before, after := u.Proof.Before.Token[w], u.Proof.After.Token[w]
		switch {
		case !u.covers(w.Namespace):
		case before && !after:
			r.exposed++
			r.worst = max(r.worst, exposure(w.Namespace, cmp.Or(w.ServiceAccount, "default")))
		case j.Verdict == analysis.NeedsToken && !before:
			r.broken++
		}
	}
	for o, hardened := range u.Proof.After.Hardened {
		if hardened && !u.Proof.Before.Hardened[o] && u.covers(o.Namespace) {
			r.worst = max(r.worst, exposure(o.Namespace, o.Name))
		}
	}
	return r
}

// order puts the units first whose risk is highest, equal ones by their names.
func order(s *Scan, runs []*unitRun, exposure func(namespace, account string) analysis.Exposure) {
	risks := map[*unitRun]risk{}
	for _, r := range runs {
		risks[r] = riskOf(s, r.unit, exposure)
	}
	slices.SortStableFunc(runs, func(a, b *unitRun) int {
		return cmp.Or(risks[a].compare(risks[b]), strings.Compare(a.unit.name(), b.unit.name()))
	})
}
