package analysis

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"tokenward/analysis/render"
)

// Discovery is what an umbrella chart deploys with every package enabled. Two
// discoveries of the same umbrella, before and after an edit, differ in what
// the edit changes, and in what templates draw at random (passwords, certificates).
type Discovery struct {
	// Releases are sorted by name and HelmRelease. Those that cannot be analysed have Err set.
	Releases []Release
	// Extra are the umbrella's objects that are neither Flux's sources and
	// releases nor values: Namespaces, RBAC, ServiceAccounts, Kustomizations.
	Extra []*render.Object
	// Problems say what could not be discovered, in the order of the packages.
	Problems []Problem
}

// Problem is a part of the umbrella that is not analysed as it would be deployed.
type Problem struct {
	// Package is the dotted path of the package's values key, or the object
	// that the problem is about.
	Package string
	Reason  string
	// Apart is true for a package that could not be enabled together with
	// the rest but was on its own: its releases are analysed.
	Apart bool
}

// Unseen names the parts of the umbrella of which nobody knows what they deploy, and into which namespace, each once
// and sorted.
func (d *Discovery) Unseen() []string {
	var out []string
	for _, p := range d.Problems {
		if !p.Apart {
			out = append(out, p.Package)
		}
	}
	return uniq(out)
}

// DiscoverOptions say how the umbrella is rendered.
type DiscoverOptions struct {
	// ChartDir is the umbrella chart's folder; "" stands for chart if that holds a chart, else the root.
	ChartDir string
	// ValuesFiles are paths inside the tree, Values are given beside them; later ones win, Values over files.
	ValuesFiles []string
	Values      []map[string]any
	KubeVersion string
	APIVersions []string
	// ReleaseName and ReleaseNamespace are the umbrella's own release; each is the chart's name where empty.
	ReleaseName, ReleaseNamespace string
	// Renderer renders the umbrella, nil for InProcess.
	Renderer Renderer
	// Likely is told which releases the umbrella's values let expect before it is rendered: their repositories, refs
	// and charts, and nothing else of them; nil for nobody.
	Likely func([]Release)
}

// PackageSource is where a package's chart is, as the umbrella's values or a release say.
type PackageSource struct {
	Repository string
	Ref        SourceRef
}

// Discover renders the umbrella chart in tree with every package enabled and
// reads the Flux objects that come out. A package that makes the rendering
// fail is left out, tried on its own, and reported in Problems; if that fails too, it
// is also a release with Err. It is an error only if the umbrella does not render at all.
func Discover(ctx context.Context, tree fs.FS, opts DiscoverOptions) (*Discovery, error) {
	u, err := loadUmbrella(ctx, tree, opts)
	if err != nil {
		return nil, err
	}
	out, left, err := u.enableAll(ctx)
	if err != nil {
		return nil, err
	}
	d := &Discovery{}
	m := newMerger(d)
	m.add(out)
	for _, f := range left {
		if err := u.apart(ctx, m, f); err != nil {
			return nil, err
		}
	}
	m.finish()
	return d, nil
}

// apart tries a package that cannot be enabled together with the rest on top of
// the umbrella's defaults, and merges what that adds.
func (u *umbrella) apart(ctx context.Context, m *merger, f failure) error {
	reason := fmt.Sprintf("%s cannot be enabled: %s", f.pkg.path(), complaint(f.err))
	out, err := u.render(ctx, overlay([]packageNode{f.pkg}, nil))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		m.d.Problems = append(m.d.Problems, Problem{
			Package: f.pkg.path(), Apart: true,
			Reason: fmt.Sprintf("%s cannot be enabled together with the other packages and was rendered apart: %s", f.pkg.path(), complaint(f.err)),
		})
		m.add(out)
		return nil
	}
	m.d.Problems = append(m.d.Problems, Problem{Package: f.pkg.path(), Reason: reason})
	m.d.Releases = append(m.d.Releases, Release{
		HelmRelease: f.pkg.last(), Name: f.pkg.last(),
		Repository: withoutCredentials(f.pkg.repo), Ref: f.pkg.ref, Chart: cleanPath(f.pkg.chart), Err: errors.New(reason),
	})
	return nil
}

// complaint is what a template says, without what was being done; other errors are whole.
func complaint(err error) string {
	var te *render.TemplateError
	if errors.As(err, &te) {
		return te.Error()
	}
	return err.Error()
}

// umbrella is the chart that composes the releases, ready to be rendered again and again.
type umbrella struct {
	chart    *render.Chart
	opts     DiscoverOptions
	values   map[string]any // the user's
	packages []packageNode  // sorted by path
}

