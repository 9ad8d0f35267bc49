package analysis

import (
	"context"
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"tokenward/analysis/render"
)

// Feature is an optional part of a chart: pods that a release would have if one of
// its values were different, such as a Helm test's script.
type Feature struct {
	Release  string // the release's name
	Values   string // the value that switches it on, as "bbtests.enabled: true"
	Workload string // what the pattern would match, as "Pod web-script-test"
	// NameOnly says that the pattern would match the workload's name, but not its pods; Pods is what
	// would match those.
	NameOnly bool
	Pods     string
	// Mention is where the pattern's pods are named, although they are not among what is rendered.
	Mention string
}

// reason says what the feature means for a stale pattern.
func (f Feature) reason() string {
	where := fmt.Sprintf("with values %s of release %s", f.Values, f.Release)
	if f.Mention != "" {
		return fmt.Sprintf("matches no pod; %s, %s and may make it", where, f.Mention)
	}
	if f.NameOnly {
		return fmt.Sprintf("matches no pod; %s it would match the name of %s, but not its pods, which %s matches", where, f.Workload, f.Pods)
	}
	return fmt.Sprintf("matches no pod today; would match %s %s", f.Workload, where)
}

// FeatureOptions say how optional features are looked for.
type FeatureOptions struct {
	Render    RenderOptions
	CRDs      []render.CRD // what the platform's releases install
	Operators []Operator   // the user's additions to the operator table
	// MaxRenders bounds how often each release is rendered, 0 for the default.
	MaxRenders int
	// Keeper keeps what ExplainStale finds, nil for nobody.
	Keeper FeatureKeeper
}

// defaultRenders is how often a release is rendered in search of its features.
const defaultRenders = 40

