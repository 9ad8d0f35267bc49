package queue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

// In PostgreSQL a process shows that it lives by a lock on a connection of its own. The
// server gives the lock back when the process dies, as soon as it sees the connection
// end, which is at once unless the network or a whole machine is gone: for that there
// are leases. A process that loses the connection and lives ends its runs itself.

const (
	// presenceClass is the first number of these locks; the second follows from the owner's name.
	presenceClass = 7402317
	// presenceEvery is how often the connection is looked at.
	presenceEvery = 250 * time.Millisecond
)

// heardFor is for how long after its last beat a run is left alone whose process shows
// no life any more: so long may a process that lives need to notice that itself.
func (q *Queue) heardFor() time.Duration { return q.cfg.Lease / 4 }

// errSilent says that a run was ended because the store did not answer for so long that another
// process may have taken the unit over.
var errSilent = errors.New("the store does not answer")

// presence is a time through which the store sees that this process lives.
type presence struct{ over chan struct{} }

// appear shows that this process lives, and keeps doing so until the queue is closed.
// A file's only process need not.
func (q *Queue) appear(ctx context.Context) error {
	q.shown.Store(&presence{make(chan struct{})})
	if !q.db.postgres {
		return nil
	}
	conn, err := q.show(ctx)
	if err != nil {
		return err
	}
	q.loops.Add(1)
	go q.remain(conn)
	return nil
}

// show takes the lock on a connection of its own.
func (q *Queue) show(ctx context.Context) (*sql.Conn, error) {
	conn, err := q.db.Conn(ctx)
	if err == nil {
		if _, err = conn.ExecContext(ctx, `SELECT pg_advisory_lock($1, hashtext($2))`, presenceClass, q.cfg.Owner); err == nil {
			return conn, nil
		}
		err = errors.Join(err, conn.Close())
	}
	return nil, fmt.Errorf("show the store that this process lives: %w", err)
}

// remain looks after the connection and replaces it when it breaks; what ran until then is ended.
func (q *Queue) remain(conn *sql.Conn) {
	defer q.loops.Done()
	every := time.NewTicker(presenceEvery)
	defer every.Stop()
	for {
		select {
		case <-q.closing:
			if conn != nil {
				_ = conn.Close() // the database is closed next
			}
			return
		case <-every.C:
		}
		limited, done := context.WithTimeout(context.Background(), q.cfg.Lease)
		if conn == nil {
			var err error
			if conn, err = q.show(limited); err == nil {
				q.shown.Store(&presence{make(chan struct{})})
				q.kick()
			}
		} else if err := conn.PingContext(limited); err != nil {
			close(q.shown.Load().over)
			q.cfg.Log.Warn("the store cannot see any more that this process lives: its runs begin anew", "error", err)
			_ = conn.Close() // it is broken
			conn = nil
		}
		done()
	}
}

// present tells whether the store sees that this process lives.
func (q *Queue) present() bool {
	select {
	case <-q.shown.Load().over:
		return false
	default:
		return true
	}
}

// expireDead brings the end of the leases of processes that are seen to be dead forward.
// Whoever was cut off first stays the first.
func (q *Queue) expireDead(ctx context.Context, all []unitRow, now int64) (found bool, err error) {
	early := (q.cfg.Lease - q.heardFor()).Milliseconds()
	heard := now + early
	silent := func(u unitRow) bool { return u.leased(now) && u.owner != q.cfg.Owner && u.lease <= heard }
	if !q.db.postgres || !slices.ContainsFunc(all, silent) {
		return false, nil
	}
	found, err = changed(q.db.ExecContext(ctx, `
UPDATE tokenward_unit SET lease = lease - $5 WHERE owner <> '' AND owner <> $2 AND lease > $1 AND lease <= $3 AND NOT EXISTS (
	SELECT 1 FROM pg_locks l WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
	AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
	AND l.classid::bigint = $4 AND l.objid::bigint = hashtext(owner)::bigint & 4294967295)`, now, q.cfg.Owner, heard, presenceClass, early))
	if err != nil {
		return false, fmt.Errorf("take units from dead processes: %w", err)
	}
	return found, nil
}
