package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"tokenward/bot"
	"tokenward/bot/queue"
	"tokenward/bot/service"
)

func newServeCmd(s *surroundings) *cobra.Command {
	o := &inputs{}
	c := &cobra.Command{
		Use: "serve", Short: "Run for good: on schedules and on GitLab's webhooks",
		Long: `Run for good: on schedules and on GitLab's webhooks, with a durable queue.
SIGTERM finishes or hands back what runs; SIGHUP reads the configuration again.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return runServe(cmd.Context(), s, o) },
	}
	o.register(c)
	return c
}

// server is the service with its listeners.
type server struct {
	surroundings *surroundings
	inputs       *inputs
	config       config // with which it was started
	current      atomic.Pointer[config]
	log          *slog.Logger
	queue        *queue.Queue
	service      *service.Service
	seeing       *seeing
	events       *events
	hup          chan os.Signal // SIGHUP, from the start to the end
}

func runServe(ctx context.Context, s *surroundings, o *inputs) (err error) {
	v := &server{surroundings: s, inputs: o, log: slog.New(slog.DiscardHandler), hup: make(chan os.Signal, 1)}
	// From here to the end, since nobody asks the process to end by SIGHUP: one that comes
	// at the start is answered when the service runs.
	signal.Notify(v.hup, syscall.SIGHUP)
	defer signal.Stop(v.hup)
	if v.config, err = v.load(); err != nil {
		return err
	}
	v.current.Store(&v.config)
	v.log = s.loggerBy(func() logConfig { return v.settled().Log })
	ended, err := v.render()
	if err != nil {
		return err
	}
	defer ended()
	if v.queue, err = queue.Open(ctx, v.queueConfig()); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.queue.Close()) }()
	if v.seeing, err = newSeeing(v); err != nil {
		return err
	}
	settings, err := v.settings(v.config)
	if err != nil {
		return err
	}
	v.seeing.traces = v.traces(ctx)
	defer v.seeing.endTraces(ctx)
	if v.service, err = service.New(v.queue, settings); err != nil {
		return usageError{fmt.Errorf("config: %w", err)}
	}
	return v.run(ctx)
}

// render gives all runs of the process the same render workers and the same cache in
// front of them; ended ends the workers.
func (v *server) render() (ended func(), err error) {
	kept, err := openCache(v.surroundings, v.config)
	if err != nil {
		return nil, err
	}
	renderer, pool, err := newRenderer(v.config, kept, func(sentence string) { v.log.Warn("render workers", bot.LogReason, sentence) })
	if err != nil {
		return nil, err
	}
	shared := *v.surroundings
	shared.renderer, v.surroundings = renderer, &shared
	return pool.Close, nil
}

// load reads the configuration and refuses one with which nothing could be proposed.
func (v *server) load() (config, error) {
	c, err := v.inputs.serviceConfig(v.surroundings)
	if err != nil {
		return c, err
	}
	if c.Log.Level == logAuto {
		c.Log.Level = "info"
	}
	if c.GitLab.URL == "" {
		return c, usageError{errors.New("no GitLab server: give --gitlab or set gitlab.url")}
	}
	if !v.surroundings.hasToken(c) {
		return c, usageError{errors.New("no GitLab token: set TOKENWARD_GITLAB_TOKEN or gitlab.tokenFile")}
	}
	if _, err := v.surroundings.gitlabToken(c); err != nil {
		return c, usageError{fmt.Errorf("config: %w", err)}
	}
	switch secrets, err := v.surroundings.readWebhookSecrets(c); {
	case err != nil:
		return c, usageError{fmt.Errorf("config: %w", err)}
	case len(secrets.tokens)+len(secrets.signing) == 0:
		v.surroundings.logger(c.Log).Warn("no webhooks: " + errNoWebhookSecret.Error())
	}
	if key, err := c.Admin.check(v.surroundings.environ("TOKENWARD_ADMIN_TOKEN") != ""); err != nil {
		return c, usageError{fmt.Errorf("config: admin.%s: %w", key, err)}
	}
	return c, nil
}

func (v *server) queueConfig() queue.Config {
	c := v.config
	q := queue.Config{URL: c.Store, Workers: c.Serve.Workers, Attempts: c.Serve.Attempts, Now: v.surroundings.now, Log: v.log}
	if c.StorePassword != "" || v.surroundings.environ("TOKENWARD_STORE_PASSWORD") != "" {
		q.Password = func() (string, error) {
			return v.surroundings.secret("TOKENWARD_STORE_PASSWORD", c.StorePassword, "storePasswordFile")
		}
	}
	return q
}

// settings turns a configuration into the service's. It builds every bot once, so
// that what is wrong is found now and not in the night.
func (v *server) settings(c config) (service.Config, error) {
	out := service.Config{Namespaces: c.Namespaces, Log: v.log, Ended: v.seeing.ended}
	var err error
	if out.Schedules, err = c.Serve.schedules(); err != nil {
		return out, usageError{fmt.Errorf("config: serve.schedules: %w", err)}
	}
	all, err := c.allUmbrellas()
	if err != nil {
		return out, err
	}
	for _, u := range all {
		build := v.builder(c, u, all)
		if _, err := build(context.Background(), service.Scope{}); err != nil {
			return out, fmt.Errorf("umbrella %s: %w", u.Name, err)
		}
		v.seeing.metrics.Umbrella(u.Name)
		out.Umbrellas = append(out.Umbrellas, service.Umbrella{Name: u.Name, Bot: build})
	}
	return out, nil
}

// builder makes the bots of one of the umbrellas' runs.
func (v *server) builder(c config, u umbrellaConfig, all []umbrellaConfig) func(context.Context, service.Scope) (*bot.Bot, error) {
	c = c.withUmbrella(u, all)
	return func(ctx context.Context, scope service.Scope) (*bot.Bot, error) {
		for _, ns := range scope.Namespaces {
			if !c.worksOn(ns) {
				return nil, fmt.Errorf("namespace %s: %w: it is not among namespaces", ns, service.ErrLeftOut)
			}
		}
		a, err := newApp(ctx, v.surroundings, c, newProgress(nil), func(b *bot.Config) {
			if len(scope.Namespaces) > 0 {
				b.Namespaces, b.Partial = scope.Namespaces, true
			}
			b.Calm.Uncounted, b.Step = scope.Uncounted, v.seeing.step(u.Name, scope)
			if scope.Progress != nil {
				b.Progress = scope.Progress
			}
		})
		if err != nil {
			return nil, err
		}
		return a.bot, nil
	}
}

// run serves until ctx ends, then stops within the grace period.
func (v *server) run(ctx context.Context) error {
	listener, err := net.Listen("tcp", v.config.Serve.Listen)
	if err != nil {
		return usageError{fmt.Errorf("config: serve.listen: %w", err)}
	}
	routes, err := v.routes(ctx)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	web := &http.Server{Handler: routes, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			cancel(fmt.Errorf("listen on %s: %w", listener.Addr(), err))
		}
	}()
	stopPages, err := v.seeing.serve(ctx, cancel)
	if err != nil {
		return errors.Join(err, web.Close())
	}
	defer stopPages()
	go v.seeing.watchToken(ctx)
	go v.reloads(ctx)
	v.log.Info("serving", "listen", listener.Addr().String(), "owner", v.queue.Owner(), "version", version())
	err = v.service.Run(ctx, v.grace)
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		err = errors.Join(cause, err)
	}
	closing, done := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer done()
	if shut := web.Shutdown(closing); shut != nil {
		err = errors.Join(err, web.Close())
	}
	v.log.Info("stopped")
	return err
}

// routes are what the public listener answers.
func (v *server) routes(ctx context.Context) (http.Handler, error) {
	mux := http.NewServeMux()
	hooks, err := v.webhooks()
	if err != nil {
		return nil, err
	}
	mux.Handle("/webhooks/gitlab", hooks)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		err := v.queue.Ready(r.Context())
		if err == nil && ctx.Err() != nil {
			err = errors.New("stopping")
		}
		if err != nil {
			v.log.Warn("not ready", "error", err)
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	return mux, nil
}
