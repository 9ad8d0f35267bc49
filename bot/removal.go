package bot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"tokenward/analysis"
	"tokenward/gitops/edit"
	"tokenward/templates"
)

// removalSuffix ends the names of branches that only take entries out.
const removalSuffix = "-stale"

// name is what the unit is called in reports, commits and hidden states.
func (u *Unit) name() string {
	switch {
	case u.Members != nil:
		return groupName
	case u.Removes:
		return u.Plan.Namespace + " (stale)"
	}
	return u.Plan.Namespace
}

// branch is the unit's part of the names of its branches.
func (u *Unit) branch() string {
	switch {
	case u.Members != nil:
		return groupBranch
	case u.Removes:
		return u.Plan.Namespace + removalSuffix
	}
	return u.Plan.Namespace
}

// readRemovals prepares and reads the units that take stale entries out, one for every
// namespace that has any, where the configuration asks for it.
func (w *writer) readRemovals(ctx context.Context, s *Scan, report *ProposeReport) []*unitRun {
	var runs []*unitRun
	for _, plan := range s.Plans {
		if !w.cfg.RemoveStale || plan.Blocked != "" || len(plan.Removals()) == 0 || ctx.Err() != nil {
			continue
		}
		u, err := w.prepareRemoval(ctx, s, plan)
		switch {
		case err != nil:
			report.fail(u.name(), err)
		case w.paused():
			w.skipPaused(s, u, report)
		default:
			runs = append(runs, w.read(ctx, s, u))
		}
	}
	return runs
}

// prepareRemoval computes the edit that takes the namespace's stale entries out, with
// its proof. Entries that the file does not let go by themselves stay; the error is a
// *Refusal.
func (b *Bot) prepareRemoval(ctx context.Context, s *Scan, plan analysis.NamespacePlan) (*Unit, error) {
	u := &Unit{Plan: plan, Removes: true}
	refuse := func(err error) (*Unit, error) {
		return u, &Refusal{Unit: u.name(), Reason: err, Intended: intendedRemoval(plan.Removals())}
	}
	switch {
	case s.policyErr != nil:
		return refuse(s.policyErr)
	case s.Umbrella.Branch == "":
		return refuse(fmt.Errorf("a merge request needs a branch to go to: give a branch of the umbrella instead of %s", s.Umbrella.Ref))
	case slices.ContainsFunc(s.Plans, func(p analysis.NamespacePlan) bool { return p.Namespace == u.branch() }):
		return refuse(fmt.Errorf("its branch %s%s belongs to namespace %s", b.cfg.BranchPrefix, u.branch(), u.branch()))
	}
	files, err := b.policyFiles(s.Umbrella.FS())
	if err != nil {
		return refuse(err)
	}
	var reasons []error
	for _, f := range files {
		if err = b.removeFrom(ctx, s, u, f); err == nil {
			return u, nil
		}
		reasons = append(reasons, fmt.Errorf("%s: %w", f, err))
	}
	return refuse(errors.Join(reasons...))
}

// removeFrom edits one file and proves the edit.
func (b *Bot) removeFrom(ctx context.Context, s *Scan, u *Unit, file string) error {
	src, err := fs.ReadFile(s.Umbrella.FS(), file)
	if err != nil {
		return fmt.Errorf("read it: %w", err)
	}
	u.Removed, u.Kept = nil, nil
	looks := maxLooks
	reasons := b.letGo(ctx, src, u, u.Plan.Removals(), &looks)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if len(u.Removed) == 0 {
		return errors.Join(reasons...)
	}
	removal := b.policyRemoval(u.Plan.Namespace, u.Removed)
	dst, _, err := removal.Apply(src)
	if err == nil {
		u.Proof, err = b.proveRemoval(ctx, s, u, file, dst)
	}
	if err != nil {
		return err
	}
	u.Umbrella = &FileChange{Base: s.Umbrella, Package: repositoryName(s.Umbrella.URL), Path: file, Content: dst, Diff: edit.UnifiedDiff(file, src, dst), Edit: removal}
	return nil
}

