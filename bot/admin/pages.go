package admin

import (
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"time"

	"tokenward/bot"
	"tokenward/bot/board"
	"tokenward/bot/report"
)

// namespacePage is what is known of one namespace.
type namespacePage struct {
	Umbrella, Name string
	At             time.Time
	Requests       []bot.MergeRequestReport
	Troubles       []trouble
	Part           template.HTML
}

func (h *Handler) namespace(w http.ResponseWriter, r *http.Request) {
	umbrella, name := r.PathValue("umbrella"), r.PathValue("namespace")
	o, err := h.collect(r.Context())
	if err != nil {
		h.fail(w, r, http.StatusServiceUnavailable, "The queue does not answer; the log says why.", err)
		return
	}
	i := slices.IndexFunc(o.Platforms, func(p platform) bool { return p.Name == umbrella })
	if i < 0 || !slices.ContainsFunc(o.Platforms[i].Rows, func(row namespaceRow) bool { return row.Name == name }) {
		h.fail(w, r, http.StatusNotFound, "No run since the start has seen this namespace.", nil)
		return
	}
	p := o.Platforms[i]
	page := &namespacePage{Umbrella: umbrella, Name: name, At: p.At}
	if page.Part, err = report.Namespace(p.Scan, name); err != nil {
		h.fail(w, r, http.StatusInternalServerError, "The evidence cannot be shown; the log says why.", err)
		return
	}
	for _, row := range p.Rows {
		if row.Name == name {
			page.Requests = row.Requests
		}
	}
	for _, t := range o.Troubles {
		if t.Umbrella == umbrella && t.Namespace == name {
			page.Troubles = append(page.Troubles, t)
		}
	}
	v := h.view(r, name)
	v.Namespace = page
	h.show(w, http.StatusOK, "namespace", v)
}

func (h *Handler) run(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		h.fail(w, r, http.StatusNotFound, "There is no such run.", nil)
		return
	}
	run, found, err := h.config.Work.Run(r.Context(), id)
	switch {
	case err != nil:
		h.fail(w, r, http.StatusServiceUnavailable, "The queue does not answer; the log says why.", err)
	case !found:
		h.fail(w, r, http.StatusNotFound, "There is no such run.", nil)
	default:
		v := h.view(r, fmt.Sprintf("Run %d", id))
		shown := h.runView(run)
		v.Run = &shown
		h.show(w, http.StatusOK, "run", v)
	}
}

// retry asks for a unit that is known.
func (h *Handler) retry(w http.ResponseWriter, r *http.Request) {
	umbrella, namespace := r.PostFormValue("umbrella"), r.PostFormValue("namespace")
	units, err := h.config.Work.Units(r.Context())
	if err != nil {
		h.fail(w, r, http.StatusServiceUnavailable, "The queue does not answer; the log says why.", err)
		return
	}
	known := slices.ContainsFunc(units, func(u Unit) bool { return u.Umbrella == umbrella && u.Namespace == namespace })
	for _, u := range h.config.Board.Umbrellas() {
		if u.Name == umbrella && !known {
			namespace, known = unitFor(u, namespace)
		}
	}
	if !known {
		h.fail(w, r, http.StatusNotFound, "There is no such unit.", nil)
		return
	}
	reason := "asked for on the admin page"
	if user := h.proxyUser(r); user != "" {
		reason += " by " + user
	}
	if err := h.config.Work.Retry(r.Context(), umbrella, namespace, reason); err != nil {
		h.fail(w, r, http.StatusServiceUnavailable, "The queue does not take it; the log says why.", err)
		return
	}
	h.config.Log.Info("unit asked for again", bot.LogUmbrella, umbrella, bot.LogUnit, namespace, bot.LogReason, reason)
	http.Redirect(w, r, back(r.PostFormValue("to")), http.StatusSeeOther)
}

// unitFor is the unit of the queue that does again what the board shows under a name: the
// namespace of this name, and the whole umbrella for what is about several, as its issues, or
// about a namespace into which nothing is deployed.
func unitFor(u board.Umbrella, name string) (namespace string, ok bool) {
	if seen(u, name) {
		return name, true
	}
	violates := func(v bot.ViolationReport) bool { return v.Namespace == name }
	return "", slices.ContainsFunc(u.Failed, func(f bot.FailureReport) bool { return namespaceOf(f.Unit) == name }) ||
		slices.ContainsFunc(u.MergeRequests, func(m bot.MergeRequestReport) bool { return namespaceOf(m.Unit) == name }) ||
		slices.ContainsFunc(u.Scan.Changes, func(c bot.ChangeReport) bool { return c.Namespace == name }) ||
		slices.ContainsFunc(u.Scan.Violations.Before, violates) || slices.ContainsFunc(u.Scan.Violations.After, violates)
}

// seen tells whether the board has a namespace; "" is the whole umbrella.
func seen(u board.Umbrella, namespace string) bool {
	return namespace == "" || slices.ContainsFunc(u.Scan.Workloads, func(w bot.WorkloadReport) bool { return w.Namespace == namespace }) ||
		slices.ContainsFunc(u.Scan.Releases, func(r bot.ReleaseReport) bool { return r.Namespace == namespace })
}
