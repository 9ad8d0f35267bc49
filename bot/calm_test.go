package bot

import (
	"testing"
	"time"

	"tokenward/gitops/forge"
)

func TestWindow(t *testing.T) {
	t.Parallel()
	w, err := ParseWindow("Mon-Fri 02:30-20:00 Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]bool{
		"2026-11-23T06:00:00Z": true,  // Monday 07:00 in Berlin
		"2026-11-23T19:00:00Z": false, // 20:00 is outside
		"2026-11-22T12:00:00Z": false, // Sunday
		"2026-11-23T01:00:00Z": false, // 02:00, in winter
		"2026-07-20T00:45:00Z": true,  // 02:45, in summer
		"2026-10-23T23:30:00Z": false, // Saturday 01:30 in Berlin, still Friday in UTC
	} {
		when, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.Open(when); got != want {
			t.Errorf("open at %s: %t, want %t", at, got, want)
		}
	}
}

// TestWindowOnDaysWithTimeChanges holds that the hour which is skipped or shown twice
// in Berlin counts as its clocks show it.
func TestWindowOnDaysWithTimeChanges(t *testing.T) {
	t.Parallel()
	w, err := ParseWindow("Sun 02:00-03:00 Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	open := 0
	for minute := range 24 * 60 {
		if w.Open(time.Date(2026, 3, 29, 0, minute, 0, 0, time.UTC)) {
			open++
		}
	}
	if open != 0 {
		t.Errorf("open for %d minutes of the hour that does not exist", open)
	}
	for minute := range 24 * 60 {
		if w.Open(time.Date(2026, 10, 24, 22, minute, 0, 0, time.UTC)) {
			open++
		}
	}
	if open != 120 {
		t.Errorf("open for %d minutes of the hour that comes twice, want 120", open)
	}
}

func TestParseWindowRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"Mon", "Mon-Fri 20:00-06:00 UTC", "Xyz 06:00-07:00 UTC", "Mon 6-7 UTC", "Mon 06:00-07:00 Nowhere/Land", "Mon 06:00-07:00 UTC x"} {
		if _, err := ParseWindow(text); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
	if w, err := ParseWindow(""); err != nil || !w.Open(time.Time{}) {
		t.Errorf("the empty window: %v", err)
	}
}

// TestHold holds what keeps a unit's requests from being opened or pushed, and that a
// person's command is not kept.
func TestHold(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) // a Monday
	window, err := ParseWindow("Tue 06:00-07:00 UTC")
	if err != nil {
		t.Fatal(err)
	}
	opened := func(ago time.Duration) *unitRun {
		request := &forge.MergeRequest{State: forge.Opened}
		return &unitRun{proposals: []*proposal{{decision: decision{request: request, push: true}, openedAt: now.Add(-ago)}}}
	}
	fresh := func(asked bool) *unitRun {
		return &unitRun{asked: asked, proposals: []*proposal{{decision: decision{push: true, open: mustCreate}}}}
	}
	for name, tc := range map[string]struct {
		calm   Calm
		runs   []*unitRun
		reason string // of the last, "" if it goes on
	}{
		"nothing holds":                     {Calm{}, []*unitRun{fresh(false)}, ""},
		"onboarding":                        {Calm{Onboarding: true}, []*unitRun{fresh(false)}, "onboarding: nothing is opened yet"},
		"outside the window":                {Calm{Window: window}, []*unitRun{opened(5 * time.Hour)}, "queued: outside the schedule's window"},
		"outside the window, on command":    {Calm{Window: window}, []*unitRun{fresh(true)}, ""},
		"as many as may be open":            {Calm{OpenUnits: 1}, []*unitRun{opened(5 * time.Hour), fresh(false)}, "queued: 1 units have open requests already"},
		"open already: its content goes on": {Calm{OpenUnits: 1}, []*unitRun{opened(5 * time.Hour)}, ""},
		"one within the hour":               {Calm{PerHour: 1}, []*unitRun{opened(59 * time.Minute), fresh(false)}, "queued: 1 units got new requests within the last hour"},
		"one before the hour":               {Calm{PerHour: 1}, []*unitRun{opened(61 * time.Minute), fresh(false)}, ""},
		"one in this run":                   {Calm{PerHour: 1}, []*unitRun{fresh(false), fresh(false)}, "queued: 1 units got new requests within the last hour"},
		"one within the hour, on command":   {Calm{PerHour: 1}, []*unitRun{opened(59 * time.Minute), fresh(true)}, ""},
	} {
		tc.calm.hold(tc.runs, now)
		if got := tc.runs[len(tc.runs)-1].proposals[0]; got.reason != tc.reason || got.held != (tc.reason != "") {
			t.Errorf("%s: held %t for %q, want %q", name, got.held, got.reason, tc.reason)
		}
	}
}

func FuzzParseWindow(f *testing.F) {
	f.Add("Mon-Fri 06:00-20:00 Europe/Berlin")
	f.Add("Sat-Mon,Wed 00:00-24:00 UTC")
	f.Fuzz(func(t *testing.T, text string) {
		if w, err := ParseWindow(text); err == nil {
			w.Open(time.Unix(0, 0))
		}
	})
}
