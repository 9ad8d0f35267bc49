package render

import (
	"context"
	"maps"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"sigs.k8s.io/yaml"
)

// renderAs executes a chart and reads what it rendered.
func (by *Renderer) renderAs(ctx context.Context, c *Chart, r Request, as stage, w *watch) (*execution, *Output, error) {
	e, err := by.execute(ctx, c, r, as, w, drawnTimes[0])
	if err != nil {
		return nil, nil, err
	}
	out, err := e.output(ctx, c, r, as, w)
	return e, out, err
}

// execution is what the templates of a chart rendered.
type execution struct {
	by        *Renderer
	parsed    *parsed
	values    chartutil.Values
	templates map[string]template // by the names that Helm's engine gives them
	rendered  map[string]string   // by the same names
	made      []string            // the template of each object of the output
}

// execute lets Helm's engine run the templates, on a certain date.
func (by *Renderer) execute(ctx context.Context, c *Chart, r Request, as stage, w *watch, date string) (e *execution, err error) {
	defer recovered(&err)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p, err := by.parse(c)
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
	values, err := p.prepare(r, caps, as, &by.schemas)
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
	if by.Restart != nil {
		by.Restart(strings.Join([]string{c.Name, r.Namespace, r.ReleaseName, date}, "/"))
	}
	defer yaml.Remember()()
	rendered, err := engine.Engine{LintMode: as == upgrade}.Render(p.chart, values)
	if err != nil {
		return nil, newTemplateError(err, templates)
	}
	return &execution{by: by, parsed: p, values: values["Values"].(chartutil.Values), templates: templates, rendered: rendered}, ctx.Err()
}

// output is what the rendered files hold. Where names in it seem to be drawn at random or
// from the time, the chart is executed again and * put for what differs, so that the same
// chart always renders the same names.
func (e *execution) output(ctx context.Context, c *Chart, r Request, as stage, w *watch) (*Output, error) {
	out, err := e.decode(r)
	if err != nil || !c.draws() || !namesDrawn(out, c, r) {
		return out, err
	}
	again, err := e.by.execute(ctx, c, r, as, w, drawnTimes[1])
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(again.rendered, func(name, _ string) bool { _, ok := e.rendered[name]; return !ok })
	other, err := again.decode(r)
	if err != nil {
		return nil, err
	}
	steady(out, other)
	SetNamespaces(out.Objects, r.Namespace, slices.Concat(out.CRDs, r.CRDs))
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
	values := e.values
	out = &Output{Objects: d.objects, Invalid: d.invalid, ReadValues: func() map[string]any { return values }}
	setMetadata(out.Objects, "labels", r.CommonLabels, r.PostRenderStrategy)
	setMetadata(out.Objects, "annotations", r.CommonAnnotations, r.PostRenderStrategy)
	out.CRDs = append(e.parsed.crds(), CRDs(out.Objects)...)
	SetNamespaces(out.Objects, r.Namespace, slices.Concat(out.CRDs, r.CRDs))
	return out, nil
}
