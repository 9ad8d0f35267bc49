package metrics

import (
	"context"
	"errors"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tokenward/bot"
	"tokenward/bot/board"
	"tokenward/gitops/forge"
)

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler(silent{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("answered %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

type silent struct{}

func (silent) Println(...any) {}

func filled(t *testing.T) *Metrics {
	t.Helper()
	b := &board.Board{}
	b.Record("main", nil, &bot.ScanReport{
		Releases:   []bot.ReleaseReport{{Name: "a"}, {Name: "b", Error: "no chart"}},
		Workloads:  []bot.WorkloadReport{{Verdict: "review"}, {Verdict: "review"}, {Verdict: "no-token"}},
		Violations: bot.ViolationsReport{Before: []bot.ViolationReport{{Name: "x"}, {Name: "y"}}, After: []bot.ViolationReport{{Name: "x"}}},
	}, &bot.ProposeReport{
		MergeRequests: []bot.MergeRequestReport{{Unit: "a", IID: 1, State: "opened", Action: bot.ActionCreated}, {Unit: "b", State: "opened", Action: bot.ActionSkipped}},
		Failed:        []bot.FailureReport{{Unit: "c"}},
	}, time.Unix(50, 0))
	m, err := New(prometheus.NewRegistry(), Config{Version: "1.2.3", Board: b, Now: func() time.Time { return time.Unix(100, 0) },
		Queue: func(context.Context) (Queue, error) {
			return Queue{Units: map[string]int{"parked": 2, "waiting": 1}, Oldest: time.Unix(40, 0)}, nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	m.Umbrella("main")
	m.Run("main", bot.ResultPartial, &bot.ProposeReport{MergeRequests: []bot.MergeRequestReport{{Action: bot.ActionCreated}}})
	_, end := m.Step(t.Context(), bot.StepRender, "")
	end(nil)
	_, end = m.Step(t.Context(), bot.StepRender, "a-release")
	end(errors.New("x"))
	m.Call(forge.Call{Method: "GET", Route: "user", Status: 200, Took: time.Second, Limit: 600, Remaining: 599})
	m.Call(forge.Call{Method: "GET", Route: "user", Limit: -1, Remaining: -1})
	m.Delivery("push", "accepted")
	m.TokenExpiry(time.Unix(1000, 0))
	return m
}

func TestMetricsSayWhatHappened(t *testing.T) {
	t.Parallel()
	text := scrape(t, filled(t))
	for _, want := range []string{
		`tokenward_runs_total{result="partial",umbrella="main"} 1`, `tokenward_runs_total{result="ok",umbrella="main"} 0`,
		`tokenward_last_success_timestamp_seconds{umbrella="main"} 100`,
		`tokenward_step_duration_seconds_count{step="render"} 1`,
		`tokenward_queue_units{state="parked"} 2`, `tokenward_queue_units{state="running"} 0`, `tokenward_queue_oldest_seconds 60`,
		`tokenward_gitlab_requests_total{method="GET",route="user",status="200"} 1`, `tokenward_gitlab_requests_total{method="GET",route="user",status="none"} 1`,
		`tokenward_gitlab_ratelimit_remaining 599`, `tokenward_gitlab_ratelimit_limit 600`, `tokenward_gitlab_token_expiry_timestamp_seconds 1000`,
		`tokenward_webhook_deliveries_total{event="push",outcome="accepted"} 1`,
		`tokenward_merge_request_actions_total{action="created"} 1`, `tokenward_merge_requests{state="opened",umbrella="main"} 1`,
		`tokenward_workloads{umbrella="main",verdict="review"} 2`, `tokenward_workloads{umbrella="main",verdict="needs-token"} 0`,
		`tokenward_violations{umbrella="main",when="after"} 1`, `tokenward_releases_failed{umbrella="main"} 1`, `tokenward_units_failed{umbrella="main"} 1`,
		`tokenward_build_info{version="1.2.3"} 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("lacks %s", want)
		}
	}
}

// What is served and what the README lists are the same: names, types and labels.
func TestDefinitionsAreWhatIsServed(t *testing.T) {
	t.Parallel()
	text := scrape(t, filled(t))
	types := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (tokenward_\w+) (\w+)$`).FindAllStringSubmatch(text, -1) {
		types[m[1]] = m[2]
	}
	for _, d := range Definitions() {
		if types[d.Name] != d.Type {
			t.Errorf("%s is served as %q, listed as %q", d.Name, types[d.Name], d.Type)
		}
		delete(types, d.Name)
		line := regexp.MustCompile(`(?m)^` + d.Name + `(?:_sum)?(?:\{([^}]*)\})? `).FindStringSubmatch(text)
		var labels []string
		if line != nil {
			for _, l := range regexp.MustCompile(`(\w+)="`).FindAllStringSubmatch(line[1], -1) {
				labels = append(labels, l[1])
			}
		}
		want := slices.Sorted(slices.Values(d.Labels))
		if line == nil || !slices.Equal(labels, want) {
			t.Errorf("%s is served with labels %v, listed with %v", d.Name, labels, want)
		}
	}
	if len(types) > 0 {
		t.Errorf("not listed: %v", types)
	}
}

// A queue that does not answer costs its own metrics, not the others.
func TestQueueAwayCostsOnlyItself(t *testing.T) {
	t.Parallel()
	m, err := New(prometheus.NewRegistry(), Config{Queue: func(context.Context) (Queue, error) { return Queue{}, errors.New("away") }})
	if err != nil {
		t.Fatal(err)
	}
	if text := scrape(t, m); !strings.Contains(text, "tokenward_build_info") || strings.Contains(text, "tokenward_queue_units") {
		t.Errorf("served:\n%s", text)
	}
}
