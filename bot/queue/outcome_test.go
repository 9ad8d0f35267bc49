package queue

import (
	"context"
	"slices"
	"testing"
	"time"

	"tokenward/bot"
)

func testParking(t *testing.T, b *bench) {
	s := b.start()
	s.trigger("u", "a")
	for n, pause := range []time.Duration{10 * time.Second, 20 * time.Second} {
		s.settle(s.take("u", "a"), Outcome{Result: Failed, Message: "no"})
		u := s.unit("u", "a")
		if u.State != Pausing || u.Failures != int64(n+1) || u.NotBefore.Sub(b.clock.Now()) != pause {
			t.Fatalf("after failure %d: %+v", n+1, u)
		}
		s.trigger("u", "a") // does not cut the pause short
		s.quiet()
		b.clock.add(pause)
		s.kick()
	}
	s.settle(s.take("u", "a"), Outcome{Result: Failed, Message: "no again"})
	if u := s.unit("u", "a"); u.State != Parked || u.Failure != "no again" {
		t.Fatalf("after the last failure: %+v", u)
	}
	b.clock.add(24 * time.Hour)
	s.quiet()
	if err := s.Enqueue(t.Context(), bot.Trigger{Umbrella: "u", Namespace: "a", Guess: true}); err != nil {
		t.Fatal(err)
	}
	s.quiet()           // a guess wakes nobody
	s.trigger("u", "a") // one attempt
	s.settle(s.take("u", "a"), Outcome{Result: Failed})
	if u := s.unit("u", "a"); u.State != Parked {
		t.Fatalf("after one more attempt: %+v", u)
	}
	if err := s.Retry(t.Context(), "u", "a", "a person asks"); err != nil {
		t.Fatal(err)
	}
	s.settle(s.take("u", "a"), Outcome{Result: Failed})
	if u := s.unit("u", "a"); u.State != Pausing || u.Failures != 1 {
		t.Fatalf("after a retry by hand: %+v", u)
	}
	b.clock.add(10 * time.Second)
	s.kick()
	s.settle(s.take("u", "a"), Outcome{Result: Done})
	if u := s.unit("u", "a"); u.State != Idle || u.Failures != 0 || u.Failure != "" {
		t.Fatalf("after all: %+v", u)
	}
}

func testOutage(t *testing.T, b *bench) {
	s := b.start()
	s.trigger("u", "a")
	s.settle(s.take("u", "a"), Outcome{Result: Away})
	s.trigger("u", "a")
	s.trigger("u", "b")
	b.clock.add(awayPause)
	s.kick()
	attempts := 0
	for end := b.clock.Now().Add(time.Hour); b.clock.Now().Before(end); attempts++ {
		s.settle(<-s.runs, Outcome{Result: Away, Message: "GitLab is away"})
		s.quietAway()
		umbrellas, err := s.Umbrellas(t.Context())
		if err != nil || len(umbrellas) != 1 || umbrellas[0].AwayReason != "GitLab is away" {
			t.Fatalf("umbrellas %+v, %v", umbrellas, err)
		}
		b.clock.add(umbrellas[0].AwayUntil.Sub(b.clock.Now()))
		s.kick()
	}
	if attempts > 20 {
		t.Errorf("%d attempts within an hour", attempts)
	}
	s.settle(<-s.runs, Outcome{Result: Done})
	s.settle(<-s.runs, Outcome{Result: Done})
	s.quiet()
	for _, u := range s.units() {
		if u.State != Idle || u.Failures != 0 {
			t.Errorf("left behind: %+v", u)
		}
	}
}

// A unit that fails once GitLab is back tells that it is back: the others need not wait for it in turn.
func testFailureEndsOutage(t *testing.T, b *bench) {
	s := b.start()
	s.trigger("u", "a")
	s.settle(s.take("u", "a"), Outcome{Result: Away})
	b.clock.add(awayPause)
	s.kick()
	s.settle(s.take("u", "a"), Outcome{Result: Failed, Message: "no"})
	if all, err := s.Umbrellas(t.Context()); err != nil || len(all) != 1 || !all[0].AwayUntil.IsZero() {
		t.Errorf("umbrellas %+v, %v", all, err)
	}
	s.trigger("u", "b")
	s.trigger("u", "c")
	for range 2 { // side by side
		r := <-s.runs
		defer func() { r.end <- Outcome{Result: Done} }()
	}
}

