package bot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"tokenward/analysis"
	"tokenward/analysis/policy"
	"tokenward/analysis/render"
)

// Proof is what rendering with an edit has shown.
type Proof struct {
	Before, After *analysis.Effect
}

// prove renders the umbrella with one file replaced and refuses the edit, with a
// reason, unless the values of the policies differ by exactly the plans, nothing
// else differs at all, and the policies then do what the plans say.
func (b *Bot) prove(ctx context.Context, s *Scan, plans []analysis.NamespacePlan, path string, content []byte) (*Proof, error) {
	after, err := analysis.Discover(ctx, overlay{base: s.Umbrella.FS(), path: path, content: content}, b.discoverOptions())
	if err != nil {
		return nil, fmt.Errorf("the umbrella does not render with the edit: %w", err)
	}
	if err := b.sameElse(ctx, s, after); err != nil {
		return nil, err
	}
	listing, err := analysis.ReadListing(after.Releases, b.cfg.Policies)
	if err != nil {
		return nil, fmt.Errorf("the edited values cannot be read: %w", err)
	}
	values := s.Discovery.Releases[s.Listing.Index].Values
	wanted := analysis.Release{Values: analysis.ApplyChanges(values, b.cfg.Policies, edits(plans), s.ListForm)}
	want, err := analysis.ReadListing([]analysis.Release{wanted}, b.cfg.Policies)
	if err != nil {
		return nil, fmt.Errorf("work out the wanted values: %w", err)
	}
	if d := listing.Difference(want); d != "" {
		return nil, fmt.Errorf("the rendered values differ from the plan: %s", d)
	}
	policies, err := b.renderPolicies(ctx, s, after.Releases[listing.Index].Values)
	if err != nil {
		return nil, err
	}
	if !shows(policies, edits(plans)) {
		return nil, errNotShown
	}
	proof := &Proof{Before: s.Before, After: analysis.Simulate(s.Set, s.workloads(), policies, s.skipped)}
	return proof, proof.check(s, plans)
}

// sameElse refuses an edit that changes anything but the mutating policies' lists.
// What differs between two renderings of the same umbrella anyway, because its
// templates draw random values, does not count against the edit: the second one is
// made afresh, since a kept one would be the first.
func (b *Bot) sameElse(ctx context.Context, s *Scan, after *analysis.Discovery) error {
	strip := func(v map[string]any) map[string]any { return analysis.WithoutLists(v, b.cfg.Policies) }
	differences := analysis.Differences(s.Discovery, after, s.Listing.Index, strip)
	if len(differences) == 0 {
		return nil
	}
	s.unstable.Do(func() {
		again, err := b.discover(analysis.Afresh(ctx), s.Umbrella, b.discoverOptions())
		if err != nil {
			s.unstableErr = err
			return
		}
		s.unstablePlaces = analysis.Differences(s.Discovery, again, s.Listing.Index, strip)
	})
	if s.unstableErr != nil {
		return s.unstableErr
	}
	for _, d := range differences {
		if !slices.Contains(s.unstablePlaces, d) {
			return fmt.Errorf("the edit changes more than the lists of %s: %s", b.cfg.Policies.Mutator, d)
		}
	}
	return nil
}

// check refuses a proof in which any pod of the platform gains or loses a token that
// the plans do not give or take, an account stays open that a plan hardens, or a
// plan's namespace ends with violations that it did not have.
func (p *Proof) check(s *Scan, plans []analysis.NamespacePlan) error {
	byNamespace := map[string]*planned{}
	for i := range plans {
		byNamespace[plans[i].Namespace] = newPlanned(&plans[i])
		if err := p.checkNamespace(s, &plans[i]); err != nil {
			return err
		}
	}
	for _, j := range s.Judgements {
		if err := p.checkWorkload(s, byNamespace[j.Workload.Namespace], j); err != nil {
			return err
		}
	}
	return nil
}

func (p *Proof) checkNamespace(s *Scan, plan *analysis.NamespacePlan) error {
	ns := plan.Namespace
	if n, m := countViolations(p.Before, ns), countViolations(p.After, ns); m > n {
		return fmt.Errorf("violations of the validating policy in namespace %s would grow from %d to %d", ns, n, m)
	}
	hardens := slices.ContainsFunc(plan.Edits(), func(c analysis.Change) bool { return c.Kind == analysis.Harden })
	if !hardens || policy.IsSkipped(s.skipped, ns) {
		return nil
	}
	for _, r := range s.Set.Releases {
		for _, o := range r.Objects {
			if o.Kind == "ServiceAccount" && o.Namespace == ns && o.Name != "default" && !p.After.Hardened[o] {
				return fmt.Errorf("with the edit, ServiceAccount %s of namespace %s would still not be hardened", o.Name, ns)
			}
		}
	}
	return nil
}

// checkWorkload checks one workload against the plan of its namespace, nil if none is
// carried out.
func (p *Proof) checkWorkload(s *Scan, plan *planned, j analysis.Judgement) error {
	w := j.Workload
	before, after := p.Before.Token[w], p.After.Token[w]
	switch {
	case policy.IsSkipped(s.skipped, w.Namespace):
		return nil // nothing is mutated there at admission
	case plan == nil && before != after:
		return fmt.Errorf("the edit changes the token of %s %s in namespace %s, which is not its own", w.Kind, w.Name, w.Namespace)
	case plan == nil:
		return nil
	}
	wanted, isPlanned := plan.tokens[w.Kind+" "+w.Name]
	switch {
	case isPlanned && after != wanted:
		return fmt.Errorf("with the edit, the pods of %s %s would have a token: %t, planned: %t", w.Kind, w.Name, after, wanted)
	case plan.decided[w.Kind+" "+w.Name]:
		return nil // people decided otherwise than the evidence may say
	case j.Verdict == analysis.NoToken && after && !before:
		return fmt.Errorf("with the edit, the pods of %s %s would gain a token that they do not need", w.Kind, w.Name)
	case j.Verdict == analysis.NeedsToken && before && !after:
		return fmt.Errorf("with the edit, the pods of %s %s would lose the token that they need", w.Kind, w.Name)
	}
	return nil
}

