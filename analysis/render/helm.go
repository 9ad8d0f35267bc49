package render

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"path"
	"slices"
	"strings"
	"unsafe"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
)

// RedirectHelmLog sends what Helm's library says through the standard library's
// log package (it warns there of values that do not fit together, and offers
// no other way) to w. It changes a setting of the whole process: main calls it
// once, before anything renders; io.Discard keeps the terminal clean.
func RedirectHelmLog(w io.Writer) { log.SetOutput(w) }

// parsed is a chart as Helm sees it, made anew for every render.
type parsed struct {
	chart *chart.Chart
	dir   string
	// origin leads from a file's content to its path in the repository. Helm
	// renames, copies and aliases charts, but never copies their content.
	origin map[*byte]string
}

// recovered makes an error of a panic in Helm's library, which charts of an odd form can cause.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("Helm gave up: %v", r)
	}
}

// parse makes Helm's chart out of the files.
func (by *Renderer) parse(c *Chart) (p *parsed, err error) {
	defer recovered(&err)
	p = &parsed{dir: c.Dir, origin: make(map[*byte]string, len(c.Files))}
	buffered := make([]*loader.BufferedFile, 0, len(c.Files))
	var all places
	for _, f := range c.Files {
		data := f.Data
		switch {
		case ownPath(f.Name) == "values.yaml":
			data = all.place(&by.values, data)
		case len(data) > 0 && f.Source != "":
			if _, taken := p.origin[unsafe.SliceData(data)]; taken {
				data = bytes.Clone(data) // two files of the repository share one blob
			}
			p.origin[unsafe.SliceData(data)] = f.Source
		}
		buffered = append(buffered, &loader.BufferedFile{Name: f.Name, Data: data})
	}
	ch, err := loader.LoadFiles(buffered)
	if err != nil {
		return nil, err
	}
	sortDependencies(ch)
	all.fill(ch)
	p.chart = ch
	return p, nil
}

// sortDependencies undoes the random order in which Helm loads subcharts.
func sortDependencies(ch *chart.Chart) {
	deps := slices.Clone(ch.Dependencies())
	slices.SortStableFunc(deps, func(a, b *chart.Chart) int {
		return strings.Compare(a.Name()+" "+a.Metadata.Version, b.Name()+" "+b.Metadata.Version)
	})
	for _, d := range deps {
		sortDependencies(d)
	}
	ch.SetDependencies(deps...)
}

// template is one template file of a chart whose dependencies are processed.
type template struct {
	source string
	text   []byte
}

// templates maps the names that Helm's engine uses to the files they come from.
func (p *parsed) templates() map[string]template {
	out := map[string]template{}
	var walk func(ch *chart.Chart)
	walk = func(ch *chart.Chart) {
		for _, t := range ch.Templates {
			name := path.Join(ch.ChartFullPath(), t.Name)
			out[name] = template{source: p.source(name, t.Data), text: t.Data}
		}
		for _, d := range ch.Dependencies() {
			walk(d)
		}
	}
	walk(p.chart)
	return out
}

// source is the path in the repository of the file that Helm calls name. A file
// out of an archive has none of its own, so Helm's path stands for it:
// charts/<name or alias>/... below the chart's folder.
func (p *parsed) source(name string, data []byte) string {
	if len(data) > 0 {
		if s, ok := p.origin[unsafe.SliceData(data)]; ok {
			return s
		}
	}
	_, rest, _ := strings.Cut(name, "/")
	return path.Join(p.dir, rest)
}

// checkInstallable repeats what Helm's install action checks and its engine does not.
func (p *parsed) checkInstallable(kubeVersion string) error {
	meta := p.chart.Metadata
	if t := meta.Type; t != "" && t != "application" {
		return fmt.Errorf("chart %s is a %s chart, which cannot be installed", meta.Name, t)
	}
	if meta.KubeVersion != "" && !compatible(meta.KubeVersion, kubeVersion) {
		return fmt.Errorf("chart %s requires Kubernetes %s, and kubernetes.version is %s", meta.Name, meta.KubeVersion, kubeVersion)
	}
	return nil
}
