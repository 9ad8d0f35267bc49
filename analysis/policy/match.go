package policy

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"tokenward/analysis/wildcard"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// nameLabel is the label with a namespace's name, which the API server sets by itself.
const nameLabel = "kubernetes.io/metadata.name"

// resource is a manifest as admission sees it, taken apart for matching.
type resource struct {
	group, version, kind string
	namespace            string
	name                 string // generateName where the manifest has no name yet
	labels, annotations  map[string]string
	namespaceLabels      map[string]string
	object               map[string]any
}

// resource reads what matching needs from a manifest.
func (p *Policies) resource(obj map[string]any) *resource {
	text := func(path ...string) string { s, _ := dig(obj, path...).(string); return s }
	r := &resource{
		kind:        text("kind"),
		version:     text("apiVersion"),
		namespace:   text("metadata", "namespace"),
		name:        text("metadata", "name"),
		labels:      stringMap(dig(obj, "metadata", "labels")),
		annotations: stringMap(dig(obj, "metadata", "annotations")),
		object:      obj,
	}
	if group, version, ok := strings.Cut(r.version, "/"); ok {
		r.group, r.version = group, version
	}
	if r.name == "" {
		r.name = text("metadata", "generateName")
	}
	r.namespaceLabels = p.labelsOf(r.namespace)
	return r
}

// labelsOf returns the labels of a namespace: those of its rendered manifest and the
// one that the API server sets by itself.
func (p *Policies) labelsOf(namespace string) map[string]string {
	out := map[string]string{nameLabel: namespace}
	maps.Copy(out, p.namespaceLabels[namespace])
	return out
}

// block is a match or exclude block.
type block struct {
	all     bool // every filter must match, not just one
	filters []filter
	// scopes are the namespaces that the filters name, * where one names none; of is the place of each one's filter.
	scopes wildcard.List
	of     []int
}

// filter is one entry of any or all, or the plain resources of an older rule.
type filter struct {
	spec  resourcesSpec
	kinds []kindPattern // spec.Kinds
	names *wildcard.List
}

func newFilter(s resourcesSpec) filter {
	f := filter{spec: s, names: wildcard.NewList(s.Names)}
	for _, kind := range s.Kinds {
		f.kinds = append(f.kinds, parseKind(kind))
	}
	return f
}

func (m *matchSpec) compile() block {
	return newBlock(len(m.Any) == 0 && len(m.All) > 0, m.filters()...)
}

func newBlock(all bool, specs ...resourcesSpec) block {
	b := block{all: all}
	for i, s := range specs {
		b.filters = append(b.filters, newFilter(s))
		scopes := s.Namespaces
		if len(scopes) == 0 {
			scopes = []string{"*"}
		}
		for _, scope := range scopes {
			b.scopes.Add(scope)
			b.of = append(b.of, i)
		}
	}
	return b
}

func (b *block) empty() bool {
	return !slices.ContainsFunc(b.filters, func(f filter) bool { return !f.spec.empty() })
}

func (b *block) matches(res *resource) bool {
	if b.all {
		return !slices.ContainsFunc(b.filters, func(f filter) bool { return !f.matches(res) })
	}
	for at := range b.scopes.Matching(res.scope()) {
		if b.filters[b.of[at]].matches(res) {
			return true
		}
	}
	return false
}

func (s *resourcesSpec) empty() bool {
	return len(s.Kinds) == 0 && s.Name == "" && len(s.Names) == 0 && len(s.Namespaces) == 0 &&
		len(s.Annotations) == 0 && s.Selector == nil && s.NamespaceSelector == nil && len(s.Operations) == 0
}

// matches follows the engine: every attribute that is given must match, and of a list
// one entry. A filter that says nothing matches nothing.
func (f filter) matches(res *resource) bool {
	s := &f.spec
	switch {
	case s.empty():
		return false
	case len(s.Operations) > 0 && !slices.Contains(s.Operations, "CREATE"):
		return false
	case len(s.Namespaces) > 0 && !matchesAny(s.Namespaces, res.scope()): // what most rules differ in
		return false
	case len(f.kinds) > 0 && !slices.ContainsFunc(f.kinds, res.is):
		return false
	case s.Name != "" && !matches(s.Name, res.name):
		return false
	case len(s.Names) > 0 && !f.names.Match(res.name):
		return false
	case !matchesAnnotations(s.Annotations, res.annotations):
		return false
	case s.Selector != nil && !matchesSelector(s.Selector, res.labels):
		return false
	case s.NamespaceSelector != nil && (res.kind == "Namespace" || !matchesSelector(s.NamespaceSelector, res.namespaceLabels)):
		return false
	}
	return true
}

