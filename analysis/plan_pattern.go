package analysis

import "tokenward/analysis/wildcard"

// patternsFor returns the shortest patterns that cover the workload's pods and
// hit none that needs no token. Where there are no such patterns, the natural
// ones: carveOut then denies what they hit too much.
func (p *planner) patternsFor(w *Workload) []string {
	for _, candidate := range candidates(w) {
		if !p.hitsUnneeded(candidate) {
			return candidate
		}
	}
	return PodPatterns(w)
}

// candidates lists pattern sets that cover the workload, the widest first. Where
// the pod template sets true itself, they name the controllers, too.
func candidates(w *Workload) [][]string {
	out := [][]string{PodPatterns(w)}
	names := w.controllers()
	byNumber := numbered(w)
	switch {
	case len(names) > 0:
	case len(byNumber) > 0:
		names = byNumber
	default:
		names = []string{w.Name}
	}
	tails := []string{"-*"}
	switch {
	case w.Kind == "StatefulSet" || len(w.Made) > 0 || len(byNumber) > 0:
		tails = append(tails, "-?", "-??")
	case w.Kind == "Deployment" || w.Kind == "CronJob":
		tails = append(tails, "-*-*")
	}
	for _, tail := range tails {
		var set []string
		for _, name := range names {
			set = append(set, name+tail)
		}
		if !coveredBy(wildcard.NewList(set), w) {
			continue
		}
		if setsTrue(w) {
			set = append(set, w.controllers()...)
		}
		out = append(out, set)
	}
	return out
}
