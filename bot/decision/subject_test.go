package decision

import (
	"fmt"
	"testing"

	"tokenward/analysis"
)

// TestApplyManyDecisions holds that what many decisions about many pods take grows with their number, not with its square.
func TestApplyManyDecisions(t *testing.T) {
	work := func(n int) float64 {
		in := Input{Listing: &analysis.Listing{}, Plans: []analysis.NamespacePlan{{Namespace: "web", Changes: []analysis.Change{change(analysis.Harden, "")}}}}
		f := &File{}
		for i := range n {
			name := fmt.Sprintf("web-%04d", i)
			in.Judgements = append(in.Judgements, deployment("web", name, analysis.NeedsToken))
			in.Plans[0].Changes = append(in.Plans[0].Changes, change(analysis.Allow, name+"-*", name))
			f.Decisions = append(f.Decisions, Decision{Namespace: "web", Kind: Deny, Pattern: name + "-*", Reason: "decided"})
		}
		return testing.AllocsPerRun(1, func() {
			plans, _ := f.Apply(in)
			if p := plans[0]; len(p.Changes) != n+1 || len(p.Decided) != n || p.Changes[n].Reason != "decided" {
				t.Errorf("%d changes, %d decided", len(p.Changes), len(p.Decided))
			}
		})
	}
	if few, more := work(50), work(400); more > 16*few {
		t.Errorf("%.0f allocations for 50 decisions, %.0f for 400", few, more)
	}
}
