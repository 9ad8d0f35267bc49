package metrics

import "github.com/prometheus/client_golang/prometheus"

// Definition is a metric as the README, the dashboard and the alerts know it.
type Definition struct {
	Name, Type string
	Labels     []string
	Help       string
}

// The metrics' names.
const (
	runsTotal       = "tokenward_runs_total"
	lastSuccess     = "tokenward_last_success_timestamp_seconds"
	stepDuration    = "tokenward_step_duration_seconds"
	queueUnits      = "tokenward_queue_units"
	queueOldest     = "tokenward_queue_oldest_seconds"
	requestsTotal   = "tokenward_gitlab_requests_total"
	requestDuration = "tokenward_gitlab_request_duration_seconds"
	limitTotal      = "tokenward_gitlab_ratelimit_limit"
	limitRemaining  = "tokenward_gitlab_ratelimit_remaining"
	tokenExpiry     = "tokenward_gitlab_token_expiry_timestamp_seconds"
	deliveriesTotal = "tokenward_webhook_deliveries_total"
	actionsTotal    = "tokenward_merge_request_actions_total"
	mergeRequests   = "tokenward_merge_requests"
	workloads       = "tokenward_workloads"
	violations      = "tokenward_violations"
	releasesFailed  = "tokenward_releases_failed"
	unitsFailed     = "tokenward_units_failed"
	buildInfo       = "tokenward_build_info"
)

const (
	counter   = "counter"
	gauge     = "gauge"
	histogram = "histogram"
)

// Definitions lists all metrics of ours, in the order of the README's table. Beside
// them stand those of the Go runtime and the process.
func Definitions() []Definition {
	return []Definition{
		{runsTotal, counter, []string{"umbrella", "result"}, "Runs that ended: ok, partial (some releases or units failed, everything else was done) or error."},
		{lastSuccess, gauge, []string{"umbrella"}, "When the last run ended that was ok or partial; of this process."},
		{stepDuration, histogram, []string{"step"}, "How long the steps of runs take, and whole runs as the step run."},
		{queueUnits, gauge, []string{"state"}, "Units that are waiting, running, pausing after a failure, or parked after too many."},
		{queueOldest, gauge, nil, "For how long the unit that waits longest has been waiting; parked ones do not wait."},
		{requestsTotal, counter, []string{"method", "route", "status"}, "Requests to GitLab's API by route, in which : stands for any one thing; the status is none without an answer."},
		{requestDuration, histogram, []string{"method"}, "How long GitLab takes to begin an answer."},
		{limitTotal, gauge, nil, "Requests that GitLab's rate limit allows in its period, as the last answer said."},
		{limitRemaining, gauge, nil, "How many of them are left."},
		{tokenExpiry, gauge, nil, "When the GitLab token expires; missing where GitLab does not say."},
		{deliveriesTotal, counter, []string{"event", "outcome"}, "Webhook deliveries and what became of them."},
		{actionsTotal, counter, []string{"action"}, "What runs did about merge requests: created, updated, closed, skipped or unchanged."},
		{mergeRequests, gauge, []string{"umbrella", "state"}, "Merge requests by state, as the last runs left them."},
		{workloads, gauge, []string{"umbrella", "verdict"}, "Workloads by verdict: needs-token, no-token or review."},
		{violations, gauge, []string{"umbrella", "when"}, "Violations of the validating policy before (today) and after (with every change merged)."},
		{releasesFailed, gauge, []string{"umbrella"}, "Releases that could not be analysed."},
		{unitsFailed, gauge, []string{"umbrella"}, "Namespaces that were not proposed, or only in part."},
		{buildInfo, gauge, []string{"version"}, "Always 1; says which version runs."},
	}
}

// definition finds a metric of ours.
func definition(name string) Definition {
	for _, d := range Definitions() {
		if d.Name == name {
			return d
		}
	}
	panic("metric " + name + " is not defined")
}

func (d Definition) desc() *prometheus.Desc {
	return prometheus.NewDesc(d.Name, d.Help, d.Labels, nil)
}

func (d Definition) counterVec() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: d.Name, Help: d.Help}, d.Labels)
}

func (d Definition) gaugeVec() *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: d.Name, Help: d.Help}, d.Labels)
}

func (d Definition) histogramVec(buckets []float64) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: d.Name, Help: d.Help, Buckets: buckets}, d.Labels)
}
