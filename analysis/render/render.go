package render

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
)

// Request says how a chart is released.
type Request struct {
	ReleaseName string
	Namespace   string
	// Values are merged over the chart's own. They are not changed.
	Values map[string]any
	// PostRenderers are those of the HelmRelease, as decoded from YAML: maps
	// with the key kustomize, and within it patches and images.
	PostRenderers []any
	// SkipHooks keeps hooks and tests from the post-renderers: Flux's
	// postRenderStrategy "nohooks", which was the only way before Flux 2.8.
	SkipHooks bool
	// CommonLabels and CommonAnnotations are set on every object: the HelmRelease's spec.commonMetadata.
	CommonLabels, CommonAnnotations map[string]string
	// KubeVersion is the cluster's, DefaultKubeVersion where empty.
	KubeVersion string
	// APIVersions are known to .Capabilities.APIVersions beside those of
	// Helm's library and of CRDs: "group/version" and "group/version/Kind".
	APIVersions []string
	// CRDs are those that the rest of the platform brings; their versions are
	// known to .Capabilities.APIVersions, and their scopes decide which objects get a namespace.
	CRDs []CRD
}

// Output is what a chart renders.
type Output struct {
	// Objects are sorted by their template, then in the template's own order. Hooks and tests are among them.
	Objects []*Object
	Invalid []Invalid
	// CRDs are those that the release installs: of the crds/ folders of the
	// chart and its enabled subcharts, and among Objects.
	CRDs []CRD
	// Values are the chart's own with the request's merged over them.
	Values map[string]any
}

// Render runs Helm's engine as an installation of a release would, without a
// cluster: lookup finds nothing, DNS answers nothing. Hooks of every kind are there,
// and so is what only an upgrade renders (a template that asks for
// .Release.IsUpgrade): see addUpgrade. An error of a template comes as *TemplateError. An object that cannot be
// decoded is in Output.Invalid and no error. Render
// cannot be stopped while a template runs; ctx is looked at between the steps.
func Render(ctx context.Context, c *Chart, r Request) (*Output, error) {
	var w watch
	e, out, err := renderAs(ctx, c, r, installation, &w)
	upgrades := w.asked
	if (err != nil || w.shown) && ctx.Err() == nil { // perhaps the watch is in the way
		e, out, err = renderAs(ctx, c, r, installation, nil)
		upgrades = c.upgrades()
	}
	if err != nil {
		return nil, fmt.Errorf("render chart %s: %w", c.Dir, err)
	}
	if upgrades {
		addUpgrade(ctx, c, r, e, out)
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("render chart %s: %w", c.Dir, err)
		}
	}
	return out, nil
}

// stage is a moment in the life of a release.
type stage bool

const (
	installation stage = false
	upgrade      stage = true
)

// renderAs renders a chart whose names seem to be drawn at random or from the time twice
// and puts * for what differs, so that the same chart always renders the same names.
func renderAs(ctx context.Context, c *Chart, r Request, as stage, w *watch) (*execution, *Output, error) {
	e, err := execute(ctx, c, r, as, w, drawnTimes[0])
	if err != nil {
		return nil, nil, err
	}
	out, err := e.output(ctx, c, r, as, w)
	return e, out, err
}

// execution is what the templates of a chart rendered.
type execution struct {
	parsed    *parsed
	values    chartutil.Values
	templates map[string]template // by the names that Helm's engine gives them
	rendered  map[string]string   // by the same names
	made      []string            // the template of each object of the output
}

// execute lets Helm's engine run the templates, on a certain date.
func execute(ctx context.Context, c *Chart, r Request, as stage, w *watch, date string) (e *execution, err error) {
	defer recovered(&err)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p, err := c.parse()
	if err != nil {
		return nil, err
	}
	caps, err := capabilities(r.KubeVersion, r.CRDs, r.APIVersions)
	if err != nil {
		return nil, err
	}
	if err := p.checkInstallable(caps.KubeVersion.Version); err != nil {
		return nil, err
	}
	values, err := p.prepare(r, caps, as)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if w != nil {
		values["Release"] = w.release(r)
	}
	templates := p.templates()
	setSurroundings(p.chart, date)
	rendered, err := engine.Engine{LintMode: as == upgrade}.Render(p.chart, values)
	if err != nil {
		return nil, newTemplateError(err, templates)
	}
	return &execution{parsed: p, values: values["Values"].(chartutil.Values), templates: templates, rendered: rendered}, ctx.Err()
}

