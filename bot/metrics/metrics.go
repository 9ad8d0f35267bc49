// Package metrics counts and measures what a service does, for Prometheus. It owns
// the names, labels and help texts; every label's values are few and known
// beforehand, or come from the configuration. It decides nothing, uses no global
// registry, and asks the queue and the board only when it is asked.
package metrics

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tokenward/bot"
	"tokenward/bot/board"
	"tokenward/gitops/forge"
)

// Queue is how many units the queue holds in which state, and since when the oldest
// waits, zero if none does.
type Queue struct {
	Units  map[string]int
	Oldest time.Time
}

// Config says what is measured beside what is told.
type Config struct {
	Version string
	Board   *board.Board                         // nil for none
	Queue   func(context.Context) (Queue, error) // nil for none
	Now     func() time.Time                     // default time.Now
}

// Metrics takes in what happens. It may be used concurrently.
type Metrics struct {
	config   Config
	registry *prometheus.Registry

	runs, requests, deliveries, actions *prometheus.CounterVec
	success, limit, remaining, expiry   *prometheus.GaugeVec
	steps, durations                    *prometheus.HistogramVec
}

// New registers the metrics with a registry.
func New(registry *prometheus.Registry, config Config) (*Metrics, error) {
	if config.Now == nil {
		config.Now = time.Now
	}
	m := &Metrics{config: config, registry: registry,
		runs: definition(runsTotal).counterVec(), requests: definition(requestsTotal).counterVec(),
		deliveries: definition(deliveriesTotal).counterVec(), actions: definition(actionsTotal).counterVec(),
		success: definition(lastSuccess).gaugeVec(), limit: definition(limitTotal).gaugeVec(), remaining: definition(limitRemaining).gaugeVec(), expiry: definition(tokenExpiry).gaugeVec(),
		steps:     definition(stepDuration).histogramVec([]float64{.01, .05, .1, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900}),
		durations: definition(requestDuration).histogramVec([]float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}),
	}
	version := definition(buildInfo).gaugeVec()
	version.WithLabelValues(config.Version).Set(1)
	for _, c := range []prometheus.Collector{m.runs, m.requests, m.deliveries, m.actions, m.success, m.limit, m.remaining, m.expiry, m.steps, m.durations, version,
		&standing{config: config}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})} {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	// What is counted from nothing is there before it happens, so that its rate is seen.
	for _, action := range []string{bot.ActionCreated, bot.ActionUpdated, bot.ActionClosed, bot.ActionSkipped, bot.ActionUnchanged} {
		m.actions.WithLabelValues(action)
	}
	return m, nil
}

// Umbrella makes the counters of an umbrella's runs be there before its first run.
func (m *Metrics) Umbrella(name string) {
	for _, result := range []string{bot.ResultOK, bot.ResultPartial, bot.ResultError} {
		m.runs.WithLabelValues(name, result)
	}
}

// Forget drops how the runs of an umbrella went, which is not worked on any more.
func (m *Metrics) Forget(umbrella string) {
	m.success.DeleteLabelValues(umbrella)
	m.runs.DeletePartialMatch(prometheus.Labels{"umbrella": umbrella})
}

// Run counts a run that ended; report may be nil.
func (m *Metrics) Run(umbrella, result string, report *bot.ProposeReport) {
	m.runs.WithLabelValues(umbrella, result).Inc()
	if result != bot.ResultError {
		m.success.WithLabelValues(umbrella).Set(float64(m.config.Now().Unix()))
	}
	if report == nil {
		return
	}
	for _, r := range report.MergeRequests {
		m.actions.WithLabelValues(r.Action).Inc()
	}
}

// Step is a bot.StepFunc that measures the steps of runs, not those of single releases.
func (m *Metrics) Step(ctx context.Context, step, about string) (context.Context, func(error)) {
	if about != "" {
		return ctx, func(error) {}
	}
	begin := m.config.Now()
	return ctx, func(error) { m.steps.WithLabelValues(step).Observe(m.config.Now().Sub(begin).Seconds()) }
}

// Call counts a request to GitLab.
func (m *Metrics) Call(c forge.Call) {
	status := "none"
	if c.Status != 0 {
		status = strconv.Itoa(c.Status)
	}
	m.requests.WithLabelValues(c.Method, c.Route, status).Inc()
	m.durations.WithLabelValues(c.Method).Observe(c.Took.Seconds())
	if c.Limit >= 0 {
		m.limit.WithLabelValues().Set(float64(c.Limit))
	}
	if c.Remaining >= 0 {
		m.remaining.WithLabelValues().Set(float64(c.Remaining))
	}
}

// Delivery counts a webhook's delivery.
func (m *Metrics) Delivery(event, outcome string) { m.deliveries.WithLabelValues(event, outcome).Inc() }

// TokenExpiry notes when the GitLab token expires; the zero time says that it is not known.
func (m *Metrics) TokenExpiry(at time.Time) {
	if at.IsZero() {
		m.expiry.Reset()
		return
	}
	m.expiry.WithLabelValues().Set(float64(at.Unix()))
}

// Handler serves the registry. What cannot be collected is left out and said in the log.
func (m *Metrics) Handler(log promhttp.Logger) http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorLog: log, ErrorHandling: promhttp.ContinueOnError, Registry: m.registry})
}
