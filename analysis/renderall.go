package analysis

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"tokenward/analysis/render"
)

// Input is a release together with its chart, as fetched.
type Input struct {
	Release Release
	// Chart is nil for a release that could not be fetched; Release.Err then says why.
	Chart  render.ChartSource
	Commit string // that the release's ref resolved to
	// Took is how long rendering took the last time, 0 where nobody knows.
	Took time.Duration

	expected *expectation // nil until Expect
}

// expectation is what a chart is expected to install, or why that cannot be said.
type expectation struct {
	crds []render.CRD
	err  error
}

// Expect finds out which CRDs the release will install, with a chart and the options that
// RenderAll will be given: while others are still being fetched. RenderAll does it for those for which nobody did.
func (in *Input) Expect(ctx context.Context, opts RenderOptions) {
	crds, err := orInProcess(opts.Renderer).ExpectedCRDs(ctx, in.Chart, in.Release.Values)
	in.expected = &expectation{crds, err}
}

// RenderOptions say what cluster the releases are rendered for.
type RenderOptions struct {
	KubeVersion string
	APIVersions []string
	// Extra are the umbrella's own objects; the CRDs among them count as the platform's.
	Extra []*render.Object
	// Concurrency is how many charts are rendered at once, 0 for as many as there are processors.
	Concurrency int
	// Renderer renders the charts, nil for InProcess.
	Renderer Renderer
}

// Request is what the release asks of its chart, on a cluster with the given CRDs.
func (r Release) Request(opts RenderOptions, crds []render.CRD) render.Request {
	return render.Request{
		ReleaseName: r.Name, Namespace: r.Namespace, Values: r.Values,
		PostRenderers: r.PostRenderers, PostRenderStrategy: r.PostRenderStrategy, DisabledHooks: r.DisabledHooks,
		CommonLabels: r.CommonLabels, CommonAnnotations: r.CommonAnnotations,
		KubeVersion: opts.KubeVersion, APIVersions: opts.APIVersions, CRDs: crds,
	}
}

// maxRounds bounds how often releases are rendered because of the API
// versions that the round before brought.
const maxRounds = 3

// PatchesSchemas tells whether a post-renderer may change what the chart of a release is loaded without.
func (r Release) PatchesSchemas() bool {
	if len(r.PostRenderers) == 0 {
		return false
	}
	text, err := json.Marshal(r.PostRenderers)
	return err != nil || render.NamesSchemas(text)
}

// LoadReleaseChart loads the release's chart from its repository's files, as
// Flux would hand it to Helm.
func LoadReleaseChart(tree fs.FS, r Release) (*render.Chart, error) {
	tree, err := artifact(tree, r)
	if err != nil {
		return nil, err
	}
	chart, err := render.LoadChart(tree, r.Chart, r.Ignore)
	if err != nil {
		return nil, err
	}
	if !r.PatchesSchemas() {
		chart = chart.WithoutSchemas()
	}
	if r.AnyValues {
		chart = chart.WithoutValuesSchemas()
	}
	return chart.WithValuesFiles(tree, r.ValuesFiles, r.IgnoreMissingValuesFiles)
}

// RenderAll renders every release that has a chart. A release that fails gets
// Err, and the others go on. Charts that ask for API versions see those that
// the other charts' CRDs bring: first what is expected of them, and whoever
// asked for something that turned out otherwise is rendered again. The result
// is sorted by namespace, name and HelmRelease, whatever the order of the
// inputs. The error is ctx's alone.
func RenderAll(ctx context.Context, inputs []Input, opts RenderOptions) (*Set, error) {
	p := newPlatform(inputs, opts)
	err := p.each(ctx, p.longestFirst(func(j *job) bool { return j.input.expected == nil }), func(j *job) {
		j.input.Expect(ctx, p.opts)
	})
	if err != nil {
		return nil, err
	}
	for _, j := range p.jobs {
		j.expect()
	}
	p.reading.Go(readTables)
	for range maxRounds {
		now := p.apiVersions()
		todo := p.longestFirst(func(j *job) bool { return !j.tried || j.chart.Facts().AsksFor(onlyInOne(j.knew, now)) })
		if len(todo) == 0 {
			break
		}
		if err := p.render(ctx, todo); err != nil {
			return nil, err
		}
	}
	return p.set(), nil
}

// job is one release on its way through the rounds.
type job struct {
	input    Input
	chart    render.ChartSource // nil where there is nothing to render
	rendered *RenderedRelease
	weight   time.Duration // how long rendering is expected to take
	tried    bool
	knew     []string // the API versions that it was last rendered for
	// crds are the expected ones until the release was rendered, and then those that it installs.
	crds []render.CRD
}

