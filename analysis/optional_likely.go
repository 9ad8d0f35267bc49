package analysis

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
)

// score asks every pattern how much it speaks for the switch.
func (c *featureSwitch) score(ix templateIndex, patterns []string, r Release) {
	key := pathKey(c.path())
	var texts []string
	spoken := map[string]bool{} // patterns whose pods a template names as they are
	for _, t := range ix.dependent[key] {
		tried := t.makes
		for _, pattern := range patterns {
			if names := spokenNames(pattern, ""); len(names) > 0 && bytes.Contains(t.text, []byte(names[0])) {
				spoken[pattern], tried = true, true
			}
		}
		texts = append(texts, t.names)
		if tried {
			c.files = append(c.files, t.file)
		}
	}
	if len(texts) > 0 && len(c.files) == 0 || len(texts) == 0 && !(ix.read[key] && c.called()) {
		return
	}
	for _, pattern := range patterns {
		words := c.own(patternWords(pattern, r))
		if len(texts) == 0 && !c.says(words) {
			continue
		}
		likely := likelihood(c.path(), words, texts)
		if spoken[pattern] {
			likely = max(likely, spokenAloud)
		}
		if likely > 0 {
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
			for _, path := range t.reads.list {
				ix.read[pathKey(path)] = true
			}
			if !t.pods {
				continue
			}
			guards := t.guards.clone()
			guards.addAll(part.off)
			for _, path := range guards.list {
				key := pathKey(path)
				ix.dependent[key] = append(ix.dependent[key], t)
			}
		}
	}
	return ix
}

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

// spokenAloud is how likely a value is on which a template depends that names the pattern's pods.
const spokenAloud = 10

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
