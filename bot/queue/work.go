package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// unitArgs is River's job: a unit may run now.
type unitArgs struct {
	Umbrella  string `json:"umbrella"`
	Namespace string `json:"namespace"`
}

func (unitArgs) Kind() string { return "unit" }

// InsertOpts says that River never tries a job again: what failed, or was lost with
// its process, is handed to River anew, as another job, when its time has come.
func (unitArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 1} }

// newRiver builds the client that carries units to workers. Polling is what both
// stores can do; it is a cheap query on a small table.
func (q *Queue) newRiver() error {
	workers := river.NewWorkers()
	if err := river.AddWorkerSafely(workers, &worker{q: q}); err != nil {
		return fmt.Errorf("set up the workers: %w", err)
	}
	client, err := river.NewClient(q.db.driver(), &river.Config{
		ID:      q.cfg.Owner,
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: q.cfg.Workers}},
		Workers: workers, Logger: slog.New(warnings{q.cfg.Log.Handler()}), PollOnly: true,
		FetchCooldown: 20 * time.Millisecond, FetchPollInterval: 200 * time.Millisecond,
		JobTimeout: q.cfg.RunLimit, RescueStuckJobsAfter: q.cfg.RunLimit + 15*time.Minute,
		CompletedJobRetentionPeriod: time.Hour, CancelledJobRetentionPeriod: time.Hour, DiscardedJobRetentionPeriod: time.Hour,
	})
	if err != nil {
		return fmt.Errorf("set up the workers: %w", err)
	}
	q.river = client
	return nil
}

// warnings keeps River's own lines below a warning out of the log.
type warnings struct{ slog.Handler }

func (w warnings) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && w.Handler.Enabled(ctx, l)
}

func (w warnings) WithAttrs(a []slog.Attr) slog.Handler { return warnings{w.Handler.WithAttrs(a)} }
func (w warnings) WithGroup(name string) slog.Handler   { return warnings{w.Handler.WithGroup(name)} }

type worker struct {
	river.WorkerDefaults[unitArgs]
	q *Queue
}

// Work runs the unit if it is to be run. The job is done in any case:
// what became of the unit stands with the unit.
func (w *worker) Work(ctx context.Context, job *river.Job[unitArgs]) error {
	w.q.runJob(ctx, job)
	w.q.kick()
	return nil
}

func (q *Queue) runJob(ctx context.Context, job *river.Job[unitArgs]) {
	log := q.cfg.Log.With("umbrella", job.Args.Umbrella, "namespace", job.Args.Namespace, "run", job.ID)
	seen := q.shown.Load()
	l, err := q.claim(ctx, job.ID, job.Args.Umbrella, job.Args.Namespace)
	if err != nil {
		log.Error("cannot take the unit", "error", err)
		return
	}
	if l == nil {
		return
	}
	run, cancel := context.WithCancelCause(ctx)
	beating := make(chan struct{})
	go func() {
		defer close(beating)
		l.beat(run, cancel, seen)
	}()
	outcome := q.work(run, l)
	if ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		outcome = Outcome{Result: HandedBack, Message: "the service stops"}
	}
	lost := context.Cause(run)
	cancel(nil)
	<-beating
	if errors.Is(lost, ErrLost) {
		log.Error("another process has the unit now", "error", lost)
		return
	}
	if errors.Is(lost, errSilent) {
		outcome = Outcome{Result: HandedBack, Message: lost.Error()}
	}
	if err := q.writeDown(ctx, l, outcome, log); err != nil {
		log.Error("cannot write down how the run ended: it will be run again", "error", err)
	}
}

// writeDown ends a run, again and again until the store has it, another process has the
// unit, or ctx ends.
func (q *Queue) writeDown(ctx context.Context, l *Lease, o Outcome, log *slog.Logger) error {
	every := time.NewTicker(presenceEvery)
	defer every.Stop()
	for told := false; ; told = true {
		limited, done := context.WithTimeout(context.WithoutCancel(ctx), q.cfg.Lease)
		err := q.end(limited, l, o)
		done()
		if err == nil || errors.Is(err, ErrLost) {
			return err
		}
		if !told {
			log.Warn("the store does not take how the run ended: asking it again", "error", err)
		}
		select {
		case <-ctx.Done():
			return err
		case <-every.C:
		}
	}
}

// waits tells whether River still has the job to give to somebody. A job that was
// given out and not taken on soon was lost with its process. If it was not, whichever
// comes first has the unit.
func (q *Queue) waits(ctx context.Context, tx *sql.Tx, job int64) (bool, error) {
	row, err := q.river.JobGetTx(ctx, tx, job)
	switch {
	case errors.Is(err, river.ErrNotFound):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look after job %d: %w", job, err)
	}
	switch row.State {
	case rivertype.JobStateRunning:
		return row.AttemptedAt != nil && time.Now().UnixMilli()+q.db.offset.Load()-row.AttemptedAt.UnixMilli() < takeTime.Milliseconds(), nil
	case rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateScheduled, rivertype.JobStateRetryable:
		return true, nil
	}
	return false, nil
}
