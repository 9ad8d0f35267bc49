package cached

import (
	"crypto/sha256"
	"path"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"weak"

	"tokenward/analysis/render"
)

const capabilities = "Capabilities"

// The ways to ask for the cluster's capabilities: for an API version by its name, for
// what is the same in every release's request, and in any other way.
var (
	question      = regexp.MustCompile(`Capabilities(\.\w+)*(\s+"[^"]*")?`)
	plainQuestion = regexp.MustCompile(`^Capabilities\.APIVersions\.Has\s+"([^"]*)"$`)
	otherPart     = regexp.MustCompile(`^Capabilities\.(KubeVersion|HelmVersion)\b`)
)

// facts are what keys need to know of a chart.
type facts struct {
	digest string
	asks   map[string]bool // the API versions that its templates ask for by their names
	open   bool            // templates ask in another way, so that any version may matter
}

// charts remembers the facts of every chart for as long as that is in memory.
type charts struct {
	mu    sync.Mutex
	known map[weak.Pointer[render.Chart]]facts
}

func (k *charts) facts(c *render.Chart) facts {
	p := weak.Make(c)
	k.mu.Lock()
	f, ok := k.known[p]
	k.mu.Unlock()
	if ok {
		return f
	}
	f = factsOf(c)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known == nil {
		k.known = map[weak.Pointer[render.Chart]]facts{}
	}
	if _, ok := k.known[p]; !ok {
		k.known[p] = f
		runtime.AddCleanup(c, k.forget, p)
	}
	return f
}

func (k *charts) forget(p weak.Pointer[render.Chart]) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.known, p)
}

func factsOf(c *render.Chart) facts {
	d := digest{sha256.New()}
	d.text(c.Dir)
	d.text(c.Name)
	f := facts{asks: map[string]bool{}}
	for _, file := range c.Files {
		d.text(file.Name)
		d.text(file.Source)
		d.number('d', uint64(len(file.Data)))
		d.Write(file.Data)
		if isTemplate(file.Name) {
			f.read(file.Data)
		}
	}
	f.digest = d.sum()
	return f
}

// read looks for questions in a template or in values, which may hold templates, too.
func (f *facts) read(text []byte) {
	for _, q := range question.FindAll(text, -1) {
		if m := plainQuestion.FindSubmatch(q); m != nil {
			f.asks[string(m[1])] = true
		} else if !otherPart.Match(q) {
			f.open = true
		}
	}
}

func isTemplate(name string) bool {
	return strings.HasPrefix(name, "templates/") || strings.Contains(name, "/templates/") || path.Base(name) == "values.yaml"
}
