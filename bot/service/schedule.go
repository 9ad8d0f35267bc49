package service

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"tokenward/bot"
)

// Schedule says when all umbrellas are run as a whole.
type Schedule struct {
	text   string // by which the store knows it
	times  cron.Schedule
	jitter time.Duration
}

// ParseSchedule reads a cron expression: five fields or @daily and the like, with
// CRON_TZ=Area/City before them or else in the given zone. Every tick is put off by up
// to jitter, by the same for all replicas.
func ParseSchedule(text, zone string, jitter time.Duration) (Schedule, error) {
	s := Schedule{text: strings.Join(strings.Fields(text), " "), jitter: jitter}
	if !strings.HasPrefix(s.text, "CRON_TZ=") && !strings.HasPrefix(s.text, "TZ=") {
		if zone == "" {
			zone = "UTC"
		}
		s.text = "CRON_TZ=" + zone + " " + s.text
	}
	var err error
	if s.times, err = cron.ParseStandard(s.text); err != nil {
		return Schedule{}, fmt.Errorf("schedule %q: %w", text, err)
	}
	return s, nil
}

// put is by how much a tick is put off.
func (s Schedule) put(tick time.Time) time.Duration {
	if s.jitter <= 0 {
		return 0
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %d", s.text, tick.Unix())
	return time.Duration(h.Sum64() % uint64(s.jitter))
}

// due returns the latest tick that has come since the last one that was served, the
// zero time if none has. Ticks that were missed count as one.
func (s Schedule) due(last, now time.Time) time.Time {
	var latest time.Time
	for t := s.times.Next(last); !t.IsZero() && !t.Add(s.put(t)).After(now); t = s.times.Next(t) {
		latest = t
	}
	return latest
}

// Tick serves what is due by the store's clock. It is called about once a second, by
// every replica.
func (s *Service) Tick(ctx context.Context) error {
	c := s.config.Load()
	var errs []error
	for _, sched := range c.Schedules {
		errs = append(errs, s.serve(ctx, c, sched))
	}
	return errors.Join(errs...)
}

// clocksDiffer is how far apart the clocks of replicas may be.
const clocksDiffer = time.Minute

// serve serves one schedule. Where the last tick is to come, since a clock was ahead when
// it was served, it is taken back to now: else nothing would run until then. A process does so once, so that two
// replicas of which one has a wrong clock do not take it back and serve it in turn.
func (s *Service) serve(ctx context.Context, c *Config, sched Schedule) error {
	last, err := s.queue.LastTick(ctx, sched.text)
	if err != nil {
		return err
	}
	now := s.queue.Now()
	if last.After(now.Add(clocksDiffer)) && !s.tookBack[sched.text] {
		c.Log.Warn("the last tick of the schedule is to come: a clock was wrong then, or is now", "schedule", sched.text, "tick", last)
		_, err := s.queue.Tick(ctx, sched.text, last, now, nil)
		s.tookBack[sched.text] = err == nil
		return err
	}
	at := sched.due(last, now)
	if at.IsZero() {
		return nil
	}
	var triggers []bot.Trigger
	for _, u := range c.Umbrellas {
		triggers = append(triggers, bot.Trigger{Umbrella: u.Name, Reason: "schedule " + sched.text})
	}
	fired, err := s.queue.Tick(ctx, sched.text, last, at, triggers)
	if fired {
		c.Log.Info("schedule", "schedule", sched.text, "tick", at)
	}
	return err
}
