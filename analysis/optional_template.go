package analysis

import (
	"slices"
	"strings"
)

// podTemplate is what a template shows, without being run, of the pods that it makes.
type podTemplate struct {
	file  string // its name in the whole chart; "" for a define
	text  []byte // as it is written; nil for a define
	names string // in lower case: its path and the lines that give names; gathered in named first
	named []byte
	pods  bool // it has an object of a kind that makes pods, by the name of the kind
	makes bool // pods may really come from it, as far as its other lines tell
	// guards are the values that conditions around such objects read, reads all
	// the values that it reads; as paths among the release's.
	guards, reads pathSet
	uses          []templateUse
}

// templateUse is a mention of a named template, and what the conditions around it read.
type templateUse struct {
	name   string
	guards [][]string
}

// templateScanner steps through templates. Each define is a podTemplate of its own.
type templateScanner struct {
	kinds   podKinds
	prefix  []string       // where the values of the chart stand among the release's
	bodies  []*podTemplate // the files
	defines map[string]*podTemplate
}

// templateBlock is an open if, with, range or define.
type templateBlock struct {
	reads pathSet
	dot   []string     // the value that the dot stands for in it, nil where it is no single one
	outer *podTemplate // what a define stands in, nil for other blocks
}

// scan steps through one file, of which name is the path in its own chart.
func (s *templateScanner) scan(file, name string, text []byte) {
	current := &podTemplate{file: file, text: text, named: []byte(strings.ToLower(name))}
	s.bodies = append(s.bodies, current)
	var open []templateBlock
	var whole string // text, once somebody asks
	for step := range steps(text) {
		switch {
		case step.kind != "":
			if s.kinds.called(step.kind) {
				current.pods = true
				if whole == "" {
					whole = string(text)
				}
				current.makes = current.makes || s.kinds.maybe(step.kind, whole, step.at)
				current.guards.addAll(guardsOf(open))
			}
		case !strings.HasPrefix(step.text, "{{"):
			current.named = append(append(current.named, '\n'), strings.ToLower(step.text)...)
			s.read(current, step.text, open)
		default:
			s.read(current, step.text, open)
			open, current = s.follow(open, current, step.action, step.rest)
		}
	}
}

// read notes the values and named templates that a piece of a template mentions.
func (s *templateScanner) read(t *podTemplate, text string, open []templateBlock) {
	read := s.paths(text, dotOf(open))
	t.reads.addAll(read.list)
	if !strings.Contains(text, "include") && !strings.Contains(text, "template") {
		return
	}
	for name := range quotedNames(text) {
		t.uses = append(t.uses, templateUse{name, guardsOf(open)})
	}
}

// follow keeps account of the blocks that are open after an action, and of the define among them.
func (s *templateScanner) follow(open []templateBlock, t *podTemplate, action, rest string) ([]templateBlock, *podTemplate) {
	last, dot := len(open)-1, dotOf(open)
	switch action {
	case "if":
		return append(open, templateBlock{reads: s.paths(rest, dot), dot: dot}), t
	case "with", "range", "block":
		b := templateBlock{reads: s.paths(rest, dot)}
		if action == "with" && len(b.reads.list) == 1 {
			b.dot = b.reads.list[0]
		}
		return append(open, b), t
	case "define":
		inner := &podTemplate{}
		for name := range quotedNames(rest) {
			s.defines[name] = inner
			break
		}
		return append(open, templateBlock{outer: t}), inner
	case "else":
		if last >= 0 {
			read := s.paths(rest, dot)
			open[last].reads.addAll(read.list)
		}
	case "end":
		if last >= 0 && open[last].outer != nil {
			t = open[last].outer
		}
		return open[:max(last, 0)], t
	}
	return open, t
}

// paths are the values that a piece of a template reads, below dot where it names
// them by the dot alone.
func (s *templateScanner) paths(text string, dot []string) (out pathSet) {
	for keys := range valuesRead(text) {
		path := strings.Split(keys, ".")
		if path[0] != "global" {
			path = slices.Concat(s.prefix, path)
		}
		out.add(path)
	}
	if dot == nil {
		return out
	}
	for keys := range relativeRead(text) {
		out.add(slices.Concat(dot, strings.Split(keys, ".")))
	}
	return out
}

func dotOf(open []templateBlock) []string {
	if len(open) == 0 {
		return nil
	}
	return open[len(open)-1].dot
}

// maxGuards is how many of the blocks around a place are looked at.
const maxGuards = 100

// guardsOf is what the conditions around a place read, those around its define left out.
func guardsOf(open []templateBlock) [][]string {
	var out pathSet
	for _, b := range slices.Backward(open[max(0, len(open)-maxGuards):]) {
		if b.outer != nil {
			break
		}
		out.addAll(b.reads.list)
	}
	return out.list
}

// templates returns the files with what the named templates that they use add to them.
func (s *templateScanner) templates() []podTemplate {
	out := make([]podTemplate, len(s.bodies))
	done := map[*podTemplate]*podTemplate{}
	for i, t := range s.bodies {
		out[i] = *s.joined(t, done)
	}
	return out
}

// joined adds to a template what those that it uses bring. One that uses itself, through
// others too, is taken as it is there.
func (s *templateScanner) joined(t *podTemplate, done map[*podTemplate]*podTemplate) *podTemplate {
	if j, ok := done[t]; ok {
		return j
	}
	done[t] = t
	t.names = string(t.named)
	out := *t
	out.guards, out.reads, out.named = t.guards.clone(), t.reads.clone(), slices.Clone(t.named)
	for _, u := range t.uses {
		inner, ok := s.defines[u.name]
		if !ok {
			continue
		}
		more := s.joined(inner, done)
		out.reads.addAll(more.reads.list)
		if more.pods {
			out.pods, out.makes = true, out.makes || more.makes
			out.guards.addAll(u.guards)
			out.guards.addAll(more.guards.list)
			if len(out.named) < maxNames {
				out.named = append(append(out.named, '\n'), more.names...)
			}
		}
	}
	out.names, out.named = string(out.named), nil
	done[t] = &out
	return &out
}

// maxNames bounds how many names are gathered from templates that use each other.
const maxNames = 1 << 16
