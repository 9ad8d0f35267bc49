package render

import (
	"iter"
	"path"
	"regexp"
	"slices"
	"strings"
)

// reach tells which of a chart's templates say something, or include what says it. It
// looks at text, and takes more for an include than there are: every name in quotes counts.
type reach struct {
	says    func(action string) bool
	defines map[string]*reachText
	files   map[string]*reachText // by their name in the chart
}

// reachText is a template file, or what a define holds.
type reachText struct {
	says    bool     // or has what cannot be followed
	names   []string // what stands in quotes
	actions []string
	// sets are the keys of values that it changes for other templates to see, "" for one that is worked out.
	sets []string
}

var (
	// definition finds that an action begins a define or block.
	definition = regexp.MustCompile(`^\{\{-?\s*(?:define|block)\s+("(?:[^"\\\n]|\\.)*"|` + "`[^`]*`)")
	// setting finds a change of values that more than the template itself may see: of no
	// variable of its own and of nothing that it has just made.
	setting = regexp.MustCompile(`\b(?:set|unset|mergeOverwrite|mustMergeOverwrite|merge|mustMerge)\s+(?:\(\s*(\w*)|\.|\$\.|\$\s|\$\w+\.)`)
	setKey  = regexp.MustCompile(`\bset\s+[^\s("]+\s+"([^"]+)"`)
	freshly = regexp.MustCompile(`^(?:dict|(?:mustD|d)eepCopy|(?:mustF|f)rom(?:Yaml|Json))$`)
	// openInclude finds an include of a template whose name is worked out, and the path that it may end in.
	openInclude = regexp.MustCompile(`\binclude\s+(?:\(\s*print\s+\$?\.Template\.BasePath\s+"([^"]*)"\s*\)|[^\s"` + "`" + `])`)
)

