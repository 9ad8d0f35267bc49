package analysis

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// setting is one value at a path among a release's values.
type setting struct {
	path []string
	on   any
}

// featureSwitch is a value of a release that may switch a feature on, together with
// those that let the value's subchart into the release where it is left out.
type featureSwitch struct {
	input    int // index of the release among the inputs
	settings []setting
	likely   int      // by the pattern that speaks for it most
	hints    []string // the patterns that speak for it
	// files are the templates whose pods depend on it; empty where that is not known.
	files []string
}

// path is where the value itself stands.
func (c featureSwitch) path() []string { return c.settings[len(c.settings)-1].path }

// switchesOf lists the values of a release that switch something on, as far as a
// pattern speaks for them.
func switchesOf(index int, in Input, patterns []string, kinds map[string]bool) []featureSwitch {
	parts := chartParts(in, kinds)
	ix := indexTemplates(parts)
	var all []featureSwitch
	seen := map[string]bool{}
	add := func(off [][]string, path []string, on any) {
		if key := pathKey(path); !seen[key] {
			seen[key] = true
			c := featureSwitch{input: index, settings: append(allOn(off), setting{path, on})}
			c.score(ix, patterns, in.Release)
			if len(c.hints) > 0 {
				all = append(all, c)
			}
		}
	}
	for _, part := range parts {
		if last := len(part.off) - 1; last >= 0 {
			add(part.off[:last], part.off[last], true)
		}
		walkSwitches(part, part.values, nil, func(path []string, on any) {
			add(part.off, slices.Concat(part.prefix, path), on)
		})
	}
	return all
}

func allOn(paths [][]string) []setting {
	var out []setting
	for _, path := range paths {
		out = append(out, setting{path, true})
	}
	return out
}

// score asks every pattern how much it speaks for the switch.
func (c *featureSwitch) score(ix templateIndex, patterns []string, r Release) {
	key := pathKey(c.path())
	var texts []string
	for _, t := range ix.dependent[key] {
		texts = append(texts, t.names)
		c.files = append(c.files, t.file)
	}
	if len(texts) == 0 && !(ix.read[key] && c.called()) {
		return
	}
	for _, pattern := range patterns {
		words := c.own(patternWords(pattern, r))
		if len(texts) == 0 && !c.says(words) {
			continue
		}
		if likely := likelihood(c.path(), words, texts); likely > 0 {
			c.hints, c.likely = append(c.hints, pattern), max(c.likely, likely)
		}
	}
	if c.called() {
		c.likely++
	}
}

// templateIndex finds the templates of a release by the values that they read.
type templateIndex struct {
	// dependent are those whose pods depend on a value: it guards them, or lets their subchart in.
	dependent map[string][]*podTemplate
	read      map[string]bool // the values that any template reads
}

func indexTemplates(parts []chartPart) templateIndex {
	ix := templateIndex{dependent: map[string][]*podTemplate{}, read: map[string]bool{}}
	for _, part := range parts {
		for i := range part.templates {
			t := &part.templates[i]
			for _, path := range t.reads {
				ix.read[pathKey(path)] = true
			}
			if !t.pods {
				continue
			}
			for _, path := range addPaths(slices.Clone(t.guards), part.off) {
				key := pathKey(path)
				ix.dependent[key] = append(ix.dependent[key], t)
			}
		}
	}
	return ix
}

func pathKey(path []string) string { return strings.Join(path, "\x00") }

// says tells whether the value's path has every word: what a switch must have that no
// template is seen to depend on.
func (c *featureSwitch) says(pattern []string) bool {
	path := strings.ToLower(strings.Join(c.path(), " "))
	for _, w := range pattern {
		if !strings.Contains(path, w) {
			return false
		}
	}
	return len(pattern) > 0
}

// own leaves out the words that the subchart's name explains already, where the
// subchart has to be let in first.
func (c *featureSwitch) own(pattern []string) []string {
	if len(c.settings) == 1 {
		return pattern
	}
	before := words(strings.Join(c.settings[len(c.settings)-2].path, " "))
	return slices.DeleteFunc(pattern, func(w string) bool { return slices.Contains(before, w) })
}

