// Package service runs the bot for good: schedules and webhooks put triggers into the
// durable queue, workers take the units out and propose for them, and what a run found
// out is remembered for the next. It owns when and for what the bot runs, and what a
// run's end means for the unit. It leaves storing and locking to the queue, proposing
// to the bot, and listeners, signals and files to the command.
package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"tokenward/bot"
	"tokenward/bot/queue"
)

// Config is what a service works with. Queue is fixed; the rest may be exchanged by Reload.
type Config struct {
	Umbrellas []Umbrella // at least one, each name once
	Schedules []Schedule
	// Namespaces are the only ones that the bots work on; empty for all.
	Namespaces []string
	// Ended is told of every run that got as far as a result; nil for nobody.
	Ended func(context.Context, Ended)
	Log   *slog.Logger
}

// Umbrella is one platform that the service works on.
type Umbrella struct {
	Name string
	// Bot builds the bot for one run, so that secrets and files are read anew. An
	// ErrLeftOut ends the run, which is not tried again.
	Bot func(context.Context, Scope) (*bot.Bot, error)
}

// ErrLeftOut says that the configuration leaves a run's namespace out.
var ErrLeftOut = errors.New("the configuration leaves it out")

// Scope narrows a bot to the run that it is built for.
type Scope struct {
	// Namespaces are the only ones of a partial run; empty for all.
	Namespaces []string
	// Uncounted says that the run may be one of several at once, so that limits over
	// all namespaces are none of its business.
	Uncounted bool
	Run       int64 // its number, 0 if it is built for none
	Progress  func(step string, done, total int)
}

// Ended is a run that came to a result.
type Ended struct {
	Lease *queue.Lease
	// Namespaces are those that the run proposed for; empty for all of them.
	Namespaces []string
	Bot        *bot.Bot
	Scan       *bot.Scan
	Report     *bot.ProposeReport
	Outcome    queue.Outcome
}

func (c Config) validate() error {
	if len(c.Umbrellas) == 0 {
		return errors.New("no umbrella is configured")
	}
	for i, u := range c.Umbrellas {
		if u.Name == "" || slices.ContainsFunc(c.Umbrellas[:i], func(o Umbrella) bool { return o.Name == u.Name }) {
			return fmt.Errorf("umbrella %q: every umbrella needs a name of its own", u.Name)
		}
	}
	return nil
}

// Service is a running service, or one about to run.
type Service struct {
	queue  *queue.Queue
	config atomic.Pointer[Config]
	work   func(context.Context, *queue.Lease) queue.Outcome
	// tookBack are the schedules whose last tick was to come. Only Tick uses it.
	tookBack map[string]bool
}

// New checks the configuration. It begins nothing.
func New(q *queue.Queue, cfg Config) (*Service, error) {
	s := &Service{queue: q, tookBack: map[string]bool{}}
	s.work = s.run
	return s, s.Reload(cfg)
}

// Reload works by another configuration from the next run on. One that is wrong changes nothing.
func (s *Service) Reload(cfg Config) error {
	if err := cfg.validate(); err != nil {
		return err
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s.config.Store(&cfg)
	s.queue.SetUmbrellas(cfg.names())
	return nil
}

func (c *Config) names() []string {
	var out []string
	for _, u := range c.Umbrellas {
		out = append(out, u.Name)
	}
	return out
}

// Run works until ctx ends and then stops within the grace period, which it asks for then: runs
// that are not done by its end are handed back. An umbrella that was never looked at is run at once.
func (s *Service) Run(ctx context.Context, grace func() time.Duration) error {
	if err := s.queue.Start(ctx, s.config.Load().names(), s.work); err != nil {
		return err
	}
	err := s.first(ctx)
	if err == nil {
		s.watch(ctx)
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace())
	defer cancel()
	return errors.Join(err, s.queue.Stop(stopping))
}

// first asks for a run of every umbrella of which nothing is known: without one, no
// event of its packages can be told from any other.
func (s *Service) first(ctx context.Context) error {
	for _, u := range s.config.Load().Umbrellas {
		known, err := s.queue.Site(ctx, u.Name)
		if err == nil && known == nil {
			err = s.queue.Enqueue(ctx, bot.Trigger{Umbrella: u.Name, Reason: "first start"})
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// Changed asks, after a Reload, for a run of every umbrella but those that are as they were. One that is added may have
// been there before: what happened while it was not, no event and no schedule has told.
func (s *Service) Changed(ctx context.Context, unchanged []string) error {
	for _, u := range s.config.Load().Umbrellas {
		if slices.Contains(unchanged, u.Name) {
			continue
		}
		err := s.queue.Enqueue(ctx, bot.Trigger{Umbrella: u.Name, Reason: "its configuration is new"})
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// watch serves the schedules until ctx ends.
func (s *Service) watch(ctx context.Context) {
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		if err := s.Tick(ctx); err != nil && ctx.Err() == nil {
			s.config.Load().Log.Error("cannot serve the schedules", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
	}
}
