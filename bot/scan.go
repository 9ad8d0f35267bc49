package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"tokenward/analysis"
	"tokenward/analysis/policy"
	"tokenward/analysis/render"
	decisions "tokenward/bot/decision"
	"tokenward/gitops/git"
)

// Scan is everything that the reading half of a run found out.
type Scan struct {
	Umbrella   *git.Snapshot
	Discovery  *analysis.Discovery
	Set        *analysis.Set
	Judgements []analysis.Judgement
	Listing    *analysis.Listing
	Policies   *policy.Policies // as they are today
	Plans      []analysis.NamespacePlan
	Before     *analysis.Effect
	After      *analysis.Effect // with every change of every plan
	// ListForm tells that the pinned policies chart takes pods as a plain list.
	ListForm bool

	fetcher *fetcher // of this scan; nil where nothing is fetched
	shelf   *shelf
	inputs  []analysis.Input
	heads   []string // the default branches of the inputs' repositories, "" where unknown
	// commits are those that the releases' refs led to, "" where that is not known.
	commits []string
	// Decisions are what people decided, as the umbrella has it.
	Decisions *decisions.File
	undecided []string // sentences about decisions for which nothing is planned
	gone      []string // namespaces that were asked for, and that nothing is deployed into
	skipped   []string // namespaces that the policy engine's admission passes over
	// policyErr says why nothing can be proven about the policies, nil if it can.
	policyErr error
	// What two renderings of the unedited umbrella differ in, found out on demand.
	unstable       sync.Once
	unstablePlaces []string
	unstableErr    error
}

// Scan discovers, fetches, renders, judges and plans. It writes nothing. What goes
// wrong with one release is kept in the result; an error means that the
// umbrella or its policies could not be read at all.
func (b *Bot) Scan(ctx context.Context) (*Scan, error) {
	return b.scan(ctx, newFetcher(b.store, b.cfg.Workers), "")
}

// scan is Scan, with what f holds already, and the commit that the umbrella's ref led to just before, "" where
// that is not known.
func (b *Bot) scan(ctx context.Context, f *fetcher, umbrella string) (*Scan, error) {
	b.cfg.Prepare()
	s := &Scan{fetcher: f, shelf: &shelf{}}
	defer s.fetcher.close()
	if key, err := discoveryKey(umbrella, b.discoverOptions()); err == nil && umbrella != "" {
		s.Discovery = b.keptDiscovery(key)
	}
	if s.Discovery != nil {
		return b.scanKept(ctx, s, umbrella)
	}
	return b.steps(ctx, s, scanStep{StepDiscover, b.discoverStep}, scanStep{StepFetch, b.fetchStep}, scanStep{StepRender, b.renderStep}, scanStep{StepJudge, b.judgeStep}, scanStep{StepPlan, b.plan})
}

// scanKept goes on with a discovery that is kept: the umbrella itself, of that commit, is read while others are rendered.
func (b *Bot) scanKept(ctx context.Context, s *Scan, commit string) (*Scan, error) {
	b.cfg.Progress(StepDiscover, 0, 1)
	reading := b.readUmbrella(ctx, s.fetcher)
	defer reading.end()
	_, err := b.steps(ctx, s, scanStep{StepFetch, b.fetchStep}, scanStep{StepRender, b.renderStep}, scanStep{StepJudge, b.judgeStep})
	if err == nil {
		s.Umbrella, err = reading.wait()
	}
	if err != nil {
		return nil, err
	}
	if s.Umbrella.Commit != commit {
		return b.Scan(ctx) // it has moved meanwhile
	}
	return b.steps(ctx, s, scanStep{StepPlan, b.plan})
}

// scanStep is one of the things that a scan is made of.
type scanStep struct {
	name string
	do   func(context.Context, *Scan) error
}

