package queue

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Lease is a unit taken by a run of this process.
type Lease struct {
	Umbrella string
	// Namespace is "" for the whole umbrella. Whole then says that all of it is
	// meant, not only what changed.
	Namespace string
	Whole     bool
	Run       int64
	Reasons   []string // the latest first, not all of many
	Triggers  int64    // how many triggers the run answers

	q     *Queue
	mu    sync.Mutex
	steps []Step
}

// Step is a step of a run, for people to watch.
type Step struct {
	Name    string    `json:"name"`
	Done    int       `json:"done"`
	Total   int       `json:"total"`
	Started time.Time `json:"started"`
}

// Progress notes that a run is at a step. It is cheap: it is stored with the next beat.
func (l *Lease) Progress(step string, done, total int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.steps {
		if l.steps[i].Name == step {
			l.steps[i].Done, l.steps[i].Total = max(l.steps[i].Done, done), max(l.steps[i].Total, total)
			return
		}
	}
	l.steps = append(l.steps, Step{Name: step, Done: done, Total: total, Started: fromMillis(l.q.db.millis())})
}

// Steps returns what was noted so far.
func (l *Lease) Steps() []Step {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Step{}, l.steps...)
}

func (l *Lease) encodedSteps() string {
	raw, err := json.Marshal(l.Steps())
	if err != nil {
		return "[]"
	}
	return string(raw)
}

// claim takes the unit for this process if it is wanted and nothing that excludes it
// runs; otherwise it returns nil, and the unit waits on. Which job brought it does not
// matter: the one that was handed over first may come last.
func (q *Queue) claim(ctx context.Context, job int64, umbrella, namespace string) (*Lease, error) {
	var l *Lease
	err := q.db.within(ctx, func(tx *sql.Tx) error {
		if err := lockUmbrella(ctx, tx, umbrella); err != nil {
			return err
		}
		u, err := readUnit(ctx, tx, umbrella, namespace)
		if err != nil {
			return err
		}
		now := q.db.millis()
		free, err := q.free(ctx, tx, u, now)
		if err != nil {
			return err
		}
		if free && q.died(u, now) && u.losses+1 >= int64(q.cfg.Attempts) {
			q.cfg.Log.Error("unit parked: its process died again and again", "umbrella", umbrella, "namespace", namespace)
			return parkLost(ctx, tx, u, now)
		}
		if !free || q.draining.Load() || !q.present() {
			_, err := tx.ExecContext(ctx, `UPDATE tokenward_unit SET job = 0 WHERE umbrella = $1 AND namespace = $2 AND job = $3`, umbrella, namespace, job)
			return err
		}
		if u.lost(now) {
			if u.reasons, err = lostReasons(ctx, tx, u); err != nil {
				return err
			}
		}
		l = &Lease{Umbrella: umbrella, Namespace: namespace, Whole: u.whole > u.done, Run: job,
			Reasons: lines(u.reasons), Triggers: u.wanted - u.done, q: q}
		return q.take(ctx, tx, l, u, now)
	})
	if err != nil {
		return nil, fmt.Errorf("take unit %s: %w", unitName(umbrella, namespace), err)
	}
	return l, nil
}

// free tells whether a unit may begin to run: it is wanted, it is not taken, and
// neither is what excludes it.
func (q *Queue) free(ctx context.Context, tx *sql.Tx, u unitRow, now int64) (bool, error) {
	if u.wanted == u.done || u.parkedAt > 0 || u.notBefore > now || u.leased(now) {
		return false, nil
	}
	var others, away int64
	err := tx.QueryRowContext(ctx, `
SELECT (SELECT COUNT(*) FROM tokenward_unit WHERE umbrella = $1 AND owner <> '' AND lease > $2 AND (namespace = '' OR $3 = '')),
	COALESCE((SELECT away_until FROM tokenward_umbrella WHERE name = $1), 0)`, u.umbrella, now, u.namespace).Scan(&others, &away)
	return others == 0 && away <= now, err
}

func (q *Queue) take(ctx context.Context, tx *sql.Tx, l *Lease, u unitRow, now int64) error {
	if err := endLost(ctx, tx, u, now); err != nil {
		return err
	}
	losses := u.losses
	if q.died(u, now) {
		losses++
	}
	_, err := tx.ExecContext(ctx, `UPDATE tokenward_unit SET owner = $1, lease = $2, run = $3, running = wanted, job = 0, reasons = '', losses = $4 WHERE umbrella = $5 AND namespace = $6`,
		q.cfg.Owner, now+q.leaseTime().Milliseconds(), l.Run, losses, l.Umbrella, l.Namespace)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO tokenward_run (id, umbrella, namespace, whole, owner, triggers, reasons, started) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		l.Run, l.Umbrella, l.Namespace, boolean(l.Whole), q.cfg.Owner, l.Triggers, u.reasons, now)
	return err
}

