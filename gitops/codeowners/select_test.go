package codeowners_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenward/gitops/codeowners"
)

func people(n int) []string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("person-%d", i))
	}
	return list
}

// TestSelectStays fixes the choice itself: another one would add reviewers to
// merge requests that have theirs.
func TestSelectStays(t *testing.T) {
	t.Parallel()
	got := codeowners.Select(people(6), 3, "group/project!monitoring")
	if diff := cmp.Diff([]string{"person-0", "person-2", "person-4"}, got); diff != "" {
		t.Errorf("picked (-want +got):\n%s", diff)
	}
}

func TestSelectEdges(t *testing.T) {
	t.Parallel()
	if got := codeowners.Select([]string{"a", "b"}, 0, "s"); got != nil {
		t.Errorf("none wanted, got %q", got)
	}
	if got := codeowners.Select([]string{"a", "b"}, -1, "s"); got != nil {
		t.Errorf("less than none wanted, got %q", got)
	}
	if got := codeowners.Select(nil, 2, "s"); got != nil {
		t.Errorf("of nobody got %q", got)
	}
	got := codeowners.Select([]string{"b", "", "a", "b", "a"}, 9, "s")
	slices.Sort(got)
	if diff := cmp.Diff([]string{"a", "b"}, got); diff != "" {
		t.Errorf("of doubles (-want +got):\n%s", diff)
	}
}

func TestSelectProperties(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 11))
	for range 500 {
		all := people(1 + random.IntN(12))
		n := 1 + random.IntN(len(all))
		seed := fmt.Sprint(random.Uint64())
		picked := codeowners.Select(all, n, seed)
		if len(picked) != n || len(slices.Compact(slices.Sorted(slices.Values(picked)))) != n {
			t.Fatalf("%d of %d: %q", n, len(all), picked)
		}
		shuffled := slices.Clone(all)
		random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		before := slices.Clone(shuffled)
		if got := codeowners.Select(shuffled, n, seed); !slices.Equal(got, picked) {
			t.Fatalf("another order picks %q, not %q", got, picked)
		}
		if !slices.Equal(before, shuffled) {
			t.Fatal("the candidates have been changed")
		}
		if got := codeowners.Select(all, n+1, seed); !slices.Equal(got[:n], picked) {
			t.Fatalf("one more picks %q after %q", got, picked)
		}
		checkMoves(t, all, n, seed, picked)
	}
}

// checkMoves lets each candidate go and another come.
func checkMoves(t *testing.T, all []string, n int, seed string, picked []string) {
	t.Helper()
	for i, gone := range all {
		rest := slices.Delete(slices.Clone(all), i, i+1)
		kept := slices.DeleteFunc(slices.Clone(picked), func(s string) bool { return s == gone })
		if got := codeowners.Select(rest, n, seed); !slices.Equal(got[:len(kept)], kept) && !subset(kept, got) {
			t.Fatalf("without %s picks %q after %q", gone, got, picked)
		}
	}
	got := codeowners.Select(append(slices.Clone(all), "newcomer"), n, seed)
	lost := 0
	for _, p := range picked {
		if !slices.Contains(got, p) {
			lost++
		}
	}
	if lost > 1 || lost == 1 && !slices.Contains(got, "newcomer") {
		t.Fatalf("a newcomer turns %q into %q", picked, got)
	}
}

func subset(some, of []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(of, s) })
}

// TestSelectSpreads asks for two of ten with many seeds: everybody is picked about
// as often.
func TestSelectSpreads(t *testing.T) {
	t.Parallel()
	times := map[string]int{}
	for seed := range 5000 {
		for _, p := range codeowners.Select(people(10), 2, fmt.Sprint(seed)) {
			times[p]++
		}
	}
	for _, p := range people(10) {
		if times[p] < 900 || times[p] > 1100 {
			t.Errorf("%s is picked %d times of 5000, want about 1000", p, times[p])
		}
	}
}
