// Package live reads what a running platform tells about its ServiceAccounts:
// the API server's audit log, policy reports and violation events, as files that
// somebody exported. It owns their formats and the bounds within which they are
// read: every reader streams, so that a log of several gigabytes takes a constant
// amount of memory, and a broken line costs that line only. It talks to no
// cluster, knows no workloads and gives no verdicts: mapping what it saw to a
// release is the caller's part.
package live

import (
	"fmt"
	"hash/maphash"
	"slices"
	"time"
)

// DefaultMinSpan is how much log it takes before silence means anything.
const DefaultMinSpan = 24 * time.Hour

// limits bound what is kept, whatever a log holds. Each is far above what a real
// platform has; reaching one is told by a sentence in Problems.
type limits struct {
	accounts    int // ServiceAccounts
	pods        int // pods over all accounts
	accountPods int // pods of one account, of which further ones are kept only if they look unlike the others
	phrases     int // distinct "verb resource" pairs over all accounts
	verbs       int // pairs of one account
	open        int // calls that were begun and not ended
	hours       int // hours of the log
}

func defaultLimits() limits {
	return limits{accounts: 10_000, pods: 50_000, accountPods: 64, phrases: 4_096, verbs: 24, open: 1 << 16, hours: 1 << 16}
}

// Observations are the calls that audit logs show, by ServiceAccount. The zero
// value is ready to be filled by ReadAudit, from any number of files; files that
// overlap count their common calls twice. Not safe for use by several goroutines while it is filled.
type Observations struct {
	// MinSpan is how much log there must be before an account that it does not
	// mention is called silent; 0 means DefaultMinSpan.
	MinSpan time.Duration

	limits   limits
	accounts map[string]*account // by "namespace:name"
	pods     int                 // names of pods that are kept, over all accounts
	phrases  map[string]uint32
	names    []string // phrases by number
	calls    int      // of all accounts

	seed          maphash.Seed
	open, oldOpen map[uint64]struct{} // calls begun and not yet ended, in two generations

	first, last int64 // microseconds since 1970
	hours       map[int64]struct{}
	hour        int64 // the latest one added

	crowded  bool // an account was left out for want of room
	problems []string
}

func (o *Observations) prepare() {
	if o.accounts != nil {
		return
	}
	if o.limits == (limits{}) {
		o.limits = defaultLimits()
	}
	o.accounts = map[string]*account{}
	o.phrases = map[string]uint32{}
	o.open = map[uint64]struct{}{}
	o.hours = map[int64]struct{}{}
	o.seed = maphash.MakeSeed()
}

// Calls returns what a ServiceAccount was seen doing; false means that no call of
// its was seen, which says nothing by itself: see Silent.
func (o *Observations) Calls(namespace, serviceAccount string) (Calls, bool) {
	a := o.accounts[namespace+":"+serviceAccount]
	if a == nil || a.count == 0 {
		return Calls{}, false
	}
	return o.export(a), true
}

// Span returns the times of the first and of the last event that were read, of
// whatever user; both are zero if no event was.
func (o *Observations) Span() (first, last time.Time) {
	return moment(o.first), moment(o.last)
}

// Covered is how much time the log speaks of: its span without the hours in which
// it holds no event at all. An API server in use is never quiet for an hour, so
// such an hour is a gap between two files, not silence.
func (o *Observations) Covered() time.Duration {
	hours := int64(len(o.hours)) * time.Hour.Microseconds()
	return time.Duration(min(o.last-o.first, hours)) * time.Microsecond
}

// Silent tells whether an account made no call although the log covers at least
// MinSpan. It is false where the log cannot know: if it mentions no ServiceAccount
// at all, since its audit policy leaves them out, and if accounts were left out
// because there were too many. A log whose audit policy drops some calls looks
// the same as one that records all: silence is a hint, never a proof.
func (o *Observations) Silent(namespace, serviceAccount string) bool {
	if o.calls == 0 || o.crowded || o.Covered() < o.minSpan() {
		return false
	}
	return o.accounts[namespace+":"+serviceAccount] == nil
}

// Silence says in words what Silent found, for example "made no call in 24 days
// of audit log (2026-03-01 to 2026-03-25)"; it is the same for every account.
func (o *Observations) Silence() string {
	amount := count(int(o.Covered()/time.Hour), "hour", "hours")
	if days := o.Covered() / (24 * time.Hour); days >= 2 {
		amount = count(int(days), "day", "days")
	}
	first, last := o.Span()
	return fmt.Sprintf("made no call in %s of audit log (%s to %s)", amount, day(first), day(last))
}

// Problems are sentences about what was left out, in the order of reading.
func (o *Observations) Problems() []string { return slices.Clone(o.problems) }

func (o *Observations) minSpan() time.Duration {
	if o.MinSpan > 0 {
		return o.MinSpan
	}
	return DefaultMinSpan
}

// passed widens the span by one event's time.
func (o *Observations) passed(at time.Time) {
	if at.IsZero() {
		return
	}
	t := at.UnixMicro()
	if o.first == 0 || t < o.first {
		o.first = t
	}
	if o.last == 0 || t > o.last {
		o.last = t
	}
	hour := at.Unix() / 3600
	if hour == o.hour {
		return
	}
	o.hour = hour
	if len(o.hours) < o.limits.hours {
		o.hours[hour] = struct{}{}
	}
}

func moment(microseconds int64) time.Time {
	if microseconds == 0 {
		return time.Time{}
	}
	return time.UnixMicro(microseconds).UTC()
}
