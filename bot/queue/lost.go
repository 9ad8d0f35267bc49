package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// lost tells whether the unit's last run was cut off: nobody gave its lease back.
func (u *unitRow) lost(now int64) bool { return u.owner != "" && u.lease <= now }

// died tells whether the process of the unit's last run died in its middle. One that
// takes up its own run lives: it was the store that did not answer.
func (q *Queue) died(u unitRow, now int64) bool { return u.lost(now) && u.owner != q.cfg.Owner }

// since is from when the unit waits in line. A run that was cut off was before all
// that wait now.
func (u *unitRow) since(now int64) int64 {
	if u.lost(now) {
		return 1
	}
	return u.wantedAt
}

// endLost writes down what became of a run that nobody ended.
func endLost(ctx context.Context, tx *sql.Tx, u unitRow, now int64) error {
	_, err := tx.ExecContext(ctx, `UPDATE tokenward_run SET ended = $1, result = $2, message = $3 WHERE umbrella = $4 AND namespace = $5 AND ended = 0`,
		now, string(Lost), "its process was not heard of any more", u.umbrella, u.namespace)
	return err
}

// lostReasons puts the reasons of the run that was cut off behind those that came since.
func lostReasons(ctx context.Context, tx *sql.Tx, u unitRow) (string, error) {
	var before string
	err := tx.QueryRowContext(ctx, `SELECT reasons FROM tokenward_run WHERE id = $1`, u.run).Scan(&before)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return u.reasons + before, err
}

// parkLost parks a unit whose runs were cut off so often in a row that they may be
// what the processes die of.
func parkLost(ctx context.Context, tx *sql.Tx, u unitRow, now int64) error {
	if err := endLost(ctx, tx, u, now); err != nil {
		return err
	}
	failure := fmt.Sprintf("the process died in the middle of the last %d runs: look at its memory limit and its log", u.losses+1)
	_, err := tx.ExecContext(ctx, `UPDATE tokenward_unit SET owner = '', lease = 0, job = 0, parked_at = $1, failure = $2 WHERE umbrella = $3 AND namespace = $4`,
		now, failure, u.umbrella, u.namespace)
	return err
}
