package decision

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"

	"tokenward/analysis"
	"tokenward/analysis/wildcard"
)

// Input is what decisions are applied to.
type Input struct {
	Plans      []analysis.NamespacePlan
	Judgements []analysis.Judgement
	Listing    *analysis.Listing // what the mutator's values say today
}

// Apply returns the plans with the decisions followed, one after the other. What
// was left out or added, and a decision that hits nothing any more, is told in a
// plan's notes; a namespace that is not planned at all in the sentences beside. The
// plans that are given stay as they are, and so does a plan that is blocked.
func (f *File) Apply(in Input) (plans []analysis.NamespacePlan, unplanned []string) {
	planned := map[string]bool{}
	for _, p := range in.Plans {
		planned[p.Namespace] = true
		mine := f.For(p.Namespace)
		if len(mine.Decisions) == 0 || p.Blocked != "" {
			plans = append(plans, p)
			continue
		}
		a := newApplier(in, p, mine.Decisions)
		for _, d := range mine.Decisions {
			a.follow(d)
		}
		plans = append(plans, a.finished())
	}
	for _, d := range f.Decisions {
		if !planned[d.Namespace] {
			unplanned = append(unplanned, fmt.Sprintf("%s%s: the platform deploys nothing into namespace %s: the decision may be taken out", Path, at(d), d.Namespace))
		}
	}
	return plans, unplanned
}

// Hits tells whether a decision's pattern matches anything of its namespace that
// the platform renders or that the values list.
func (d Decision) Hits(in Input) bool {
	for _, j := range in.Judgements {
		if j.Workload.Namespace == d.Namespace && analysis.Hits(d.Pattern, j.Workload) {
			return true
		}
	}
	entry, _ := in.Listing.Find(d.Namespace)
	return slices.ContainsFunc(slices.Concat(entry.Allow, entry.Deny), func(p string) bool { return wildcard.Match(d.Pattern, p) })
}

func at(d Decision) string {
	if d.Line == 0 {
		return ""
	}
	return fmt.Sprintf(" line %d", d.Line)
}

// applier follows decisions in one namespace.
type applier struct {
	plan   analysis.NamespacePlan
	entry  analysis.ListedNamespace
	listed bool
	// workloads are the namespace's, by their name in a change.
	workloads map[string]*analysis.Workload
	subjects  map[string]*subject // by the decisions' patterns
	notes     []string
}

func newApplier(in Input, p analysis.NamespacePlan, decisions []Decision) *applier {
	a := &applier{plan: p, workloads: map[string]*analysis.Workload{}}
	a.plan.Changes, a.plan.Decided = nil, slices.Clone(p.Decided)
	for _, c := range p.Changes {
		c.Workloads, c.Evidence = slices.Clone(c.Workloads), slices.Clone(c.Evidence)
		a.plan.Changes = append(a.plan.Changes, c)
	}
	a.entry, a.listed = in.Listing.Find(p.Namespace)
	var mine []*analysis.Workload
	for _, j := range in.Judgements {
		if w := j.Workload; w.Namespace == p.Namespace {
			mine, a.workloads[nameOf(w)] = append(mine, w), w
		}
	}
	a.subjects = subjects(decisions, mine, a.entry)
	return a
}

// nameOf names a workload as changes do.
func nameOf(w *analysis.Workload) string { return w.Kind + " " + w.Name }

func (a *applier) finished() analysis.NamespacePlan {
	a.plan.Notes = append(slices.Clone(a.plan.Notes), a.notes...)
	sort.SliceStable(a.plan.Changes, func(i, k int) bool {
		x, y := a.plan.Changes[i], a.plan.Changes[k]
		if rx, ry := rank(x.Kind), rank(y.Kind); rx != ry {
			return rx < ry
		}
		return x.Kind == analysis.Allow && x.Pattern < y.Pattern
	})
	return a.plan
}

func rank(k analysis.ChangeKind) int {
	return slices.Index([]analysis.ChangeKind{analysis.Harden, analysis.HardenDefault, analysis.Allow, analysis.Deny, analysis.Stale}, k)
}

func (a *applier) note(format string, args ...any) {
	if s := fmt.Sprintf(format, args...); !slices.Contains(a.notes, s) {
		a.notes = append(a.notes, s)
	}
}

func (a *applier) follow(d Decision) {
	if s := a.subjects[d.Pattern]; len(s.hit) == 0 && !s.listed {
		a.note("%s%s: no pod of this namespace is called %s any more: the decision to %s it may be taken out.", Path, at(d), d.Pattern, d.Kind)
		return
	}
	a.plan.Decided = append(a.plan.Decided, a.meant(d.Pattern)...)
	if d.Kind == Ignore {
		a.ignore(d)
		return
	}
	if !a.listed && !slices.ContainsFunc(a.plan.Changes, func(c analysis.Change) bool { return c.Kind == analysis.Harden }) {
		a.note("%s%s: the namespace is not hardened, so that there is nothing to %s: %s.", Path, at(d), d.Kind, d.Because())
		return
	}
	a.decide(d)
}

