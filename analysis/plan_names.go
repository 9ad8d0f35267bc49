package analysis

import (
	"slices"
	"sync"

	"tokenward/analysis/wildcard"
)

// read prepares what is asked for many times of what is listed and judged.
func (p *planner) read() {
	p.allows = slices.Clip(p.entry.Allow)
	p.allowed, p.listedAllow = wildcard.NewList(p.entry.Allow), wildcard.NewList(p.entry.Allow)
	p.denied, p.listedDeny = wildcard.NewList(p.entry.Deny), wildcard.NewList(p.entry.Deny)
	p.wantedOf = map[string]int{}
	texts := func(of func(*Workload) []string) func() *wildcard.Texts {
		return sync.OnceValue(func() *wildcard.Texts {
			return wildcard.NewTexts(func(yield func([]string) bool) {
				for _, j := range p.judgements {
					if !yield(of(j.Workload)) {
						return
					}
				}
			})
		})
	}
	p.names, p.ownNames = texts(hitNames), texts(func(w *Workload) []string { return []string{w.Name} })
	p.makers = sync.OnceValue(p.podMakers)
}

// hitsUnneeded tells whether one of the patterns hits a workload that needs no token.
func (p *planner) hitsUnneeded(patterns []string) bool {
	for _, pattern := range patterns {
		for at := range p.names().Matching(pattern) {
			if p.judgements[at].Verdict == NoToken {
				return true
			}
		}
	}
	return false
}

// hitsWanted returns the first workload that one of the patterns hits and that is not known to need no token, nil if
// there is none.
func (p *planner) hitsWanted(patterns []string) *Workload {
	first := len(p.judgements)
	for _, pattern := range patterns {
		first = min(first, p.firstWanted(pattern))
	}
	if first == len(p.judgements) {
		return nil
	}
	return p.judgements[first].Workload
}

// firstWanted is the place of the first judgement that is not NoToken and of whose workload the pattern hits a pod or
// a controller, the number of all if there is none. Many workloads ask for the same wide pattern.
func (p *planner) firstWanted(pattern string) int {
	first, known := p.wantedOf[pattern]
	if known {
		return first
	}
	first = len(p.judgements)
	for at := range p.names().Matching(pattern) {
		if at < first && p.judgements[at].Verdict != NoToken {
			first = at
		}
	}
	p.wantedOf[pattern] = first
	return first
}

// hits returns the workloads that the pattern hits, in the order of their judgements.
func (p *planner) hits(pattern string) []*Workload {
	var out []*Workload
	for _, at := range slices.Compact(slices.Sorted(p.names().Matching(pattern))) {
		out = append(out, p.judgements[at].Workload)
	}
	return out
}