// saying returns the chart with those templates alone that say something, or include what
// does: c itself where values that may be executed say it or where it may reach any template,
// nil where nothing does. says looks at an action; every action of which it is true holds one of the words. What other
// templates may need is in the part, too, and renders what it renders.
func (c *Chart) saying(values map[string]any, says func(action string) bool, words []string) *Chart {
	if !slices.ContainsFunc(c.Files, func(f File) bool { return inTemplates(f.Name) && containsAny(f.textOf(), words...) }) {
		return nil
	}
	r := &reach{says: says, defines: map[string]*reachText{}, files: map[string]*reachText{}}
	for _, f := range c.Files {
		if inTemplates(f.Name) && path.Ext(f.Name) != ".md" {
			r.files[f.Name] = r.read(f.textOf())
		}
	}
	if r.valuesSay(c, values) || !r.follow() {
		return c
	}
	wanted := map[string]bool{}
	for name, t := range r.files {
		if !strings.HasPrefix(path.Base(name), "_") && r.reaches(t, map[*reachText]bool{}) {
			r.want(name, wanted)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	return c.without(func(f File) bool {
		return isCRDFile(f.Name) || inTemplates(f.Name) && !wanted[f.Name] && !isPartial(f) ||
			path.Base(f.Name) == "values.schema.json" // the whole chart's values were held against it
	})
}

// without returns the chart without some of its files.
func (c *Chart) without(drop func(File) bool) *Chart {
	out := &Chart{Dir: c.Dir, Name: c.Name}
	for _, f := range c.Files {
		if !drop(f) {
			out.Files = append(out.Files, f)
		}
	}
	return out
}

func isCRDFile(name string) bool { return strings.HasPrefix(ownPath(name), "crds/") }

// isPartial tells whether other templates may need the file for what it defines.
func isPartial(f File) bool {
	return strings.HasPrefix(path.Base(f.Name), "_") || containsAny(f.textOf(), "define", "block")
}

// want adds a file and those that it includes by their paths.
func (r *reach) want(name string, wanted map[string]bool) {
	if wanted[name] {
		return
	}
	wanted[name] = true
	r.eachPath(r.files[name], map[*reachText]bool{}, func(file string) { r.want(file, wanted) })
}

// eachPath goes through the files that a text, or what it includes, names by the ends of their paths.
func (r *reach) eachPath(t *reachText, seen map[*reachText]bool, use func(file string)) {
	if t == nil || seen[t] {
		return
	}
	seen[t] = true
	for _, name := range t.names {
		r.eachPath(r.defines[name], seen, use)
		for _, file := range r.ending(name) {
			use(file)
		}
	}
}

// ending lists the template files whose names end in a path.
func (r *reach) ending(name string) []string {
	var files []string
	if !strings.HasSuffix(name, ".yaml") {
		return nil
	}
	for file := range r.files {
		if strings.HasSuffix(file, name) {
			files = append(files, file)
		}
	}
	return files
}

// read notes what a text says, and what its defines do.
func (r *reach) read(text string) *reachText {
	all := &reachText{}
	within := all
	for a := range eachAction(text) {
		if m := definition.FindStringSubmatch(a); m != nil {
			name := m[1][1 : len(m[1])-1]
			if within = r.defines[name]; within == nil { // which of two wins is Helm's business
				within = &reachText{}
				r.defines[name] = within
			}
			continue
		}
		says := r.says(a)
		if strings.Contains(a, "include") {
			for _, m := range openInclude.FindAllStringSubmatch(a, -1) {
				says = says || m[1] == ""
			}
		}
		var sets []string
		if containsAny(a, "set", "erge") {
			sets = keysSet(a)
		}
		for _, t := range []*reachText{all, within} {
			t.says, t.sets, t.actions = t.says || says, append(t.sets, sets...), append(t.actions, a)
			t.names = appendLiterals(t.names, a)
		}
	}
	return all
}

// keysSet lists what an action changes for others to see.
func keysSet(action string) []string {
	var keys []string
	for _, m := range setting.FindAllStringSubmatch(action, -1) {
		if freshly.MatchString(m[1]) {
			continue
		}
		key := ""
		if k := setKey.FindStringSubmatch(action); k != nil {
			key = k[1]
		}
		keys = append(keys, key)
	}
	return keys
}

// eachAction goes through what stands between {{ and }} in a text, both included.
func eachAction(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for {
			start := strings.Index(text, "{{")
			if start < 0 {
				return
			}
			text = text[start:]
			end := actionLen(text)
			if !yield(text[:end]) {
				return
			}
			text = text[end:]
		}
	}
}

// actionLen is the length of the action that text begins with.
func actionLen(text string) int {
	for i := 2; i < len(text); i++ {
		switch {
		case text[i] == '"' || text[i] == '`':
			i += quotedLen(text[i:]) - 1
		case strings.HasPrefix(text[i:], "}}"):
			return i + 2
		case strings.HasPrefix(text[i:], "/*"):
			end := strings.Index(text[i:], "*/")
			if end < 0 {
				return len(text)
			}
			i += end + 1
		}
	}
	return len(text)
}

// appendLiterals appends the texts in quotes of an action.
func appendLiterals(names []string, action string) []string {
	for i := 0; i < len(action); i++ {
		if c := action[i]; c == '"' || c == '`' {
			n := quotedLen(action[i:])
			if n > 2 {
				names = append(names, action[i+1:i+n-1])
			}
			i += n - 1
		}
	}
	return names
}

// reaches tells whether a text says it, or anything that it may include.
func (r *reach) reaches(t *reachText, seen map[*reachText]bool) bool {
	if t == nil || seen[t] {
		return false
	}
	seen[t] = true
	if t.says {
		return true
	}
	for _, name := range t.names {
		if r.reaches(r.defines[name], seen) {
			return true
		}
		if slices.ContainsFunc(r.ending(name), func(file string) bool { return r.reaches(r.files[file], seen) }) {
			return true
		}
	}
	return false
}

// follow finds the texts that read what a text that says it sets: they say it, too. It is
// false where it cannot be known who does.
func (r *reach) follow() bool {
	followed := map[string]bool{}
	for {
		var keys []string
		for t := range r.rendered() {
			if len(t.sets) == 0 || !r.reaches(t, map[*reachText]bool{}) {
				continue
			}
			for _, key := range t.sets {
				if key == "" {
					return false
				}
				if !followed[key] {
					followed[key], keys = true, append(keys, key)
				}
			}
		}
		if len(keys) == 0 {
			return true
		}
		for t := range r.rendered() {
			t.says = t.says || slices.ContainsFunc(t.actions, func(a string) bool { return containsAny(a, keys...) })
		}
	}
}

// rendered goes through the texts that come to be rendered: all but the files of partials, of
// which only what they define does.
func (r *reach) rendered() iter.Seq[*reachText] {
	return func(yield func(*reachText) bool) {
		for name, t := range r.files {
			if !strings.HasPrefix(path.Base(name), "_") && !yield(t) {
				return
			}
		}
		for _, t := range r.defines {
			if !yield(t) {
				return
			}
		}
	}
}

// valuesSay tells whether values do that a template may execute.
func (r *reach) valuesSay(c *Chart, values map[string]any) bool {
	found := false
	look := func(text string) {
		found = found || strings.Contains(text, "{{") && r.reaches(r.read(text), map[*reachText]bool{})
	}
	texts(values, look)
	for _, f := range c.Files {
		if path.Base(f.Name) == "values.yaml" {
			look(strings.ReplaceAll(string(f.Data), `\"`, `"`)) // as within quotes of YAML
		}
	}
	return found
}
