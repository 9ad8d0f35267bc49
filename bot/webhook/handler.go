package webhook

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Config is what a Handler works with. All functions are called concurrently, once
// or less for each call of GitLab.
type Config struct {
	// Secrets returns the secrets that are valid now, so that changed files count
	// without a restart.
	Secrets func() (Secrets, error)
	Inbox   Inbox
	// View returns what events are judged against now. An error keeps the delivery from
	// being answered with 2xx.
	View    func() (View, error)
	Counter Counter // nil counts nothing
	// BodyLimit is the largest body in bytes; 0 means GitLab's own limit, 25 MiB.
	BodyLimit int64
	Now       func() time.Time
	Log       *slog.Logger
}

// Handler answers POST /webhooks/gitlab, wherever it is mounted.
type Handler struct {
	Config
	same     sameEvents
	unproven atomic.Int64 // bytes of bodies that are being read, see maxUnproven
}

// New checks c. Where there is no secret, nobody is believed until there is one.
func New(c Config) (*Handler, error) {
	if c.Secrets == nil || c.Inbox == nil || c.View == nil {
		return nil, errors.New("webhooks need secrets, an inbox and a view of the projects")
	}
	if _, err := c.Secrets(); err != nil {
		return nil, fmt.Errorf("read the webhooks' secrets: %w", err)
	}
	if c.Counter == nil {
		c.Counter = silent{}
	}
	if c.BodyLimit == 0 {
		c.BodyLimit = 25 << 20
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Handler{Config: c}, nil
}

type silent struct{}

func (silent) Delivery(string, string) {}

// answer is what becomes of one call.
type answer struct {
	status         int
	event, outcome string
	id             string // of the delivery
	err            error  // for the log; a stranger is told nothing
}

func refuse(status int, outcome string, err error) answer {
	return answer{status: status, outcome: outcome, err: err}
}

// ServeHTTP believes, reads and stores one delivery. Whatever is understood is
// answered with 200, also what means no work: GitLab switches hooks off that fail.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a := h.take(w, r)
	h.Counter.Delivery(a.event, a.outcome)
	level := slog.LevelDebug
	switch a.outcome {
	case Accepted:
		level = slog.LevelInfo
	case Unavailable:
		level = slog.LevelError
	case Unauthorized, Invalid, TooLarge:
		level = slog.LevelWarn
	}
	attrs := []slog.Attr{slog.String("outcome", a.outcome), slog.String("event", a.event), slog.String("delivery", a.id)}
	if a.err != nil {
		attrs = append(attrs, slog.String("error", a.err.Error()))
	}
	h.Log.LogAttrs(r.Context(), level, "webhook", attrs...)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if a.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, strings.ToLower(http.StatusText(a.status))+"\n") // a caller that went away is no news
}

func (h *Handler) take(w http.ResponseWriter, r *http.Request) answer {
	secrets, err := h.Secrets()
	if err != nil {
		return refuse(http.StatusServiceUnavailable, Unavailable, fmt.Errorf("read the webhooks' secrets: %w", err))
	}
	if secrets.Empty() {
		return answer{status: http.StatusNotFound, outcome: Ignored}
	}
	if r.Method != http.MethodPost {
		return refuse(http.StatusMethodNotAllowed, Invalid, fmt.Errorf("the method is %s", plain(r.Method)))
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return refuse(http.StatusUnsupportedMediaType, Invalid, errors.New("the content type is not application/json"))
	}
	body, refusal := h.believe(w, r, secrets)
	if refusal != nil {
		return *refusal
	}
	view, err := h.View()
	if err != nil {
		return refuse(http.StatusServiceUnavailable, Unavailable, fmt.Errorf("read which projects matter: %w", err))
	}
	m, err := view.Read(body)
	if err != nil {
		return refuse(http.StatusBadRequest, Invalid, fmt.Errorf("read the body: %w", err))
	}
	a := answer{status: http.StatusOK, event: m.Event, outcome: Ignored}
	switch {
	case !m.Known:
		a.outcome = Unknown
		return a
	case len(m.Triggers) == 0:
		return a
	}
	a.id = h.same.deliveryID(r.Header, body)
	fresh, err := h.Inbox.Accept(r.Context(), a.id, m.Triggers)
	switch {
	case err != nil:
		a.status, a.outcome, a.err = http.StatusServiceUnavailable, Unavailable, fmt.Errorf("store the delivery: %w", err)
	case fresh:
		a.outcome = Accepted
	default:
		a.outcome = Duplicate
	}
	return a
}

// believe returns the body of a call that has a valid secret. Without one, no more
// of it is read than it takes to say so.
func (h *Handler) believe(w http.ResponseWriter, r *http.Request, secrets Secrets) ([]byte, *answer) {
	refused := func(status int, outcome string, err error) ([]byte, *answer) {
		a := refuse(status, outcome, err)
		return nil, &a
	}
	proof, err := secrets.check(r.Header, h.Now())
	if err != nil {
		return refused(http.StatusUnauthorized, Unauthorized, err)
	}
	if r.ContentLength > h.BodyLimit {
		return refused(http.StatusRequestEntityTooLarge, TooLarge, fmt.Errorf("the body has %d bytes", r.ContentLength))
	}
	var from io.Reader = http.MaxBytesReader(w, r.Body, h.BodyLimit)
	if proof.signed {
		u := &unproven{Reader: from, all: &h.unproven}
		defer u.settled()
		from = u
	}
	body, err := io.ReadAll(from)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return refused(http.StatusRequestEntityTooLarge, TooLarge, fmt.Errorf("the body has more than %d bytes", large.Limit))
	case errors.Is(err, errCrowded):
		return refused(http.StatusServiceUnavailable, TooLarge, err)
	case err != nil:
		return refused(http.StatusBadRequest, Invalid, fmt.Errorf("read the body: %w", err))
	}
	if err := proof.verify(body); err != nil {
		return refused(http.StatusUnauthorized, Unauthorized, err)
	}
	return body, nil
}
