package queue

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/riverqueue/river"

	"tokenward/bot"
)

const (
	// promoteEvery is how often the units are looked through without a kick.
	promoteEvery = time.Second
	// takeTime is how long a job may be with River before it is looked after.
	takeTime = 300 * time.Millisecond
)

// promoteLoop hands units to River as they become due, and tidies up once an hour.
func (q *Queue) promoteLoop() {
	defer q.loops.Done()
	every := time.NewTicker(promoteEvery)
	defer every.Stop()
	var tidied time.Time
	for {
		select {
		case <-q.closing:
			return
		case <-q.kicked:
		case <-every.C:
		}
		if q.draining.Load() {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), commitLimit)
		if err := q.promote(ctx); err != nil {
			q.cfg.Log.Error("cannot look through the units", "error", err)
		}
		if time.Since(tidied) > time.Hour {
			tidied = time.Now()
			if err := q.tidy(ctx); err != nil {
				q.cfg.Log.Error("cannot tidy the store", "error", err)
			}
		}
		cancel()
	}
}

// promote hands to River the units that may run now, as many as there are workers
// for, in fair order. Several replicas may do this at once.
func (q *Queue) promote(ctx context.Context) error {
	all, err := q.unitRows(ctx)
	if err != nil {
		return err
	}
	now := q.db.millis()
	found, err := q.expireDead(ctx, all, now)
	if err != nil {
		return err
	}
	if found {
		if all, err = q.unitRows(ctx); err != nil {
			return err
		}
	}
	away, err := q.awayUmbrellas(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, u := range q.due(all, away, now) {
		if err := q.hand(ctx, u, now); err != nil {
			errs = append(errs, fmt.Errorf("hand over unit %s: %w", unitName(u.umbrella, u.namespace), err))
		}
	}
	return errors.Join(errs...)
}

// due chooses from all units; away says until when umbrellas rest that were last found
// away: one unit of such an umbrella asks again before the others follow. The umbrella that has the least going on comes first,
// then units whose run was cut off, then the unit that waits longest. The whole umbrella waits for its namespaces that
// came before it or run, and namespaces that came after it wait for it.
func (q *Queue) due(all []unitRow, away map[string]int64, now int64) []unitRow {
	type load struct {
		busy       int
		namespaces bool  // some are taken or handed over
		whole      bool  // it is taken or handed over
		wholeSince int64 // it waits, since when
	}
	mine := *q.umbrellas.Load()
	loads := map[string]*load{}
	for _, name := range mine {
		loads[name] = &load{}
	}
	var ready []unitRow
	handed := 0
	for _, u := range all {
		l := loads[u.umbrella]
		if l == nil {
			continue
		}
		waiting := u.job != 0 && now-u.jobAt < takeTime.Milliseconds()
		if u.leased(now) || waiting {
			l.busy++
			l.whole, l.namespaces = l.whole || u.namespace == "", l.namespaces || u.namespace != ""
			if waiting {
				handed++
			}
			continue
		}
		if u.wanted > u.done && u.parkedAt == 0 && u.notBefore <= now && away[u.umbrella] <= now {
			if ready = append(ready, u); u.namespace == "" {
				l.wholeSince = u.since(now)
			}
		}
	}
	slices.SortStableFunc(ready, func(a, b unitRow) int {
		return cmp.Or(cmp.Compare(a.since(now), b.since(now)), cmp.Compare(a.lease, b.lease), cmp.Compare(a.namespace, b.namespace))
	})
	var out []unitRow
	for len(ready) > 0 && handed < 2*q.cfg.Workers {
		best := 0
		for i, u := range ready {
			if loads[u.umbrella].busy < loads[ready[best].umbrella].busy {
				best = i
			}
		}
		u := ready[best]
		ready = slices.Delete(ready, best, best+1)
		l := loads[u.umbrella]
		blocked := l.whole || u.namespace == "" && l.namespaces || u.namespace != "" && l.wholeSince > 0 && l.wholeSince <= u.since(now)
		if _, probes := away[u.umbrella]; blocked || probes && l.busy > 0 {
			continue
		}
		l.busy++
		l.whole, l.namespaces = l.whole || u.namespace == "", l.namespaces || u.namespace != ""
		handed++
		out = append(out, u)
	}
	return out
}

// hand gives the unit to River, unless somebody has done so meanwhile.
func (q *Queue) hand(ctx context.Context, seen unitRow, now int64) error {
	return q.db.within(ctx, func(tx *sql.Tx) error {
		u, err := readUnit(ctx, tx, seen.umbrella, seen.namespace)
		if err != nil || u.job != seen.job || u.leased(now) || u.wanted == u.done {
			return err
		}
		if u.job != 0 {
			waits, err := q.waits(ctx, tx, u.job)
			if err != nil || waits {
				return err
			}
		}
		opts := &river.InsertOpts{Priority: 2}
		if u.lost(now) {
			opts.Priority = 1 // before jobs that a dead process left
		}
		job, err := q.river.InsertTx(ctx, tx, unitArgs{Umbrella: u.umbrella, Namespace: u.namespace}, opts)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE tokenward_unit SET job = $1, job_at = $2 WHERE umbrella = $3 AND namespace = $4`, job.Job.ID, now, u.umbrella, u.namespace)
		return err
	})
}

func (q *Queue) unitRows(ctx context.Context) ([]unitRow, error) {
	rows, err := q.db.QueryContext(ctx, `SELECT `+unitColumns+` FROM tokenward_unit ORDER BY umbrella, namespace`)
	if err != nil {
		return nil, fmt.Errorf("list the units: %w", err)
	}
	var out []unitRow
	for rows.Next() {
		var u unitRow
		if err := u.scan(rows.Scan); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		out = append(out, u)
	}
	return out, errors.Join(rows.Err(), rows.Close())
}

// awayUmbrellas names the umbrellas whose server did not answer the last time, and
// until when it is not to be asked.
func (q *Queue) awayUmbrellas(ctx context.Context) (map[string]int64, error) {
	rows, err := q.db.QueryContext(ctx, `SELECT name, away_until FROM tokenward_umbrella WHERE away_count > 0`)
	if err != nil {
		return nil, fmt.Errorf("list the umbrellas: %w", err)
	}
	out := map[string]int64{}
	for rows.Next() {
		var name string
		var until int64
		if err := rows.Scan(&name, &until); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		out[name] = until
	}
	return out, errors.Join(rows.Err(), rows.Close())
}

// keptDeliveries is for how long a delivery is recognised: GitLab sends again within hours.
const keptDeliveries = 7 * 24 * time.Hour

// tidy forgets what is old and pauses longer than any that is granted now, which an older
// program or a clock that was ahead has stored, and reads the clock of the server anew.
func (q *Queue) tidy(ctx context.Context) error {
	now := q.db.millis()
	_, err := q.db.ExecContext(ctx, `DELETE FROM tokenward_delivery WHERE at < $1`, now-keptDeliveries.Milliseconds())
	if err == nil {
		_, err = q.db.ExecContext(ctx, `DELETE FROM tokenward_run WHERE ended > 0 AND ended < $1`, now-q.cfg.Keep.Milliseconds())
	}
	if err == nil {
		_, err = q.db.ExecContext(ctx, `UPDATE tokenward_umbrella SET away_until = 0 WHERE away_until > $1`, now+askedPauseMax.Milliseconds())
	}
	if err == nil && q.db.postgres && q.cfg.Now == nil {
		err = q.db.readClock(ctx)
	}
	return err
}

func (o Outcome) triggers(umbrella string) []bot.Trigger {
	var out []bot.Trigger
	for _, f := range o.Then {
		out = append(out, bot.Trigger{Umbrella: umbrella, Namespace: f.Namespace, Changed: f.Changed, Reason: f.Reason})
	}
	return out
}