// What a server asks to wait is kept, but not for years: one header of a broken proxy
// would stop the umbrella's work for good.
func testPauseWithoutEnd(t *testing.T, b *bench) {
	s := b.start()
	s.trigger("u", "a")
	for _, asked := range []time.Duration{20 * time.Minute, 68 * 365 * 24 * time.Hour} {
		s.settle(s.take("u", "a"), Outcome{Result: Away, RetryAfter: asked})
		all, err := s.Umbrellas(t.Context())
		pause := min(asked, time.Hour)
		if err != nil || len(all) != 1 || all[0].AwayUntil.Sub(b.clock.Now()) != pause {
			t.Fatalf("asked to wait %s, now %s: umbrellas %+v, %v", asked, b.clock.Now(), all, err)
		}
		b.clock.add(pause)
		s.kick()
	}
	s.settle(s.take("u", "a"), Outcome{Result: Done})
	s.quiet()
}

// A pause that nobody grants now, as of a clock that was ahead, ends when the store is tidied.
func testPauseFromTheFuture(t *testing.T, b *bench) {
	s := b.start()
	s.trigger("u", "a")
	const ahead = 30 * 24 * time.Hour
	b.clock.add(ahead)
	s.settle(s.take("u", "a"), Outcome{Result: Away, RetryAfter: 20 * time.Minute})
	b.clock.add(20*time.Minute - askedPauseMax)
	if err := s.tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.quietAway()
	b.clock.add(askedPauseMax - ahead)
	if err := s.tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if all, err := s.Umbrellas(t.Context()); err != nil || len(all) != 1 || !all[0].AwayUntil.IsZero() {
		t.Fatalf("now %s: umbrellas %+v, %v", b.clock.Now(), all, err)
	}
	s.kick()
	s.settle(s.take("u", "a"), Outcome{Result: Done})
	s.quiet()
}

func (s *shift) quietAway() {
	s.t.Helper()
	if err := s.promote(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	select {
	case r := <-s.runs:
		s.t.Errorf("%q %q runs while the server is away", r.Umbrella, r.Namespace)
	default:
	}
}

func testHandBack(t *testing.T, b *bench) {
	s := b.start()
	s.trigger("u", "a")
	s.take("u", "a")
	stop, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Stop(stop); err != nil {
		t.Fatal(err)
	}
	u := s.unit("u", "a")
	if u.State != Waiting || u.Failures != 0 || len(u.Reasons) != 1 {
		t.Errorf("after the stop: %+v", u)
	}
	if runs, err := s.Runs(t.Context(), 10); err != nil || len(runs) != 1 || runs[0].Result != HandedBack {
		t.Errorf("runs %+v, %v", runs, err)
	}
}

func testFollow(t *testing.T, b *bench) {
	s := b.start()
	if err := s.Enqueue(t.Context(), bot.Trigger{Umbrella: "u", Changed: true, Reason: "push"}); err != nil {
		t.Fatal(err)
	}
	r := s.take("u", "")
	if r.Whole {
		t.Error("a run for what changed is over all")
	}
	s.settle(r, Outcome{Result: Done, Then: []Follow{{Namespace: "a", Reason: "it failed"}}})
	next := s.take("u", "a")
	if !slices.Equal(next.Reasons, []string{"it failed"}) {
		t.Errorf("reasons %q", next.Reasons)
	}
	s.settle(next, Outcome{Result: Refused, Message: "cannot"})
	if u := s.unit("u", "a"); u.State != Idle || u.Failure != "cannot" {
		t.Errorf("%+v", u)
	}
	s.quiet()
}
