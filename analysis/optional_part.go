package analysis

import (
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
	chart *render.Chart
	// byName are the files, as indexes, that define a name.
	byName map[string][]int
	// byPath are those that a path names: the folder of their chart, and the end of their own name.
	byPath map[[2]string][]int
	next   map[int][]int // the files that a file names, as far as somebody asked
}

func newPartOf(chart *render.Chart) *partOf {
	p := &partOf{chart: chart, byName: map[string][]int{}, byPath: map[[2]string][]int{}, next: map[int][]int{}}
	for i, f := range chart.Files {
		folder := chartDir(f.Name)
		name, ok := strings.CutPrefix(inChart(folder, f.Name), "templates/")
		if !ok {
			continue
		}
		for _, defined := range definedIn(string(f.Data)) {
			p.byName[defined] = append(p.byName[defined], i)
		}
		key := [2]string{folder, name}
		p.byPath[key] = append(p.byPath[key], i)
	}
	return p
}

// part is the chart with the templates given and what they can reach. Other files stay
// where any of it, or of the values, speaks of the chart's files.
func (p *partOf) part(files []string, values map[string]any) *render.Chart {
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
	all := speaks(values)
	for i, f := range p.chart.Files {
		name := inChart(chartDir(f.Name), f.Name)
		if isMetadata(name) {
			reached[i] = true
			all = all || name == "values.yaml" && speaksOfFiles(string(f.Data))
		}
		all = all || reached[i] && strings.HasPrefix(name, "templates/") && speaksOfFiles(string(f.Data))
	}
	out := &render.Chart{Dir: p.chart.Dir, Name: p.chart.Name}
	for i, f := range p.chart.Files {
		name := inChart(chartDir(f.Name), f.Name)
		if reached[i] || all && !strings.HasPrefix(name, "templates/") && !strings.HasPrefix(name, "crds/") {
			out.Files = append(out.Files, f)
		}
	}
	return out
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

// isMetadata tells of a chart's file whether Helm reads it whatever the templates say.
func isMetadata(name string) bool {
	return slices.Contains([]string{"Chart.yaml", "requirements.yaml", "values.yaml", "values.schema.json"}, name)
}

// speaksOfFiles tells whether a text says the word by which templates reach the chart's files.
func speaksOfFiles(text string) bool {
	const word = "Files"
	for at := 0; ; {
		i := strings.Index(text[at:], word)
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
		return speaksOfFiles(v)
	case map[string]any:
		for key, e := range v {
			if speaksOfFiles(key) || speaks(e) {
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
func definedIn(text string) []string {
	var out []string
	for _, word := range []string{"define", "block"} {
		for rest := text; ; {
			_, after, ok := strings.Cut(rest, word)
			if !ok {
				break
			}
			rest = after
			if quoted, err := strconv.QuotedPrefix(strings.TrimLeft(rest, space)); err == nil {
				if name, err := strconv.Unquote(quoted); err == nil {
					out = append(out, name)
				}
			}
		}
	}
	return out
}
