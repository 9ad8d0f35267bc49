// Package queue is the service's durable memory: which units of work are wanted, which
// replica works on which of them, what failed and is to be tried again, and what the
// last runs did. It is kept in SQLite (one file, one process) or PostgreSQL (as many
// replicas as you like), with the same behaviour on both.
//
// A unit is a namespace of an umbrella, or the whole umbrella. Every trigger raises
// the unit's count of what is wanted; a run takes on the count that it finds and, when
// it ends well, writes it down as done. So a hundred triggers make one run, and
// triggers during a run make exactly one more. River carries the units that may run
// now to a free worker of some replica; a lease of ours, renewed while the run lives,
// keeps the unit, and the umbrella against its namespaces, for one run at a time.
//
// It refuses to know what a run does, what a webhook says, or when schedules are due.
package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
)

// Config says where the store is and how patient it is. Zero values have the defaults
// that the comments give.
type Config struct {
	// URL is sqlite:///PATH or postgres://USER@HOST/DATABASE, without a password.
	URL string
	// Password answers for PostgreSQL at every new connection, so that it can be
	// rotated; nil or an empty answer means none.
	Password func() (string, error)
	// Owner names this process among the replicas; default a random name.
	Owner string
	// Workers is how many units this process runs at once; default 2.
	Workers int
	// Lease is how long a unit stays taken in PostgreSQL after its process was last heard
	// of, if that is not seen to be dead; default 7 s, so that it runs again within 10.
	Lease time.Duration
	// RunLimit ends a run that takes longer; default one hour.
	RunLimit time.Duration
	// Attempts is after how many failures in a row, or as many runs in a row that their
	// process did not survive, a unit is parked; default 8.
	Attempts int
	// Keep is how long ended runs are remembered; default 30 days.
	Keep time.Duration
	Now  func() time.Time // default the real time, for PostgreSQL by its server's clock
	Log  *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Owner == "" {
		c.Owner = randomName()
	}
	if c.Workers <= 0 {
		c.Workers = 2
	}
	if c.Lease <= 0 {
		c.Lease = 7 * time.Second
	}
	if c.RunLimit <= 0 {
		c.RunLimit = time.Hour
	}
	if c.Attempts <= 0 {
		c.Attempts = 8
	}
	if c.Keep <= 0 {
		c.Keep = 30 * 24 * time.Hour
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Queue is an open store. It may be used concurrently.
type Queue struct {
	cfg   Config
	db    *database
	river *river.Client[*sql.Tx]
	work  func(context.Context, *Lease) Outcome

	accepting chan acceptance
	kicked    chan struct{}
	closing   chan struct{}
	loops     sync.WaitGroup
	umbrellas atomic.Pointer[[]string]
	draining  atomic.Bool // nothing new is begun
	shown     atomic.Pointer[presence]
}

// ErrLost says that another process took the unit over, since this one was not heard of in time.
var ErrLost = errors.New("the unit's lease was lost")

// Open opens the store and brings its tables up to date. For SQLite it waits, until
// the context ends, for another process that has the file. It begins no work.
func Open(ctx context.Context, cfg Config) (*Queue, error) {
	cfg = cfg.withDefaults()
	db, err := openDatabase(ctx, cfg)
	if err != nil {
		return nil, err
	}
	q := &Queue{cfg: cfg, db: db, accepting: make(chan acceptance), kicked: make(chan struct{}, 1), closing: make(chan struct{})}
	q.umbrellas.Store(&[]string{})
	if err := q.prepare(ctx); err != nil {
		return nil, errors.Join(err, db.close())
	}
	q.loops.Add(1)
	go q.commitLoop()
	return q, nil
}

func (q *Queue) prepare(ctx context.Context) error {
	if err := q.db.migrate(ctx); err != nil {
		return err
	}
	if q.db.sole {
		// Whoever had leases is dead: this process alone has the file.
		if _, err := q.db.ExecContext(ctx, `UPDATE tokenward_unit SET lease = CASE WHEN lease > $1 THEN $1 ELSE lease END, job = 0`, q.db.millis()); err != nil {
			return fmt.Errorf("take over what the last process left: %w", err)
		}
	}
	return q.newRiver()
}

// Start begins to work on the units of these umbrellas, with work as what a run is.
func (q *Queue) Start(ctx context.Context, umbrellas []string, work func(context.Context, *Lease) Outcome) error {
	q.work = work
	q.SetUmbrellas(umbrellas)
	if err := q.appear(ctx); err != nil {
		return err
	}
	// What is due is handed over first, so that River finds it when it looks for the first time.
	if err := q.promote(ctx); err != nil {
		return err
	}
	if err := q.river.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start the workers: %w", err)
	}
	q.loops.Add(1)
	go q.promoteLoop()
	return nil
}

// SetUmbrellas says which umbrellas are worked on from now on. Units of others rest.
func (q *Queue) SetUmbrellas(names []string) {
	names = append([]string{}, names...)
	q.umbrellas.Store(&names)
	q.kick()
}

// Stop begins nothing new and waits for the runs in progress. When ctx ends before
// them they are cancelled, and their units handed back to be run again.
func (q *Queue) Stop(ctx context.Context) error {
	q.draining.Store(true)
	err := q.river.Stop(ctx)
	if err != nil && ctx.Err() != nil {
		hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), q.cfg.Lease)
		defer cancel()
		err = q.river.StopAndCancel(hard)
	}
	if err != nil {
		return fmt.Errorf("stop the workers: %w", err)
	}
	return nil
}

// Close ends everything that Open and Start began; Stop comes first.
func (q *Queue) Close() error {
	close(q.closing)
	q.loops.Wait()
	return q.db.close()
}

// Ready tells whether the store answers.
func (q *Queue) Ready(ctx context.Context) error {
	if err := q.db.PingContext(ctx); err != nil {
		return fmt.Errorf("reach the store: %w", err)
	}
	return nil
}

// Owner is this process's name among the replicas.
func (q *Queue) Owner() string { return q.cfg.Owner }

// kick has the units looked through at once instead of at the next tick.
func (q *Queue) kick() {
	select {
	case q.kicked <- struct{}{}:
	default:
	}
}