// leaseTime is how long a lease lasts. Nobody can take a unit from a file's only process, so
// that a slow machine costs it nothing; the next process ends its leases.
func (q *Queue) leaseTime() time.Duration {
	if q.db.sole {
		return 24 * time.Hour
	}
	return q.cfg.Lease
}

// beat renews the lease until ctx ends. When the unit is another's, or the store has
// not answered for so long, or the process is not seen to live, so that it may soon be,
// it cancels the run.
func (l *Lease) beat(ctx context.Context, cancel context.CancelCauseFunc, seen *presence) {
	every := time.NewTicker(l.q.cfg.Lease / 8)
	defer every.Stop()
	renewed := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-seen.over:
			cancel(errSilent)
			return
		case <-every.C:
		}
		began := time.Now()
		limited, done := context.WithTimeout(ctx, l.q.cfg.Lease/2)
		ours, err := l.renew(limited)
		done()
		switch {
		case err == nil && !ours:
			cancel(ErrLost)
			return
		case err == nil:
			renewed = began
		case ctx.Err() == nil && !l.q.db.sole && time.Since(renewed) > l.q.cfg.Lease*2/3:
			cancel(fmt.Errorf("%w: %w", errSilent, err))
			return
		}
	}
}

func (l *Lease) renew(ctx context.Context) (ours bool, err error) {
	err = l.q.db.within(ctx, func(tx *sql.Tx) error {
		until := l.q.db.millis() + l.q.leaseTime().Milliseconds()
		ours, err = changed(tx.ExecContext(ctx, `UPDATE tokenward_unit SET lease = $1 WHERE umbrella = $2 AND namespace = $3 AND owner = $4 AND run = $5`,
			until, l.Umbrella, l.Namespace, l.q.cfg.Owner, l.Run))
		if err != nil || !ours {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE tokenward_run SET steps = $1 WHERE id = $2`, l.encodedSteps(), l.Run)
		return err
	})
	return ours, err
}

// lockUmbrella holds every other claim in the umbrella until the transaction ends.
func lockUmbrella(ctx context.Context, tx *sql.Tx, umbrella string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO tokenward_umbrella (name) VALUES ($1) ON CONFLICT (name) DO UPDATE SET name = excluded.name`, umbrella)
	return err
}

// unitRow is a unit as the store has it.
type unitRow struct {
	umbrella, namespace          string
	wanted, whole, running, done int64
	wantedAt                     int64
	reasons                      string
	failures, losses             int64
	failure                      string
	notBefore, parkedAt          int64
	job, jobAt                   int64
	owner                        string
	lease, run                   int64
}

const unitColumns = `umbrella, namespace, wanted, whole, running, done, wanted_at, reasons, failures, losses, failure, not_before, parked_at, job, job_at, owner, lease, run`

func (u *unitRow) scan(scan func(...any) error) error {
	return scan(&u.umbrella, &u.namespace, &u.wanted, &u.whole, &u.running, &u.done, &u.wantedAt, &u.reasons, &u.failures, &u.losses, &u.failure,
		&u.notBefore, &u.parkedAt, &u.job, &u.jobAt, &u.owner, &u.lease, &u.run)
}

func (u *unitRow) leased(now int64) bool { return u.owner != "" && u.lease > now }

// readUnit returns a unit, the zero one if there is none, and holds its row until the
// transaction ends.
func readUnit(ctx context.Context, tx *sql.Tx, umbrella, namespace string) (u unitRow, err error) {
	if _, err := tx.ExecContext(ctx, `UPDATE tokenward_unit SET run = run WHERE umbrella = $1 AND namespace = $2`, umbrella, namespace); err != nil {
		return u, err
	}
	err = u.scan(tx.QueryRowContext(ctx, `SELECT `+unitColumns+` FROM tokenward_unit WHERE umbrella = $1 AND namespace = $2`, umbrella, namespace).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return unitRow{}, nil
	}
	return u, err
}

func unitName(umbrella, namespace string) string {
	if namespace == "" {
		return umbrella
	}
	return umbrella + " " + namespace
}

func lines(s string) []string {
	var out []string
	for l := range strings.Lines(s) {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}
