package render

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chartutil"
	"sigs.k8s.io/yaml"
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
	// PostRenderStrategy says how hooks and tests go through the post-renderers.
	PostRenderStrategy PostRenderStrategy
	// CommonLabels and CommonAnnotations are set on every object, but with NoHooks on hooks: the HelmRelease's
	// spec.commonMetadata.
	CommonLabels, CommonAnnotations map[string]string
	// DisabledHooks are the hooks that do not run, as Helm calls them. An object that is no other is not there.
	DisabledHooks []string
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
	// ReadValues gives what Values returns, nil where there are none.
	ReadValues func() map[string]any
	// Message is the form that all this was read from, before any change made since; nil where it was rendered in this process.
	Message []byte
}

// Values returns the chart's own values with the request's merged over them: few who render ask for
// them, and so they are read from a message when somebody does. Damaged ones are nil.
func (o *Output) Values() map[string]any {
	if o.ReadValues == nil {
		return nil
	}
	return o.ReadValues()
}

// Renderer renders charts, and keeps of one what it may need for the next: schemas as they are when
// compiled, and values as they are when read. It may be used by several goroutines at once. The zero value is ready.
type Renderer struct {
	// Restart is called before templates run, with what names the chart, its release and which of the renders that are
	// compared it is: for whoever lets them draw the same for the same. It is nil for nobody.
	Restart func(seed string)

	schemas schemas
	values  valuesFiles
}

// Render is Render of a Renderer that keeps nothing.
func Render(ctx context.Context, c *Chart, r Request) (*Output, error) {
	return new(Renderer).Render(ctx, c, r)
}

// Render runs Helm's engine as an installation of a release would, without a
// cluster: lookup finds nothing, DNS answers nothing. Hooks of every kind are there,
// and so is what only an upgrade renders (a template that asks for
// .Release.IsUpgrade): see addUpgrade. An error of a template comes as *TemplateError. An object that cannot be
// decoded is in Output.Invalid and no error. Render
// cannot be stopped while a template runs; ctx is looked at between the steps.
func (by *Renderer) Render(ctx context.Context, c *Chart, r Request) (*Output, error) {
	e, out, upgrades, err := by.install(ctx, c, r)
	if err != nil {
		return nil, fmt.Errorf("render chart %s: %w", c.Dir, err)
	}
	if upgrades {
		addUpgrade(ctx, c, r, e, out)
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("render chart %s: %w", c.Dir, err)
		}
	}
	if len(r.DisabledHooks) > 0 {
		out.Objects = slices.DeleteFunc(out.Objects, func(o *Object) bool { return o.onlyHooks(r.DisabledHooks) })
	}
	return out, nil
}

// install renders an installation, and tells whether an upgrade may render something else.
func (by *Renderer) install(ctx context.Context, c *Chart, r Request) (e *execution, out *Output, upgrades bool, err error) {
	if c.watchable(r.Values) {
		var w watch
		e, out, err := by.renderAs(ctx, c, r, installation, &w)
		if !w.inTheWay(err) {
			return e, out, w.asked, err
		}
	}
	e, out, err = by.renderAs(ctx, c, r, installation, nil)
	return e, out, c.upgrades(), err
}

// stage is a moment in the life of a release.
type stage bool

const (
	installation stage = false
	upgrade      stage = true
)

// prepare settles which subcharts are enabled and what every template sees.
func (p *parsed) prepare(r Request, caps *chartutil.Capabilities, as stage, known *schemas) (chartutil.Values, error) {
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
	if err := p.validate(merged, known); err != nil {
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
		crds = append(crds, crdsIn(f.File.Data)...)
	}
	return crds
}

// piece is one rendered document.
type piece struct {
	template string // as Helm's engine calls it
	source   string
	line     int // where it starts in the rendered file
	text     string
	json     bool           // the text is JSON
	decoded  map[string]any // what the text says, or in place of one, as post-renderers leave it
}

// read decodes a text whose keys are unique, as far as it is certain what it says.
func (p *piece) read() {
	if p.decoded == nil && !p.json {
		p.decoded, _ = yaml.ReadUnique([]byte(p.text), objectNumber)
	}
}

func (p piece) fields() (map[string]any, error) {
	switch {
	case p.decoded != nil:
		return p.decoded, nil
	case p.json:
		return decodeJSON([]byte(p.text))
	}
	return decodeYAML([]byte(p.text))
}

// document is the text, in JSON for a piece that has none.
func (p piece) document() (string, error) {
	if p.text != "" {
		return p.text, nil
	}
	text, err := json.Marshal(p.decoded)
	return string(text), err
}

// as is the piece with what is in another.
func (p piece) as(other piece) piece {
	p.text, p.json, p.decoded = other.text, other.json, other.decoded
	return p
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