// platform is all releases, sorted as in the result.
type platform struct {
	opts RenderOptions
	jobs []*job
	// reading is what readAhead has begun.
	reading sync.WaitGroup
}

func newPlatform(inputs []Input, opts RenderOptions) *platform {
	p := &platform{opts: opts}
	for _, in := range inputs {
		j := &job{input: in, rendered: &RenderedRelease{Release: in.Release, Commit: in.Commit}}
		p.jobs = append(p.jobs, j)
		if in.Chart == nil || in.Release.Err != nil {
			if in.Release.Err == nil {
				j.rendered.Err = errors.New("its chart was not fetched")
			}
			continue
		}
		j.chart = in.Chart
		if j.weight = in.Took; j.weight == 0 {
			j.weight = time.Duration(in.Chart.Facts().Bytes) * perByte
		}
	}
	slices.SortStableFunc(p.jobs, func(a, b *job) int {
		return cmp.Or(strings.Compare(a.rendered.Namespace, b.rendered.Namespace),
			strings.Compare(a.rendered.Name, b.rendered.Name),
			strings.Compare(a.rendered.HelmRelease, b.rendered.HelmRelease))
	})
	return p
}

// perByte is about how long rendering takes for every byte of a chart of which nothing else is known.
const perByte = 100 * time.Nanosecond

// longestFirst lists the jobs that meet a condition, so that the longest do not start last.
func (p *platform) longestFirst(want func(*job) bool) []*job {
	var jobs []*job
	for _, j := range p.jobs {
		if j.chart != nil && want(j) {
			jobs = append(jobs, j)
		}
	}
	slices.SortStableFunc(jobs, func(a, b *job) int { return cmp.Compare(b.weight, a.weight) })
	return jobs
}

// crds are all that the platform brings, as far as is known.
func (p *platform) crds() []render.CRD {
	crds := render.CRDs(p.opts.Extra)
	for _, j := range p.jobs {
		crds = append(crds, j.crds...)
	}
	return crds
}

func (p *platform) apiVersions() []string { return render.APIVersions(p.crds()) }

// render renders jobs at once, all for the same API versions.
func (p *platform) render(ctx context.Context, todo []*job) error {
	crds := p.crds()
	versions := render.APIVersions(crds)
	return p.each(ctx, todo, func(j *job) {
		j.tried, j.knew = true, versions
		j.render(ctx, p.opts, crds)
		p.readAhead(j.rendered.Objects)
	})
}

// each does something with jobs, several at once. Its error is ctx's.
func (p *platform) each(ctx context.Context, jobs []*job, do func(*job)) error {
	limit := p.opts.Concurrency
	if limit <= 0 {
		limit = runtime.GOMAXPROCS(0)
	}
	var group errgroup.Group
	group.SetLimit(limit)
	for _, j := range jobs {
		group.Go(func() error {
			if ctx.Err() == nil {
				do(j)
			}
			return nil
		})
	}
	return errors.Join(group.Wait(), ctx.Err())
}

// expect takes over which CRDs the release will install. A chart that cannot even be
// asked is given up.
func (j *job) expect() {
	e := j.input.expected
	if j.chart == nil || e == nil {
		return
	}
	if e.err != nil {
		j.rendered.Err = fmt.Errorf("render release %s: %w", j.rendered.Name, e.err)
		j.chart = nil
	}
	j.crds = e.crds
}

// render leaves the result in the job. A release that fails keeps the CRDs that are expected of it.
func (j *job) render(ctx context.Context, opts RenderOptions, crds []render.CRD) {
	r := j.rendered
	out, err := orInProcess(opts.Renderer).Render(ctx, j.chart, r.Request(opts, crds))
	if err != nil {
		r.Err, r.Objects, r.Invalid = fmt.Errorf("render release %s: %w", r.Name, err), nil, nil
		return
	}
	r.Err, r.Objects, r.Invalid, j.crds = nil, out.Objects, out.Invalid, out.CRDs
}

// set gives the objects the namespaces that all CRDs together say.
func (p *platform) set() *Set {
	p.reading.Wait()
	s := &Set{Extra: p.opts.Extra}
	crds := p.crds()
	for _, j := range p.jobs {
		render.SetNamespaces(j.rendered.Objects, j.rendered.Namespace, crds)
		s.Releases = append(s.Releases, j.rendered)
	}
	return s
}

// onlyInOne lists what is in one of two sorted lists only.
func onlyInOne(a, b []string) []string {
	var out []string
	for len(a) > 0 && len(b) > 0 {
		switch c := strings.Compare(a[0], b[0]); {
		case c == 0:
			a, b = a[1:], b[1:]
		case c < 0:
			out, a = append(out, a[0]), a[1:]
		default:
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}
