package queue

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"tokenward/bot"
)

func testCoalesce(t *testing.T, b *bench) {
	s := b.start(func(c *Config) { c.Workers = 1 })
	s.trigger("v", "blocker") // keeps the only worker busy
	blocker := s.take("v", "blocker")
	var wait sync.WaitGroup
	for n := range 100 {
		wait.Go(func() {
			fresh, err := s.Accept(t.Context(), fmt.Sprint("d", n), []bot.Trigger{{Umbrella: "u", Namespace: "a", Reason: "push"}})
			if err != nil || !fresh {
				t.Errorf("delivery %d: fresh %v, %v", n, fresh, err)
			}
		})
	}
	wait.Wait()
	s.settle(blocker, Outcome{Result: Done})
	r := s.take("u", "a")
	if r.Triggers != 100 {
		t.Errorf("the run answers %d triggers, not 100", r.Triggers)
	}
	s.settle(r, Outcome{Result: Done})
	s.quiet()
}

func testOneMore(t *testing.T, b *bench) {
	s := b.start()
	s.trigger("u", "a")
	r := s.take("u", "a")
	for range 5 {
		s.trigger("u", "a")
	}
	if u := s.unit("u", "a"); u.State != Running || u.Triggers != 6 {
		t.Errorf("while it runs: %+v", u)
	}
	s.settle(r, Outcome{Result: Done})
	again := s.take("u", "a")
	if again.Triggers != 5 {
		t.Errorf("the second run answers %d triggers, not 5", again.Triggers)
	}
	s.settle(again, Outcome{Result: Done})
	s.quiet()
}

func testDeliveries(t *testing.T, b *bench) {
	q := b.open()
	defer closeQueue(t, q)
	push := []bot.Trigger{{Umbrella: "u", Namespace: "a"}}
	for n, want := range []bool{true, false, false} {
		if fresh, err := q.Accept(t.Context(), "one", push); err != nil || fresh != want {
			t.Errorf("acceptance %d: fresh %v, %v", n+1, fresh, err)
		}
	}
	units, err := q.Units(t.Context())
	if err != nil || len(units) != 1 || units[0].Triggers != 1 {
		t.Errorf("units %+v, %v", units, err)
	}
}

func testHostileText(t *testing.T, b *bench) {
	s := b.start()
	reason := "push\x00 to \xff\xfe\nmain" + strings.Repeat("x", 5000)
	if fresh, err := s.Accept(t.Context(), "d\x00\xff", []bot.Trigger{{Umbrella: "u", Namespace: "a", Reason: reason}}); err != nil || !fresh {
		t.Fatalf("fresh %v, %v", fresh, err)
	}
	s.settle(s.take("u", "a"), Outcome{Result: Refused, Message: "\x00\xff"})
}
