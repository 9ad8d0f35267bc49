package analysis

import (
	"fmt"
	"strings"
)

// carveOut adds a deny for every workload that needs no token and that an allow
// pattern hits which other pods need: a later rule of the mutator wins.
func (p *planner) carveOut() {
	patterns := p.patterns(Allow)
	for _, f := range p.unneeded() {
		hit := p.sharedPattern(patterns, f)
		if hit == "" || coveredBy(p.entry.Deny, f) || p.excluded(f) {
			continue
		}
		deny := PodPatterns(f)
		if needed := p.hitsWanted(deny); needed != nil {
			p.note(fmt.Sprintf("%q also gives a token to %s %s, which needs none; a deny for it would take the token from %s %s.", hit, f.Kind, f.Name, needed.Kind, needed.Name))
			continue
		}
		for _, d := range deny {
			p.add(Change{Kind: Deny, Pattern: d, Workloads: []string{f.Kind + " " + f.Name}, Evidence: p.evidence(f),
				Reason: fmt.Sprintf("%q also matches %s %s, which needs no token", hit, f.Kind, f.Name)})
		}
	}
}

// sharedPattern returns a pattern that hits both the workload and one that
// should have a token, "" if there is none.
func (p *planner) sharedPattern(patterns []string, f *Workload) string {
	for _, pattern := range patterns {
		if Hits(pattern, f) && p.hitsWanted([]string{pattern}) != nil {
			return pattern
		}
	}
	return ""
}

func (p *planner) hitsWanted(patterns []string) *Workload {
	for _, j := range p.judgements {
		if j.Verdict != NoToken && hitBy(patterns, j.Workload) != "" {
			return j.Workload
		}
	}
	return nil
}

// stale lists the entries of a listed namespace that nothing needs: patterns that
// match nothing the platform renders, patterns that match only pods that need
// no token, and entries that stand there twice.
func (p *planner) stale() {
	seen := map[string]bool{}
	for _, pattern := range p.entry.Allow {
		if seen[pattern] {
			p.add(Change{Kind: Stale, Pattern: pattern, Reason: "listed twice"})
			continue
		}
		seen[pattern] = true
		hits := p.hits(pattern)
		switch {
		case len(hits) == 0:
			p.add(Change{Kind: Stale, Pattern: pattern, Unmatched: true, Reason: p.whyUnmatched(pattern)})
		case p.hitsWanted([]string{pattern}) == nil:
			p.add(Change{Kind: Stale, Pattern: pattern, Workloads: ids(hits), Evidence: p.evidence(hits...),
				Reason: "allows only pods that need no token: " + strings.Join(ids(hits), ", ")})
		}
	}
}

// whyUnmatched says what is wrong with a pattern that matches no pod: often it is a
// workload's name, and its pods are called otherwise.
func (p *planner) whyUnmatched(pattern string) string {
	for _, j := range p.judgements {
		if w := j.Workload; MatchesName(pattern, w.Name) && len(w.Pods) > 0 {
			return fmt.Sprintf("matches the name of %s %s, but not its pods, which %s matches", w.Kind, w.Name, strings.Join(PodPatterns(w), ", "))
		}
	}
	return "matches no pod of any release that this platform renders"
}

func (p *planner) hits(pattern string) []*Workload {
	var out []*Workload
	for _, j := range p.judgements {
		if Hits(pattern, j.Workload) {
			out = append(out, j.Workload)
		}
	}
	return out
}

func (p *planner) evidence(ws ...*Workload) []Evidence {
	var out []Evidence
	for _, w := range ws {
		for _, j := range p.judgements {
			if j.Workload == w {
				out = append(out, j.Evidence[0])
			}
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
