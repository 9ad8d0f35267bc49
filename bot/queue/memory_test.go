package queue

import (
	"slices"
	"testing"
	"time"

	"tokenward/bot"
)

func testTicks(t *testing.T, b *bench) {
	s := b.start()
	last, err := s.LastTick(t.Context(), "daily")
	if err != nil || !last.Equal(b.clock.Now()) {
		t.Fatalf("first asked: %v, %v", last, err)
	}
	b.clock.add(time.Hour)
	for n, want := range []bool{true, false} {
		fired, err := s.Tick(t.Context(), "daily", last, b.clock.Now(), []bot.Trigger{{Umbrella: "u"}})
		if err != nil || fired != want {
			t.Errorf("replica %d: fired %v, %v", n+1, fired, err)
		}
	}
	r := s.take("u", "")
	if r.Triggers != 1 || !r.Whole {
		t.Errorf("%d triggers, whole %v", r.Triggers, r.Whole)
	}
	s.settle(r, Outcome{Result: Done})
	if last, err = s.LastTick(t.Context(), "daily"); err != nil || !last.Equal(b.clock.Now()) {
		t.Errorf("then: %v, %v", last, err)
	}
}

func testMemory(t *testing.T, b *bench) {
	q := b.open()
	defer closeQueue(t, q)
	if site, err := q.Site(t.Context(), "u"); err != nil || site != nil {
		t.Errorf("before anything: %q, %v", site, err)
	}
	if err := q.SaveSite(t.Context(), "u", []byte(`{"project":"p"}`)); err != nil {
		t.Fatal(err)
	}
	if site, err := q.Site(t.Context(), "u"); err != nil || string(site) != `{"project":"p"}` {
		t.Errorf("%q, %v", site, err)
	}
	save := func(all bool, names ...string) {
		var views []NamespaceView
		for _, n := range names {
			views = append(views, NamespaceView{Namespace: n, Fingerprint: "f" + n})
		}
		if err := q.SaveNamespaces(t.Context(), "u", views, all); err != nil {
			t.Fatal(err)
		}
	}
	check := func(want ...string) {
		t.Helper()
		views, err := q.Namespaces(t.Context(), "u")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, v := range views {
			got = append(got, v.Namespace)
		}
		if !slices.Equal(got, want) {
			t.Errorf("namespaces %q, want %q", got, want)
		}
	}
	save(true, "a", "b")
	save(false, "c")
	check("a", "b", "c")
	save(true, "b")
	check("b")
}

func testTidy(t *testing.T, b *bench) {
	s := b.start()
	if _, err := s.Accept(t.Context(), "old", []bot.Trigger{{Umbrella: "u", Namespace: "a"}}); err != nil {
		t.Fatal(err)
	}
	s.settle(s.take("u", "a"), Outcome{Result: Done})
	b.clock.add(s.cfg.Keep + time.Hour)
	s.trigger("u", "b")
	s.settle(s.take("u", "b"), Outcome{Result: Done})
	if err := s.tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	runs, err := s.Runs(t.Context(), 10)
	if err != nil || len(runs) != 1 || runs[0].Namespace != "b" {
		t.Errorf("runs %+v, %v", runs, err)
	}
	if fresh, err := s.Accept(t.Context(), "old", nil); err != nil || !fresh {
		t.Errorf("the old delivery is still known: %v, %v", fresh, err)
	}
}

func testReopen(t *testing.T, b *bench) {
	q := b.open()
	if _, err := q.Accept(t.Context(), "one", []bot.Trigger{{Umbrella: "u", Namespace: "a", Reason: "push"}}); err != nil {
		t.Fatal(err)
	}
	closeQueue(t, q)
	s := b.start()
	if fresh, err := s.Accept(t.Context(), "one", nil); err != nil || fresh {
		t.Errorf("the delivery is fresh again: %v, %v", fresh, err)
	}
	r := s.take("u", "a")
	r.Progress("render", 3, 7)
	s.settle(r, Outcome{Result: Done, Message: "well"})
	runs, err := s.Runs(t.Context(), 10)
	if err != nil || len(runs) != 1 {
		t.Fatalf("runs %+v, %v", runs, err)
	}
	if got := runs[0]; got.Message != "well" || len(got.Steps) != 1 || got.Steps[0].Done != 3 || !slices.Equal(got.Reasons, []string{"push"}) {
		t.Errorf("%+v", got)
	}
}

func closeQueue(t *testing.T, q *Queue) {
	t.Helper()
	if err := q.Close(); err != nil {
		t.Error(err)
	}
}
