package policy

import (
	"fmt"
	"testing"
)

// A policy may hold very many filters: they are not compared each with each other.
func TestMatchesNothing_ManyFilters(t *testing.T) {
	const n = 500
	rule := &ruleSpec{Exclude: &matchSpec{}}
	for i := range n {
		rule.Match.Any = append(rule.Match.Any, filterSpec{resourcesSpec{Kinds: []string{"Pod"}, Name: fmt.Sprint("in-", i)}})
		rule.Exclude.Any = append(rule.Exclude.Any, filterSpec{resourcesSpec{Kinds: []string{"Pod"}, Name: fmt.Sprint("out-", i)}})
	}
	if rule.matchesNothing() {
		t.Error("filters that differ in their names are taken for the same")
	}
	if allocated := testing.AllocsPerRun(1, func() { rule.matchesNothing() }); allocated > 100*n {
		t.Errorf("%v allocations for %d filters on either side", allocated, n)
	}
	rule.Exclude.Any[n-1] = rule.Match.Any[n-1]
	if !rule.matchesNothing() {
		t.Error("the filter that is on both sides is not found")
	}
}
