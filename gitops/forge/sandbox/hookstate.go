package sandbox

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// After this many failures in a row GitLab switches a hook off for a minute, which
// doubles with each further one up to a day; and then for good.
const (
	failuresToPause = 4
	failuresToEnd   = 40
)

// hookState is whether a hook is called.
type hookState struct {
	status string // GitLab's alert_status
	until  time.Time
}

func (h hookState) works() bool { return h.status == "executable" }

// hookState looks at how the newest deliveries of a hook went.
func (s *Server) hookState(h *hook, now time.Time) hookState {
	working := hookState{status: "executable"}
	if !s.cfg.DisableHooks {
		return working
	}
	failures, last := 0, time.Time{}
	for _, d := range s.hookDeliveries(h) {
		if d.Status >= 200 && d.Status < 400 {
			break
		}
		if failures == 0 {
			last = d.At
		}
		failures++
	}
	if failures >= failuresToEnd {
		return hookState{status: "disabled"}
	}
	if failures < failuresToPause {
		return working
	}
	until := last.Add(min(24*time.Hour, time.Minute<<min(failures-failuresToPause, 11)))
	if until.Before(now) {
		return working
	}
	return hookState{"temporarily_disabled", until}
}

// hookDeliveries returns what was sent for a hook, newest first.
func (s *Server) hookDeliveries(h *hook) []Delivery {
	made := slices.DeleteFunc(s.Deliveries(), func(d Delivery) bool { return d.HookID != h.id })
	slices.Reverse(made)
	return made
}

func (c *call) listHookEvents(context.Context) (*reply, error) {
	h, err := c.pathHook()
	if err != nil {
		return nil, err
	}
	wanted, filtered := c.params.text("status")
	var all []map[string]any
	made := c.server.hookDeliveries(h)
	for n, d := range made {
		status := "internal error"
		if d.Status != 0 {
			status = strconv.Itoa(d.Status)
		}
		if filtered && status != wanted {
			continue
		}
		all = append(all, map[string]any{
			"id": len(made) - n, "url": d.URL, "trigger": hookTrigger(d.Event), "request_headers": shownHeaders(d.Header),
			"request_data": json.RawMessage(d.Body), "response_headers": map[string]string{}, "response_body": d.Problem,
			"execution_duration": 0.1, "response_status": status,
		})
	}
	return paged(c, all)
}

// hookTrigger is the name of an event in the log of a hook: push_hooks for Push Hook.
func hookTrigger(event string) string {
	return strings.ReplaceAll(strings.ToLower(event), " ", "_") + "s"
}

// shownHeaders are those of a delivery, without the token.
func shownHeaders(h http.Header) map[string]string {
	out := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		out[name] = h.Get(name)
		if name == "X-Gitlab-Token" {
			out[name] = "[REDACTED]"
		}
	}
	return out
}
