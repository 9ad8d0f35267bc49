package queue

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
)

// migrations are our own tables, in the order in which they came to be. What is
// released is never changed, only added to. Times are milliseconds since 1970, 0 for
// never; BIGINT is what both stores have for counts, times and truth.
func migrations() []string {
	return []string{`
CREATE TABLE tokenward_umbrella (
	name TEXT PRIMARY KEY,
	away_until BIGINT NOT NULL DEFAULT 0, away_count BIGINT NOT NULL DEFAULT 0, away_reason TEXT NOT NULL DEFAULT '',
	site TEXT NOT NULL DEFAULT '');
CREATE TABLE tokenward_unit (
	umbrella TEXT NOT NULL, namespace TEXT NOT NULL,
	wanted BIGINT NOT NULL, whole BIGINT NOT NULL, running BIGINT NOT NULL DEFAULT 0, done BIGINT NOT NULL DEFAULT 0,
	wanted_at BIGINT NOT NULL, reasons TEXT NOT NULL DEFAULT '',
	failures BIGINT NOT NULL DEFAULT 0, failure TEXT NOT NULL DEFAULT '', not_before BIGINT NOT NULL DEFAULT 0, parked_at BIGINT NOT NULL DEFAULT 0,
	job BIGINT NOT NULL DEFAULT 0, job_at BIGINT NOT NULL DEFAULT 0,
	owner TEXT NOT NULL DEFAULT '', lease BIGINT NOT NULL DEFAULT 0, run BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (umbrella, namespace));
CREATE TABLE tokenward_run (
	id BIGINT PRIMARY KEY, umbrella TEXT NOT NULL, namespace TEXT NOT NULL, whole BIGINT NOT NULL, owner TEXT NOT NULL,
	triggers BIGINT NOT NULL, reasons TEXT NOT NULL, started BIGINT NOT NULL, ended BIGINT NOT NULL DEFAULT 0,
	result TEXT NOT NULL DEFAULT '', message TEXT NOT NULL DEFAULT '', steps TEXT NOT NULL DEFAULT '[]');
CREATE INDEX tokenward_run_started ON tokenward_run (started);
CREATE INDEX tokenward_run_ended ON tokenward_run (ended);
CREATE TABLE tokenward_delivery (id TEXT PRIMARY KEY, at BIGINT NOT NULL);
CREATE INDEX tokenward_delivery_at ON tokenward_delivery (at);
CREATE TABLE tokenward_tick (schedule TEXT PRIMARY KEY, at BIGINT NOT NULL);
CREATE TABLE tokenward_namespace (
	umbrella TEXT NOT NULL, namespace TEXT NOT NULL, at BIGINT NOT NULL,
	fingerprint TEXT NOT NULL DEFAULT '', view TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (umbrella, namespace));`, `
ALTER TABLE tokenward_unit ADD COLUMN losses BIGINT NOT NULL DEFAULT 0;`, `
ALTER TABLE tokenward_namespace DROP COLUMN view;`}
}

// migrationLock is the number of PostgreSQL's advisory lock under which replicas that
// start together migrate one after the other.
const migrationLock = 7402316

// migrate brings River's tables and ours up to date.
func (d *database) migrate(ctx context.Context) error {
	conn, err := d.Conn(ctx)
	if err != nil {
		return fmt.Errorf("migrate the store: %w", err)
	}
	if d.postgres {
		if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, migrationLock); err != nil {
			return fmt.Errorf("wait for other migrations of the store: %w", err)
		}
	}
	err = migrateOurs(ctx, conn)
	if d.sole {
		// There is one connection, and River needs it.
		if closing := conn.Close(); err == nil {
			err = closing
		}
	}
	if err == nil {
		err = d.migrateRiver(ctx)
	}
	if d.postgres {
		if _, unlocking := conn.ExecContext(ctx, `SELECT pg_advisory_unlock($1)`, migrationLock); err == nil {
			err = unlocking
		}
		if closing := conn.Close(); err == nil {
			err = closing
		}
	}
	if err != nil {
		return fmt.Errorf("migrate the store: %w", err)
	}
	return nil
}

func migrateOurs(ctx context.Context, conn *sql.Conn) error {
	if _, err := conn.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS tokenward_version (version BIGINT NOT NULL)`); err != nil {
		return err
	}
	var version int
	if err := conn.QueryRowContext(ctx, `SELECT COALESCE(MAX(version), 0) FROM tokenward_version`).Scan(&version); err != nil {
		return err
	}
	all := migrations()
	if version > len(all) {
		return fmt.Errorf("its tables are of version %d, this program knows %d: use the newer program", version, len(all))
	}
	for i, statements := range all[version:] {
		tx, err := conn.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, statements)
		if err == nil {
			_, err = tx.ExecContext(ctx, `INSERT INTO tokenward_version (version) VALUES ($1)`, version+i+1)
		}
		if err != nil {
			return fmt.Errorf("to version %d: %w", version+i+1, first(err, tx.Rollback()))
		}
		if err := tx.Commit(); err != nil {
			return fmt.Errorf("to version %d: %w", version+i+1, err)
		}
	}
	return nil
}

func first(err, _ error) error { return err }

// driver is River's view of the store.
func (d *database) driver() riverdriver.Driver[*sql.Tx] {
	if d.postgres {
		return riverdatabasesql.New(d.DB)
	}
	return riversqlite.New(d.DB)
}

func (d *database) migrateRiver(ctx context.Context) error {
	m, err := rivermigrate.New(d.driver(), nil)
	if err != nil {
		return err
	}
	_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}
