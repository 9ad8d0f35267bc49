package analysis

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"

	"tokenward/analysis/policy"
	"tokenward/analysis/rbac"
	"tokenward/analysis/wildcard"
)

// ChangeKind says what a change does to the values of the mutating policies.
type ChangeKind string

const (
	Harden        ChangeKind = "harden"         // list the namespace: all its ServiceAccounts but default
	HardenDefault ChangeKind = "harden-default" // list the namespace for its default ServiceAccount
	Allow         ChangeKind = "allow"          // give a token to the pods that match the pattern
	Deny          ChangeKind = "deny"           // carve pods out of a wider allow pattern
	Stale         ChangeKind = "stale"          // an entry that nothing needs; reported, removed by a person or where configured
)

// Change is one intended difference of the mutator's values.
type Change struct {
	Namespace string
	Kind      ChangeKind
	Pattern   string // "" for harden and harden-default, and for a stale entry that is a whole namespace
	Reason    string // one line
	// Workloads are the workloads that the change is about, as "Kind name", sorted.
	Workloads []string
	// Review says that a person must look at the reason before merging.
	Review bool
	// Evidence is the strongest evidence of each workload, in the order of Workloads.
	Evidence []Evidence
	// In is the list that a stale entry stands in: Allow, Deny, HardenDefault for the
	// default ServiceAccounts, or Harden for the namespace as a whole. Repeated says that it stands there before, too.
	In       ChangeKind
	Repeated bool
	// Unmatched says of a stale entry that no pod of the platform matches it; Feature
	// is the optional feature of a chart that it belongs to, nil where none is known.
	Unmatched bool
	Feature   *Feature
	// Held says why a stale entry should stay all the same, "" if nothing speaks for it.
	Held string
}

// Removable tells whether taking a stale entry out does what it should and nothing
// else: what belongs to an optional feature stays for the day when that is switched on.
func (c Change) Removable() bool { return c.Kind == Stale && c.Feature == nil && c.Held == "" }

// NamespacePlan is everything that should be done about one namespace: a unit of work.
type NamespacePlan struct {
	Namespace string
	Changes   []Change // in the order of ChangeKind's constants; patterns in the order of the workloads
	// Blocked says why the namespace is not hardened although it is not listed, "" if nothing is in the way.
	Blocked string
	// Partial says that not everything in the namespace could be analysed.
	Partial bool
	// PodMakers are the workloads, as "Kind name", that may make pods at run time; only
	// filled where a stale entry matches no pod.
	PodMakers []string
	// Notes are sentences for the person who reviews the plan.
	Notes []string
	// Decided are the workloads about which people decided otherwise than the
	// evidence may say, as "Kind name": whether they have a token is no fault of the plan.
	Decided []string
}

// Edits returns the changes that a merge request makes: all but the stale
// entries, which are only reported.
func (p *NamespacePlan) Edits() []Change {
	var out []Change
	for _, c := range p.Changes {
		if c.Kind != Stale {
			out = append(out, c)
		}
	}
	return out
}

// Removals returns the stale entries that can be taken out, for a merge request of their own.
func (p *NamespacePlan) Removals() []Change {
	var out []Change
	for _, c := range p.Changes {
		if c.Removable() {
			out = append(out, c)
		}
	}
	return out
}

// PlanInput is what Plan compares.
type PlanInput struct {
	Set        *Set
	Judgements []Judgement
	Listing    *Listing
	// Excluded tells whether the validating policy's own exclusions settle the
	// workload elsewhere; nil if there are none.
	Excluded func(*Workload) bool
	// Skipped are namespaces that the policy engine's admission configuration passes over,
	// as policy.SkippedNamespaces gives them.
	Skipped []string
	// Undiscovered names the parts of the umbrella that may deploy what the set does not show, nobody knows into which
	// namespace. Releases of the set that say no namespace are among them.
	Undiscovered []string
}

