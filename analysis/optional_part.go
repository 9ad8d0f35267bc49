package analysis

import (
	"bytes"
	"iter"
	"slices"
	"strconv"
	"strings"

	"tokenward/analysis/render"
)

// partOf finds the part of a chart that a trial needs: some of its templates, and what these
// can reach. What a template asks for by a name that it puts together is not seen; the trial
// then fails, and is made with more of the chart.
type partOf struct {
	chart  *render.Chart
	reader *partReader
	// byName are the files, as indexes, that define a name.
	byName map[string][]int
	// byPath are those that a path names: the folder of their chart, and the end of their own name.
	byPath map[[2]string][]int
	next   map[int][]int // the files that a file names, as far as somebody asked
}

// index looks what the chart's templates define.
func (p *partOf) index() {
	p.byName, p.byPath, p.next = map[string][]int{}, map[[2]string][]int{}, map[int][]int{}
	for i, f := range p.chart.Files {
		folder := chartDir(f.Name)
		name, ok := strings.CutPrefix(inChart(folder, f.Name), "templates/")
		if !ok {
			continue
		}
		for _, defined := range definedIn(f.Data) {
			p.byName[defined] = append(p.byName[defined], i)
		}
		key := [2]string{folder, name}
		p.byPath[key] = append(p.byPath[key], i)
	}
}

// part is the chart with the templates given and what they can reach. Subcharts that the
// values keep out are left out, if the values at the paths returned are false. Other files
// stay where any of it, or of the values, speaks of the chart's files.
func (p *partOf) part(files []string, values map[string]any) (part *render.Chart, off [][]string) {
	if p.byName == nil {
		p.index()
	}
	gone, off := p.reader.keptOut("", nil, values)
	in, other := p.reached(files), make([]bool, len(p.chart.Files))
	all := speaks(values)
	for i, f := range p.chart.Files {
		folder := chartDir(f.Name)
		name := inChart(folder, f.Name)
		switch {
		case slices.ContainsFunc(gone, func(dir string) bool { return folder == dir || strings.HasPrefix(folder, dir+"/") }):
			in[i] = false
		case isMetadata(name):
			in[i] = true
			all = all || name == "values.yaml" && speaksOfFiles(f.Data)
		case in[i]:
			all = all || speaksOfFiles(f.Data)
		default:
			other[i] = !strings.HasPrefix(name, "templates/") && !strings.HasPrefix(name, "crds/")
		}
	}
	part = &render.Chart{Dir: p.chart.Dir, Name: p.chart.Name}
	for i, f := range p.chart.Files {
		if in[i] || all && other[i] {
			part.Files = append(part.Files, f)
		}
	}
	return part, off
}

// reached tells of every file whether it is one of those given, or what they can reach.
func (p *partOf) reached(files []string) []bool {
	reached := make([]bool, len(p.chart.Files))
	var open []int
	for i, f := range p.chart.Files {
		if slices.Contains(files, f.Name) {
			open = append(open, i)
		}
	}
	for len(open) > 0 {
		i := open[len(open)-1]
		open = open[:len(open)-1]
		if !reached[i] {
			reached[i] = true
			open = append(open, p.named(i)...)
		}
	}
	return reached
}

// named lists the files that a file names.
func (p *partOf) named(i int) []int {
	if next, ok := p.next[i]; ok {
		return next
	}
	text, folder := string(p.chart.Files[i].Data), chartDir(p.chart.Files[i].Name)
	byPath := strings.Contains(text, "BasePath")
	var out []int
	for name := range quoted(text) {
		out = append(out, p.byName[name]...)
		if byPath {
			out = append(out, p.byPath[[2]string{folder, strings.TrimPrefix(name, "/")}]...)
		}
	}
	p.next[i] = out
	return out
}