// maxLooks bounds how often a file is looked at to find out which entries it lets go: each look takes as long as the file is large.
const maxLooks = 500

var errLooks = fmt.Errorf("it was looked at %d times for other entries, and not for this one", maxLooks)

// letGo sorts entries into those that the file lets go, beside those that are taken out already, and those that it keeps,
// and tells why it keeps them: all at once where one look shows it, else in halves. It ends early when ctx does.
func (b *Bot) letGo(ctx context.Context, src []byte, u *Unit, stale []analysis.Change, looks *int) (reasons []error) {
	if len(stale) == 0 || ctx.Err() != nil {
		return nil
	}
	*looks--
	half := len(stale) / 2
	switch {
	case *looks < 0:
		return keep(u, stale, errLooks)
	case b.letsAllGo(src, u, stale):
	case half > 0:
		reasons = b.letGo(ctx, src, u, stale[:half], looks)
		return append(reasons, b.letGo(ctx, src, u, stale[half:], looks)...)
	default:
		if err := b.letsGo(src, u, stale[0]); err != nil {
			return keep(u, stale, err)
		}
	}
	u.Removed = append(u.Removed, stale...)
	return nil
}

// keep leaves entries in the list, for one reason.
func keep(u *Unit, stale []analysis.Change, why error) []error {
	for _, c := range stale {
		c.Reason += "; the file does not let it go: " + why.Error()
		u.Kept = append(u.Kept, c)
	}
	return []error{why}
}

// letsAllGo tells whether letsGo has nothing against any of the entries, where one look at the file shows it.
func (b *Bot) letsAllGo(src []byte, u *Unit, stale []analysis.Change) bool {
	all := append(slices.Clone(u.Removed), stale...)
	seen := map[analysis.ChangeKind]map[string]bool{analysis.Allow: {}, analysis.Deny: {}}
	for _, c := range all {
		if seen[c.In] == nil || seen[c.In][c.Pattern] {
			return false // an entry that stands there several times is taken out in several ways
		}
		seen[c.In][c.Pattern] = true
	}
	return b.policyRemoval(u.Plan.Namespace, all).GoTogether(src)
}

// letsGo tells why an entry cannot be taken out of a file together with those that are taken out already: a
// template block that would be left empty may hold more than one of them.
func (b *Bot) letsGo(src []byte, u *Unit, c analysis.Change) error {
	if _, changes, err := b.policyRemoval(u.Plan.Namespace, []analysis.Change{c}).Apply(src); err != nil {
		return err
	} else if len(changes) == 0 {
		return errors.New("it is not written out there")
	}
	if len(u.Removed) == 0 {
		return nil
	}
	_, _, err := b.policyRemoval(u.Plan.Namespace, append(slices.Clone(u.Removed), c)).Apply(src)
	return err
}

// policyRemoval turns stale entries into an edit. An entry of which only repetitions
// are stale stays once.
func (b *Bot) policyRemoval(namespace string, stale []analysis.Change) edit.PolicyRemoval {
	e := edit.PolicyRemoval{Mutator: b.cfg.Policies.Mutator, DefaultMutator: b.cfg.Policies.DefaultMutator, Namespace: namespace}
	at := map[analysis.ChangeKind]map[string]int{analysis.Allow: {}, analysis.Deny: {}} // places in the lists
	for _, c := range stale {
		list, in := &e.Allow, analysis.Allow
		switch c.In {
		case analysis.HardenDefault:
			e.RepeatedDefault = true
			continue
		case analysis.Deny:
			list, in = &e.Deny, analysis.Deny
		}
		i, listed := at[in][c.Pattern]
		if !listed {
			at[in][c.Pattern] = len(*list)
			*list = append(*list, edit.Removal{Pattern: c.Pattern, KeepFirst: c.Repeated})
			continue
		}
		(*list)[i].KeepFirst = (*list)[i].KeepFirst && c.Repeated
	}
	return e
}

