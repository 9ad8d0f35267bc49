package bot

import (
	"context"
	"fmt"

	"tokenward/analysis"
	"tokenward/analysis/policy"
)

// proveRemoval renders the umbrella with one file replaced and refuses the edit, with a
// reason, unless the lists lose exactly the unit's entries, nothing else differs at
// all, and no pod that may need a token loses it.
func (b *Bot) proveRemoval(ctx context.Context, s *Scan, u *Unit, path string, content []byte) (*Proof, error) {
	after, err := analysis.Discover(ctx, overlay{base: s.Umbrella.FS(), path: path, content: content}, b.discoverOptions())
	if err != nil {
		return nil, fmt.Errorf("the umbrella does not render with the edit: %w", err)
	}
	if err := b.sameElse(ctx, s, after); err != nil {
		return nil, err
	}
	listing, err := analysis.ReadListing(after.Releases, b.cfg.Policies)
	if err != nil {
		return nil, fmt.Errorf("the edited values cannot be read: %w", err)
	}
	values := s.Discovery.Releases[s.Listing.Index].Values
	wanted := analysis.Release{Values: analysis.ApplyChanges(values, b.cfg.Policies, u.Removed, s.ListForm)}
	want, err := analysis.ReadListing([]analysis.Release{wanted}, b.cfg.Policies)
	if err != nil {
		return nil, fmt.Errorf("work out the wanted values: %w", err)
	}
	if d := listing.ExactDifference(want); d != "" {
		return nil, fmt.Errorf("the rendered values differ from those without the stale entries: %s", d)
	}
	policies, err := b.renderPolicies(ctx, s, after.Releases[listing.Index].Values)
	if err != nil {
		return nil, err
	}
	proof := &Proof{Before: s.Before, After: analysis.Simulate(s.Set, s.workloads(), policies, s.skipped)}
	return proof, proof.checkRemoval(s, u)
}

// checkRemoval refuses a proof in which a pod gains a token, one that may need its token
// or stands in another namespace loses it, an account is not hardened any more, or
// violations appear.
func (p *Proof) checkRemoval(s *Scan, u *Unit) error {
	if n, m := len(p.Before.Violations), len(p.After.Violations); m > n {
		return fmt.Errorf("violations of the validating policy would grow from %d to %d", n, m)
	}
	for _, j := range s.Judgements {
		w := j.Workload
		before, after := p.Before.Token[w], p.After.Token[w]
		switch {
		case policy.IsSkipped(s.skipped, w.Namespace) || before == after:
		case after:
			return fmt.Errorf("without the entries, the pods of %s would gain a token", w.ID())
		case w.Namespace != u.Plan.Namespace:
			return fmt.Errorf("without the entries, the pods of %s, in another namespace, would lose their token", w.ID())
		case j.Verdict != analysis.NoToken:
			return fmt.Errorf("without the entries, the pods of %s would lose a token that they may need", w.ID())
		}
	}
	for _, r := range s.Set.Releases {
		for _, o := range r.Objects {
			if p.Before.Hardened[o] && !p.After.Hardened[o] {
				return fmt.Errorf("without the entries, %s would not be hardened any more", o.ID())
			}
		}
	}
	return nil
}
