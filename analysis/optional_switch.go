package analysis

import (
	"cmp"
	"maps"
	"slices"
	"strings"
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
func switchesOf(index int, release Release, patterns []string, reader *partReader) []featureSwitch {
	parts := reader.chartParts(release.Values)
	ix := indexTemplates(parts)
	var all []featureSwitch
	seen := map[string]bool{}
	add := func(off [][]string, path []string, on any) {
		if key := pathKey(path); !seen[key] {
			seen[key] = true
			c := featureSwitch{input: index, settings: append(allOn(off), setting{path, on})}
			c.score(ix, patterns, release)
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

// walkSwitches visits every value that may switch something on, with the value that does.
// Those of subcharts are left to the subcharts' own parts.
func walkSwitches(part chartPart, values map[string]any, path []string, visit func(path []string, on any)) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
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

// sortSwitches puts single values first, then the likeliest, then orders by release and path.
func sortSwitches(all []featureSwitch, inputs []Input) {
	slices.SortStableFunc(all, func(a, b featureSwitch) int {
		return cmp.Or(len(a.settings)-len(b.settings), b.likely-a.likely,
			strings.Compare(inputs[a.input].Release.Name, inputs[b.input].Release.Name),
			strings.Compare(inputs[a.input].Release.HelmRelease, inputs[b.input].Release.HelmRelease),
			slices.Compare(a.path(), b.path()))
	})
}
