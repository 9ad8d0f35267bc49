package admin

import (
	"bytes"
	"cmp"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tokenward/bot"
	"tokenward/bot/redact"
	"tokenward/bot/report"
)

// view is what every page's template gets.
type view struct {
	Title, Version, User string
	Here                 string // the page's own path, "" if it does not watch
	CanLeave             bool   // there is a session to end
	To, Error            string
	Overview             *overview
	Namespace            *namespacePage
	Run                  *runView
}

func (h *Handler) view(r *http.Request, title string) view {
	_, err := r.Cookie(sessionCookie)
	return view{Title: title, Version: h.config.Version, User: h.proxyUser(r), Here: r.URL.EscapedPath(), CanLeave: err == nil && h.config.Token != nil}
}

func (h *Handler) funcs() template.FuncMap {
	return template.FuncMap{
		"line": redact.OneLine, "mark": report.Mark,
		"ago":  func(t time.Time) string { return ago(h.config.Now().Sub(t)) },
		"took": took, "stamp": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"clock": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
		"cut":   cut, "nsPath": namespacePath, "unit": unitName, "short": func(s string) string { return s[:min(len(s), 10)] },
		"join": func(list []string) string { return redact.OneLine(strings.Join(list, "; ")) },
		"dict": func(pairs ...any) map[string]any {
			out := map[string]any{}
			for i := 0; i+1 < len(pairs); i += 2 {
				out[fmt.Sprint(pairs[i])] = pairs[i+1]
			}
			return out
		},
	}
}

// show renders a page whole before it sends anything.
func (h *Handler) show(w http.ResponseWriter, status int, page string, v view) {
	var out bytes.Buffer
	if err := h.pages.ExecuteTemplate(&out, page, v); err != nil {
		h.config.Log.Error("show a page", "page", page, "reason", err.Error())
		http.Error(w, "This page cannot be shown; the log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if _, err := out.WriteTo(w); err != nil {
		h.config.Log.Debug("send a page", "page", page, "reason", err.Error())
	}
}

// fail shows a sentence, and logs the error behind it.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, status int, sentence string, err error) {
	if err != nil {
		h.config.Log.Warn("admin page", "path", r.URL.Path, "status", status, bot.LogReason, err.Error())
	}
	v := h.view(r, http.StatusText(status))
	v.Here, v.Error = "", sentence
	h.show(w, status, "failed", v)
}

func namespacePath(umbrella, namespace string) string {
	return "/namespaces/" + url.PathEscape(umbrella) + "/" + url.PathEscape(namespace)
}

// unitName says what a unit or a run is about.
func unitName(umbrella, namespace string) string {
	if namespace == "" {
		return "all of " + redact.OneLine(umbrella)
	}
	return redact.OneLine(namespace)
}

func cut(s string) string {
	s = redact.OneLine(s)
	if utf8.RuneCountInString(s) > 240 {
		return string([]rune(s)[:239]) + "…"
	}
	return s
}

// took says how long something took, as roughly as people care.
func took(d time.Duration) string {
	switch {
	case d < 0:
		return "0 s"
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f h", d.Hours())
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}

func ago(d time.Duration) string {
	if d < 0 {
		return "in " + took(-d)
	}
	if d < 2*time.Second {
		return "just now"
	}
	return took(d.Truncate(time.Second)) + " ago"
}

// runView is a run with the path of its steps.
type runView struct {
	Run
	Path []stepView
	Took time.Duration // or how long it has been going
}

// stepView is one step on the path: done, current or to come.
type stepView struct {
	Step
	State string
	Took  time.Duration
}

func (h *Handler) runView(r Run) runView {
	end := r.Ended
	if end.IsZero() {
		end = h.config.Now()
	}
	v := runView{Run: r, Took: end.Sub(r.Started)}
	for i, s := range r.Steps {
		step := stepView{Step: s, State: "done", Took: end.Sub(s.Started)}
		if i+1 < len(r.Steps) {
			step.Took = r.Steps[i+1].Started.Sub(s.Started)
		} else if r.Ended.IsZero() {
			step.State = "current"
		}
		v.Path = append(v.Path, step)
	}
	for _, name := range bot.Steps() {
		if r.Ended.IsZero() && !slices.ContainsFunc(v.Path, func(s stepView) bool { return s.Name == name }) {
			v.Path = append(v.Path, stepView{Step: Step{Name: name}, State: "ahead"})
		}
	}
	return v
}

// byUnit orders what is shown.
func byUnit(a, b Unit) int {
	return cmp.Or(strings.Compare(a.Umbrella, b.Umbrella), strings.Compare(a.Namespace, b.Namespace))
}
