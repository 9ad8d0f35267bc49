package bot

import (
	"fmt"
	"slices"
	"strings"

	"tokenward/analysis"
	"tokenward/analysis/live"
	"tokenward/analysis/wildcard"
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
	deployed := newDeployed(s)
	for _, g := range live.Groups(b.cfg.LiveViolations.All()) {
		if !b.wants(g.Namespace) {
			continue
		}
		from := "no release that this umbrella deploys"
		if releases := deployed.releases(g); len(releases) > 0 {
			from = "release " + strings.Join(releases, ", ")
		}
		out = append(out, NoteReport{Namespace: g.Namespace, Text: fmt.Sprintf("Live: %s %s (%d found, of %s) fails rule %s of policy %s.", g.Kind, g.Stem, len(g.Names), from, g.Rule, g.Policy)})
	}
	return out
}

// deployed finds the releases that objects on a live platform are of.
type deployed struct {
	scan *Scan
	// workloads are places in Scan.Judgements, releases in Set.Releases.
	workloads, rendered map[object][]int
	pods                map[string]*podPatterns // by namespace
}

type object struct{ kind, namespace, name string }

// podPatterns match pods of the workloads of one namespace; of is the place of each one's judgement.
type podPatterns struct {
	patterns wildcard.List
	of       []int
}

func newDeployed(s *Scan) *deployed {
	d := &deployed{scan: s, workloads: map[object][]int{}, rendered: map[object][]int{}, pods: map[string]*podPatterns{}}
	for i, j := range s.Judgements {
		w := j.Workload
		id := object{w.Kind, w.Namespace, w.Name}
		d.workloads[id] = append(d.workloads[id], i)
		pods := d.pods[w.Namespace]
		if pods == nil {
			pods = &podPatterns{}
			d.pods[w.Namespace] = pods
		}
		for _, pattern := range analysis.PodPatterns(w) {
			pods.patterns.Add(pattern)
			pods.of = append(pods.of, i)
		}
	}
	for i, r := range s.Set.Releases {
		for _, o := range r.Objects {
			id := object{o.Kind, o.Namespace, o.Name}
			d.rendered[id] = append(d.rendered[id], i)
		}
	}
	return d
}

// releases are those whose workloads or ServiceAccounts the found objects are: in the order of the judgements, and
// behind these in that of the set.
func (d *deployed) releases(g live.Group) []string {
	var judged, rendered []int
	for _, name := range g.Names {
		id := object{g.Kind, g.Namespace, name}
		judged, rendered = append(judged, d.workloads[id]...), append(rendered, d.rendered[id]...)
		if pods := d.pods[g.Namespace]; g.Kind == "Pod" && pods != nil {
			for at := range pods.patterns.Matching(name) {
				judged = append(judged, pods.of[at])
			}
		}
	}
	slices.Sort(judged)
	slices.Sort(rendered)
	var out []string
	seen := map[string]bool{}
	add := func(release string) {
		if !seen[release] {
			seen[release], out = true, append(out, release)
		}
	}
	for _, i := range judged {
		add(d.scan.Judgements[i].Workload.Release)
	}
	for _, i := range rendered {
		add(d.scan.Set.Releases[i].Name)
	}
	return out
}
