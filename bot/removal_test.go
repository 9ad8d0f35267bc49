package bot

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenward/analysis"
	"tokenward/analysis/policy"
)

// staleUnit is a unit that takes allowed patterns out, and a bot that does it.
func staleUnit(patterns ...string) (*Bot, *Unit, []analysis.Change) {
	var stale []analysis.Change
	for _, p := range patterns {
		stale = append(stale, analysis.Change{Namespace: "shop", Kind: analysis.Stale, In: analysis.Allow, Pattern: p})
	}
	b := &Bot{cfg: Config{Policies: policy.Names{Mutator: "m", DefaultMutator: "d"}}}
	return b, &Unit{Plan: analysis.NamespacePlan{Namespace: "shop"}, Removes: true}, stale
}

func allowed(lines ...string) []byte {
	return []byte("policies:\n  m:\n    namespaces:\n    - namespace: shop\n      pods:\n        allow:\n" + strings.Join(lines, ""))
}

// What is taken out is the same as if each entry was tried after the other.
func TestLetGoAsOneByOne(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(16, 1))
	for range 300 {
		var lines, patterns []string
		open := false
		for i := range 12 {
			switch {
			case !open && random.IntN(4) == 0:
				lines, open = append(lines, "        {{- if .Values.a }}\n"), true
			case open && random.IntN(3) == 0:
				lines, open = append(lines, "        {{- end }}\n"), false
			}
			lines = append(lines, fmt.Sprintf("        - w%d-*\n", i))
			if random.IntN(5) > 0 {
				patterns = append(patterns, fmt.Sprintf("w%d-*", i))
			}
			if random.IntN(8) == 0 {
				patterns = append(patterns, fmt.Sprintf("nowhere-%d", i))
			}
		}
		if open {
			lines = append(lines, "        {{- end }}\n")
		}
		src := allowed(lines...)
		b, got, stale := staleUnit(patterns...)
		looks := maxLooks
		b.letGo(t.Context(), src, got, stale, &looks)
		_, want, _ := staleUnit()
		for _, c := range stale {
			if err := b.letsGo(src, want, c); err != nil {
				keep(want, []analysis.Change{c}, err)
				continue
			}
			want.Removed = append(want.Removed, c)
		}
		if diff := cmp.Diff([][]analysis.Change{want.Removed, want.Kept}, [][]analysis.Change{got.Removed, got.Kept}); diff != "" {
			t.Fatalf("%s\n%s", diff, src)
		}
	}
}

// A whole list goes, and the more entries it has, the fewer looks each takes; a file is not looked at for ever, nor
// when nobody waits for it any more.
func TestLetGoOfMany(t *testing.T) {
	t.Parallel()
	const n = 1000
	var lines, patterns, nowhere []string
	for i := range n {
		patterns, nowhere = append(patterns, fmt.Sprintf("w%d-*", i)), append(nowhere, fmt.Sprintf("nowhere-%d", i))
		lines = append(lines, "        - "+patterns[i]+"\n")
	}
	src := allowed(lines...)
	b, u, stale := staleUnit(patterns...)
	looks := maxLooks
	if reasons := b.letGo(t.Context(), src, u, stale, &looks); len(u.Removed) != n || len(reasons) > 0 || maxLooks-looks > 30 {
		t.Errorf("%d go, %v, after %d looks", len(u.Removed), reasons, maxLooks-looks)
	}
	b, u, stale = staleUnit(nowhere...)
	looks = maxLooks
	if reasons := b.letGo(t.Context(), src, u, stale, &looks); len(u.Kept) != n || !errors.Is(reasons[len(reasons)-1], errLooks) {
		t.Errorf("%d stay, %d looks are left", len(u.Kept), looks)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b, u, stale = staleUnit(patterns...)
	looks = maxLooks
	if b.letGo(ctx, src, u, stale, &looks); looks != maxLooks {
		t.Errorf("%d looks for nobody", maxLooks-looks)
	}
}