// output is what the rendered files hold. Where names in it seem to be drawn, the chart
// is executed again to see which.
func (e *execution) output(ctx context.Context, c *Chart, r Request, as stage, w *watch) (*Output, error) {
	out, err := e.decode(r)
	if err != nil || !c.draws() || !namesDrawn(out, c, r) {
		return out, err
	}
	again, err := execute(ctx, c, r, as, w, drawnTimes[1])
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(again.rendered, func(name, _ string) bool { _, ok := e.rendered[name]; return !ok })
	other, err := again.decode(r)
	if err != nil {
		return nil, err
	}
	steady(out, other)
	return out, nil
}

func (e *execution) decode(r Request) (out *Output, err error) {
	defer recovered(&err)
	pieces := splitRendered(e.rendered, e.templates)
	if pieces, err = postRender(pieces, r); err != nil {
		return nil, err
	}
	var d decoder
	d.decode(pieces)
	locate(d.objects, d.templates, e.templates)
	e.made = d.templates
	out = &Output{Objects: d.objects, Invalid: d.invalid, Values: e.values}
	setMetadata(out.Objects, "labels", r.CommonLabels)
	setMetadata(out.Objects, "annotations", r.CommonAnnotations)
	out.CRDs = append(e.parsed.crds(), CRDs(out.Objects)...)
	SetNamespaces(out.Objects, r.Namespace, slices.Concat(out.CRDs, r.CRDs))
	return out, nil
}

// prepare settles which subcharts are enabled and what every template sees.
func (p *parsed) prepare(r Request, caps *chartutil.Capabilities, as stage) (chartutil.Values, error) {
	values := r.Values
	if values == nil {
		values = map[string]any{}
	}
	if err := p.process(values); err != nil {
		return nil, fmt.Errorf("process dependencies: %w", err)
	}
	options := chartutil.ReleaseOptions{Name: r.ReleaseName, Namespace: r.Namespace, Revision: 1, IsInstall: true}
	if as == upgrade {
		options.Revision, options.IsInstall, options.IsUpgrade = 2, false, true
	}
	// The schemas are checked apart, by a validator that opens no file and no connection.
	top, err := chartutil.ToRenderValuesWithSchemaValidation(p.chart, values, options, caps, true)
	if err != nil {
		return nil, fmt.Errorf("merge values: %w", err)
	}
	merged, ok := top["Values"].(chartutil.Values)
	if !ok {
		merged = top["Values"].(map[string]any)
		top["Values"] = merged
	}
	if as == upgrade {
		return top, nil // the installation's values are the same, and have been checked
	}
	if err := p.validate(merged); err != nil {
		return nil, err
	}
	return top, nil
}

// process takes away the subcharts that the values disable, and imports values from the others.
func (p *parsed) process(values map[string]any) (err error) {
	defer recovered(&err)
	return chartutil.ProcessDependenciesWithMerge(p.chart, values)
}

// crds reads the crds/ folders of the chart and its enabled subcharts.
func (p *parsed) crds() []CRD {
	var crds []CRD
	for _, f := range p.chart.CRDObjects() {
		crds = append(crds, crdsIn(string(f.File.Data))...)
	}
	return crds
}

// piece is one rendered document.
type piece struct {
	template string // as Helm's engine calls it
	source   string
	line     int // where it starts in the rendered file
	text     string
	json     bool // the text is JSON, as post-renderers leave it
}

func (p piece) fields() (map[string]any, error) {
	if p.json {
		return decodeJSON([]byte(p.text))
	}
	return decodeYAML(p.text)
}

// splitRendered cuts the rendered files into documents, in the order of their sources.
func splitRendered(rendered map[string]string, templates map[string]template) []piece {
	var names []string
	for name, text := range rendered {
		if !strings.HasSuffix(name, "NOTES.txt") && strings.TrimSpace(text) != "" {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		if c := strings.Compare(templates[a].source, templates[b].source); c != 0 {
			return c
		}
		return strings.Compare(a, b)
	})
	var pieces []piece
	for _, name := range names {
		for _, doc := range splitDocuments(rendered[name]) {
			pieces = append(pieces, piece{template: name, source: templates[name].source, line: doc.line, text: doc.text})
		}
	}
	return pieces
}
