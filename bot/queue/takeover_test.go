package queue

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tokenward/bot"
)

// A process that died leaves a lease that nobody renews. In SQLite the next process
// knows that at once; in PostgreSQL soon after the last beat, since nothing shows that
// the process lives. By the clock of a service, whose leases are 7 seconds, that is within 2.
func testTakeover(t *testing.T, b *bench) {
	q := b.open()
	if err := q.Enqueue(t.Context(), bot.Trigger{Umbrella: "u", Namespace: "a"}); err != nil {
		t.Fatal(err)
	}
	q.leaseTo(t, "dead")
	if _, err := q.db.Exec(`INSERT INTO tokenward_run (id, umbrella, namespace, whole, owner, triggers, reasons, started) VALUES (7, 'u', 'a', 0, 'dead', 1, 'push', 1)`); err != nil {
		t.Fatal(err)
	}
	closeQueue(t, q)
	s := b.start()
	if s.db.postgres {
		if u := s.unit("u", "a"); u.State != Running {
			t.Errorf("right after the last beat: %+v", u)
		}
		s.quietExcept()
		b.clock.add(s.cfg.Lease * 2 / 7)
		s.kick()
	}
	s.settle(s.take("u", "a"), Outcome{Result: Done})
	if run, found, err := s.Run(t.Context(), 7); err != nil || !found || run.Result != Lost || run.Ended.IsZero() {
		t.Errorf("the dead run: %+v %v %v", run, found, err)
	}
	s.quiet()
}

// leaseTo gives the unit a of u to a process that was just heard of.
func (q *Queue) leaseTo(t *testing.T, owner string) {
	t.Helper()
	if _, err := q.db.Exec(`UPDATE tokenward_unit SET owner = $1, lease = $2, run = 7, running = wanted`, owner, q.db.millis()+q.cfg.Lease.Milliseconds()); err != nil {
		t.Fatal(err)
	}
}