func loadUmbrella(ctx context.Context, tree fs.FS, opts DiscoverOptions) (*umbrella, error) {
	dir := opts.ChartDir
	if dir == "" {
		dir = "."
		if _, err := fs.Stat(tree, "chart/Chart.yaml"); err == nil {
			dir = "chart"
		}
	}
	chart, err := render.LoadChart(tree, dir, "")
	if _, missing := fs.Stat(tree, path.Join(dir, "Chart.yaml")); err != nil && errors.Is(missing, fs.ErrNotExist) {
		return nil, fmt.Errorf("load umbrella: %w: set umbrella.chart to the folder that holds its chart", err)
	}
	if err != nil {
		return nil, fmt.Errorf("load umbrella: %w", err)
	}
	u := &umbrella{chart: chart, opts: opts, values: map[string]any{}}
	for _, name := range opts.ValuesFiles {
		data, err := fs.ReadFile(tree, name)
		if err != nil {
			return nil, fmt.Errorf("read the umbrella's values file %s: %w", name, err)
		}
		values, err := render.ParseValues(data)
		if err != nil {
			return nil, fmt.Errorf("read the umbrella's values file %s: %w", name, err)
		}
		u.values = render.MergeValues(u.values, values)
	}
	for _, values := range opts.Values {
		u.values = render.MergeValues(u.values, values)
	}
	all, err := orInProcess(opts.Renderer).DefaultValues(ctx, chart, u.values)
	if err != nil {
		return nil, fmt.Errorf("merge the umbrella's values: %w", err)
	}
	u.packages = findPackages(all)
	if opts.Likely != nil {
		opts.Likely(u.likely())
	}
	return u, nil
}

// likely lists where the packages say that their charts are.
func (u *umbrella) likely() []Release {
	var out []Release
	ignore := writtenIgnore(u.chart)
	for _, p := range u.packages {
		if p.repo == "" || p.sourceType != "" && p.sourceType != "git" {
			continue
		}
		out = append(out, Release{Repository: withoutCredentials(p.repo), Ref: p.ref, Chart: cleanPath(p.chart), Ignore: ignore})
	}
	return out
}

// render renders the umbrella with values over the user's.
func (u *umbrella) render(ctx context.Context, values map[string]any) (*render.Output, error) {
	name, namespace := u.opts.ReleaseName, u.opts.ReleaseNamespace
	if name == "" {
		name = u.chart.Name
	}
	if namespace == "" {
		namespace = u.chart.Name
	}
	return orInProcess(u.opts.Renderer).Render(ctx, u.chart, render.Request{
		ReleaseName: name, Namespace: namespace, Values: render.MergeValues(u.values, values),
		KubeVersion: u.opts.KubeVersion, APIVersions: u.opts.APIVersions,
	})
}

// merger collects what several renders of the umbrella yield: what an earlier
// one brought is not replaced by a later one.
type merger struct {
	d        *Discovery
	seen     map[string]bool
	clusters clusters
	composer render.Composer
}

func newMerger(d *Discovery) *merger {
	return &merger{d: d, seen: map[string]bool{}, clusters: clusters{}}
}

func (m *merger) add(out *render.Output) {
	f := readFlux(out.Objects)
	for _, r := range f.helmReleases {
		if m.first(r) {
			release := f.release(r, &m.composer)
			m.d.Releases = append(m.d.Releases, release)
			if release.Namespace == "" {
				m.d.Problems = append(m.d.Problems, Problem{Package: r.ID(), Reason: release.Err.Error()})
			} else {
				m.clusters.add(r, len(m.d.Releases)-1)
			}
		}
	}
	for _, o := range f.extra {
		if !m.first(o) {
			continue
		}
		m.d.Extra = append(m.d.Extra, o)
		if isFlux(o, kustomizeGroup, "Kustomization") {
			m.d.Problems = append(m.d.Problems, Problem{Package: o.ID(), Reason: "what a Kustomization deploys is not analysable yet"})
		}
	}
	for _, i := range out.Invalid {
		m.d.Problems = append(m.d.Problems, Problem{Package: i.Source, Reason: i.Err.Error()})
	}
}

func (m *merger) first(o *render.Object) bool {
	key := o.APIVersion + " " + o.ID()
	if m.seen[key] {
		return false
	}
	m.seen[key] = true
	return true
}

func (m *merger) finish() {
	m.clusters.refuse(m.d.Releases)
	slices.SortStableFunc(m.d.Releases, func(a, b Release) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return strings.Compare(a.HelmRelease, b.HelmRelease)
	})
}