// ignore leaves out every change that is about the pods only. What a change says
// about other pods stays.
func (a *applier) ignore(d Decision) {
	if d.Pattern == "*" {
		if len(a.plan.Changes) > 0 {
			a.note("The namespace is left as it is by a decision: %s.", d.Because())
		}
		a.plan.Changes = nil
		return
	}
	covered := a.covered(d.Pattern)
	var kept []analysis.Change
	for _, c := range a.plan.Changes {
		if c.Pattern == "" {
			kept = append(kept, c)
			continue
		}
		if without(&c, d.Pattern, covered) {
			a.note("Left out by a decision: %s %s. %s.", c.Kind, c.Pattern, d.Because())
			continue
		}
		kept = append(kept, c)
	}
	a.plan.Changes = kept
	a.dropIdleDenies()
}

// without takes the workloads that the pattern covers out of a change, and tells
// whether nothing is left of it.
func without(c *analysis.Change, pattern string, covered map[string]bool) bool {
	if wildcard.Match(pattern, c.Pattern) {
		return true
	}
	if !slices.ContainsFunc(c.Workloads, func(id string) bool { return covered[id] }) {
		return false
	}
	var workloads []string
	var evidence []analysis.Evidence
	for i, id := range c.Workloads {
		if covered[id] {
			continue
		}
		workloads = append(workloads, id)
		if len(c.Evidence) == len(c.Workloads) {
			evidence = append(evidence, c.Evidence[i])
		}
	}
	if len(c.Evidence) == len(c.Workloads) {
		c.Evidence = evidence
		var reasons []string
		for _, e := range evidence {
			reasons = append(reasons, e.Summary)
		}
		if c.Kind == analysis.Allow {
			c.Reason = strings.Join(reasons, "; ")
		}
	}
	c.Workloads = workloads
	return len(workloads) == 0
}

// dropIdleDenies takes out planned denies that carve a hole into no allow any more,
// and are for no pod whose template sets true itself.
func (a *applier) dropIdleDenies() {
	allows := slices.Clone(a.entry.Allow)
	for _, c := range a.plan.Changes {
		if c.Kind == analysis.Allow {
			allows = append(allows, c.Pattern)
		}
	}
	allowed := sync.OnceValue(func() *wildcard.List { return wildcard.NewList(allows) })
	a.plan.Changes = slices.DeleteFunc(a.plan.Changes, func(c analysis.Change) bool {
		return c.Kind == analysis.Deny && !decided(c) && !slices.ContainsFunc(c.Workloads, func(id string) bool {
			w := a.workloads[id]
			return w != nil && (w.Automount != nil && *w.Automount || len(analysis.HitsOf(allowed(), w)) > 0)
		})
	})
}

// evidenceKind marks changes that people decided.
const evidenceKind = "decision"

func decided(c analysis.Change) bool {
	return len(c.Evidence) > 0 && c.Evidence[0].Kind == evidenceKind
}

// decide makes the plan allow or deny what the decision says, and takes out what
// the plan says against it.
func (a *applier) decide(d Decision) {
	kind, against, there := analysis.Allow, analysis.Deny, a.entry.Allow
	if d.Kind == Deny {
		kind, against, there = analysis.Deny, analysis.Allow, a.entry.Deny
	}
	covered := a.covered(d.Pattern)
	var kept []analysis.Change
	for _, c := range a.plan.Changes {
		switch {
		case c.Kind == kind && c.Pattern == d.Pattern:
			continue // replaced by the one below
		case c.Kind == analysis.Stale && c.Pattern == d.Pattern && d.Kind == Allow:
			continue
		case c.Kind == against && without(&c, d.Pattern, covered):
			continue
		}
		kept = append(kept, c)
	}
	a.plan.Changes = kept
	if !slices.Contains(there, d.Pattern) {
		reason := strings.NewReplacer("{{", "{ {", "}}", "} }").Replace(d.Because())
		a.plan.Changes = append(a.plan.Changes, analysis.Change{
			Namespace: d.Namespace, Kind: kind, Pattern: d.Pattern, Reason: reason, Workloads: a.meant(d.Pattern),
			Evidence: []analysis.Evidence{{Kind: evidenceKind, Summary: reason}},
		})
	}
	if d.Kind == Deny {
		a.dropIdleDenies()
	}
}
