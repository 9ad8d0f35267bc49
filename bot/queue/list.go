package queue

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tokenward/bot"
)

// State is where a unit stands.
type State string

// The states, as the admin page shows them.
const (
	Idle    State = "idle"
	Waiting State = "waiting" // wanted, and to be run as soon as a worker and its umbrella are free
	Running State = "running"
	Pausing State = "pausing" // failed, and to be tried again at NotBefore
	Parked  State = "parked"  // failed too often: a person or a new trigger must ask for it
)

// Unit is a unit for people to look at.
type Unit struct {
	Umbrella, Namespace string // "" is the whole umbrella
	State               State
	Triggers            int64     // not answered yet
	WantedAt            time.Time // since when, zero if idle
	Reasons             []string
	Owner               string // the replica that runs it
	Run                 int64  // the last one, 0 for none
	Failures            int64
	Failure             string // the last reason, of a refusal, too
	NotBefore, ParkedAt time.Time
}

// Units lists all units, by umbrella and namespace.
func (q *Queue) Units(ctx context.Context) ([]Unit, error) {
	rows, err := q.unitRows(ctx)
	if err != nil {
		return nil, err
	}
	now := q.db.millis()
	out := make([]Unit, len(rows))
	for i, r := range rows {
		u := Unit{Umbrella: r.umbrella, Namespace: r.namespace, State: Idle, Triggers: r.wanted - r.done, Reasons: lines(r.reasons), Run: r.run,
			Failures: r.failures, Failure: r.failure, NotBefore: fromMillis(r.notBefore), ParkedAt: fromMillis(r.parkedAt)}
		if u.Triggers > 0 {
			u.WantedAt = fromMillis(r.wantedAt)
		}
		switch {
		case r.leased(now):
			u.State, u.Owner = Running, r.owner
		case r.parkedAt > 0:
			u.State = Parked
		case u.Triggers > 0 && r.notBefore > now:
			u.State = Pausing
		case u.Triggers > 0:
			u.State = Waiting
		}
		out[i] = u
	}
	return out, nil
}

// Run is a run for people to look at.
type Run struct {
	ID                  int64
	Umbrella, Namespace string
	Whole               bool
	Owner               string
	Triggers            int64
	Reasons             []string
	Started, Ended      time.Time // Ended is zero while it runs
	Result              Result
	Message             string
	Steps               []Step
}

const runColumns = `id, umbrella, namespace, whole, owner, triggers, reasons, started, ended, result, message, steps`

// Runs lists the latest runs, at most limit, the newest first.
func (q *Queue) Runs(ctx context.Context, limit int) ([]Run, error) {
	rows, err := q.db.QueryContext(ctx, `SELECT `+runColumns+` FROM tokenward_run ORDER BY started DESC, id DESC LIMIT $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("list the runs: %w", err)
	}
	var out []Run
	for rows.Next() {
		r, err := scanRun(rows.Scan)
		if err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		out = append(out, r)
	}
	return out, errors.Join(rows.Err(), rows.Close())
}

// Run returns one run; found is false if there is none of this number.
func (q *Queue) Run(ctx context.Context, id int64) (r Run, found bool, err error) {
	r, err = scanRun(q.db.QueryRowContext(ctx, `SELECT `+runColumns+` FROM tokenward_run WHERE id = $1`, id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Run{}, false, nil
	}
	return r, err == nil, err
}

func scanRun(scan func(...any) error) (Run, error) {
	var r Run
	var whole, started, ended int64
	var reasons, result, steps string
	if err := scan(&r.ID, &r.Umbrella, &r.Namespace, &whole, &r.Owner, &r.Triggers, &reasons, &started, &ended, &result, &r.Message, &steps); err != nil {
		return r, fmt.Errorf("read a run: %w", err)
	}
	r.Whole, r.Reasons, r.Result, r.Started, r.Ended = whole != 0, lines(reasons), Result(result), fromMillis(started), fromMillis(ended)
	if err := json.Unmarshal([]byte(steps), &r.Steps); err != nil {
		return r, fmt.Errorf("read the steps of run %d: %w", r.ID, err)
	}
	return r, nil
}

// Umbrella is what the queue knows about an umbrella as a whole.
type Umbrella struct {
	Name string
	// AwayUntil is when its server is asked again, zero while it answers.
	AwayUntil  time.Time
	AwayReason string
}

// Umbrellas lists the umbrellas that have been worked on, by name.
func (q *Queue) Umbrellas(ctx context.Context) ([]Umbrella, error) {
	rows, err := q.db.QueryContext(ctx, `SELECT name, away_until, away_reason FROM tokenward_umbrella ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("list the umbrellas: %w", err)
	}
	var out []Umbrella
	for rows.Next() {
		var u Umbrella
		var until int64
		if err := rows.Scan(&u.Name, &until, &u.AwayReason); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		u.AwayUntil = fromMillis(until)
		out = append(out, u)
	}
	return out, errors.Join(rows.Err(), rows.Close())
}

// Retry asks for a unit as a person does: at once, and with all its attempts anew.
func (q *Queue) Retry(ctx context.Context, umbrella, namespace, reason string) error {
	err := q.db.within(ctx, func(tx *sql.Tx) error {
		if err := q.want(ctx, tx, q.db.millis(), []bot.Trigger{{Umbrella: umbrella, Namespace: namespace, Reason: reason}}); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE tokenward_unit SET failures = 0, losses = 0, not_before = 0 WHERE umbrella = $1 AND namespace = $2`, umbrella, namespace)
		return err
	})
	if err != nil {
		return fmt.Errorf("retry unit %s: %w", unitName(umbrella, namespace), err)
	}
	q.kick()
	return nil
}
