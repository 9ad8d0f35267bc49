package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tokenward/bot"
	"tokenward/bot/admin"
	"tokenward/bot/board"
	"tokenward/bot/metrics"
	"tokenward/bot/queue"
	"tokenward/bot/service"
	"tokenward/bot/traces"
)

// seeing is what the service shows of itself: metrics, traces, and the admin page.
type seeing struct {
	server  *server
	board   *board.Board
	metrics *metrics.Metrics
	traces  *traces.Traces // nil for none
}

func newSeeing(v *server) (*seeing, error) {
	s := &seeing{server: v, board: &board.Board{}}
	var err error
	s.metrics, err = metrics.New(prometheus.NewRegistry(), metrics.Config{Version: version(), Board: s.board, Queue: s.queued})
	if err != nil {
		return nil, fmt.Errorf("register the metrics: %w", err)
	}
	v.surroundings.observe = s.metrics.Call
	return s, nil
}

// queued counts the units for metrics. Those of umbrellas that are not configured rest, and do not count.
func (s *seeing) queued(ctx context.Context) (metrics.Queue, error) {
	out := metrics.Queue{Units: map[string]int{}}
	units, err := s.server.queue.Units(ctx)
	if err != nil {
		return out, err
	}
	for _, u := range units {
		if !s.server.settled().hasUmbrella(u.Umbrella) {
			continue
		}
		out.Units[string(u.State)]++
		if waits := u.State == queue.Waiting || u.State == queue.Pausing; waits && (out.Oldest.IsZero() || u.WantedAt.Before(out.Oldest)) {
			out.Oldest = u.WantedAt
		}
	}
	return out, nil
}

// step measures and traces the steps of a run, and counts runs that came to nothing.
func (s *seeing) step(umbrella string, scope service.Scope) bot.StepFunc {
	traced := s.traces.Steps(traces.Run{Umbrella: umbrella, Namespace: strings.Join(scope.Namespaces, ","), Number: scope.Run})
	return func(ctx context.Context, step, about string) (context.Context, func(error)) {
		ctx, end := s.metrics.Step(ctx, step, about)
		ctx, endSpan := traced(ctx, step, about)
		return ctx, func(err error) {
			end(err)
			endSpan(err)
			if step == bot.StepRun && err != nil {
				s.metrics.Run(umbrella, bot.ResultError, nil)
			}
		}
	}
}

// endTraces sends the last traces.
func (s *seeing) endTraces(ctx context.Context) {
	closing, done := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer done()
	if err := s.traces.Close(closing); err != nil {
		s.server.log.Warn("traces are lost", bot.LogReason, err.Error())
	}
}

// forget drops what is known of the umbrellas that one configuration has and the next has not.
func (s *seeing) forget(before, after config) {
	all, _ := before.allUmbrellas() // of a configuration that was in force
	for _, u := range all {
		if !after.hasUmbrella(u.Name) {
			s.board.Forget(u.Name)
			s.metrics.Forget(u.Name)
		}
	}
}

// ended takes in what a run found out, of an umbrella that is still configured.
func (s *seeing) ended(_ context.Context, e service.Ended) {
	if !s.server.settled().hasUmbrella(e.Lease.Umbrella) {
		return
	}
	requests := e.Report
	if e.Lease.Namespace == "" && !e.Lease.Whole && len(e.Namespaces) == 0 {
		requests = nil // nothing had changed, so nothing was asked
	}
	s.metrics.Run(e.Lease.Umbrella, e.Bot.Result(e.Scan, e.Report, nil), requests)
	s.board.Record(e.Lease.Umbrella, e.Namespaces, e.Bot.Report(e.Scan), requests, time.Now())
}

