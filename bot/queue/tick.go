package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tokenward/bot"
)

// LastTick is when a schedule was last served; the first time it is asked for, that is
// now, so that a new schedule waits for its first tick.
func (q *Queue) LastTick(ctx context.Context, schedule string) (at time.Time, err error) {
	var ms int64
	err = q.db.within(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO tokenward_tick (schedule, at) VALUES ($1, $2) ON CONFLICT (schedule) DO NOTHING`, schedule, q.db.millis())
		if err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT at FROM tokenward_tick WHERE schedule = $1`, schedule).Scan(&ms)
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("read the last tick of %q: %w", schedule, err)
	}
	return fromMillis(ms), nil
}

// Tick stores the triggers of a schedule's tick and moves its last tick on, unless
// another replica has served it.
func (q *Queue) Tick(ctx context.Context, schedule string, last, at time.Time, triggers []bot.Trigger) (fired bool, err error) {
	err = q.db.within(ctx, func(tx *sql.Tx) error {
		fired, err = changed(tx.ExecContext(ctx, `UPDATE tokenward_tick SET at = $1 WHERE schedule = $2 AND at = $3`, at.UnixMilli(), schedule, last.UnixMilli()))
		if err != nil || !fired {
			return err
		}
		return q.want(ctx, tx, q.db.millis(), triggers)
	})
	if err != nil {
		return false, fmt.Errorf("serve schedule %q: %w", schedule, err)
	}
	q.kick()
	return fired, nil
}

// Now is the time by the store's clock.
func (q *Queue) Now() time.Time { return fromMillis(q.db.millis()) }

// SaveSite remembers something about an umbrella, such as where its projects are.
func (q *Queue) SaveSite(ctx context.Context, umbrella string, site []byte) error {
	_, err := q.db.ExecContext(ctx, `INSERT INTO tokenward_umbrella (name, site) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET site = excluded.site`, umbrella, string(site))
	if err != nil {
		return fmt.Errorf("remember umbrella %s: %w", umbrella, err)
	}
	return nil
}

// Site returns what was remembered, nil if nothing was.
func (q *Queue) Site(ctx context.Context, umbrella string) ([]byte, error) {
	var site string
	err := q.db.QueryRowContext(ctx, `SELECT site FROM tokenward_umbrella WHERE name = $1`, umbrella).Scan(&site)
	if errors.Is(err, sql.ErrNoRows) || err == nil && site == "" {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("recall umbrella %s: %w", umbrella, err)
	}
	return []byte(site), nil
}

// NamespaceView is what the last run that looked at a namespace saw.
type NamespaceView struct {
	Namespace string
	At        time.Time
	// Fingerprint stands for everything that a run would look at. "" means that the
	// namespace must be looked at again.
	Fingerprint string
}

// SaveNamespaces stores views. If they are all that the umbrella has, the others are
// forgotten.
func (q *Queue) SaveNamespaces(ctx context.Context, umbrella string, views []NamespaceView, all bool) error {
	err := q.db.within(ctx, func(tx *sql.Tx) error {
		if err := lockUmbrella(ctx, tx, umbrella); err != nil {
			return err
		}
		if all {
			if _, err := tx.ExecContext(ctx, `DELETE FROM tokenward_namespace WHERE umbrella = $1`, umbrella); err != nil {
				return err
			}
		}
		for _, v := range views {
			_, err := tx.ExecContext(ctx, `INSERT INTO tokenward_namespace (umbrella, namespace, at, fingerprint) VALUES ($1, $2, $3, $4)
ON CONFLICT (umbrella, namespace) DO UPDATE SET at = excluded.at, fingerprint = excluded.fingerprint`,
				umbrella, v.Namespace, q.db.millis(), v.Fingerprint)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("remember the namespaces of %s: %w", umbrella, err)
	}
	return nil
}

// Namespaces returns the views of an umbrella, by name.
func (q *Queue) Namespaces(ctx context.Context, umbrella string) ([]NamespaceView, error) {
	rows, err := q.db.QueryContext(ctx, `SELECT namespace, at, fingerprint FROM tokenward_namespace WHERE umbrella = $1 ORDER BY namespace`, umbrella)
	if err != nil {
		return nil, fmt.Errorf("recall the namespaces of %s: %w", umbrella, err)
	}
	var out []NamespaceView
	for rows.Next() {
		var v NamespaceView
		var at int64
		if err := rows.Scan(&v.Namespace, &at, &v.Fingerprint); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		v.At = fromMillis(at)
		out = append(out, v)
	}
	return out, errors.Join(rows.Err(), rows.Close())
}
