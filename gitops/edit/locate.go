package edit

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

const policiesKey = "policies"

// document is the part of a source in which the policies stand.
type document struct {
	// source is the source with everything outside the part blanked.
	*source
	root     *yaml.Node
	key      *yaml.Node // the key "policies"
	policies *yaml.Node // its value: a mapping, or null
}

// locate finds the mapping of policies that holds the mutator, else the one that
// holds the default mutator, else the one at the top of the values.
//
// A values file often holds several templates and text between them. Each body of
// a define is read on its own first, then what lies outside them, then the whole;
// where that does not parse, the block under "policies", and at last only the two
// policies' own blocks.
func (s *source) locate(mutator, defaultMutator string) (*document, error) {
	if s.deep {
		return nil, fmt.Errorf("%w: template blocks are nested deeper than %d", ErrNoAnchor, maxBlocks)
	}
	policyViews := func() []*source { return s.policyViews(mutator, defaultMutator) }
	anchored := false
	for _, name := range []string{mutator, defaultMutator} {
		anchored = anchored || hasKey(s.text, name)
	}
	var parseErr error
	for _, views := range []func() []*source{s.templateViews, s.wholeView, s.blockViews, policyViews} {
		found, err := search(views(), mutator, defaultMutator)
		if err != nil && parseErr == nil {
			parseErr = err
		}
		if err != nil && anchored && (len(found) == 0 || found[0].rank == topLevel) {
			continue // what could not be read may be what is meant
		}
		if len(found) > 1 {
			return nil, fmt.Errorf("%w: %q stands at lines %d and %d", ErrAmbiguous, policiesKey, found[0].key.Line, found[1].key.Line)
		}
		if len(found) == 1 {
			return &found[0].document, nil
		}
	}
	if parseErr != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoAnchor, parseErr)
	}
	return nil, fmt.Errorf("%w: no mapping %q", ErrNoAnchor, policiesKey)
}

// wholeView returns the whole source.
func (s *source) wholeView() []*source { return []*source{s} }

// maxViews bounds how many parts of one file are tried.
const maxViews = 16

// templateViews returns the bodies of the outermost defines that hold policies, and what lies outside them.
func (s *source) templateViews() []*source {
	var views []*source
	var outside []span
	at := 0
	for _, d := range s.defines {
		outside = append(outside, span{at, d.start})
		at = d.end
		if len(views) < maxViews && hasKey(s.masked[d.start:d.end], policiesKey) {
			views = append(views, s.view(d))
		}
	}
	if at == 0 {
		return nil
	}
	return append(views, s.view(append(outside, span{at, len(s.text)})...))
}

// blockViews returns each block of lines under a key "policies" at the left margin.
func (s *source) blockViews() []*source {
	var views []*source
	for _, i := range s.policiesLines() {
		views = append(views, s.view(s.blockUnder(i)))
	}
	return views
}

// policiesLines returns the lines that begin with the key "policies" at the left margin.
func (s *source) policiesLines() []int {
	var found []int
	for i, l := range s.lines {
		if len(found) < maxViews && s.kindOf(i) == content && s.indent(i) == 0 && isKeyLine(l.of(s.masked), policiesKey) {
			found = append(found, i)
		}
	}
	return found
}

// policyViews returns, for each key "policies" at the left margin, that line and the blocks of the named policies only.
func (s *source) policyViews(names ...string) []*source {
	var views []*source
	for _, i := range s.policiesLines() {
		keep := []span{{s.lines[i].start, s.lines[i].next}}
		end := s.blockUnder(i).end
		for j := i + 1; j < len(s.lines) && s.lines[j].start < end; j++ {
			for _, name := range names {
				if s.indent(j) > 0 && isKeyLine(s.lines[j].of(s.masked), name) {
					keep = append(keep, s.blockUnder(j))
				}
			}
		}
		if len(keep) > 1 {
			views = append(views, s.view(keep...))
		}
	}
	return views
}

