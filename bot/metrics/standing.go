package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tokenward/bot/board"
)

// queuePatience is how long a scrape waits for the queue.
const queuePatience = 5 * time.Second

// standing collects what stands on the board and in the queue.
type standing struct{ config Config }

// Describe implements prometheus.Collector.
func (s *standing) Describe(out chan<- *prometheus.Desc) {
	for _, name := range []string{queueUnits, queueOldest, mergeRequests, workloads, violations, releasesFailed, unitsFailed} {
		out <- definition(name).desc()
	}
}

// Collect implements prometheus.Collector.
func (s *standing) Collect(out chan<- prometheus.Metric) {
	set := func(name string, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(definition(name).desc(), prometheus.GaugeValue, value, labels...)
	}
	s.queue(out, set)
	if s.config.Board == nil {
		return
	}
	for _, u := range s.config.Board.Umbrellas() {
		for state, n := range stateCounts(u) {
			set(mergeRequests, float64(n), u.Name, state)
		}
		verdicts := map[string]int{"needs-token": 0, "no-token": 0, "review": 0}
		failed := 0
		for _, w := range u.Scan.Workloads {
			verdicts[w.Verdict]++
		}
		for _, r := range u.Scan.Releases {
			if r.Error != "" {
				failed++
			}
		}
		for verdict, n := range verdicts {
			set(workloads, float64(n), u.Name, verdict)
		}
		set(violations, float64(len(u.Scan.Violations.Before)), u.Name, "before")
		set(violations, float64(len(u.Scan.Violations.After)), u.Name, "after")
		set(releasesFailed, float64(failed), u.Name)
		set(unitsFailed, float64(len(u.Failed)), u.Name)
	}
}

func (s *standing) queue(out chan<- prometheus.Metric, set func(string, float64, ...string)) {
	if s.config.Queue == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), queuePatience)
	defer cancel()
	q, err := s.config.Queue(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(definition(queueUnits).desc(), err)
		return
	}
	for _, state := range []string{"waiting", "running", "pausing", "parked"} {
		set(queueUnits, float64(q.Units[state]), state)
	}
	age := 0.0
	if !q.Oldest.IsZero() {
		age = max(0, s.config.Now().Sub(q.Oldest).Seconds())
	}
	set(queueOldest, age)
}

// stateCounts counts requests by state; the states that GitLab has are always told.
func stateCounts(u board.Umbrella) map[string]int {
	counts := map[string]int{"opened": 0, "merged": 0, "closed": 0}
	for _, m := range u.MergeRequests {
		// A request that a dry run or a limit keeps back is in no state.
		if m.IID != 0 {
			counts[m.State]++
		}
	}
	return counts
}
