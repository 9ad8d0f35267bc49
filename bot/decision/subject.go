package decision

import (
	"slices"

	"tokenward/analysis"
	"tokenward/analysis/wildcard"
)

// subject is what a pattern of decisions is about in its namespace.
type subject struct {
	hit    []*analysis.Workload // those of which it matches a pod or a controller
	named  []*analysis.Workload // those whose natural pattern it is
	listed bool                 // it matches an entry of the values
}

// subjects finds what the decisions' patterns are about, each workload and entry looked at once.
func subjects(decisions []Decision, workloads []*analysis.Workload, entry analysis.ListedNamespace) map[string]*subject {
	out := map[string]*subject{}
	var of []*subject // of each pattern of the list
	var patterns wildcard.List
	for _, d := range decisions {
		if out[d.Pattern] == nil {
			s := &subject{}
			out[d.Pattern], of = s, append(of, s)
			patterns.Add(d.Pattern)
		}
	}
	for _, w := range workloads {
		for _, at := range analysis.HitsOf(&patterns, w) {
			of[at].hit = append(of[at].hit, w)
		}
		for _, pattern := range analysis.PodPatterns(w) {
			if s := out[pattern]; s != nil {
				s.named = append(s.named, w)
			}
		}
	}
	for _, pattern := range slices.Concat(entry.Allow, entry.Deny) {
		for at := range patterns.Matching(pattern) {
			of[at].listed = true
		}
	}
	return out
}

// meant lists the workloads of which the pattern matches all pods, else those of
// which it matches any.
func (a *applier) meant(pattern string) []string {
	var all, some []string
	for _, w := range a.subjects[pattern].hit {
		switch id := nameOf(w); {
		case a.workloads[id] != w: // another of the same name counts
		case analysis.Covers(pattern, w):
			all = append(all, id)
		default:
			some = append(some, id)
		}
	}
	if len(all) == 0 {
		all = some
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// covered are the workloads of which the pattern matches all pods, or whose natural pattern it is.
func (a *applier) covered(pattern string) map[string]bool {
	out := map[string]bool{}
	s := a.subjects[pattern]
	for _, w := range s.hit {
		if id := nameOf(w); a.workloads[id] == w && analysis.Covers(pattern, w) {
			out[id] = true
		}
	}
	for _, w := range s.named {
		if id := nameOf(w); a.workloads[id] == w {
			out[id] = true
		}
	}
	return out
}