// A process that lives, but is too busy for its beats, keeps its units until their leases end.
func testAlive(t *testing.T, b *bench) {
	if strings.HasPrefix(b.url, "sqlite") {
		t.Skip("a file has one process")
	}
	busy := b.open(func(c *Config) { c.Owner = "busy" })
	defer closeQueue(t, busy)
	if err := busy.appear(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := b.start()
	s.trigger("v", "a")
	s.settle(s.take("v", "a"), Outcome{Result: Done})
	if _, err := s.db.Exec(`UPDATE tokenward_unit SET wanted = wanted + 1, running = wanted + 1, owner = 'busy', lease = $1, run = 7 WHERE namespace = 'a'`,
		s.db.millis()+s.cfg.Lease.Milliseconds()); err != nil {
		t.Fatal(err)
	}
	b.clock.add(s.cfg.Lease * 9 / 10)
	s.quietExcept()
	if u := s.unit("v", "a"); u.State != Running || u.Owner != "busy" {
		t.Errorf("taken from a process that lives: %+v", u)
	}
	b.clock.add(s.cfg.Lease / 10)
	s.kick()
	s.settle(s.take("v", "a"), Outcome{Result: Done})
	s.quiet()
}

// A process that loses the connection on which it is seen to live ends its runs itself,
// gives them back, and begins them anew once it is seen again.
func testUnseen(t *testing.T, b *bench) {
	s := b.start()
	if !s.db.postgres {
		t.Skip("a file has one process")
	}
	s.trigger("u", "a")
	r := s.take("u", "a")
	if _, err := s.db.Exec(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid::bigint = $1 AND objid::bigint = hashtext($2)::bigint & 4294967295`,
		presenceClass, s.Owner()); err != nil {
		t.Fatal(err)
	}
	<-r.ctx.Done()
	if !errors.Is(context.Cause(r.ctx), errSilent) {
		t.Errorf("ended because of %v", context.Cause(r.ctx))
	}
	s.settle(s.take("u", "a"), Outcome{Result: Done})
	if runs, err := s.Runs(t.Context(), 10); err != nil || len(runs) != 2 || runs[0].Result != HandedBack && runs[1].Result != HandedBack {
		t.Errorf("runs %+v, %v", runs, err)
	}
	s.quiet()
}

// A run that is ended since the store does not answer is handed back when it does again.
func testSilentStore(t *testing.T, b *bench) {
	s := b.start(func(c *Config) { c.Lease = 600 * time.Millisecond })
	if !s.db.postgres {
		t.Skip("nobody can take over from a file's only process")
	}
	s.trigger("u", "a")
	r := s.take("u", "a")
	held, err := s.db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := held.Exec(`UPDATE tokenward_unit SET run = run, losses = 2`); err != nil {
		t.Fatal(err)
	}
	<-r.ctx.Done()
	if !errors.Is(context.Cause(r.ctx), errSilent) {
		t.Errorf("ended because of %v", context.Cause(r.ctx))
	}
	if err := held.Commit(); err != nil {
		t.Fatal(err)
	}
	s.settle(s.take("u", "a"), Outcome{Result: Done})
	if run, found, err := s.Run(t.Context(), r.Lease.Run); err != nil || !found || run.Result != HandedBack {
		t.Errorf("the run that was cut: %+v %v %v", run, found, err)
	}
	s.quiet()
}

// What a run came to is not lost where the store does not take it at once.
func testDeafStore(t *testing.T, b *bench) {
	heard := make(logged, 1)
	s := b.start(func(c *Config) { c.Lease, c.Log = 300*time.Millisecond, slog.New(heard) })
	s.trigger("u", "a")
	r := s.take("u", "a")
	held, err := s.db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := held.Exec(`UPDATE tokenward_unit SET run = run`); err != nil {
		t.Fatal(err)
	}
	r.end <- Outcome{Result: Done}
	<-heard
	if err := held.Commit(); err != nil {
		t.Fatal(err)
	}
	s.until("the end of the run", func() bool {
		run, found, err := s.Run(t.Context(), r.Lease.Run)
		return err == nil && found && run.Result == Done
	})
	s.quiet()
}

// logged is told of the first warning that the store did not take how a run ended.
type logged chan struct{}

func (l logged) Enabled(context.Context, slog.Level) bool { return true }
func (l logged) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l logged) WithGroup(string) slog.Handler            { return l }

func (l logged) Handle(_ context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, "the store does not take") {
		select {
		case l <- struct{}{}:
		default:
		}
	}
	return nil
}

// However slow the machine is, nothing takes a unit from a file's only process.
func testSlowMachine(t *testing.T, b *bench) {
	s := b.start()
	if s.db.postgres {
		t.Skip("there are others")
	}
	s.trigger("u", "a")
	r := s.take("u", "a")
	b.clock.add(s.cfg.RunLimit)
	s.kick()
	s.quiet()
	if u := s.unit("u", "a"); u.State != Running {
		t.Errorf("while it runs: %+v", u)
	}
	s.settle(r, Outcome{Result: Done})
}

// Where a process takes up a run of its own, nothing died: that counts for no parking.
func testOwnLoss(t *testing.T, b *bench) {
	s := b.start(func(c *Config) { c.Owner = "this" })
	s.trigger("u", "a")
	s.settle(s.take("u", "a"), Outcome{Result: Done})
	if _, err := s.db.Exec(`UPDATE tokenward_unit SET losses = 2, wanted = wanted + 1, running = wanted + 1, owner = 'this', lease = $1, run = -1`, s.db.millis()); err != nil {
		t.Fatal(err)
	}
	s.kick()
	s.settle(s.take("u", "a"), Outcome{Result: Done})
	s.quiet()
}

// die has the unit's run end as that of a process which is killed: nobody gives the
// lease back, and it is over.
func (s *shift) die(umbrella, namespace string) {
	s.t.Helper()
	if _, err := s.db.Exec(`UPDATE tokenward_unit SET wanted = wanted + 1, running = wanted + 1, owner = 'dead', lease = $1, job = 0, run = -1 WHERE umbrella = $2 AND namespace = $3`,
		s.db.millis(), umbrella, namespace); err != nil {
		s.t.Fatal(err)
	}
	s.kick()
}

// A unit whose runs no process survives is parked, one that survives is forgiven.
func testDeadly(t *testing.T, b *bench) {
	s := b.start()
	s.trigger("u", "a")
	s.settle(s.take("u", "a"), Outcome{Result: Done})
	for range 2 {
		s.die("u", "a")
		s.settle(s.take("u", "a"), Outcome{Result: Done})
		if u := s.unit("u", "a"); u.State != Idle || u.Failures != 0 {
			t.Fatalf("after a run that was cut off: %+v", u)
		}
	}
	if _, err := s.db.Exec(`UPDATE tokenward_unit SET losses = 2`); err != nil {
		t.Fatal(err)
	}
	s.die("u", "a")
	s.until("the unit to be parked", func() bool { return s.unit("u", "a").State == Parked })
	if u := s.unit("u", "a"); !strings.Contains(u.Failure, "died in the middle of the last 3 runs") {
		t.Errorf("the reason: %q", u.Failure)
	}
	if err := s.Retry(t.Context(), "u", "a", "a person asks"); err != nil {
		t.Fatal(err)
	}
	s.settle(s.take("u", "a"), Outcome{Result: Done})
	s.quiet()
}

// A job that went down with the process which had fetched it is given out again.
func testFetchedByTheDead(t *testing.T, b *bench) {
	q := b.open(func(c *Config) { c.Owner = "dead" })
	if err := q.Enqueue(t.Context(), bot.Trigger{Umbrella: "u", Namespace: "a"}); err != nil {
		t.Fatal(err)
	}
	q.SetUmbrellas([]string{"u"})
	if err := q.promote(t.Context()); err != nil {
		t.Fatal(err)
	}
	fetched := time.Now().Add(-takeTime)
	if _, err := q.db.Exec(`UPDATE river_job SET state = 'running', attempt = 1, attempted_at = $1`, fetched); err != nil {
		t.Fatal(err)
	}
	closeQueue(t, q)
	s := b.start()
	b.clock.add(takeTime)
	s.kick()
	s.settle(s.take("u", "a"), Outcome{Result: Done})
	s.quiet()
}

func testLostLease(t *testing.T, b *bench) {
	s := b.start(func(c *Config) { c.Lease = 600 * time.Millisecond })
	s.trigger("u", "a")
	r := s.take("u", "a")
	if _, err := s.db.Exec(`UPDATE tokenward_unit SET owner = 'somebody', lease = $1`, s.db.millis()+60000); err != nil {
		t.Fatal(err)
	}
	<-r.ctx.Done()
	if !errors.Is(context.Cause(r.ctx), ErrLost) {
		t.Errorf("cancelled because of %v", context.Cause(r.ctx))
	}
	if u := s.unit("u", "a"); u.Owner != "somebody" {
		t.Errorf("the unit is not somebody's any more: %+v", u)
	}
}
