package policy

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestBlockAsEachFilter compares blocks with what each of their filters says of a resource by itself, name by name.
func TestBlockAsEachFilter(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(15, 4))
	some := func(words ...string) []string {
		var out []string
		for range random.IntN(3) {
			out = append(out, words[random.IntN(len(words))])
		}
		return out
	}
	one := func(words ...string) string { return words[random.IntN(len(words))] }
	for range 20000 {
		var specs []resourcesSpec
		for range random.IntN(4) {
			specs = append(specs, resourcesSpec{Kinds: some("Pod", "Namespace", "*"), Names: some("a", "a*", "*b", "?", ""), Namespaces: some("a", "b", "a*", "*", "")})
		}
		res := &resource{kind: one("Pod", "Namespace"), version: "v1", name: one("a", "ab", "b", ""), namespace: one("a", "b", "")}
		want := slices.ContainsFunc(specs, func(s resourcesSpec) bool {
			names := s.Names
			s.Names = nil
			f := newFilter(s)
			plain := !s.empty() && f.matches(res) || s.empty() && len(names) > 0
			return plain && (len(names) == 0 || matchesAny(names, res.name))
		})
		if b := newBlock(false, specs...); b.matches(res) != want {
			t.Fatalf("%s %s/%s: %t of %+v", res.kind, res.namespace, res.name, !want, specs)
		}
		all := !slices.ContainsFunc(specs, func(s resourcesSpec) bool { f := newFilter(s); return !f.matches(res) })
		if b := newBlock(true, specs...); b.matches(res) != all {
			t.Fatalf("%s %s/%s: %t of all of %+v", res.kind, res.namespace, res.name, !all, specs)
		}
	}
}

func TestOnce(t *testing.T) {
	t.Parallel()
	if got := once([]string{"b", "a", "b", "c", "a"}); !slices.Equal(got, []string{"b", "a", "c"}) {
		t.Error(got)
	}
}