// serve answers on the admin listener until stop is called; what breaks it goes to failed.
func (s *seeing) serve(ctx context.Context, failed context.CancelCauseFunc) (stop func(), err error) {
	c, around := s.server.config.Admin, s.server.surroundings
	if c.Listen == "" {
		return func() {}, nil
	}
	config := admin.Config{Version: version(), Board: s.board, Work: shownQueue{s.server.queue}, UserHeader: c.UserHeader, Log: s.server.log,
		Metrics: s.metrics.Handler(slog.NewLogLogger(s.server.log.Handler(), slog.LevelWarn))}
	if config.Proxies, err = c.proxies(); err != nil {
		return nil, usageError{fmt.Errorf("config: admin.proxies: %w", err)}
	}
	if c.TokenFile != "" || around.environ("TOKENWARD_ADMIN_TOKEN") != "" {
		config.Token = func() (string, error) {
			return around.secret("TOKENWARD_ADMIN_TOKEN", c.TokenFile, "admin.tokenFile")
		}
	}
	pages, err := admin.New(config)
	if err != nil {
		return nil, usageError{fmt.Errorf("config: admin: %w", err)}
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return nil, usageError{fmt.Errorf("config: admin.listen: %w", err)}
	}
	web := &http.Server{Handler: pages, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute}
	web.RegisterOnShutdown(pages.Close)
	go func() {
		if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			failed(fmt.Errorf("listen on %s: %w", listener.Addr(), err))
		}
	}()
	s.server.log.Info("showing the admin page", "listen", listener.Addr().String())
	return func() {
		closing, done := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer done()
		if web.Shutdown(closing) != nil {
			if err := web.Close(); err != nil {
				s.server.log.Warn("close the admin page", bot.LogReason, err.Error())
			}
		}
	}, nil
}

// watchToken asks GitLab now and then until when the token is good.
func (s *seeing) watchToken(ctx context.Context) {
	every := time.NewTicker(6 * time.Hour)
	defer every.Stop()
	for {
		at := time.Time{}
		client, err := newForge(s.server.surroundings, s.server.settled(), true)
		if err == nil {
			at, err = client.TokenExpiry(ctx)
		}
		if err != nil {
			s.server.log.Debug("when the token expires is not known", bot.LogReason, err.Error())
		}
		s.metrics.TokenExpiry(at)
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
	}
}

// shownQueue is the queue in the admin page's words.
type shownQueue struct{ queue *queue.Queue }

var _ admin.Work = shownQueue{}

// Units implements admin.Work.
func (q shownQueue) Units(ctx context.Context) ([]admin.Unit, error) {
	units, err := q.queue.Units(ctx)
	var out []admin.Unit
	for _, u := range units {
		out = append(out, admin.Unit{Umbrella: u.Umbrella, Namespace: u.Namespace, State: string(u.State), Triggers: u.Triggers, Since: u.WantedAt,
			Reasons: u.Reasons, Run: u.Run, Failures: u.Failures, Failure: u.Failure, NotBefore: u.NotBefore, ParkedAt: u.ParkedAt})
	}
	return out, err
}

// Runs implements admin.Work.
func (q shownQueue) Runs(ctx context.Context, limit int) ([]admin.Run, error) {
	runs, err := q.queue.Runs(ctx, limit)
	var out []admin.Run
	for _, r := range runs {
		out = append(out, shownRun(r))
	}
	return out, err
}

// Run implements admin.Work.
func (q shownQueue) Run(ctx context.Context, id int64) (admin.Run, bool, error) {
	r, found, err := q.queue.Run(ctx, id)
	return shownRun(r), found, err
}

func shownRun(r queue.Run) admin.Run {
	out := admin.Run{ID: r.ID, Umbrella: r.Umbrella, Namespace: r.Namespace, Whole: r.Whole, Owner: r.Owner, Triggers: r.Triggers, Reasons: r.Reasons,
		Started: r.Started, Ended: r.Ended, Result: string(r.Result), Message: r.Message}
	for _, s := range r.Steps {
		out.Steps = append(out.Steps, admin.Step(s))
	}
	return out
}

// Away implements admin.Work.
func (q shownQueue) Away(ctx context.Context) ([]admin.Away, error) {
	umbrellas, err := q.queue.Umbrellas(ctx)
	var out []admin.Away
	for _, u := range umbrellas {
		if u.AwayUntil.After(q.queue.Now()) {
			out = append(out, admin.Away{Umbrella: u.Name, Reason: u.AwayReason, Until: u.AwayUntil})
		}
	}
	return out, err
}

// Retry implements admin.Work.
func (q shownQueue) Retry(ctx context.Context, umbrella, namespace, reason string) error {
	return q.queue.Retry(ctx, umbrella, namespace, reason)
}
