package bot

import (
	"fmt"
	"strings"
	"time"
)

// Calm limits how much a bot asks of people at once. What a limit holds back is
// reported as skipped with the reason, and proposed by a later run.
type Calm struct {
	// OpenUnits is how many units may have open requests at once, PerHour how many may
	// get new ones within any 60 minutes by the server's time; 0 means no limit.
	OpenUnits, PerHour int
	// Window is when new requests are opened and branches pushed; zero means always.
	Window Window
	// Onboarding opens nothing: the run only reports what it would do.
	Onboarding bool
	// Uncounted says that the run does not see what is open elsewhere: what OpenUnits
	// and PerHour could hold back waits for a run that sees everything.
	Uncounted bool
}

// Window is a weekly span of time, such as Mon-Fri 06:00-20:00 Europe/Berlin.
type Window struct {
	days     [7]bool
	from, to time.Duration // since midnight; to is exclusive
	zone     *time.Location
}

var weekdays = []string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}

// ParseWindow reads "DAYS FROM-TO ZONE": days as Mon-Fri or Mon,Wed, times as 06:00,
// an IANA zone. The empty text is the window that is always open.
func ParseWindow(text string) (Window, error) {
	w := Window{}
	if text == "" {
		return w, nil
	}
	fields := strings.Fields(text)
	if len(fields) != 3 {
		return w, fmt.Errorf("window %q: give days, times and zone, as Mon-Fri 06:00-20:00 Europe/Berlin", text)
	}
	for _, part := range strings.Split(fields[0], ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		a, b := weekday(first), weekday(last)
		if a < 0 || b < 0 {
			return Window{}, fmt.Errorf("window %q: %q is no day or range of days of %s", text, part, strings.Join(weekdays, " "))
		}
		for d := a; ; d = (d + 1) % 7 {
			if w.days[d] = true; d == b {
				break
			}
		}
	}
	from, to, _ := strings.Cut(fields[1], "-")
	var err error
	if w.from, err = clock(from); err == nil {
		w.to, err = clock(to)
	}
	if err != nil || w.to <= w.from {
		return Window{}, fmt.Errorf("window %q: give the times as 06:00-20:00, the earlier first", text)
	}
	if w.zone, err = time.LoadLocation(fields[2]); err != nil {
		return Window{}, fmt.Errorf("window %q: %w", text, err)
	}
	return w, nil
}

func weekday(s string) int {
	for i, d := range weekdays {
		if strings.EqualFold(d, s) {
			return i
		}
	}
	return -1
}

func clock(s string) (time.Duration, error) {
	if s == "24:00" {
		return 24 * time.Hour, nil
	}
	t, err := time.Parse("15:04", s)
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute, err
}

// Open tells whether the window is open at a moment. Times are those on the zone's
// clocks, so that the hours of a day with a time change count as they are shown.
func (w Window) Open(t time.Time) bool {
	if w.zone == nil {
		return true
	}
	t = t.In(w.zone)
	at := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second
	return w.days[t.Weekday()] && at >= w.from && at < w.to
}

// unitRun is a unit with its proposals, read and decided.
type unitRun struct {
	unit      *Unit
	proposals []*proposal
	err       error
	// asked tells that people asked for what is proposed now: no limit holds it back.
	asked         bool
	conversations []*conversation
}

// hold applies the limits to the units in their order: what may not be opened or
// pushed now is skipped with the reason. Requests that are open stay as they are, and
// count.
func (c Calm) hold(runs []*unitRun, now time.Time) {
	open, recent := 0, 0
	for _, r := range runs {
		isUnitOpen, isRecent := false, false
		for _, p := range r.proposals {
			isUnitOpen = isUnitOpen || p.decision.request != nil && p.decision.open == isOpen && !p.decision.decline
			isRecent = isRecent || !p.openedAt.IsZero() && now.Sub(p.openedAt) < time.Hour
		}
		if isUnitOpen {
			open++
		}
		if isRecent {
			recent++
		}
	}
	for _, r := range runs {
		opens, pushes := false, false
		for _, p := range r.proposals {
			opens = opens || p.action != ActionSkipped && p.decision.open != isOpen
			pushes = pushes || p.action != ActionSkipped && p.decision.push
		}
		reason := c.reason(opens, opens || pushes, open, recent, now)
		if reason == "" || r.asked {
			if opens {
				open, recent = open+1, recent+1
			}
			continue
		}
		for _, p := range r.proposals {
			if p.action != ActionSkipped && (p.decision.push || p.decision.open != isOpen) {
				p.action, p.reason, p.held = ActionSkipped, reason, true
			}
		}
	}
}

// uncountedReason is why a run that does not see everything opens nothing.
const uncountedReason = "queued: the limits need a run over all namespaces"

func (c Calm) reason(opens, writes bool, open, recent int, now time.Time) string {
	switch {
	case !writes:
		return ""
	case c.Onboarding:
		return "onboarding: nothing is opened yet"
	case !c.Window.Open(now):
		return "queued: outside the schedule's window"
	case opens && c.Uncounted && (c.OpenUnits > 0 || c.PerHour > 0):
		return uncountedReason
	case opens && c.OpenUnits > 0 && open >= c.OpenUnits:
		return fmt.Sprintf("queued: %d units have open requests already", open)
	case opens && c.PerHour > 0 && recent >= c.PerHour:
		return fmt.Sprintf("queued: %d units got new requests within the last hour", recent)
	}
	return ""
}
