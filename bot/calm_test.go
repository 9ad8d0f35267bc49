package bot

import (
	"testing"
	"time"
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

func FuzzParseWindow(f *testing.F) {
	f.Add("Mon-Fri 06:00-20:00 Europe/Berlin")
	f.Add("Sat-Mon,Wed 00:00-24:00 UTC")
	f.Fuzz(func(t *testing.T, text string) {
		if w, err := ParseWindow(text); err == nil {
			w.Open(time.Unix(0, 0))
		}
	})
}
