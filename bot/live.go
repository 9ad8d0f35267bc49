package bot

import (
	"fmt"
	"slices"
	"strings"

	"tokenward/analysis"
	"tokenward/analysis/live"
)

// liveNotes says what the policy reports and events of a live platform find against the
// policies, by namespace, and which releases the objects are from.
func (b *Bot) liveNotes(s *Scan) []NoteReport {
	var out []NoteReport
	if b.cfg.Observed != nil {
		for _, p := range b.cfg.Observed.Problems() {
			out = append(out, NoteReport{Text: p})
		}
	}
	if b.cfg.LiveViolations == nil {
		return out
	}
	for _, p := range b.cfg.LiveViolations.Problems() {
		out = append(out, NoteReport{Text: p})
	}
	for _, g := range live.Groups(b.cfg.LiveViolations.All()) {
		if !b.wants(g.Namespace) {
			continue
		}
		from := "no release that this umbrella deploys"
		if releases := releasesOf(s, g); len(releases) > 0 {
			from = "release " + strings.Join(releases, ", ")
		}
		out = append(out, NoteReport{Namespace: g.Namespace, Text: fmt.Sprintf("Live: %s %s (%d found, of %s) fails rule %s of policy %s.", g.Kind, g.Stem, len(g.Names), from, g.Rule, g.Policy)})
	}
	return out
}

// releasesOf maps found objects to the releases whose workloads or ServiceAccounts they are.
func releasesOf(s *Scan, g live.Group) []string {
	var out []string
	add := func(release string) {
		if !slices.Contains(out, release) {
			out = append(out, release)
		}
	}
	for _, j := range s.Judgements {
		w := j.Workload
		if w.Namespace != g.Namespace || slices.Contains(out, w.Release) {
			continue
		}
		if w.Kind == g.Kind && slices.Contains(g.Names, w.Name) || g.Kind == "Pod" && hitsAny(analysis.PodPatterns(w), g.Names) {
			add(w.Release)
		}
	}
	for _, r := range s.Set.Releases {
		for _, o := range r.Objects {
			if o.Kind == g.Kind && o.Namespace == g.Namespace && slices.Contains(g.Names, o.Name) {
				add(r.Name)
			}
		}
	}
	return out
}

// hitsAny tells whether one of the patterns matches one of the names.
func hitsAny(patterns, names []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return analysis.MatchesName(p, name) })
	})
}