// removals are the stale entries that the configuration asks to take out.
func (b *Bot) removals(plans []analysis.NamespacePlan) []analysis.Change {
	var out []analysis.Change
	for _, p := range plans {
		if b.cfg.RemoveStale {
			out = append(out, p.Removals()...)
		}
	}
	return out
}

func intendedRemoval(stale []analysis.Change) string {
	var out strings.Builder
	for _, c := range stale {
		fmt.Fprintf(&out, "take out of %s: %s %s\n", c.Namespace, c.In, c.Pattern)
	}
	return out.String()
}

// removalProposal words the merge request of a unit that takes entries out.
func (b *Bot) removalProposal(s *Scan, u *Unit) (*proposal, error) {
	text := b.removalText(s, u)
	message, err := text.CommitMessage()
	if err != nil {
		return nil, err
	}
	p := b.newProposal(u, RoleUmbrella, u.Umbrella, text.Title(), message)
	p.draft = len(text.Taken) > 0 // people's entry gives that token
	p.describe = func(_ []*proposal, marker string) (string, error) {
		text.Marker = marker
		return text.Description()
	}
	return p, nil
}

func (b *Bot) removalText(s *Scan, u *Unit) templates.Removal {
	ns := u.Plan.Namespace
	text := templates.Removal{Namespace: ns, File: u.Umbrella.Path,
		ViolationsBefore: countViolations(u.Proof.Before, ns), ViolationsAfter: countViolations(u.Proof.After, ns)}
	entry := func(c analysis.Change) templates.Entry {
		return templates.Entry{Kind: string(c.In), Pattern: c.Pattern, Reason: c.Reason}
	}
	for _, c := range u.Removed {
		text.Removed = append(text.Removed, entry(c))
	}
	for _, c := range u.Kept {
		text.Kept = append(text.Kept, entry(c))
	}
	for _, c := range u.Plan.Changes {
		if c.Kind == analysis.Stale && !c.Removable() {
			text.Kept = append(text.Kept, entry(c))
		}
	}
	text.Look = lookForMakers(u)
	for _, j := range s.Judgements {
		if w := j.Workload; u.Proof.Before.Token[w] && !u.Proof.After.Token[w] {
			e := j.Evidence[0]
			text.Taken = append(text.Taken, templates.Pod{Workload: w.Kind + " " + w.Name, Confidence: string(j.Confidence),
				Evidence: e.Summary, Source: e.Source, SourceURL: b.evidenceURL(s, e)})
		}
	}
	return text
}

// lookForMakers asks about patterns that match nothing where pods are made at run time, too.
func lookForMakers(u *Unit) []string {
	var patterns []string
	for _, c := range u.Removed {
		if c.Unmatched {
			patterns = append(patterns, c.Pattern)
		}
	}
	makers := u.Plan.PodMakers
	if len(patterns) == 0 || len(makers) == 0 {
		return nil
	}
	const shown = 4
	more := ""
	if len(makers) > shown {
		makers, more = makers[:shown], fmt.Sprintf(" and %d more", len(makers)-shown)
	}
	return []string{fmt.Sprintf("%s: no chart renders such pods. %s%s may make pods at run time: is none of them called so?", strings.Join(patterns, ", "), strings.Join(makers, ", "), more)}
}

// needlessRemovals lists the branches of removals for which nothing is left to take
// out, of namespaces that were seen whole.
func (b *Bot) needlessRemovals(s *Scan) []needless {
	var out []needless
	for _, plan := range s.Plans {
		u := &Unit{Plan: plan, Removes: true}
		branch := b.cfg.BranchPrefix + u.branch()
		wanted := b.cfg.RemoveStale && len(plan.Removals()) > 0
		if wanted || plan.Blocked != "" || !seen(s, plan.Namespace) || !slices.Contains(s.Umbrella.Tips(b.cfg.BranchPrefix), branch) {
			continue
		}
		if slices.ContainsFunc(s.Plans, func(p analysis.NamespacePlan) bool { return p.Namespace == u.branch() }) {
			continue
		}
		out = append(out, needless{unit: u.name(), role: RoleUmbrella, branch: branch, base: s.Umbrella})
	}
	return out
}
