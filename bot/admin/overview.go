package admin

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"tokenward/bot"
	"tokenward/bot/board"
)

// latestRuns is how many runs the overview lists.
const latestRuns = 15

// overview is the first page.
type overview struct {
	Needs, None, Review   int
	Before, After         int
	Open, Merged          int
	Waiting               []Unit
	Oldest                time.Time
	Running               []runView
	Runs                  []runView
	Away                  []Away
	Troubles              []trouble
	Parked                int
	Platforms             []platform
	LastGood, LastAttempt *runView
}

// Workloads is how many there are.
func (o *overview) Workloads() int { return o.Needs + o.None + o.Review }

// Share is a part of all workloads in thousandths, for the bar.
func (o *overview) Share(n int) int { return n * 1000 / max(1, o.Workloads()) }

// ReviewEnd is where the part to review ends in the bar.
func (o *overview) ReviewEnd() int { return o.Needs + o.Review }

// trouble is something that a person may want to see to.
type trouble struct {
	Umbrella, Namespace, State, Reason, Intended string
	Since, Next                                  time.Time
	Failures, Run                                int64
}

// platform is an umbrella with its namespaces.
type platform struct {
	board.Umbrella
	Rows        []namespaceRow
	NotAnalysed []bot.ReleaseReport
}

// namespaceRow is a line of the table of namespaces.
type namespaceRow struct {
	Name                         string
	Needs, None, Review          int
	Changes, Before, After       int
	Requests                     []bot.MergeRequestReport
	State                        string
	Failed, Unlisted, Unreadable bool
}

func (h *Handler) overview(w http.ResponseWriter, r *http.Request) {
	o, err := h.collect(r.Context())
	if err != nil {
		h.fail(w, r, http.StatusServiceUnavailable, "The queue does not answer; the log says why.", err)
		return
	}
	v := h.view(r, "Overview")
	v.Overview = o
	h.show(w, http.StatusOK, "overview", v)
}

func (h *Handler) collect(ctx context.Context) (*overview, error) {
	o := &overview{}
	units, err := h.config.Work.Units(ctx)
	if err != nil {
		return nil, err
	}
	runs, err := h.config.Work.Runs(ctx, latestRuns)
	if err != nil {
		return nil, err
	}
	if o.Away, err = h.config.Work.Away(ctx); err != nil {
		return nil, err
	}
	slices.SortStableFunc(units, byUnit)
	states := map[string]string{}
	for _, u := range units {
		states[u.Umbrella+"/"+u.Namespace] = u.State
		o.queued(u)
	}
	for _, r := range runs {
		v := h.runView(r)
		if r.Ended.IsZero() {
			o.Running = append(o.Running, v)
			continue
		}
		o.Runs = append(o.Runs, v)
		if o.LastAttempt == nil {
			o.LastAttempt = &v
		}
		if o.LastGood == nil && good(r.Result) {
			o.LastGood = &v
		}
	}
	for _, u := range h.config.Board.Umbrellas() {
		o.platform(u, states)
	}
	return o, nil
}

// good tells results after which everything is done that could be.
func good(result string) bool { return result == "done" || result == "refused" }

func (o *overview) queued(u Unit) {
	switch u.State {
	case "waiting":
		o.Waiting = append(o.Waiting, u)
		if o.Oldest.IsZero() || u.Since.Before(o.Oldest) {
			o.Oldest = u.Since
		}
	case "parked", "pausing":
		t := trouble{Umbrella: u.Umbrella, Namespace: u.Namespace, State: u.State, Reason: u.Failure, Since: u.ParkedAt, Failures: u.Failures, Run: u.Run}
		if u.State == "parked" {
			o.Parked++
			o.Troubles = slices.Insert(o.Troubles, o.Parked-1, t)
			return
		}
		t.Next = u.NotBefore
		o.Troubles = append(o.Troubles, t)
	}
}

// platform adds what is known of an umbrella.
func (o *overview) platform(u board.Umbrella, states map[string]string) {
	p := platform{Umbrella: u}
	rows := map[string]*namespaceRow{}
	at := func(ns string) *namespaceRow {
		if rows[ns] == nil {
			rows[ns] = &namespaceRow{Name: ns, State: states[u.Name+"/"+ns]}
		}
		return rows[ns]
	}
	for _, w := range u.Scan.Workloads {
		r := at(w.Namespace)
		switch w.Verdict {
		case "needs-token":
			r.Needs++
		case "no-token":
			r.None++
		default:
			r.Review++
		}
		r.Unlisted = r.Unlisted || w.Listed == "namespace-unlisted"
	}
	for _, c := range u.Scan.Changes {
		at(c.Namespace).Changes++
	}
	for _, v := range u.Scan.Violations.Before {
		at(v.Namespace).Before++
	}
	for _, v := range u.Scan.Violations.After {
		at(v.Namespace).After++
	}
	for _, r := range u.Scan.Releases {
		if r.Error != "" {
			p.NotAnalysed = append(p.NotAnalysed, r)
			if r.Namespace != "" { // else nobody knows which
				at(r.Namespace).Unreadable = true
			}
		}
	}
	for _, m := range u.MergeRequests {
		r := at(namespaceOf(m.Unit))
		r.Requests = append(r.Requests, m)
		o.Open += one(m.State == "opened" && m.IID != 0)
		o.Merged += one(m.State == "merged")
	}
	for _, f := range u.Failed {
		ns := namespaceOf(f.Unit)
		at(ns).Failed = true
		if state := states[u.Name+"/"+ns]; state != "parked" && state != "pausing" {
			o.Troubles = append(o.Troubles, trouble{Umbrella: u.Name, Namespace: ns, State: "not proposed", Reason: f.Reason, Intended: f.Intended, Since: u.At})
		}
	}
	for ns, r := range rows {
		o.Needs, o.None, o.Review = o.Needs+r.Needs, o.None+r.None, o.Review+r.Review
		o.Before, o.After = o.Before+r.Before, o.After+r.After
		if ns != "" {
			p.Rows = append(p.Rows, *r)
		}
	}
	slices.SortFunc(p.Rows, func(a, b namespaceRow) int { return strings.Compare(a.Name, b.Name) })
	o.Platforms = append(o.Platforms, p)
}

// namespaceOf is the namespace of a unit's name.
func namespaceOf(unit string) string { return strings.TrimSuffix(unit, " (stale)") }

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