func (b *Bot) steps(ctx context.Context, s *Scan, steps ...scanStep) (*Scan, error) {
	for _, step := range steps {
		if err := b.during(ctx, step.name, "", func(ctx context.Context) error { return step.do(ctx, s) }); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (b *Bot) discoverStep(ctx context.Context, s *Scan) (err error) {
	b.cfg.Progress(StepDiscover, 0, 1)
	if s.Umbrella, err = b.fetchUmbrella(ctx); err != nil {
		return err
	}
	opts := b.discoverOptions()
	if s.fetcher != nil {
		opts.Likely = func(releases []analysis.Release) { b.fetchAhead(ctx, s, releases) }
		defer s.fetcher.enough()
	}
	s.Discovery, err = b.discoverOnce(ctx, s.Umbrella, opts)
	return err
}

func (b *Bot) fetchStep(ctx context.Context, s *Scan) (err error) {
	s.inputs, err = b.fetchCharts(ctx, s)
	return err
}

func (b *Bot) renderStep(ctx context.Context, s *Scan) (err error) {
	b.cfg.Progress(StepRender, 0, len(s.inputs))
	if s.Set, err = b.renderAll(ctx, s.inputs, b.renderOptions(s)); err != nil {
		return fmt.Errorf("render the platform: %w", err)
	}
	s.Set.Extra = s.Discovery.Extra
	return nil
}

func (b *Bot) judgeStep(_ context.Context, s *Scan) error {
	b.cfg.Progress(StepJudge, 0, 1)
	s.Judgements = analysis.Judge(s.Set, analysis.JudgeOptions{Operators: b.cfg.Operators, Observed: b.cfg.Observed})
	return nil
}

// plan reads what the policies say today, compares and simulates both states. Policies
// that cannot be read cost the proposals, not the scan.
func (b *Bot) plan(ctx context.Context, s *Scan) (err error) {
	b.cfg.Progress(StepPlan, 0, 1)
	s.readPolicies(b)
	s.skipped = policy.SkippedNamespaces(allObjects(s.Set))
	if s.Decisions, err = readDecisions(s.Umbrella.FS()); err != nil {
		return fmt.Errorf("read the decisions in the umbrella: %w", err)
	}
	workloads := s.workloads()
	var effects errgroup.Group // are simulated while others are waited for
	effects.Go(func() error {
		s.Before = analysis.Simulate(s.Set, workloads, s.Policies, s.skipped)
		return nil
	})
	err = b.planChanges(s)
	if err == nil {
		err = b.explainAndSimulate(ctx, s, workloads, &effects)
	}
	simulated := effects.Wait()
	if s.After == nil {
		s.After = s.Before
	}
	return cmp.Or(err, simulated)
}

// explainAndSimulate looks for the optional features that stale entries belong to, and begins to simulate the policies
// with all changes: at once where what is explained changes none of them.
func (b *Bot) explainAndSimulate(ctx context.Context, s *Scan, workloads []*analysis.Workload, effects *errgroup.Group) error {
	explain := func() error {
		if err := analysis.ExplainStale(ctx, s.Plans, s.inputs, b.featureOptions(s)); err != nil {
			return fmt.Errorf("look for optional features: %w", err)
		}
		return nil
	}
	if b.cfg.RemoveStale { // entries of optional features stay
		if err := explain(); err != nil {
			return err
		}
		effects.Go(func() error { return b.simulateAfter(ctx, s, s.Plans, workloads) })
		return nil
	}
	planned := slices.Clone(s.Plans)
	for i := range planned {
		planned[i].Changes = slices.Clone(planned[i].Changes)
	}
	effects.Go(func() error { return b.simulateAfter(ctx, s, planned, workloads) })
	return explain()
}

// planChanges says what the lists should be, as people decided.
func (b *Bot) planChanges(s *Scan) error {
	plans := analysis.Plan(analysis.PlanInput{
		Set: s.Set, Judgements: s.Judgements, Listing: s.Listing, Skipped: s.skipped,
		Excluded:     func(w *analysis.Workload) bool { return analysis.SettledElsewhere(w, s.Policies) },
		Undiscovered: s.Discovery.Unseen(),
	})
	plans, s.undecided = s.Decisions.Apply(s.decisionInput(plans...))
	s.Plans = b.only(plans)
	return b.known(s)
}

// simulateAfter simulates what the policies would do with every change of every plan.
func (b *Bot) simulateAfter(ctx context.Context, s *Scan, plans []analysis.NamespacePlan, workloads []*analysis.Workload) error {
	if s.policyErr != nil {
		return nil
	}
	after, form, err := b.policiesAfter(ctx, s, plans)
	if err != nil {
		s.policyErr = err
		return ctx.Err()
	}
	s.ListForm = form
	s.After = analysis.Simulate(s.Set, workloads, after, s.skipped)
	return nil
}

// readPolicies reads the mutator's lists and the policies; without them it remembers why.
func (s *Scan) readPolicies(b *Bot) {
	if s.Listing, s.policyErr = analysis.ReadListing(s.Discovery.Releases, b.cfg.Policies); s.policyErr != nil {
		s.Listing, s.policyErr = &analysis.Listing{}, errors.Join(s.policyErr, b.unreadable(s))
	} else if err := s.inputs[s.Listing.Index].Release.Err; err != nil {
		s.policyErr = fmt.Errorf("release %s, which renders the policies, is not analysed: %w", s.Listing.Release, err)
	}
	var err error
	if s.Policies, err = policy.Load(allObjects(s.Set), b.cfg.Policies); err != nil {
		s.policyErr = fmt.Errorf("read the policies that release %s renders: %w", s.Listing.Release, err)
		s.Policies = &policy.Policies{}
	}
}

// ErrNotDeployed says that a namespace was asked for that is not the umbrella's.
var ErrNotDeployed = errors.New("no release of the umbrella is deployed")

// known refuses namespaces that were asked for and that nothing is deployed into. Of those that the configuration
// names, one that is there is enough: the others may have left the umbrella. Where it names several umbrellas, none
// need be there, since another may deploy them all.
func (b *Bot) known(s *Scan) error {
	s.gone = b.gone(s.Plans)
	several, all := len(b.cfg.Beside) > 1, len(s.gone) == len(b.cfg.Namespaces)
	if len(s.gone) == 0 || !b.cfg.Partial && (several || !all) {
		return nil
	}
	missing := strings.Join(s.gone, " or ")
	if unseen := s.Discovery.Unseen(); len(unseen) > 0 {
		return fmt.Errorf("%w into namespace %s; what %s deploys, and where, is not known", ErrNotDeployed, missing, strings.Join(unseen, ", "))
	}
	return fmt.Errorf("%w into namespace %s", ErrNotDeployed, missing)
}

// gone lists the bot's namespaces that nothing is deployed into.
func (b *Bot) gone(plans []analysis.NamespacePlan) []string {
	var out []string
	for _, ns := range b.cfg.Namespaces {
		if !slices.ContainsFunc(plans, func(p analysis.NamespacePlan) bool { return p.Namespace == ns }) {
			out = append(out, ns)
		}
	}
	return out
}

// only keeps the plans of the namespaces that the configuration asks for.
func (b *Bot) only(plans []analysis.NamespacePlan) []analysis.NamespacePlan {
	if len(b.cfg.Namespaces) == 0 {
		return plans
	}
	want := map[string]bool{}
	for _, ns := range b.cfg.Namespaces {
		want[ns] = true
	}
	var out []analysis.NamespacePlan
	for _, p := range plans {
		if want[p.Namespace] {
			out = append(out, p)
		}
	}
	return out
}

func (b *Bot) discover(ctx context.Context, umbrella *git.Snapshot, opts analysis.DiscoverOptions) (*analysis.Discovery, error) {
	d, err := analysis.Discover(ctx, umbrella.FS(), opts)
	if err != nil {
		return nil, fmt.Errorf("discover the releases of %s: %w", umbrella.URL, err)
	}
	return d, nil
}

func (b *Bot) discoverOptions() analysis.DiscoverOptions {
	u := b.cfg.Umbrella
	return analysis.DiscoverOptions{
		ChartDir: u.ChartDir, ValuesFiles: u.ValuesPath, Values: u.Values,
		KubeVersion: b.cfg.KubeVersion, APIVersions: b.cfg.APIVersions,
		ReleaseName: u.ReleaseName, ReleaseNamespace: u.Namespace, Renderer: b.cfg.Renderer,
	}
}

func (b *Bot) renderOptions(s *Scan) analysis.RenderOptions {
	return analysis.RenderOptions{KubeVersion: b.cfg.KubeVersion, APIVersions: b.cfg.APIVersions, Extra: s.Discovery.Extra, Renderer: b.cfg.Renderer}
}

func (s *Scan) workloads() []*analysis.Workload {
	out := make([]*analysis.Workload, len(s.Judgements))
	for i, j := range s.Judgements {
		out[i] = j.Workload
	}
	return out
}

func allObjects(set *analysis.Set) []*render.Object {
	var out []*render.Object
	for _, r := range set.Releases {
		out = append(out, r.Objects...)
	}
	return append(out, set.Extra...)
}

// Failed lists the releases, of the namespaces that the bot was configured for, that
// could not be analysed, sorted by name.
func (b *Bot) Failed(s *Scan) []*analysis.RenderedRelease {
	var out []*analysis.RenderedRelease
	for _, r := range s.Set.Releases {
		if r.Err != nil && b.wants(r.Namespace) {
			out = append(out, r)
		}
	}
	sort.Slice(out, func(i, k int) bool { return out[i].Name < out[k].Name })
	return out
}