// Plan compares the verdicts with what the mutator's values say and returns
// one plan for every namespace that a release is deployed into or that is listed
// although nothing is, sorted by name. It is pure. A namespace in which something could not be rendered is
// never newly hardened, and nothing of its list is called stale: what cannot be
// seen must not be broken. Where something is deployed and nobody knows into which namespace, no
// entry of any can be removed but one that stands there twice.
func Plan(in PlanInput) []NamespacePlan {
	byNamespace := map[string]*planner{}
	index := sync.OnceValue(func() *rbac.Index { return rbac.New(sources(in.Set)) })
	at := func(ns string) *planner {
		p := byNamespace[ns]
		if p == nil {
			p = &planner{in: in, rbac: index, of: map[*Workload]Judgement{}, plan: NamespacePlan{Namespace: ns}}
			p.entry, p.listed = in.Listing.Find(ns)
			p.read()
			byNamespace[ns] = p
		}
		return p
	}
	for _, r := range in.Set.Releases {
		if r.Namespace == "" {
			continue
		}
		p := at(r.Namespace)
		if r.Err != nil {
			p.unseen = append(p.unseen, fmt.Sprintf("release %s is not analysed: %v", r.Name, r.Err))
		}
		for _, inv := range r.Invalid {
			p.unseen = append(p.unseen, fmt.Sprintf("release %s: %s cannot be read: %v", r.Name, inv.Source, inv.Err))
		}
		p.openAccounts += openAccounts(r)
	}
	for _, j := range in.Judgements {
		at(j.Workload.Namespace).judge(j)
	}
	if len(in.Undiscovered) == 0 {
		for _, ns := range abandoned(in, byNamespace) {
			at(ns).abandoned = true
		}
	}
	plans := make([]NamespacePlan, 0, len(byNamespace))
	for _, ns := range slices.Sorted(maps.Keys(byNamespace)) {
		plans = append(plans, byNamespace[ns].run())
	}
	return plans
}

// planner works out the plan of one namespace.
type planner struct {
	in         PlanInput
	rbac       func() *rbac.Index // of the whole platform, built where it is asked for
	plan       NamespacePlan
	entry      ListedNamespace
	listed     bool
	judgements []Judgement
	of         map[*Workload]Judgement
	unneeded   []*Workload // those that need no token
	allows     []string    // patterns that are listed, and that the plan has added so far
	// allowed are these, denied the same of deny; listedAllow and listedDeny are those that are listed.
	allowed, denied, listedAllow, listedDeny *wildcard.List
	// names are the names that a pattern hits, ownNames the workloads' own, of each judgement: read where they are asked for.
	names, ownNames func() *wildcard.Texts
	wantedOf        map[string]int // see firstWanted
	makers          func() []string
	unseen          []string  // what could not be analysed in the namespace
	openAccounts    int       // ServiceAccounts that do not set automountServiceAccountToken: false
	abandoned       bool      // nothing is deployed into the namespace
	speakers        []speaker // what the namespace's objects say, read where it is asked for
	searched        int       // bytes of it that were searched, for each name anew
}

func (p *planner) judge(j Judgement) {
	p.judgements = append(p.judgements, j)
	p.of[j.Workload] = j
	if j.Verdict == NoToken {
		p.unneeded = append(p.unneeded, j.Workload)
	}
}

func (p *planner) run() NamespacePlan {
	if p.abandoned {
		p.staleNamespace()
		return p.plan
	}
	p.plan.Partial = len(p.unseen) > 0
	if policy.IsSkipped(p.in.Skipped, p.plan.Namespace) {
		p.note("The policy engine's admission configuration skips this namespace: a list for it has no effect at admission.")
	}
	if !p.listed && !p.harden() {
		return p.plan
	}
	if len(p.unseen) == 0 && !p.in.Listing.HardensDefault(p.plan.Namespace) {
		p.add(Change{Kind: HardenDefault, Reason: "the default ServiceAccount is made by Kubernetes and hardened by a policy of its own"})
	}
	p.allow()
	p.nameControllers()
	p.carveOut()
	p.denyExplicit()
	if p.listed && len(p.unseen) == 0 {
		p.stale()
	}
	for _, u := range p.unseen {
		p.note("Not analysed: " + u + ".")
	}
	return p.plan
}

// harden decides whether a namespace that is not listed should be. Where its
// charts leave no account and no pod with a token, there is nothing to do.
func (p *planner) harden() bool {
	ns := p.plan.Namespace
	if len(p.unseen) > 0 {
		p.plan.Blocked = "not everything in the namespace could be analysed: " + strings.Join(p.unseen, "; ")
		return false
	}
	if p.settled() {
		return false
	}
	p.add(Change{Kind: Harden, Reason: fmt.Sprintf("the mutator does not list namespace %s: its ServiceAccounts are not hardened", ns)})
	if hidden := p.hidden(); hidden != "" {
		p.note(fmt.Sprintf("Whether pods of %s are deployed into this namespace, too, is not known.", hidden))
	}
	return true
}

