package queue

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func testExclusion(t *testing.T, b *bench) {
	s := b.start()
	s.trigger("u", "a")
	a := s.take("u", "a")
	s.trigger("u", "")
	b.clock.add(time.Second)
	s.trigger("u", "b")
	s.trigger("v", "c")
	// Another umbrella is free; "u" waits for a, and b, which came later, for "u".
	c := s.take("v", "c")
	s.quietExcept("u", "", "u", "b")
	s.settle(a, Outcome{Result: Done})
	whole := s.take("u", "")
	if !whole.Whole {
		t.Error("the umbrella's run is not over all of it")
	}
	s.quietExcept("u", "b")
	s.settle(whole, Outcome{Result: Done})
	s.settle(s.take("u", "b"), Outcome{Result: Done})
	s.settle(c, Outcome{Result: Done})
	s.quiet()
}

// quietExcept checks that exactly these units wait, and none of them runs.
func (s *shift) quietExcept(names ...string) {
	s.t.Helper()
	if err := s.promote(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	var waiting []string
	for _, u := range s.units() {
		if u.State == Waiting {
			waiting = append(waiting, u.Umbrella, u.Namespace)
		}
	}
	if !slices.Equal(waiting, names) {
		s.t.Errorf("%q wait, want %q", waiting, names)
	}
	select {
	case r := <-s.runs:
		s.t.Errorf("%q %q runs", r.Umbrella, r.Namespace)
	default:
	}
}

func testParallel(t *testing.T, b *bench) {
	s := b.start()
	for _, ns := range []string{"a", "b", "c"} {
		s.trigger("u", ns)
	}
	var all []*running
	for range 3 {
		all = append(all, <-s.runs)
	}
	for _, r := range all {
		s.settle(r, Outcome{Result: Done})
	}
	s.quiet()
}

func testFairness(t *testing.T, b *bench) {
	s := b.start(func(c *Config) { c.Workers = 2 })
	for n := range 9 {
		s.trigger("u", fmt.Sprint("n", n))
	}
	b.clock.add(time.Second)
	s.trigger("v", "x")
	var order []string
	for range 10 {
		r := <-s.runs
		order = append(order, r.Umbrella)
		s.settle(r, Outcome{Result: Done})
	}
	if i := slices.Index(order, "v"); i < 0 || i > 6 {
		t.Errorf("v comes in place %d of %v", i+1, order)
	}
}

// What a killed process was at comes before all that waits, and without a pause.
func testCutFirst(t *testing.T, b *bench) {
	s := b.start(func(c *Config) { c.Workers = 1 })
	s.trigger("u", "cut")
	s.settle(s.take("u", "cut"), Outcome{Result: Done})
	s.trigger("v", "blocker") // keeps the only worker busy
	blocker := s.take("v", "blocker")
	s.die("u", "cut")
	due := func() string {
		rows, err := s.unitRows(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range rows {
			rows[i].job = 0
			if r.namespace == "old" {
				rows[i].wantedAt = 2
			}
		}
		var names []string
		for _, u := range s.due(rows, nil, s.db.millis()) {
			names = append(names, u.namespace)
		}
		return strings.Join(names, " ")
	}
	s.trigger("u", "old")
	if got := due(); got != "cut old" {
		t.Errorf("in turn: %s", got)
	}
	s.trigger("u", "")
	if got := due(); got != "cut old" {
		t.Errorf("with the umbrella wanted: %s", got)
	}
	s.settle(blocker, Outcome{Result: Done})
	for range 3 {
		s.settle(<-s.runs, Outcome{Result: Done})
	}
	s.quiet()
}