// ExplainStale says of the stale patterns that no pod of the platform matches
// which optional feature of which release they belong to: their Feature and Reason are
// set in place. Each release of such a namespace is rendered with one value
// switched on at a time, the likeliest first, until every pattern is explained or
// nothing likely is left; a render that fails explains nothing. The error is ctx's alone.
func ExplainStale(ctx context.Context, plans []NamespacePlan, inputs []Input, opts FeatureOptions) error {
	limit := opts.Render.Concurrency
	if limit <= 0 {
		limit = runtime.GOMAXPROCS(0)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(limit)
	for i := range plans {
		patterns := plans[i].unmatched()
		if len(patterns) == 0 {
			continue
		}
		group.Go(func() error {
			found, err := keptOrFound(ctx, plans[i].Namespace, patterns, inputs, opts)
			plans[i].explain(found)
			return err
		})
	}
	return group.Wait()
}

// unmatched lists the stale patterns that match no pod, each once.
func (p *NamespacePlan) unmatched() []string {
	var out []string
	for _, c := range p.Changes {
		if c.Kind == Stale && c.Unmatched && !slices.Contains(out, c.Pattern) {
			out = append(out, c.Pattern)
		}
	}
	return out
}

func (p *NamespacePlan) explain(found map[string]Feature) {
	for i := range p.Changes {
		c := &p.Changes[i]
		if f, ok := found[c.Pattern]; ok && c.Kind == Stale && c.Unmatched {
			c.Feature = &f
			c.Reason = f.reason()
		}
	}
}

// FindFeatures looks for the optional features of a namespace's releases whose pods
// the patterns match, and returns the ones that it finds by pattern. Which one is found does
// not depend on the order of the inputs. The error is ctx's, or says which charts could
// not be opened: what is found in the others is returned all the same.
func FindFeatures(ctx context.Context, namespace string, patterns []string, inputs []Input, opts FeatureOptions) (map[string]Feature, error) {
	s := &featureSearch{opts: opts, namespace: namespace, open: slices.Clone(patterns),
		found: map[string]Feature{}, named: map[string]Feature{}, renders: map[int]int{}, parts: map[int]*partOf{}}
	if s.opts.MaxRenders <= 0 {
		s.opts.MaxRenders = defaultRenders
	}
	s.table = newOperatorTable(opts.Operators)
	kinds := s.table.podKinds()
	var candidates []featureSwitch
	var errs []error
	for i, in := range inputs {
		if in.Release.Namespace != namespace || in.Chart == nil || in.Release.Err != nil {
			continue
		}
		chart, err := in.Chart.Open(ctx)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		reader := newPartReader(chart, kinds)
		candidates = append(candidates, switchesOf(i, in.Release, patterns, reader)...)
		s.parts[i] = &partOf{chart: chart, reader: reader}
	}
	sortSwitches(candidates, inputs)
	for _, c := range candidates {
		if len(s.open) == 0 || ctx.Err() != nil {
			break
		}
		if s.renders[c.input] < s.opts.MaxRenders && slices.ContainsFunc(c.hints, func(p string) bool { return slices.Contains(s.open, p) }) {
			s.renders[c.input]++
			s.try(ctx, inputs[c.input].Release, c)
		}
	}
	for _, pattern := range s.open {
		if f, ok := s.named[pattern]; ok {
			s.found[pattern] = f
		}
	}
	return s.found, errors.Join(append(errs, ctx.Err())...)
}

// featureSearch is the search for the features of one namespace.
type featureSearch struct {
	opts      FeatureOptions
	namespace string
	table     *operatorTable
	open      []string // patterns that are not explained yet
	found     map[string]Feature
	named     map[string]Feature // of patterns that would match a name or be mentioned, but match no pod
	renders   map[int]int        // by input
	parts     map[int]*partOf    // of the charts, by input
}

// try renders a release with one value switched and looks which patterns match now.
func (s *featureSearch) try(ctx context.Context, release Release, c featureSwitch) {
	release.Values = render.MergeValues(release.Values, c.values())
	release.PostRenderers = nil // they patch what there is
	request := release.Request(s.opts.Render, s.opts.CRDs)
	out, err := s.render(ctx, c, request)
	if err != nil {
		return
	}
	render.SetNamespaces(out.Objects, release.Namespace, s.opts.CRDs)
	defer s.mentions(out.Objects, Feature{Release: release.Name, Values: c.String()})
	rendered := &RenderedRelease{Release: release, Objects: out.Objects}
	for _, w := range subjects(sources(&Set{Releases: []*RenderedRelease{rendered}}), s.table) {
		if w.Namespace != s.namespace {
			continue
		}
		f := Feature{Release: release.Name, Values: c.String(), Workload: w.Kind + " " + w.Name, Pods: strings.Join(PodPatterns(w.Workload), ", ")}
		s.open = slices.DeleteFunc(s.open, func(pattern string) bool { return s.explains(pattern, w.Workload, f) })
	}
}

// render renders what the switch switches on: the templates whose pods depend on it, or more of the
// chart where these need what they are not seen to need.
func (s *featureSearch) render(ctx context.Context, c featureSwitch, request render.Request) (out *render.Output, err error) {
	parts := s.parts[c.input]
	renderer := orInProcess(s.opts.Render.Renderer)
	if len(c.files) > 0 {
		part, off := parts.part(c.files, request.Values)
		out, err = renderer.Render(ctx, part, request)
		if err == nil && areOff(out.Values(), off) || ctx.Err() != nil {
			return out, err
		}
		if out, err = renderer.Render(ctx, only(parts.chart, c.files), request); err == nil || ctx.Err() != nil {
			return out, err
		}
	}
	return renderer.Render(ctx, parts.chart, request)
}

// mentions notes the open patterns whose pods the objects name.
func (s *featureSearch) mentions(objects []*render.Object, f Feature) {
	var speakers []speaker
	for _, pattern := range s.open {
		names := spokenNames(pattern, "")
		if _, known := s.named[pattern]; known || len(names) == 0 {
			continue
		}
		if speakers == nil {
			speakers = speakersOf(objects)
		}
		for _, o := range speakers {
			if o.namesOne(names[:1]) != "" {
				f.Mention = fmt.Sprintf("%s %s mentions %s", o.Kind, o.Name, names[0])
				s.named[pattern] = f
				break
			}
		}
	}
}

// explains tells whether the pattern hits the workload, and notes it.
func (s *featureSearch) explains(pattern string, w *Workload, f Feature) bool {
	if Hits(pattern, w) {
		s.found[pattern] = f
		return true
	}
	if _, known := s.named[pattern]; !known && MatchesName(pattern, w.Name) {
		f.NameOnly = true
		s.named[pattern] = f
	}
	return false
}

// only returns the chart with no other templates than those given, partials and
// what they define aside; the whole chart where none is given.
func only(chart *render.Chart, files []string) *render.Chart {
	if len(files) == 0 {
		return chart
	}
	out := &render.Chart{Dir: chart.Dir, Name: chart.Name}
	for _, f := range chart.Files {
		name := inChart(chartDir(f.Name), f.Name)
		if strings.HasPrefix(name, "crds/") || strings.HasPrefix(name, "templates/") && !strings.HasPrefix(path.Base(name), "_") && !slices.Contains(files, f.Name) {
			continue
		}
		out.Files = append(out.Files, f)
	}
	return out
}

// String shows the switch as values on one line, keys joined by dots.
func (c featureSwitch) String() string {
	var out []string
	for _, s := range c.settings {
		on := fmt.Sprint(s.on)
		if _, ok := s.on.(map[string]any); ok {
			on = "{example: example}"
		}
		out = append(out, strings.Join(s.path, ".")+": "+on)
	}
	return strings.Join(out, ", ")
}

// values is the switch as values of its own.
func (c featureSwitch) values() map[string]any {
	all := map[string]any{}
	for _, s := range c.settings {
		v := s.on
		for _, key := range slices.Backward(s.path) {
			v = map[string]any{key: v}
		}
		all = render.MergeValues(all, v.(map[string]any))
	}
	return all
}
