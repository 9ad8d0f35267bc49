package analysis

import (
	"fmt"

	"tokenward/analysis/policy"
	"tokenward/analysis/wildcard"
)

// ruleExplicit is the name of the judging rule that notices a pod template's own true.
const ruleExplicit = "explicit-true"

// nameControllers adds the names of the Deployments and StatefulSets whose pods are
// allowed and whose templates set automountServiceAccountToken to true: the
// validating policy looks at the controller, too, and a pattern such as web-*
// does not match the Deployment web.
func (p *planner) nameControllers() {
	for _, j := range p.wanted() {
		w := j.Workload
		if !setsTrue(w) || p.excluded(w) || len(HitsOf(p.listedDeny, w)) > 0 {
			continue
		}
		for _, name := range w.controllers() {
			if p.allowed.Match(name) || p.hitsUnneeded([]string{name}) {
				continue
			}
			p.add(Change{Kind: Allow, Pattern: name, Workloads: []string{w.Kind + " " + w.Name}, Evidence: []Evidence{explicitEvidence(j)},
				Review: j.Verdict == Review,
				Reason: fmt.Sprintf("%s sets automountServiceAccountToken to true itself, and no pattern names it beside its pods", name)})
		}
	}
}

// denyExplicit adds a deny for every workload that needs no token, sets
// automountServiceAccountToken to true all the same and thereby breaks the
// validating policy. What a pattern allows as a whole is left to the report of
// stale entries; where the engine's admission configuration skips the namespace, a
// deny would do nothing.
func (p *planner) denyExplicit() {
	if policy.IsSkipped(p.in.Skipped, p.plan.Namespace) {
		return
	}
	for _, j := range p.judgements {
		w := j.Workload
		if j.Verdict != NoToken || !setsTrue(w) || p.excluded(w) || settles(p.denied, w) || settles(p.allowed, w) {
			continue
		}
		id := w.Kind + " " + w.Name
		deny := p.sparing(w)
		switch {
		case p.in.Listing.ListForm:
			p.note(id + " needs no token and sets automountServiceAccountToken to true; the policies chart is too old to deny it one.")
		case deny == nil:
			p.note(id + " needs no token and sets automountServiceAccountToken to true; every pattern that denies it one would hit a pod that needs it.")
		}
		if p.in.Listing.ListForm {
			continue
		}
		for _, d := range deny {
			if p.denied.Match(d) {
				continue
			}
			p.add(Change{Kind: Deny, Pattern: d, Workloads: []string{id}, Evidence: []Evidence{j.Evidence[0]}, Review: j.Confidence == Low,
				Reason: id + " sets automountServiceAccountToken to true and needs no token: " + j.Evidence[0].Summary})
		}
	}
}

// settles tells whether the patterns name all of the workload's pods and their controllers.
func settles(patterns *wildcard.List, w *Workload) bool {
	return coveredBy(patterns, w) && coversControllers(patterns, w)
}

// sparing returns the widest patterns that cover the workload and hit nothing that
// should have a token, nil if there are none.
func (p *planner) sparing(w *Workload) []string {
	for _, candidate := range candidates(w) {
		if len(candidate) > 0 && p.hitsWanted(candidate) == nil {
			return candidate
		}
	}
	return nil
}

// explicitEvidence is the evidence of the template's own true, or the strongest there is.
func explicitEvidence(j Judgement) Evidence {
	for _, e := range j.Evidence {
		if e.Kind == ruleExplicit {
			return e
		}
	}
	return j.Evidence[0]
}