// settled tells whether the namespace needs no hardening: nothing runs in it, its
// charts turn tokens off themselves, or the validating policy excludes what it has.
func (p *planner) settled() bool {
	if len(p.judgements) == 0 && p.openAccounts == 0 {
		return true
	}
	excluded, open := 0, p.openAccounts
	for _, j := range p.judgements {
		switch {
		case p.excluded(j.Workload):
			excluded++
		case j.Workload.Automount == nil || *j.Workload.Automount:
			open++
		}
	}
	if excluded > 0 && excluded == len(p.judgements) {
		p.note("The validating policy's own exclusions settle every workload of this namespace.")
		return true
	}
	if open == 0 {
		p.note("The charts turn automounting off themselves, for every ServiceAccount and every pod.")
		return true
	}
	return false
}

func (p *planner) excluded(w *Workload) bool {
	return p.in.Excluded != nil && p.in.Excluded(w)
}

// wanted returns the judgements whose pods should have a token: those that need
// one and, in a namespace that is not listed yet, those that have one today and
// that a person must look at.
func (p *planner) wanted() []Judgement {
	var out []Judgement
	for _, j := range p.judgements {
		w := j.Workload
		if w.Automount != nil && *w.Automount && p.excluded(w) {
			continue // the chart gives the token, and the validating policy settles it
		}
		ask := j.Verdict == Review && !p.listed && (w.Automount == nil || *w.Automount)
		if j.Verdict == NeedsToken || ask {
			out = append(out, j)
		}
	}
	return out
}

// allow adds the patterns for pods that should have a token and that no listed
// pattern gives one.
func (p *planner) allow() {
	var missing []Judgement
	for _, j := range p.wanted() {
		w := j.Workload
		if deny := HitsOf(p.listedDeny, w); len(deny) > 0 {
			p.note(fmt.Sprintf("%s %s needs a token, but %q denies it: %s.", w.Kind, w.Name, p.entry.Deny[deny[0]], j.Evidence[0].Summary))
			continue
		}
		if !coveredBy(p.listedAllow, w) {
			missing = append(missing, j)
		}
	}
	// Shorter names first, so that a pattern which must be there anyway serves
	// the workloads whose names it begins.
	sort.SliceStable(missing, func(i, k int) bool { return len(missing[i].Workload.Name) < len(missing[k].Workload.Name) })
	var added []Change
	var patterns wildcard.List // of these
	var reasons [][]string     // of each
	for _, j := range missing {
		hits := HitsOf(&patterns, j.Workload)
		if i := slices.IndexFunc(hits, func(at int) bool { return Covers(added[at].Pattern, j.Workload) }); i >= 0 {
			at := hits[i]
			added[at].join(j)
			reasons[at] = append(reasons[at], j.Evidence[0].Summary)
			continue
		}
		for _, pattern := range p.patternsFor(j.Workload) {
			c := Change{Kind: Allow, Pattern: pattern}
			c.join(j)
			added, reasons = append(added, c), append(reasons, []string{j.Evidence[0].Summary})
			patterns.Add(pattern)
		}
	}
	for i := range added {
		added[i].Reason = strings.Join(reasons[i], "; ")
	}
	sort.SliceStable(added, func(i, k int) bool { return added[i].Pattern < added[k].Pattern })
	for _, c := range added {
		p.add(c)
	}
}

func (c *Change) join(j Judgement) {
	c.Workloads = append(c.Workloads, j.Workload.Kind+" "+j.Workload.Name)
	c.Evidence = append(c.Evidence, j.Evidence[0])
	c.Review = c.Review || j.Verdict == Review
}

func (p *planner) add(c Change) {
	c.Namespace = p.plan.Namespace
	p.plan.Changes = append(p.plan.Changes, c)
	switch c.Kind {
	case Allow:
		p.allows = append(p.allows, c.Pattern)
		p.allowed.Add(c.Pattern)
	case Deny:
		p.denied.Add(c.Pattern)
	}
}

func (p *planner) note(s string) { p.plan.Notes = append(p.plan.Notes, s) }

func openAccounts(r *RenderedRelease) int {
	n := 0
	for _, o := range r.Objects {
		if o.Kind != "ServiceAccount" {
			continue
		}
		if v, ok := o.Fields()["automountServiceAccountToken"].(bool); !ok || v {
			n++
		}
	}
	return n
}
