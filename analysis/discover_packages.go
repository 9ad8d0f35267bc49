package analysis

import (
	"maps"
	"slices"
	"strings"
	"unicode"
)

// packageNode is a map in the umbrella's values that enables a package: it has
// enabled beside the place of the package's chart.
type packageNode struct {
	keys []string
	// switchable is false where the map has no enabled of its own: it says
	// where a chart is, but there is nothing to switch.
	switchable bool
	repo       string // git.repo
	ref        SourceRef
	chart      string // git.path, else helmRepo.chartName
	sourceType string // git or helmRepo where both are given, "" for one that does not say
}

// path is the dotted path of the package's values key.
func (p packageNode) path() string { return strings.Join(p.keys, ".") }

func (p packageNode) last() string { return p.keys[len(p.keys)-1] }

// findPackages walks values for maps that say where a chart is, sorted by path.
// It does not look into such a map: what lies there are the package's own values.
func findPackages(values map[string]any) []packageNode {
	var found []packageNode
	var walk func(m map[string]any, keys []string)
	walk = func(m map[string]any, keys []string) {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			child, ok := m[key].(map[string]any)
			if !ok {
				continue
			}
			path := append(slices.Clone(keys), key)
			if p, ok := asPackage(child, path); ok {
				found = append(found, p)
				continue
			}
			walk(child, path)
		}
	}
	walk(values, nil)
	return found
}

// asPackage reads one map. An example without an address (git.repo and helmRepo all empty) is none.
func asPackage(m map[string]any, keys []string) (packageNode, bool) {
	git, _ := m["git"].(map[string]any)
	helmRepo, _ := m["helmRepo"].(map[string]any)
	p := packageNode{
		keys: keys, repo: str(git["repo"]), chart: str(git["path"]),
		ref: SourceRef{Branch: str(git["branch"]), Tag: str(git["tag"]), Semver: str(git["semver"]), Commit: str(git["commit"])},
	}
	_, p.switchable = m["enabled"]
	p.sourceType = str(m["sourceType"])
	name := str(helmRepo["chartName"])
	if p.repo == "" {
		p.chart = name
	} else {
		p.ref = p.ref.orDefault()
	}
	return p, p.repo != "" || name != ""
}

// overlay gives values that enable the packages of on and disable those of off.
func overlay(on, off []packageNode) map[string]any {
	values := map[string]any{}
	set := func(p packageNode, enabled bool) {
		m := values
		for _, key := range p.keys {
			next, ok := m[key].(map[string]any)
			if !ok {
				next = map[string]any{}
				m[key] = next
			}
			m = next
		}
		m["enabled"] = enabled
	}
	for _, p := range on {
		set(p, true)
	}
	for _, p := range off {
		set(p, false)
	}
	return values
}

// plainName reduces a name to what its spellings (camel case, kebab case) have in common.
func plainName(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

func str(v any) string {
	s, _ := v.(string)
	return s
}