// blockUnder returns the lines of the mapping entry whose key is on the given line,
// with a list that stands at the indentation of the key.
func (s *source) blockUnder(number int) span {
	end := number + 1
	for end < len(s.lines) && (s.kindOf(end) != content || s.indent(end) > s.indent(number) || s.isItem(end) && s.indent(end) == s.indent(number)) {
		end++
	}
	return span{s.lines[number].start, s.lines[end-1].next}
}

// isItem says whether a line begins with the dash of a list's item.
func (s *source) isItem(number int) bool {
	text := s.lines[number].of(s.masked)[s.indent(number):]
	return bytes.HasPrefix(text, []byte("- ")) || string(text) == "-"
}

// view returns the source with all masked text outside the given parts blanked.
func (s *source) view(parts ...span) *source {
	v := *s
	v.cursor = cursor{line: -1}
	v.masked = bytes.Clone(s.masked)
	at := 0
	for _, p := range parts {
		blank(v.masked[at:p.start])
		at = p.end
	}
	blank(v.masked[at:])
	v.look()
	return &v
}

// rank says how sure it is that a mapping of policies is the one that is meant; less is surer.
type rank int

const (
	withMutator rank = iota
	withDefault
	topLevel
)

type hit struct {
	document
	rank rank
}

// search returns the mappings of policies of the best rank first, and the first parse error that it met.
func search(views []*source, mutator, defaultMutator string) ([]hit, error) {
	var found []hit
	var firstErr error
	for _, v := range views {
		roots, err := v.parse()
		if err != nil {
			if firstErr == nil {
				firstErr = err
			}
			continue
		}
		for _, root := range roots {
			collect(root, 0, func(key, value *yaml.Node, depth int) {
				d := document{source: v, root: root, key: key, policies: value}
				switch {
				case hasChild(value, mutator):
					found = append(found, hit{d, withMutator})
				case hasChild(value, defaultMutator):
					found = append(found, hit{d, withDefault})
				case depth == 0:
					found = append(found, hit{d, topLevel})
				}
			})
		}
	}
	var best []hit
	for r := withMutator; r <= topLevel && len(best) == 0; r++ {
		for _, h := range found {
			if h.rank == r {
				best = append(best, h)
			}
		}
	}
	return best, firstErr
}

// parse reads the masked text and returns the roots of its documents that are mappings.
func (s *source) parse() ([]*yaml.Node, error) {
	var roots []*yaml.Node
	for d := yaml.NewDecoder(bytes.NewReader(s.masked)); ; {
		var n yaml.Node
		err := d.Decode(&n)
		if errors.Is(err, io.EOF) {
			return roots, nil
		}
		if err != nil {
			return nil, fmt.Errorf("parse the masked text: %w", err)
		}
		if n.Kind == yaml.DocumentNode && len(n.Content) == 1 && n.Content[0].Kind == yaml.MappingNode {
			roots = append(roots, n.Content[0])
		}
	}
}

// maxDepth bounds how deep below the root a mapping of policies is looked for.
const maxDepth = 6

// collect visits every key "policies" below n whose value can hold policies.
func collect(n *yaml.Node, depth int, visit func(key, value *yaml.Node, depth int)) {
	if n.Kind != yaml.MappingNode || depth > maxDepth {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Value == policiesKey && (value.Kind == yaml.MappingNode || isNull(value)) {
			visit(key, value, depth)
		}
		collect(value, depth+1, visit)
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == yaml.NodeTagNull }

func hasChild(n *yaml.Node, key string) bool {
	k, _, err := child(n, key)
	return k != nil || err != nil
}

// child returns the key and value of a mapping's entry, nil where it has none. An
// entry that stands twice, as in two branches of a template, is an error.
func child(n *yaml.Node, name string) (key, value *yaml.Node, err error) {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil, nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Kind != yaml.ScalarNode || n.Content[i].Value != name {
			continue
		}
		if key != nil {
			return nil, nil, fmt.Errorf("%w: %q stands at lines %d and %d", ErrAmbiguous, name, key.Line, n.Content[i].Line)
		}
		key, value = n.Content[i], n.Content[i+1]
	}
	return key, value, nil
}
