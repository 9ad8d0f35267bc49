package service

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"tokenward/bot"
	"tokenward/bot/queue"
	"tokenward/bot/queue/storetest"
)

func TestSchedules(t *testing.T) {
	t.Parallel()
	at := func(text string) time.Time {
		v, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for name, c := range map[string]struct {
		text, zone      string
		last, now, want string
	}{
		"not yet":                         {"0 6 * * *", "UTC", "2026-01-05T06:00:00Z", "2026-01-06T05:59:59Z", ""},
		"due":                             {"0 6 * * *", "UTC", "2026-01-05T06:00:00Z", "2026-01-06T06:00:00Z", "2026-01-06T06:00:00Z"},
		"many were missed: the last only": {"0 6 * * *", "UTC", "2026-01-05T06:00:00Z", "2026-01-09T12:00:00Z", "2026-01-09T06:00:00Z"},
		"the configured zone":             {"0 6 * * *", "Europe/Berlin", "2026-01-05T12:00:00Z", "2026-01-06T05:00:00Z", "2026-01-06T05:00:00Z"},
		"a zone of its own wins":          {"CRON_TZ=Asia/Tokyo 0 6 * * *", "Europe/Berlin", "2026-01-05T12:00:00Z", "2026-01-05T21:00:00Z", "2026-01-05T21:00:00Z"},
		"a day with a time change":        {"30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-30T00:30:00Z", "2026-03-30T00:30:00Z"},
		"a name":                          {"@daily", "UTC", "2026-01-05T06:00:00Z", "2026-01-06T00:00:00Z", "2026-01-06T00:00:00Z"},
	} {
		s, err := ParseSchedule(c.text, c.zone, 0)
		if err != nil {
			t.Fatal(err)
		}
		got := s.due(at(c.last), at(c.now))
		if c.want == "" != got.IsZero() || c.want != "" && !got.Equal(at(c.want)) {
			t.Errorf("%s: %s, want %q", name, got, c.want)
		}
	}
	for _, text := range []string{"", "6 o'clock", "0 6 * *", "CRON_TZ=Nowhere/City 0 6 * * *"} {
		if _, err := ParseSchedule(text, "", 0); err == nil {
			t.Errorf("schedule %q passes", text)
		}
	}
}

// The jitter is the same for all replicas, within its bounds, and differs between ticks.
func TestJitter(t *testing.T) {
	t.Parallel()
	const most = 10 * time.Minute
	s, err := ParseSchedule("0 * * * *", "UTC", most)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ParseSchedule("0  *  * * *", "UTC", most)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[time.Duration]bool{}
	for n := range 24 {
		tick := time.Date(2026, 1, 5, n, 0, 0, 0, time.UTC)
		d := s.put(tick)
		if d < 0 || d >= most || d != other.put(tick) {
			t.Errorf("tick %s is put off by %s and %s", tick, d, other.put(tick))
		}
		seen[d] = true
		last := tick.Add(-time.Hour).Add(most)
		if !s.due(last, tick.Add(d-time.Millisecond)).IsZero() && d > 0 {
			t.Errorf("tick %s comes before its jitter is over", tick)
		}
		if got := s.due(last, tick.Add(d)); !got.Equal(tick) {
			t.Errorf("tick %s does not come when its jitter is over: %s", tick, got)
		}
	}
	if len(seen) < 12 {
		t.Errorf("%d different jitters in 24 ticks", len(seen))
	}
}

// A clock that was ahead when a schedule was served does not stop it until then.
func TestClockThatWasAhead(t *testing.T) {
	t.Parallel()
	var now atomic.Pointer[time.Time]
	at := func(year, month, day, hour int) {
		v := time.Date(year, time.Month(month), day, hour, 0, 0, 0, time.UTC)
		now.Store(&v)
	}
	at(2030, 1, 1, 12)
	q, err := queue.Open(t.Context(), queue.Config{URL: storetest.SQLite(t), Workers: 1, Attempts: 1, Now: func() time.Time { return *now.Load() }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	}()
	daily, err := ParseSchedule("0 6 * * *", "UTC", 0)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(q, Config{Schedules: []Schedule{daily}, Umbrellas: []Umbrella{{Name: "u", Bot: func(context.Context, Scope) (*bot.Bot, error) { return nil, errors.New("no bot") }}}})
	if err != nil {
		t.Fatal(err)
	}
	triggers := func(want int64) {
		t.Helper()
		if err := s.Tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		units, err := q.Units(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got int64
		for _, u := range units {
			got += u.Triggers
		}
		if got != want {
			t.Errorf("%s: %d triggers, want %d", now.Load(), got, want)
		}
	}
	triggers(0) // from here on it is served
	at(2026, 1, 1, 12)
	triggers(0)
	at(2026, 1, 2, 5)
	triggers(0)
	at(2026, 1, 2, 6)
	triggers(1)
	for range 3 { // a replica whose clock is behind, in turn with this one
		at(2026, 1, 2, 4)
		triggers(1)
		at(2026, 1, 2, 6)
		triggers(1)
	}
}
