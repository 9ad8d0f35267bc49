package analysis

import (
	"fmt"
	"slices"
	"strings"
)

// carveOut adds a deny for every workload that needs no token and that an allow
// pattern hits which other pods need: a later rule of the mutator wins. What takes a
// token away that people's own pattern gives is for a person to look at.
func (p *planner) carveOut() {
	for _, f := range p.unneeded {
		hit := p.sharedPattern(f)
		if hit == "" || coveredBy(p.listedDeny, f) || p.excluded(f) {
			continue
		}
		deny := PodPatterns(f)
		if needed := p.hitsWanted(deny); needed != nil {
			p.note(fmt.Sprintf("%q also gives a token to %s %s, which needs none; a deny for it would take the token from %s %s.", hit, f.Kind, f.Name, needed.Kind, needed.Name))
			continue
		}
		for _, d := range deny {
			p.add(Change{Kind: Deny, Pattern: d, Workloads: []string{f.Kind + " " + f.Name}, Evidence: p.evidence(f), Review: slices.Contains(p.entry.Allow, hit),
				Reason: fmt.Sprintf("%q also matches %s %s, which needs no token", hit, f.Kind, f.Name)})
		}
	}
}

// sharedPattern returns a pattern that allows and that hits both the workload and one that
// should have a token, "" if there is none.
func (p *planner) sharedPattern(f *Workload) string {
	for _, at := range HitsOf(p.allowed, f) {
		if pattern := p.allows[at]; p.hitsWanted([]string{pattern}) != nil {
			return pattern
		}
	}
	return ""
}

// stale lists the entries of a listed namespace that nothing needs: patterns that
// match nothing the platform renders, patterns that allow only pods that need no
// token, and entries that stand there twice.
func (p *planner) stale() {
	seen := map[string]bool{}
	for _, pattern := range p.entry.Allow {
		c := Change{Kind: Stale, In: Allow, Pattern: pattern}
		if hits := p.hits(pattern); !p.repeated(&c, seen) && !p.unmatched(&c, hits) && p.hitsWanted([]string{pattern}) == nil {
			c.Workloads, c.Evidence = ids(hits), p.evidence(hits...)
			c.Reason = "allows only pods that need no token: " + strings.Join(c.Workloads, ", ")
			if p.breaksWithout(pattern, hits) {
				c.Held = "without it they would break the validating policy, since their templates set automountServiceAccountToken to true"
			}
		}
		p.addStale(c)
	}
	seen = map[string]bool{}
	for _, pattern := range p.entry.Deny {
		c := Change{Kind: Stale, In: Deny, Pattern: pattern}
		if !p.repeated(&c, seen) {
			p.unmatched(&c, p.hits(pattern))
		}
		p.addStale(c)
	}
	for i, ns := range p.in.Listing.Default {
		if ns == p.plan.Namespace && slices.Contains(p.in.Listing.Default[:i], ns) {
			p.addStale(Change{Kind: Stale, In: HardenDefault, Repeated: true, Reason: "the namespace is listed twice for its default ServiceAccount"})
		}
	}
}

func (p *planner) addStale(c Change) {
	if c.Reason == "" {
		return
	}
	if hidden := p.hidden(); c.Held == "" && hidden != "" && !c.Repeated {
		c.Held = "whether it is for a pod of " + hidden + " is not known"
	}
	if c.Held != "" {
		c.Reason += "; " + c.Held
	}
	if c.In == Deny {
		c.Reason = "denied: " + c.Reason
	}
	p.add(c)
}

// hidden names some of what nobody could look at, "" where there is none: many entries may be held for it.
func (p *planner) hidden() string {
	const named = 3
	parts := p.in.Undiscovered
	if left := len(parts) - named; left > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(parts[:named], ", "), left)
	}
	return strings.Join(parts, ", ")
}

func (p *planner) repeated(c *Change, seen map[string]bool) bool {
	if !seen[c.Pattern] {
		seen[c.Pattern] = true
		return false
	}
	c.Repeated, c.Reason = true, "listed twice"
	return true
}

func (p *planner) unmatched(c *Change, hits []*Workload) bool {
	if len(hits) > 0 {
		return false
	}
	c.Unmatched, c.Reason, c.Held = true, p.whyUnmatched(c.Pattern), p.mentioned(c.Pattern)
	p.plan.PodMakers = p.makers()
	return true
}

// breaksWithout tells whether one of the workloads sets true itself, and is excepted
// from the validating policy by nothing else than the pattern.
func (p *planner) breaksWithout(pattern string, hits []*Workload) bool {
	return slices.ContainsFunc(hits, func(w *Workload) bool {
		return setsTrue(w) && !p.excluded(w) && !settles(p.listedDeny, w) && settles(p.listedAllow, w) && p.settledBy(pattern, w)
	})
}

// settledBy tells whether no other listed pattern allows one of the names of a workload that the list settles.
func (p *planner) settledBy(pattern string, w *Workload) bool {
	return slices.ContainsFunc(hitNames(w), func(name string) bool {
		for at := range p.listedAllow.Matching(name) {
			if p.entry.Allow[at] != pattern {
				return false
			}
		}
		return true
	})
}

// whyUnmatched says what is wrong with a pattern that matches no pod: often it is a
// workload's name, and its pods are called otherwise.
func (p *planner) whyUnmatched(pattern string) string {
	for _, at := range slices.Sorted(p.ownNames().Matching(pattern)) {
		if w := p.judgements[at].Workload; len(w.Pods) > 0 {
			return fmt.Sprintf("matches the name of %s %s, but not its pods, which %s matches", w.Kind, w.Name, strings.Join(PodPatterns(w), ", "))
		}
	}
	return "matches no pod of any release that this platform renders"
}

func (p *planner) evidence(ws ...*Workload) []Evidence {
	var out []Evidence
	for _, w := range ws {
		if j, ok := p.of[w]; ok {
			out = append(out, j.Evidence[0])
		}
	}
	return out
}

func ids(ws []*Workload) []string {
	out := make([]string, len(ws))
	for i, w := range ws {
		out[i] = w.Kind + " " + w.Name
	}
	return out
}
