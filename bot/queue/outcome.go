package queue

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Result is how a run ended.
type Result string

// The results. What is wanted is answered by Done and Refused; the others run again.
const (
	// Done: everything that was wanted is done.
	Done Result = "done"
	// Refused: the run did all that can be done now; trying again helps only when
	// something changes, which is another trigger.
	Refused Result = "refused"
	// Failed: to be tried again, after a pause that grows, and parked at last.
	Failed Result = "failed"
	// Away: the server cannot be reached. Nothing of this umbrella is tried until a
	// pause is over, and nobody is to blame.
	Away Result = "away"
	// HandedBack: the run was stopped and begins anew elsewhere.
	HandedBack Result = "handed back"
	// Lost: the process died or was cut off in the middle of the run.
	Lost Result = "lost"
)

// Outcome is what a run says at its end.
type Outcome struct {
	Result  Result
	Message string // for people; "" if there is nothing to say
	// RetryAfter is what the server asks to wait, for Away, of which askedPauseMax is granted;
	// 0 if it does not say.
	RetryAfter time.Duration
	// Then are triggers that follow from the run, stored together with its end.
	Then []Follow
}

// Follow is a unit of the same umbrella that a run found to be wanted.
type Follow struct {
	Namespace string
	Changed   bool
	Reason    string
}

// The pauses after a failure double from the first to the longest.
const (
	failPause, failPauseMax = 10 * time.Second, 10 * time.Minute
	awayPause, awayPauseMax = 15 * time.Second, 5 * time.Minute
	// askedPauseMax is the longest pause that a server is granted: GitLab's own last an
	// hour at most, and then it can ask again.
	askedPauseMax = time.Hour
)

// backoff is the pause after the nth failure in a row, n from 1.
func backoff(n int64, first, longest time.Duration) time.Duration {
	if n > 16 {
		return longest
	}
	return min(first<<(n-1), longest)
}

// end writes down how the run ended, if the unit is still its own.
func (q *Queue) end(ctx context.Context, l *Lease, o Outcome) error {
	return q.db.within(ctx, func(tx *sql.Tx) error {
		if err := lockUmbrella(ctx, tx, l.Umbrella); err != nil {
			return err
		}
		u, err := readUnit(ctx, tx, l.Umbrella, l.Namespace)
		if err != nil {
			return err
		}
		if u.owner != q.cfg.Owner || u.run != l.Run {
			return ErrLost
		}
		now := q.db.millis()
		if err := q.settle(ctx, tx, u, o, now); err != nil {
			return fmt.Errorf("settle unit %s: %w", unitName(l.Umbrella, l.Namespace), err)
		}
		_, err = tx.ExecContext(ctx, `UPDATE tokenward_run SET ended = $1, result = $2, message = $3, steps = $4 WHERE id = $5`,
			now, string(o.Result), storable(o.Message), l.encodedSteps(), l.Run)
		if err != nil {
			return err
		}
		return q.want(ctx, tx, now, o.triggers(l.Umbrella))
	})
}

// settle moves the unit on. A run that has to begin anew gets its reasons back.
func (q *Queue) settle(ctx context.Context, tx *sql.Tx, u unitRow, o Outcome, now int64) error {
	const release = `UPDATE tokenward_unit SET owner = '', lease = 0, losses = 0`
	const this = ` WHERE umbrella = $1 AND namespace = $2`
	const back = `UPDATE tokenward_umbrella SET away_until = 0, away_count = 0, away_reason = '' WHERE name = $1`
	again := fmt.Sprintf(`, reasons = substr(reasons || COALESCE((SELECT r.reasons FROM tokenward_run r WHERE r.id = tokenward_unit.run), ''), 1, %d)`, keptReasons)
	var err error
	switch o.Result {
	case Done, Refused:
		failure := ""
		if o.Result == Refused {
			failure = storable(o.Message)
		}
		_, err = tx.ExecContext(ctx, release+`, done = running, failures = 0, failure = $3, not_before = 0`+this, u.umbrella, u.namespace, failure)
		if err == nil {
			_, err = tx.ExecContext(ctx, back, u.umbrella)
		}
	case Failed:
		failures := u.failures + 1
		parked := int64(0)
		if failures >= int64(q.cfg.Attempts) {
			parked = now
		}
		_, err = tx.ExecContext(ctx, release+again+`, failures = $3, failure = $4, not_before = $5, parked_at = $6`+this,
			u.umbrella, u.namespace, failures, storable(o.Message), now+backoff(failures, failPause, failPauseMax).Milliseconds(), parked)
		if err == nil {
			_, err = tx.ExecContext(ctx, back, u.umbrella) // whatever failed, it was not that nobody answered
		}
	case Away:
		err = q.away(ctx, tx, u.umbrella, o, now)
		if err == nil {
			_, err = tx.ExecContext(ctx, release+again+this, u.umbrella, u.namespace)
		}
	default:
		_, err = tx.ExecContext(ctx, release+again+this, u.umbrella, u.namespace)
	}
	return err
}

// away lets the umbrella rest. Units that fail together, while the same pause lasts,
// count once.
func (q *Queue) away(ctx context.Context, tx *sql.Tx, umbrella string, o Outcome, now int64) error {
	var count, until int64
	if err := tx.QueryRowContext(ctx, `SELECT away_count, away_until FROM tokenward_umbrella WHERE name = $1`, umbrella).Scan(&count, &until); err != nil {
		return err
	}
	if until <= now {
		count++
	}
	pause := max(backoff(count, awayPause, awayPauseMax), min(o.RetryAfter, askedPauseMax))
	_, err := tx.ExecContext(ctx, `UPDATE tokenward_umbrella SET away_count = $1, away_until = $2, away_reason = $3 WHERE name = $4`,
		count, max(until, now+pause.Milliseconds()), storable(o.Message), umbrella)
	return err
}