// planned is what a plan says of its workloads, as "Kind name".
type planned struct {
	tokens  map[string]bool // those that it gives a token, or keeps from having one
	decided map[string]bool // see NamespacePlan.Decided
}

func newPlanned(plan *analysis.NamespacePlan) *planned {
	p := &planned{tokens: map[string]bool{}, decided: setOf(plan.Decided)}
	for _, c := range plan.Edits() {
		for _, w := range c.Workloads {
			p.tokens[w] = c.Kind == analysis.Allow
		}
	}
	return p
}

func setOf(list []string) map[string]bool {
	out := make(map[string]bool, len(list))
	for _, s := range list {
		out[s] = true
	}
	return out
}

func countViolations(e *analysis.Effect, namespace string) int {
	n := 0
	for _, v := range e.Violations {
		if v.Namespace == namespace {
			n++
		}
	}
	return n
}

// errNotShown says that the policies chart makes nothing of values that it is given.
var errNotShown = errors.New("the pinned policies chart does not render the namespaces and patterns that its values then name: is the policy enabled? Some charts also render nothing while no namespace has pods")

// policiesAfter returns the policies as the pinned chart renders them with the
// plans' changes, and whether that chart takes pods as a plain list: the form in
// which it shows the patterns is the right one. Where not all plans go together, those
// that fail by themselves are left out.
func (b *Bot) policiesAfter(ctx context.Context, s *Scan, plans []analysis.NamespacePlan) (*policy.Policies, bool, error) {
	var first error
	for _, form := range []bool{s.Listing.ListForm, !s.Listing.ListForm} {
		p, err := b.policiesWith(ctx, s, append(edits(plans), b.removals(plans)...), form)
		if err == nil {
			return p, form, nil
		}
		if first == nil {
			first = err
		}
	}
	var good []analysis.NamespacePlan
	for _, plan := range plans {
		if _, err := b.policiesWith(ctx, s, plan.Edits(), s.Listing.ListForm); err == nil {
			good = append(good, plan)
		}
	}
	if p, err := b.policiesWith(ctx, s, edits(good), s.Listing.ListForm); err == nil {
		return p, s.Listing.ListForm, nil
	}
	return nil, false, first
}

func (b *Bot) policiesWith(ctx context.Context, s *Scan, changes []analysis.Change, form bool) (*policy.Policies, error) {
	values := s.Discovery.Releases[s.Listing.Index].Values
	p, err := b.renderPolicies(ctx, s, analysis.ApplyChanges(values, b.cfg.Policies, changes, form))
	if err == nil && !shows(p, changes) {
		err = errNotShown
	}
	return p, err
}

func edits(plans []analysis.NamespacePlan) []analysis.Change {
	var out []analysis.Change
	for _, p := range plans {
		out = append(out, p.Edits()...)
	}
	return out
}

// shows tells whether the policies name every hardened namespace and every allowed
// and denied pattern. A policies chart may render nothing at all while no
// namespace has pods.
func shows(p *policy.Policies, changes []analysis.Change) bool {
	type list struct {
		listed      bool
		allow, deny map[string]bool
	}
	lists := map[string]list{}
	for _, c := range changes {
		l, known := lists[c.Namespace]
		if !known {
			listed, allow, deny := p.List(c.Namespace)
			l = list{listed, setOf(allow), setOf(deny)}
			lists[c.Namespace] = l
		}
		if c.Kind == analysis.Harden && !l.listed || c.Kind == analysis.Allow && !l.allow[c.Pattern] || c.Kind == analysis.Deny && !l.deny[c.Pattern] {
			return false
		}
	}
	return true
}

// renderPolicies renders the policies chart with other values and reads the
// policies from the platform as it would then be.
func (b *Bot) renderPolicies(ctx context.Context, s *Scan, values map[string]any) (*policy.Policies, error) {
	in := s.inputs[s.Listing.Index]
	if in.Release.Err != nil {
		return nil, fmt.Errorf("release %s is not analysed: %w", in.Release.Name, in.Release.Err)
	}
	release := in.Release
	release.Values = values
	out, err := b.cfg.Renderer.Render(ctx, in.Chart, release.Request(b.renderOptions(s), render.CRDs(allObjects(s.Set))))
	if err != nil {
		return nil, err
	}
	objects := out.Objects
	for _, r := range s.Set.Releases {
		if r.Name != in.Release.Name || r.Namespace != in.Release.Namespace {
			objects = append(objects, r.Objects...)
		}
	}
	return policy.Load(objects, b.cfg.Policies)
}

// overlay is a file tree in which one file has other content.
type overlay struct {
	base    fs.FS
	path    string
	content []byte
}

func (o overlay) Open(name string) (fs.File, error) {
	f, err := o.base.Open(name)
	if err != nil || name != o.path {
		return f, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &overlaid{Reader: bytes.NewReader(o.content), info: info, size: int64(len(o.content))}, f.Close()
}

// ReadDir serves fs.ReadDir from the tree below, whose names are the same.
func (o overlay) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(o.base, name) }

type overlaid struct {
	*bytes.Reader
	info fs.FileInfo
	size int64
}

func (f *overlaid) Stat() (fs.FileInfo, error) { return sized{f.info, f.size}, nil }
func (f *overlaid) Close() error               { return nil }

type sized struct {
	fs.FileInfo
	size int64
}

func (s sized) Size() int64 { return s.size }
