package render

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// ChartSource is a chart whose files need not be in memory. A *Chart is one that has them.
type ChartSource interface {
	// Facts are what is known of the chart without its files.
	Facts() Facts
	// Open returns the chart with its files. The error says why they cannot be had any more.
	Open(ctx context.Context) (*Chart, error)
}

// Facts are what can be said of a chart without its files.
type Facts struct {
	Digest string // of everything in the chart: another chart with it renders the same
	Bytes  int    // of its files
	// Asks are the API versions that templates, and what they may execute, ask for by their names, sorted.
	Asks []string
	// AsksOpenly is true where they ask for the cluster's capabilities in another way,
	// so that any version may matter. Words are then what of them could be the name of an API
	// group or hold it, sorted, each between two line feeds: "" for too many.
	AsksOpenly bool
	Words      string
	// MentionsCRDs is true where a file that may define kinds names this one: without, no CRDs are expected of the chart.
	MentionsCRDs bool
}

var _ ChartSource = (*Chart)(nil)

// Open returns c.
func (c *Chart) Open(context.Context) (*Chart, error) { return c, nil }

// Facts implements ChartSource. They are found out once.
func (c *Chart) Facts() Facts {
	c.once.Do(func() { c.facts = c.findFacts() })
	return c.facts
}

func (c *Chart) findFacts() Facts {
	f := Facts{MentionsCRDs: c.MentionsCRDs()}
	h := sha256.New()
	fmt.Fprintf(h, "%q %q\n", c.Dir, c.Name)
	for _, file := range c.Files {
		fmt.Fprintf(h, "%q %q %d\n", file.Name, file.Source, len(file.Data))
		h.Write(file.Data)
		f.Bytes += len(file.Data)
		if mayAsk(file) {
			f.read(file.Data)
		}
	}
	f.Digest = hex.EncodeToString(h.Sum(nil))
	slices.Sort(f.Asks)
	f.Asks = slices.Compact(f.Asks)
	if f.AsksOpenly {
		f.Words = c.words()
	}
	return f
}

// maxWords bounds how many words of a chart are noted.
const maxWords = 10_000

// mayAsk tells whether a file may ask for capabilities: a template, or what one may execute, which
// is default values and any other file that speaks of them, but not definitions and prose.
func mayAsk(f File) bool {
	switch {
	case strings.Contains("/"+f.Name, "/templates/") || path.Base(f.Name) == "values.yaml":
		return true
	case strings.HasPrefix(ownPath(f.Name), "crds/") || path.Ext(f.Name) == ".md":
		return false
	}
	return bytes.Contains(f.Data, []byte("."+capabilitiesWord))
}

// words lists the dotted words of the files that may ask, those aside that define
// kinds: they name their group without asking for it.
func (c *Chart) words() string {
	seen := map[string]bool{}
	for _, f := range c.Files {
		if !mayAsk(f) || bytes.Contains(f.Data, []byte(crdKind)) {
			continue
		}
		for w := range dottedWords(f.Data) {
			if !seen[string(w)] { // most are, and need no copy
				seen[string(w)] = true
			}
		}
		if len(seen) > maxWords {
			return ""
		}
	}
	return wordList(slices.Sorted(maps.Keys(seen)))
}

func wordList(words []string) string { return "\n" + strings.Join(words, "\n") + "\n" }

// dottedWords yields the longest words with a dot of the characters that names of API groups have.
func dottedWords(text []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for end := 0; ; {
			dot := bytes.IndexByte(text[end:], '.')
			if dot < 0 {
				return
			}
			begin := end + dot
			for begin > end && isGroupByte(text[begin-1]) {
				begin--
			}
			for end += dot; end < len(text) && isGroupByte(text[end]); {
				end++
			}
			if !yield(text[begin:end]) {
				return
			}
		}
	}
}

func isGroupByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-'
}

const capabilitiesWord = "Capabilities"

// The ways to ask for the cluster's capabilities: for an API version by its name, for
// what is the same in every release's request, and in any other way.
var (
	question   = regexp.MustCompile(capabilitiesWord + `(\.\w+)*(\s+"[^"]*")?`)
	byName     = regexp.MustCompile(`^` + capabilitiesWord + `\.APIVersions\.Has\s+"([^"]*)"$`)
	ofVersions = regexp.MustCompile(`^` + capabilitiesWord + `\.(KubeVersion|HelmVersion)\b`)
)

// read looks for questions in a template or in values, which may hold templates, too.
func (f *Facts) read(text []byte) {
	for _, q := range question.FindAll(text, -1) {
		if m := byName.FindSubmatch(q); m != nil {
			f.Asks = append(f.Asks, string(m[1]))
		} else if !ofVersions.Match(q) {
			f.AsksOpenly = true
		}
	}
}

// AskedVersions picks from API versions those that may matter to the chart with the given
// values, which may hold templates, too.
func (f Facts) AskedVersions(versions []string, values map[string]any) []string {
	openly := f.AsksOpenly
	texts(values, func(text string) { openly = openly || strings.Contains(text, capabilitiesWord) })
	if openly {
		return versions
	}
	return slices.DeleteFunc(slices.Clone(versions), func(v string) bool { return !slices.Contains(f.Asks, v) })
}