// called tells whether charts call what switches something on like the value's key.
func (c *featureSwitch) called() bool {
	for _, w := range words(c.path()[len(c.path())-1]) {
		switch w {
		case "enabled", "enable", "create", "deploy", "install", "run", "use", "replicas", "replica":
			return true
		}
	}
	return false
}

// likelihood says how much the words of a pattern speak for a value: at least half
// of them must stand in its path or in one of the templates that depend on it; 0
// if they do not. A pattern without words of its own speaks for every value alike.
func likelihood(path, pattern, texts []string) int {
	const perPathWord, perTextWord = 12, 8
	if len(pattern) == 0 {
		return 1
	}
	joined := strings.ToLower(strings.Join(path, " "))
	inPath, inText, either := 0, 0, 0
	for _, w := range pattern {
		if strings.Contains(joined, w) {
			inPath++
		}
	}
	either = inPath
	for _, text := range texts {
		n, more := 0, 0
		for _, w := range pattern {
			if strings.Contains(text, w) {
				n++
				if !strings.Contains(joined, w) {
					more++
				}
			}
		}
		inText, either = max(inText, n), max(either, inPath+more)
	}
	if 2*either < len(pattern) {
		return 0
	}
	return 1 + (perPathWord*inPath+perTextWord*inText)/len(pattern)
}

// walkSwitches visits every value that may switch something on, with the value that does.
// Those of subcharts are left to the subcharts' own parts.
func walkSwitches(part chartPart, values map[string]any, path []string, visit func(path []string, on any)) {
	for _, key := range sortedKeys(values) {
		if len(path) == 0 && (slices.Contains(part.subcharts, key) || key == "global" && len(part.prefix) > 0) {
			continue
		}
		here := append(path, key)
		if m, ok := values[key].(map[string]any); ok && len(m) > 0 {
			walkSwitches(part, m, here, visit)
			continue
		}
		if on := switchedOn(key, values[key]); on != nil {
			visit(here, on)
		}
	}
}

// switchedOn is the value that switches on what another value leaves off, nil where
// it leaves nothing off.
func switchedOn(key string, value any) any {
	key = strings.ToLower(key)
	negative := strings.HasPrefix(key, "disable") || strings.HasPrefix(key, "skip")
	switch v := value.(type) {
	case bool:
		if v == negative {
			return !v
		}
	case float64:
		if v == 0 && strings.HasPrefix(key, "replica") {
			return 1
		}
	case nil:
		if key == "enabled" {
			return true
		}
	case map[string]any:
		return map[string]any{"example": "example"}
	}
	return nil
}

// patternWords lists the words of a pattern that tell it from its neighbours.
func patternWords(pattern string, r Release) []string {
	common := words(r.Name + " " + r.Namespace + " " + r.HelmRelease)
	var out []string
	for _, w := range words(pattern) {
		if !slices.Contains(common, w) && !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	return out
}

// words cuts a name into lower-case words, also where a capital begins one.
func words(name string) []string {
	var out []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			out, word = append(out, strings.ToLower(string(word))), nil
		}
	}
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			flush()
			continue
		}
		if unicode.IsUpper(r) && len(word) > 0 && !unicode.IsUpper(word[len(word)-1]) {
			flush()
		}
		word = append(word, r)
	}
	flush()
	return out
}

// sortSwitches puts single values first, then the likeliest, then orders by release and path.
func sortSwitches(all []featureSwitch, inputs []Input) {
	slices.SortStableFunc(all, func(a, b featureSwitch) int {
		return cmp.Or(len(a.settings)-len(b.settings), b.likely-a.likely,
			strings.Compare(inputs[a.input].Release.Name, inputs[b.input].Release.Name),
			strings.Compare(inputs[a.input].Release.HelmRelease, inputs[b.input].Release.HelmRelease),
			slices.Compare(a.path(), b.path()))
	})
}
