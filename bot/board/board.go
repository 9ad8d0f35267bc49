// Package board remembers in memory what the runs of this process last found out: the
// platform as it stands and the merge requests about it. Runs of single namespaces
// replace what they looked at and leave the rest. It stores nothing, asks nobody, and
// is empty after a start until the first run has ended.
package board

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"tokenward/bot"
)

// Umbrella is what is known of one umbrella's platform. It is not to be changed.
type Umbrella struct {
	Name string
	// At is when the last run with a result ended.
	At            time.Time
	Scan          *bot.ScanReport
	MergeRequests []bot.MergeRequestReport
	Failed        []bot.FailureReport
}

// Board holds the umbrellas. It may be used concurrently; the zero Board is empty.
type Board struct {
	mu        sync.Mutex
	umbrellas map[string]Umbrella
}

// Record notes the result of a run over the given namespaces, none for all. scan may
// not be nil; requests is nil where the run only scanned.
func (b *Board) Record(umbrella string, namespaces []string, scan *bot.ScanReport, requests *bot.ProposeReport, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	u := b.umbrellas[umbrella]
	seen := func(ns string) bool {
		return len(namespaces) == 0 || u.Scan == nil || slices.Contains(namespaces, ns)
	}
	merged := Umbrella{Name: umbrella, At: at, Scan: mergeScans(u.Scan, scan, seen), MergeRequests: u.MergeRequests, Failed: u.Failed}
	if requests != nil {
		namespace := func(unit string) string { return strings.TrimSuffix(unit, " (stale)") }
		merged.MergeRequests = replace(u.MergeRequests, requests.MergeRequests, func(m bot.MergeRequestReport) bool { return seen(namespace(m.Unit)) })
		merged.Failed = replace(u.Failed, requests.Failed, func(f bot.FailureReport) bool { return seen(namespace(f.Unit)) })
		slices.SortStableFunc(merged.MergeRequests, func(a, b bot.MergeRequestReport) int {
			return cmp.Or(strings.Compare(a.Unit, b.Unit), -strings.Compare(a.Role, b.Role), strings.Compare(a.Project, b.Project))
		})
		slices.SortStableFunc(merged.Failed, func(a, b bot.FailureReport) int { return strings.Compare(a.Unit, b.Unit) })
	}
	if b.umbrellas == nil {
		b.umbrellas = map[string]Umbrella{}
	}
	b.umbrellas[umbrella] = merged
}

// Forget drops what is known of an umbrella, which is no news if that is nothing.
func (b *Board) Forget(umbrella string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.umbrellas, umbrella)
}

// Umbrellas returns what is known, by name.
func (b *Board) Umbrellas() []Umbrella {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.SortedFunc(maps.Values(b.umbrellas), func(a, c Umbrella) int { return strings.Compare(a.Name, c.Name) })
}

// replace drops what the run saw from the old list and puts what it saw from the new
// one in its place.
func replace[T any](old, now []T, seen func(T) bool) []T {
	var out []T
	for _, v := range old {
		if !seen(v) {
			out = append(out, v)
		}
	}
	for _, v := range now {
		if seen(v) {
			out = append(out, v)
		}
	}
	return out
}

// mergeScans takes what was seen from the new report and the rest from the old one.
// The lists stay sorted by namespace, since both are.
func mergeScans(old, now *bot.ScanReport, seen func(string) bool) *bot.ScanReport {
	if old == nil {
		return now
	}
	r := &bot.ScanReport{
		Umbrella:        now.Umbrella,
		Releases:        replace(old.Releases, now.Releases, func(v bot.ReleaseReport) bool { return seen(v.Namespace) }),
		Workloads:       replace(old.Workloads, now.Workloads, func(v bot.WorkloadReport) bool { return seen(v.Namespace) }),
		ServiceAccounts: replace(old.ServiceAccounts, now.ServiceAccounts, func(v bot.ServiceAccountReport) bool { return seen(v.Namespace) }),
		Changes:         replace(old.Changes, now.Changes, func(v bot.ChangeReport) bool { return seen(v.Namespace) }),
		Notes:           replace(old.Notes, now.Notes, func(v bot.NoteReport) bool { return v.Namespace == "" || seen(v.Namespace) }),
		Violations: bot.ViolationsReport{
			Before: replace(old.Violations.Before, now.Violations.Before, func(v bot.ViolationReport) bool { return seen(v.Namespace) }),
			After:  replace(old.Violations.After, now.Violations.After, func(v bot.ViolationReport) bool { return seen(v.Namespace) }),
		},
	}
	slices.SortStableFunc(r.Releases, func(a, b bot.ReleaseReport) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Namespace, b.Namespace))
	})
	slices.SortStableFunc(r.Workloads, func(a, b bot.WorkloadReport) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	return r
}
