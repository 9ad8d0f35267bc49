package codeowners

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"strings"
)

// Select picks n of the candidates by the seed, most preferred first. The same
// seed picks the same ones of the same candidates in whatever order they come.
// Each candidate is ranked by a hash of the seed and its own name alone
// (rendezvous hashing): asking for more keeps the ones picked before, a candidate
// that comes displaces at most one, and one that goes changes nothing unless it
// had been picked. Doubles count once, and empty names do not count. It returns all
// if there are no more than n, and nil if n is not positive.
func Select(candidates []string, n int, seed string) []string {
	type ranked struct {
		name string
		rank [sha256.Size]byte
	}
	if n <= 0 {
		return nil
	}
	list := make([]ranked, 0, len(candidates))
	key := sha256.Sum256([]byte(seed))
	for _, name := range slices.Compact(slices.Sorted(slices.Values(candidates))) {
		if name != "" {
			list = append(list, ranked{name, sha256.Sum256(append(key[:], name...))})
		}
	}
	slices.SortFunc(list, func(a, b ranked) int {
		if c := bytes.Compare(a.rank[:], b.rank[:]); c != 0 {
			return c
		}
		return strings.Compare(a.name, b.name)
	})
	var picked []string
	for _, r := range list[:min(n, len(list))] {
		picked = append(picked, r.name)
	}
	return picked
}
