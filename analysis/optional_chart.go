package analysis

import (
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"tokenward/analysis/render"
)

// chartPart is a chart or one of its subcharts as a release's values see it.
type chartPart struct {
	prefix []string       // where its values stand among the release's
	values map[string]any // its own with those of the release over them
	// subcharts are the keys among the values that belong to subcharts.
	subcharts []string
	templates []podTemplate
	// off are the paths of the values that keep the part out of the release; empty where it is in.
	off [][]string
}

// dependency is an entry of a Chart.yaml.
type dependency struct {
	Name      string `json:"name"`
	Alias     string `json:"alias"`
	Condition string `json:"condition"`
}

// key is where the values of the dependency stand among those of its parent.
func (d dependency) key() string {
	if d.Alias != "" {
		return d.Alias
	}
	return d.Name
}

// maxParts bounds how many subcharts of a chart are looked at.
const maxParts = 100

// chartParts reads a chart and its subcharts as a release's values see them, the chart first. What
// cannot be read is left out: Helm has refused it already.
func (r *partReader) chartParts(given map[string]any) []chartPart {
	r.read("", nil, given, nil)
	return r.parts
}

func newPartReader(chart *render.Chart, kinds podKinds) *partReader {
	r := &partReader{files: map[string][]render.File{}, kinds: kinds, metas: map[string]chartMeta{}, values: map[string]map[string]any{}}
	for _, f := range chart.Files {
		dir := chartDir(f.Name)
		r.files[dir] = append(r.files[dir], f)
	}
	return r
}

// chartDir is the folder of the innermost chart that a file belongs to: "" or charts/x/...
func chartDir(name string) string {
	parts := strings.Split(name, "/")
	end := 0
	for end+2 < len(parts) && parts[end] == "charts" {
		end += 2
	}
	return strings.Join(parts[:end], "/")
}

type partReader struct {
	files map[string][]render.File // by the folder of their chart
	kinds podKinds
	parts []chartPart
	// What was read already, by folder. Nobody changes it.
	metas  map[string]chartMeta
	values map[string]map[string]any
}

// read reads the chart in a folder and its subcharts. given are the release's
// values for it.
func (r *partReader) read(dir string, prefix []string, given map[string]any, off [][]string) {
	if len(r.parts) == maxParts {
		return
	}
	part := chartPart{prefix: prefix, off: off, values: render.MergeValues(r.defaults(dir), given), templates: r.templates(dir, prefix)}
	at := len(r.parts)
	r.parts = append(r.parts, part)
	dependencies := r.dependencies(dir)
	for _, folder := range r.subfolders(dir) {
		for _, d := range called(dependencies, r.meta(folder).Name) {
			r.parts[at].subcharts = append(r.parts[at].subcharts, d.key())
			sub, _ := part.values[d.key()].(map[string]any)
			seen := render.MergeValues(map[string]any{d.key(): r.defaults(folder)}, part.values)
			r.read(folder, slices.Concat(prefix, []string{d.key()}), sub, slices.Concat(off, d.off(prefix, seen)))
		}
	}
}

// templates reads a chart's templates. Those of library charts are among them:
// they see the values of the chart that includes them.
func (r *partReader) templates(dir string, prefix []string) []podTemplate {
	s := templateScanner{kinds: r.kinds, prefix: prefix, defines: map[string]*podTemplate{}}
	folders := []string{dir}
	for _, folder := range r.subfolders(dir) {
		if r.meta(folder).Type == "library" {
			folders = append(folders, folder)
		}
	}
	for _, folder := range folders {
		for _, f := range r.files[folder] {
			if name := inChart(folder, f.Name); strings.HasPrefix(name, "templates/") {
				s.scan(f.Name, name, f.Data)
			}
		}
	}
	return s.templates()
}

// off is the path of the condition that keeps a dependency out, nil where none
// does: the first of its conditions that has a value decides.
func (d dependency) off(prefix []string, values map[string]any) [][]string {
	for _, condition := range strings.Split(d.Condition, ",") {
		keys := strings.Split(strings.TrimSpace(condition), ".")
		v := lookUp(values, keys)
		if on, ok := v.(bool); ok && !on {
			return [][]string{slices.Concat(prefix, keys)}
		} else if ok {
			return nil
		}
	}
	return nil
}

// called lists the dependencies that take the chart with the name; one that
// nobody declares is taken as it is.
func called(all []dependency, name string) []dependency {
	var out []dependency
	for _, d := range all {
		if d.Name == name {
			out = append(out, d)
		}
	}
	if len(out) == 0 {
		return []dependency{{Name: name}}
	}
	return out
}

// chartMeta is what is read of a Chart.yaml or requirements.yaml.
type chartMeta struct {
	Name         string       `json:"name"`
	Type         string       `json:"type"`
	Dependencies []dependency `json:"dependencies"`
}

func (r *partReader) meta(dir string) chartMeta {
	meta, ok := r.metas[dir]
	if !ok {
		r.decode(dir, "Chart.yaml", &meta)
		r.metas[dir] = meta
	}
	return meta
}

func (r *partReader) dependencies(dir string) []dependency {
	var old chartMeta
	r.decode(dir, "requirements.yaml", &old)
	return slices.Concat(r.meta(dir).Dependencies, old.Dependencies)
}

// defaults are the chart's own values.
func (r *partReader) defaults(dir string) map[string]any {
	values, ok := r.values[dir]
	if !ok {
		values = map[string]any{}
		r.decode(dir, "values.yaml", &values)
		r.values[dir] = values
	}
	return values
}

// decode reads a file of a chart. A file that Helm could not read either says nothing.
func (r *partReader) decode(dir, name string, into any) {
	for _, f := range r.files[dir] {
		if inChart(dir, f.Name) == name && yaml.Unmarshal(f.Data, into) != nil {
			return
		}
	}
}

func inChart(dir, name string) string { return strings.TrimPrefix(strings.TrimPrefix(name, dir), "/") }

// subfolders lists the folders of the charts right below a chart's folder, sorted.
func (r *partReader) subfolders(dir string) []string {
	var out []string
	for folder := range r.files {
		if folder != "" && chartParent(folder) == dir {
			out = append(out, folder)
		}
	}
	slices.Sort(out)
	return out
}

func chartParent(dir string) string {
	parent := path.Dir(path.Dir(dir)) // without charts/x
	if parent == "." {
		return ""
	}
	return parent
}