// scope is the namespace that a filter compares: of a Namespace, its own name.
func (r *resource) scope() string {
	if r.kind == "Namespace" {
		return r.name
	}
	return r.namespace
}

func matchesAny(patterns []string, text string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, text) })
}

// matches is the engine's matching; most patterns are plain names, for which it need not be asked.
func matches(pattern, text string) bool {
	if !strings.ContainsAny(pattern, "*?") {
		return pattern == text
	}
	return wildcard.Match(pattern, text)
}

func matchesAnnotations(want, have map[string]string) bool {
	for k, v := range want {
		found := false
		for k1, v1 := range have {
			found = found || wildcard.Match(k, k1) && wildcard.Match(v, v1)
		}
		if !found {
			return false
		}
	}
	return true
}

func matchesSelector(sel *metav1.LabelSelector, have map[string]string) bool {
	compiled, err := compileSelector(sel, have)
	return err == nil && compiled.Matches(labels.Set(have))
}

// compileSelector replaces wildcards in matchLabels by a label that they match, as the
// engine does, and by something that no label equals where there is none.
func compileSelector(sel *metav1.LabelSelector, have map[string]string) (labels.Selector, error) {
	out := sel.DeepCopy()
	out.MatchLabels = make(map[string]string, len(sel.MatchLabels))
	for k, v := range sel.MatchLabels {
		if strings.ContainsAny(k+v, "*?") {
			k, v = expandWildcards(k, v, have)
		}
		out.MatchLabels[k] = v
	}
	return metav1.LabelSelectorAsSelector(out)
}

func expandWildcards(k, v string, have map[string]string) (string, string) {
	for k1, v1 := range have {
		if wildcard.Match(k, k1) && wildcard.Match(v, v1) {
			return k1, v1
		}
	}
	zero := strings.NewReplacer("*", "0", "?", "0")
	return zero.Replace(k), zero.Replace(v)
}

// kindPattern is a kind as policies name it, each part with wildcards.
type kindPattern struct{ group, version, kind, sub string }

func (r *resource) is(k kindPattern) bool {
	return matches(k.kind, r.kind) && matches(k.group, r.group) && matches(k.version, r.version) && matches(k.sub, "")
}

// kindVersion tells a version from a kind or a group in the first part of a kind.
var kindVersion = regexp.MustCompile(`^(v\d((alpha|beta)\d)?|\*)$`)

// parseKind reads the engine's forms of a kind: Kind, version/Kind,
// group/version/Kind, each optionally with /subresource or .subresource.
func parseKind(in string) kindPattern {
	parts := strings.Split(in, "/")
	last := len(parts) - 1
	parts = append(parts[:last], strings.Split(parts[last], ".")...)
	isVersion := kindVersion.MatchString
	switch len(parts) {
	case 1:
		return kindPattern{"*", "*", parts[0], ""}
	case 2:
		switch {
		case parts[0] == "*" && parts[1] == "*":
			return kindPattern{"*", "*", "*", "*"}
		case parts[0] == "*" && strings.ToLower(parts[1]) == parts[1]:
			return kindPattern{"*", "*", parts[0], parts[1]}
		case isVersion(parts[0]):
			return kindPattern{"*", parts[0], parts[1], ""}
		}
		return kindPattern{"*", "*", parts[0], parts[1]}
	case 3:
		if isVersion(parts[0]) {
			return kindPattern{"*", parts[0], parts[1], parts[2]}
		}
		return kindPattern{parts[0], parts[1], parts[2], ""}
	case 4:
		return kindPattern{parts[0], parts[1], parts[2], parts[3]}
	}
	return kindPattern{}
}
