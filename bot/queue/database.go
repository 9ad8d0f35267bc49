package queue

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // the driver, without cgo
)

// database is either store. Both take $1 as a placeholder, which is why one set of
// statements does for both.
type database struct {
	*sql.DB
	postgres bool
	// sole tells that no other process can use this store at the same time.
	sole   bool
	unlock func() error
	now    func() time.Time
	offset atomic.Int64 // what the server's clock is ahead of ours, in milliseconds
}

// CheckURL says what is wrong with a store's URL, without opening it.
func CheckURL(store string) error {
	if _, err := sqlitePath(store); err == nil {
		return nil
	}
	u, err := url.Parse(store)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return errors.New("must be sqlite:///PATH or postgres://USER@HOST/DATABASE")
	}
	if _, secret := u.User.Password(); secret || u.Query().Has("password") {
		return errors.New("must not hold a password: use storePasswordFile or TOKENWARD_STORE_PASSWORD")
	}
	if _, err := pgx.ParseConfig(store); err != nil {
		return errors.New("cannot be read as PostgreSQL's URL")
	}
	return nil
}

// sqlitePath reads sqlite:///absolute/path and sqlite:relative/path.
func sqlitePath(store string) (string, error) {
	rest, ok := strings.CutPrefix(store, "sqlite:")
	if trimmed, isURL := strings.CutPrefix(rest, "//"); isURL {
		rest = trimmed
		ok = ok && strings.HasPrefix(rest, "/")
	}
	if !ok || rest == "" || strings.ContainsAny(rest, "?#\x00") {
		return "", errors.New("not a sqlite URL: give sqlite:///PATH")
	}
	return rest, nil
}

func openDatabase(ctx context.Context, cfg Config) (*database, error) {
	if err := CheckURL(cfg.URL); err != nil {
		return nil, fmt.Errorf("store %w", err)
	}
	if path, err := sqlitePath(cfg.URL); err == nil {
		return openSQLite(ctx, path, cfg)
	}
	return openPostgres(ctx, cfg)
}

// openSQLite opens the file for this process alone. Commits reach the disk before
// they are answered; one connection serves all, since SQLite has one writer anyway.
func openSQLite(ctx context.Context, path string, cfg Config) (*database, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the store's folder: %w", err)
	}
	unlock, err := lockFile(ctx, path+".lock", func() { cfg.Log.Warn("waiting for another process that has the store", "store", path) })
	if err != nil {
		return nil, fmt.Errorf("lock store %s: %w", path, err)
	}
	query := url.Values{"_txlock": {"immediate"}, "_pragma": {"journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(10000)", "foreign_keys(1)"}}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: query.Encode()}).String())
	if err == nil {
		db.SetMaxOpenConns(1)
		err = db.PingContext(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open store %s: %w", path, err), unlock())
	}
	return &database{DB: db, sole: true, unlock: unlock, now: clockOr(cfg.Now)}, nil
}

func openPostgres(ctx context.Context, cfg Config) (*database, error) {
	parsed, err := pgx.ParseConfig(cfg.URL)
	if err != nil {
		return nil, errors.New("store: cannot be read as PostgreSQL's URL")
	}
	name := parsed.Host + "/" + parsed.Database
	db := stdlib.OpenDB(*parsed, stdlib.OptionBeforeConnect(func(_ context.Context, c *pgx.ConnConfig) error {
		if cfg.Password == nil {
			return nil
		}
		password, err := cfg.Password()
		if password != "" {
			c.Password = password
		}
		return err
	}))
	db.SetMaxOpenConns(9 + 2*cfg.Workers)
	d := &database{DB: db, postgres: true, unlock: func() error { return nil }, now: clockOr(cfg.Now)}
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open store %s: %w", name, err), db.Close())
	}
	if cfg.Now == nil {
		if err := d.readClock(ctx); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	return d, nil
}

func clockOr(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now
	}
	return now
}

// readClock takes the server's clock for all replicas', so that leases mean the same
// to all of them.
func (d *database) readClock(ctx context.Context) error {
	var server int64
	before := time.Now()
	if err := d.QueryRowContext(ctx, `SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint`).Scan(&server); err != nil {
		return fmt.Errorf("read the store's clock: %w", err)
	}
	d.offset.Store(server - before.Add(time.Since(before)/2).UnixMilli())
	return nil
}

// millis is the time as the store keeps it.
func (d *database) millis() int64 { return d.now().UnixMilli() + d.offset.Load() }

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// within runs f in one transaction.
func (d *database) within(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := d.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	if err := f(tx); err != nil {
		if undo := tx.Rollback(); undo != nil && !errors.Is(undo, sql.ErrTxDone) {
			return errors.Join(err, undo)
		}
		return err
	}
	return tx.Commit()
}

func (d *database) close() error { return errors.Join(d.DB.Close(), d.unlock()) }

func randomName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "tokenward"
	}
	return host + "-" + strings.ToLower(rand.Text()[:8])
}

// storable takes out of a text what PostgreSQL does not store.
func storable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "?"), "\x00", "")
}
