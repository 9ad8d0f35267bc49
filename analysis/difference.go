package analysis

import (
	"fmt"
	"reflect"
	"sort"
)

// Differences lists the places at which two discoveries of the same umbrella
// differ, as "release argocd: values.redis.password", sorted. The values of the
// release with the index are compared after strip, so that what a plan changes
// there on purpose does not count.
func Differences(a, b *Discovery, index int, strip func(map[string]any) map[string]any) []string {
	var out []string
	if len(a.Releases) != len(b.Releases) {
		return []string{fmt.Sprintf("the number of releases: %d and %d", len(a.Releases), len(b.Releases))}
	}
	for i := range a.Releases {
		was, is := a.Releases[i], b.Releases[i]
		if i == index {
			was.Values, is.Values = strip(was.Values), strip(is.Values)
		}
		where := "release " + was.Name + ": "
		for _, p := range paths("values", was.Values, is.Values) {
			out = append(out, where+p)
		}
		was.Values, is.Values = nil, nil
		if fmt.Sprint(was.Err) != fmt.Sprint(is.Err) {
			out = append(out, where+"whether it can be analysed")
		}
		was.Err, is.Err = nil, nil
		if !reflect.DeepEqual(was, is) {
			out = append(out, where+"its source, chart or target")
		}
	}
	out = append(out, extraDifferences(a, b)...)
	sort.Strings(out)
	return out
}

func extraDifferences(a, b *Discovery) []string {
	if len(a.Extra) != len(b.Extra) {
		return []string{fmt.Sprintf("the number of other objects: %d and %d", len(a.Extra), len(b.Extra))}
	}
	var out []string
	for i, o := range a.Extra {
		for _, p := range paths("", o.Whole(), b.Extra[i].Whole()) {
			out = append(out, o.ID()+": "+p)
		}
	}
	return out
}

// paths lists the dotted paths below prefix at which two values of YAML's kinds differ.
func paths(prefix string, a, b any) []string {
	am, aok := a.(map[string]any)
	bm, bok := b.(map[string]any)
	if !aok || !bok {
		if reflect.DeepEqual(a, b) {
			return nil
		}
		return []string{prefix}
	}
	keys := map[string]bool{}
	for k := range am {
		keys[k] = true
	}
	for k := range bm {
		keys[k] = true
	}
	var out []string
	for k := range keys {
		av, in := am[k]
		bv, also := bm[k]
		if in != also {
			out = append(out, prefix+"."+k)
			continue
		}
		out = append(out, paths(prefix+"."+k, av, bv)...)
	}
	return out
}