// keptOut lists the folders of subcharts that the values given keep out for certain: every
// entry for the chart has a condition that the chart above, or the release, sets to false. It names
// these conditions by their paths among the release's values.
func (r *partReader) keptOut(dir string, prefix []string, given map[string]any) (gone []string, off [][]string) {
	values := render.MergeValues(r.defaults(dir), given)
	dependencies := r.dependencies(dir)
	for _, folder := range r.subfolders(dir) {
		entries := called(dependencies, r.meta(folder).Name)
		var conditions [][]string
		for _, d := range entries {
			if path := d.keptOut(values); path != nil {
				conditions = append(conditions, slices.Concat(prefix, path))
			}
		}
		if len(conditions) == len(entries) {
			gone, off = append(gone, folder), append(off, conditions...)
		} else if len(entries) == 1 {
			key := entries[0].key()
			sub, _ := values[key].(map[string]any)
			below, more := r.keptOut(folder, slices.Concat(prefix, []string{key}), sub)
			gone, off = append(gone, below...), append(off, more...)
		}
	}
	return gone, off
}

// keptOut is the path of the first of a dependency's conditions, where that is false.
func (d dependency) keptOut(values map[string]any) []string {
	first, _, _ := strings.Cut(d.Condition, ",")
	path := strings.Split(strings.TrimSpace(first), ".")
	if on, ok := lookUp(values, path).(bool); ok && !on {
		return path
	}
	return nil
}

// areOff tells whether the values at the paths are all false.
func areOff(values map[string]any, paths [][]string) bool {
	return !slices.ContainsFunc(paths, func(path []string) bool {
		on, ok := lookUp(values, path).(bool)
		return !ok || on
	})
}

func lookUp(values map[string]any, path []string) any {
	var v any = values
	for _, key := range path {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

// isMetadata tells of a chart's file whether Helm reads it whatever the templates say.
func isMetadata(name string) bool {
	return slices.Contains([]string{"Chart.yaml", "requirements.yaml", "values.yaml", "values.schema.json"}, name)
}

// speaksOfFiles tells whether a text says the word by which templates reach the chart's files.
func speaksOfFiles(text []byte) bool {
	const word = "Files"
	for at := 0; ; {
		i := bytes.Index(text[at:], []byte(word))
		if i < 0 {
			return false
		}
		at += i + len(word)
		if (at == len(word) || !isWordByte(text[at-len(word)-1])) && (at == len(text) || !isWordByte(text[at])) {
			return true
		}
	}
}

// speaks tells whether a text among values speaks of the chart's files: a template may execute it.
func speaks(v any) bool {
	switch v := v.(type) {
	case string:
		return speaksOfFiles([]byte(v))
	case map[string]any:
		for key, e := range v {
			if speaksOfFiles([]byte(key)) || speaks(e) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, speaks)
	}
	return false
}

// quoted yields whatever stands between two quotation marks, be they a pair or not.
func quoted(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, mark := range []byte("\"`") {
			last := -1
			for at := 0; ; {
				i := strings.IndexByte(text[at:], mark)
				if i < 0 {
					break
				}
				at += i + 1
				// Inside of a quoted text, marks have a backslash before them.
				if last >= 0 && !yield(strings.TrimSuffix(text[last:at-1], `\`)) {
					return
				}
				last = at
			}
		}
	}
}

// definedIn lists the names that a template defines.
func definedIn(text []byte) []string {
	var out []string
	for _, word := range []string{"define", "block"} {
		for rest := text; ; {
			_, after, ok := bytes.Cut(rest, []byte(word))
			if !ok {
				break
			}
			rest = after
			if name, ok := quotedFirst(bytes.TrimLeft(rest, space)); ok {
				out = append(out, name)
			}
		}
	}
	return out
}

// quotedFirst is the Go string that a text begins with, if it begins with one.
func quotedFirst(text []byte) (string, bool) {
	if len(text) == 0 || strings.IndexByte("\"'`", text[0]) < 0 {
		return "", false
	}
	last := byte('\n') // others than raw strings end before it
	if text[0] == '`' {
		last = '`'
	}
	if i := bytes.IndexByte(text[1:], last); i >= 0 {
		text = text[:i+2]
	}
	quoted, err := strconv.QuotedPrefix(string(text))
	if err != nil {
		return "", false
	}
	name, err := strconv.Unquote(quoted)
	return name, err == nil
}
