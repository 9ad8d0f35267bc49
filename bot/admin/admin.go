// Package admin is the page on which people see a running service: namespaces with
// their verdicts and merge requests, runs with their steps, the queue, and failures
// with a button to try again. It owns who may look and what the pages say. It keeps
// nothing, works without scripts and without anything from elsewhere, and has one
// power: to ask the queue for a unit again.
package admin

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"tokenward/bot/board"
	"tokenward/bot/report"
)

// Work is the queue, as the pages show it.
type Work interface {
	Units(ctx context.Context) ([]Unit, error)
	// Runs lists the latest runs, the newest first.
	Runs(ctx context.Context, limit int) ([]Run, error)
	Run(ctx context.Context, id int64) (r Run, found bool, err error)
	// Away lists the umbrellas whose server does not answer.
	Away(ctx context.Context) ([]Away, error)
	Retry(ctx context.Context, umbrella, namespace, reason string) error
}

// Unit is a namespace of an umbrella, or with "" the whole of it, in the queue.
type Unit struct {
	Umbrella, Namespace string
	State               string // idle, waiting, running, pausing or parked
	Triggers            int64
	Since               time.Time // wanted since
	Reasons             []string
	Run                 int64 // the last one, 0 for none
	Failures            int64
	Failure             string
	NotBefore, ParkedAt time.Time
}

// Run is one run.
type Run struct {
	ID                  int64
	Umbrella, Namespace string
	Whole               bool // all of the umbrella, not only what changed
	Owner               string
	Triggers            int64
	Reasons             []string
	Started, Ended      time.Time // Ended is zero while it runs
	Result, Message     string
	Steps               []Step
}

// Step is a step of a run.
type Step struct {
	Name        string
	Done, Total int
	Started     time.Time
}

// Away is an umbrella whose server is left alone until a pause is over.
type Away struct {
	Umbrella, Reason string
	Until            time.Time
}

// Config says what is shown and to whom.
type Config struct {
	Version string
	Board   *board.Board
	Work    Work
	Metrics http.Handler // served to everybody at /metrics, nil for nothing
	// Token returns what opens the pages, asked at each request so that it can be
	// rotated; nil for none. Without one, the pages are open to whoever reaches them
	// by a loopback name, or comes through the proxy.
	Token func() (string, error)
	// UserHeader is set by an authenticating proxy at one of the Proxies' addresses to the user's name; "" for none.
	UserHeader string
	Proxies    []netip.Prefix
	Log        *slog.Logger
	Now        func() time.Time
	// Every is how often the state is looked at for pages that watch it; default a second.
	Every time.Duration
}

//go:embed admin.css
var adminStyle string

//go:embed admin.js
var adminScript string

//go:embed icon.svg
var icon string

//go:embed page.html
var pageTemplate string

// Handler serves the pages.
type Handler struct {
	config  Config
	pages   *template.Template
	mux     *http.ServeMux
	logins  *rate.Limiter
	closing chan struct{}
	once    sync.Once
}

// New returns the pages' handler.
func New(config Config) (*Handler, error) {
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Every <= 0 {
		config.Every = time.Second
	}
	if config.UserHeader != "" && len(config.Proxies) == 0 {
		return nil, errors.New("a user header can be forged by anybody: say from which addresses the proxy comes")
	}
	h := &Handler{config: config, logins: rate.NewLimiter(1, 10), closing: make(chan struct{})}
	var err error
	if h.pages, err = template.New("page").Funcs(h.funcs()).Parse(pageTemplate); err != nil {
		return nil, fmt.Errorf("read the admin pages' template: %w", err)
	}
	h.routes()
	return h, nil
}

func (h *Handler) routes() {
	h.mux = http.NewServeMux()
	static := func(path, kind, text string) {
		h.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Cache-Control", "max-age=300")
			fmt.Fprint(w, text)
		})
	}
	static("/style.css", "text/css; charset=utf-8", report.Style()+adminStyle)
	static("/script.js", "text/javascript; charset=utf-8", adminScript)
	static("/icon.svg", "image/svg+xml", icon)
	if h.config.Metrics != nil {
		h.mux.Handle("GET /metrics", h.config.Metrics)
	}
	h.mux.HandleFunc("GET /login", h.loginPage)
	h.mux.HandleFunc("POST /login", h.login)
	h.mux.HandleFunc("POST /logout", h.logout)
	h.mux.HandleFunc("GET /{$}", h.signedIn(h.overview))
	h.mux.HandleFunc("GET /namespaces/{umbrella}/{namespace}", h.signedIn(h.namespace))
	h.mux.HandleFunc("GET /runs/{id}", h.signedIn(h.run))
	h.mux.HandleFunc("GET /events", h.signedIn(h.events))
	h.mux.HandleFunc("POST /retry", h.signedIn(h.retry))
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	// What another site has a browser send is refused before anything looks at it.
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		h.fail(w, r, http.StatusForbidden, "This request came from another site.", err)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	h.mux.ServeHTTP(w, r)
}

// Close ends the streams of pages that watch, so that a server can shut down.
func (h *Handler) Close() { h.once.Do(func() { close(h.closing) }) }
