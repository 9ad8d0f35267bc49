package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tokenward/bot"
)

func testCoalesce(t *testing.T, b *bench) {
	s := b.start(func(c *Config) { c.Workers = 1 })
	s.trigger("v", "blocker") // keeps the only worker busy
	blocker := s.take("v", "blocker")
	var wait sync.WaitGroup
	for n := range 100 {
		wait.Go(func() {
			fresh, err := s.Accept(t.Context(), fmt.Sprint("d", n), []bot.Trigger{{Umbrella: "u", Namespace: "a", Reason: "push"}})
			if err != nil || !fresh {
				t.Errorf("delivery %d: fresh %v, %v", n, fresh, err)
			}
		})
	}
	wait.Wait()
	s.settle(blocker, Outcome{Result: Done})
	r := s.take("u", "a")
	if r.Triggers != 100 {
		t.Errorf("the run answers %d triggers, not 100", r.Triggers)
	}
	s.settle(r, Outcome{Result: Done})
	s.quiet()
}

func testOneMore(t *testing.T, b *bench) {
	s := b.start()
	s.trigger("u", "a")
	r := s.take("u", "a")
	for range 5 {
		s.trigger("u", "a")
	}
	if u := s.unit("u", "a"); u.State != Running || u.Triggers != 6 {
		t.Errorf("while it runs: %+v", u)
	}
	s.settle(r, Outcome{Result: Done})
	again := s.take("u", "a")
	if again.Triggers != 5 {
		t.Errorf("the second run answers %d triggers, not 5", again.Triggers)
	}
	s.settle(again, Outcome{Result: Done})
	s.quiet()
}

func testDeliveries(t *testing.T, b *bench) {
	q := b.open()
	defer closeQueue(t, q)
	push := []bot.Trigger{{Umbrella: "u", Namespace: "a"}}
	for n, want := range []bool{true, false, false} {
		if fresh, err := q.Accept(t.Context(), "one", push); err != nil || fresh != want {
			t.Errorf("acceptance %d: fresh %v, %v", n+1, fresh, err)
		}
	}
	units, err := q.Units(t.Context())
	if err != nil || len(units) != 1 || units[0].Triggers != 1 {
		t.Errorf("units %+v, %v", units, err)
	}
}

func testExclusion(t *testing.T, b *bench) {
	s := b.start()
	s.trigger("u", "a")
	a := s.take("u", "a")
	s.trigger("u", "")
	b.clock.add(time.Second)
	s.trigger("u", "b")
	s.trigger("v", "c")
	// Another umbrella is free; "u" waits for a, and b, which came later, for "u".
	c := s.take("v", "c")
	s.quietExcept("u", "", "u", "b")
	s.settle(a, Outcome{Result: Done})
	whole := s.take("u", "")
	if !whole.Whole {
		t.Error("the umbrella's run is not over all of it")
	}
	s.quietExcept("u", "b")
	s.settle(whole, Outcome{Result: Done})
	s.settle(s.take("u", "b"), Outcome{Result: Done})
	s.settle(c, Outcome{Result: Done})
	s.quiet()
}

// quietExcept checks that exactly these units wait, and none of them runs.
func (s *shift) quietExcept(names ...string) {
	s.t.Helper()
	if err := s.promote(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	var waiting []string
	for _, u := range s.units() {
		if u.State == Waiting {
			waiting = append(waiting, u.Umbrella, u.Namespace)
		}
	}
	if !slices.Equal(waiting, names) {
		s.t.Errorf("%q wait, want %q", waiting, names)
	}
	select {
	case r := <-s.runs:
		s.t.Errorf("%q %q runs", r.Umbrella, r.Namespace)
	default:
	}
}

func testParallel(t *testing.T, b *bench) {
	s := b.start()
	for _, ns := range []string{"a", "b", "c"} {
		s.trigger("u", ns)
	}
	var all []*running
	for range 3 {
		all = append(all, <-s.runs)
	}
	for _, r := range all {
		s.settle(r, Outcome{Result: Done})
	}
	s.quiet()
}

func testParking(t *testing.T, b *bench) {
	s := b.start()
	s.trigger("u", "a")
	for n, pause := range []time.Duration{10 * time.Second, 20 * time.Second} {
		s.settle(s.take("u", "a"), Outcome{Result: Failed, Message: "no"})
		u := s.unit("u", "a")
		if u.State != Pausing || u.Failures != int64(n+1) || u.NotBefore.Sub(b.clock.Now()) != pause {
			t.Fatalf("after failure %d: %+v", n+1, u)
		}
		s.trigger("u", "a") // does not cut the pause short
		s.quiet()
		b.clock.add(pause)
	}
	s.settle(s.take("u", "a"), Outcome{Result: Failed, Message: "no again"})
	if u := s.unit("u", "a"); u.State != Parked || u.Failure != "no again" {
		t.Fatalf("after the last failure: %+v", u)
	}
	b.clock.add(24 * time.Hour)
	s.quiet()
	s.trigger("u", "a") // one attempt
	s.settle(s.take("u", "a"), Outcome{Result: Failed})
	if u := s.unit("u", "a"); u.State != Parked {
		t.Fatalf("after one more attempt: %+v", u)
	}
	if err := s.Retry(t.Context(), "u", "a", "a person asks"); err != nil {
		t.Fatal(err)
	}
	s.settle(s.take("u", "a"), Outcome{Result: Failed})
	if u := s.unit("u", "a"); u.State != Pausing || u.Failures != 1 {
		t.Fatalf("after a retry by hand: %+v", u)
	}
	b.clock.add(10 * time.Second)
	s.settle(s.take("u", "a"), Outcome{Result: Done})
	if u := s.unit("u", "a"); u.State != Idle || u.Failures != 0 || u.Failure != "" {
		t.Fatalf("after all: %+v", u)
	}
}

func testOutage(t *testing.T, b *bench) {
	s := b.start()
	s.trigger("u", "a")
	s.settle(s.take("u", "a"), Outcome{Result: Away})
	s.trigger("u", "a")
	s.trigger("u", "b")
	b.clock.add(awayPause)
	attempts := 0
	for end := b.clock.Now().Add(time.Hour); b.clock.Now().Before(end); attempts++ {
		s.settle(<-s.runs, Outcome{Result: Away, Message: "GitLab is away"})
		s.quietAway()
		umbrellas, err := s.Umbrellas(t.Context())
		if err != nil || len(umbrellas) != 1 || umbrellas[0].AwayReason != "GitLab is away" {
			t.Fatalf("umbrellas %+v, %v", umbrellas, err)
		}
		b.clock.add(umbrellas[0].AwayUntil.Sub(b.clock.Now()))
	}
	if attempts > 20 {
		t.Errorf("%d attempts within an hour", attempts)
	}
	s.settle(<-s.runs, Outcome{Result: Done})
	s.settle(<-s.runs, Outcome{Result: Done})
	s.quiet()
	for _, u := range s.units() {
		if u.State != Idle || u.Failures != 0 {
			t.Errorf("left behind: %+v", u)
		}
	}
}

func (s *shift) quietAway() {
	s.t.Helper()
	if err := s.promote(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	select {
	case r := <-s.runs:
		s.t.Errorf("%q %q runs while the server is away", r.Umbrella, r.Namespace)
	default:
	}
}

func testFairness(t *testing.T, b *bench) {
	s := b.start(func(c *Config) { c.Workers = 2 })
	for n := range 9 {
		s.trigger("u", fmt.Sprint("n", n))
	}
	b.clock.add(time.Second)
	s.trigger("v", "x")
	var order []string
	for range 10 {
		r := <-s.runs
		order = append(order, r.Umbrella)
		s.settle(r, Outcome{Result: Done})
	}
	if i := slices.Index(order, "v"); i < 0 || i > 6 {
		t.Errorf("v comes in place %d of %v", i+1, order)
	}
}

func testHandBack(t *testing.T, b *bench) {
	s := b.start()
	s.trigger("u", "a")
	s.take("u", "a")
	stop, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Stop(stop); err != nil {
		t.Fatal(err)
	}
	u := s.unit("u", "a")
	if u.State != Waiting || u.Failures != 0 || len(u.Reasons) != 1 {
		t.Errorf("after the stop: %+v", u)
	}
	if runs, err := s.Runs(t.Context(), 10); err != nil || len(runs) != 1 || runs[0].Result != HandedBack {
		t.Errorf("runs %+v, %v", runs, err)
	}
}

// A process that died leaves a lease that nobody renews. In SQLite the next process
// knows that at once; in PostgreSQL when the lease is over.
func testTakeover(t *testing.T, b *bench) {
	q := b.open(func(c *Config) { c.Owner = "dead" })
	if err := q.Enqueue(t.Context(), bot.Trigger{Umbrella: "u", Namespace: "a"}); err != nil {
		t.Fatal(err)
	}
	if _, err := q.db.Exec(`UPDATE tokenward_unit SET owner = 'dead', lease = $1, run = 7, running = wanted`, q.db.millis()+60000); err != nil {
		t.Fatal(err)
	}
	if _, err := q.db.Exec(`INSERT INTO tokenward_run (id, umbrella, namespace, whole, owner, triggers, reasons, started) VALUES (7, 'u', 'a', 0, 'dead', 1, 'push', 1)`); err != nil {
		t.Fatal(err)
	}
	closeQueue(t, q)
	s := b.start()
	if s.db.postgres {
		if u := s.unit("u", "a"); u.State != Running {
			t.Errorf("while the lease lasts: %+v", u)
		}
		s.quietExcept()
		b.clock.add(time.Minute)
	}
	s.settle(s.take("u", "a"), Outcome{Result: Done})
	if run, found, err := s.Run(t.Context(), 7); err != nil || !found || run.Result != Lost || run.Ended.IsZero() {
		t.Errorf("the dead run: %+v %v %v", run, found, err)
	}
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

// What a killed process was at comes before all that waits, and without a pause.
func testCutFirst(t *testing.T, b *bench) {
	s := b.start(func(c *Config) { c.Workers = 1 })
	s.trigger("u", "cut")
	s.settle(s.take("u", "cut"), Outcome{Result: Done})
	s.trigger("v", "blocker") // keeps the only worker busy
	blocker := s.take("v", "blocker")
	s.die("u", "cut")
	due := func() string {
		rows, err := s.unitRows(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range rows {
			rows[i].job = 0
			if r.namespace == "old" {
				rows[i].wantedAt = 2
			}
		}
		var names []string
		for _, u := range s.due(rows, nil, s.db.millis()) {
			names = append(names, u.namespace)
		}
		return strings.Join(names, " ")
	}
	s.trigger("u", "old")
	if got := due(); got != "cut old" {
		t.Errorf("in turn: %s", got)
	}
	s.trigger("u", "")
	if got := due(); got != "cut old" {
		t.Errorf("with the umbrella wanted: %s", got)
	}
	s.settle(blocker, Outcome{Result: Done})
	for range 3 {
		s.settle(<-s.runs, Outcome{Result: Done})
	}
	s.quiet()
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

func testTicks(t *testing.T, b *bench) {
	s := b.start()
	last, err := s.LastTick(t.Context(), "daily")
	if err != nil || !last.Equal(b.clock.Now()) {
		t.Fatalf("first asked: %v, %v", last, err)
	}
	b.clock.add(time.Hour)
	for n, want := range []bool{true, false} {
		fired, err := s.Tick(t.Context(), "daily", last, b.clock.Now(), []bot.Trigger{{Umbrella: "u"}})
		if err != nil || fired != want {
			t.Errorf("replica %d: fired %v, %v", n+1, fired, err)
		}
	}
	r := s.take("u", "")
	if r.Triggers != 1 || !r.Whole {
		t.Errorf("%d triggers, whole %v", r.Triggers, r.Whole)
	}
	s.settle(r, Outcome{Result: Done})
	if last, err = s.LastTick(t.Context(), "daily"); err != nil || !last.Equal(b.clock.Now()) {
		t.Errorf("then: %v, %v", last, err)
	}
}

func testFollow(t *testing.T, b *bench) {
	s := b.start()
	if err := s.Enqueue(t.Context(), bot.Trigger{Umbrella: "u", Changed: true, Reason: "push"}); err != nil {
		t.Fatal(err)
	}
	r := s.take("u", "")
	if r.Whole {
		t.Error("a run for what changed is over all")
	}
	s.settle(r, Outcome{Result: Done, Then: []Follow{{Namespace: "a", Reason: "it failed"}}})
	next := s.take("u", "a")
	if !slices.Equal(next.Reasons, []string{"it failed"}) {
		t.Errorf("reasons %q", next.Reasons)
	}
	s.settle(next, Outcome{Result: Refused, Message: "cannot"})
	if u := s.unit("u", "a"); u.State != Idle || u.Failure != "cannot" {
		t.Errorf("%+v", u)
	}
	s.quiet()
}

func testMemory(t *testing.T, b *bench) {
	q := b.open()
	defer closeQueue(t, q)
	if site, err := q.Site(t.Context(), "u"); err != nil || site != nil {
		t.Errorf("before anything: %q, %v", site, err)
	}
	if err := q.SaveSite(t.Context(), "u", []byte(`{"project":"p"}`)); err != nil {
		t.Fatal(err)
	}
	if site, err := q.Site(t.Context(), "u"); err != nil || string(site) != `{"project":"p"}` {
		t.Errorf("%q, %v", site, err)
	}
	save := func(all bool, names ...string) {
		var views []NamespaceView
		for _, n := range names {
			views = append(views, NamespaceView{Namespace: n, Fingerprint: "f" + n})
		}
		if err := q.SaveNamespaces(t.Context(), "u", views, all); err != nil {
			t.Fatal(err)
		}
	}
	check := func(want ...string) {
		t.Helper()
		views, err := q.Namespaces(t.Context(), "u")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, v := range views {
			got = append(got, v.Namespace)
		}
		if !slices.Equal(got, want) {
			t.Errorf("namespaces %q, want %q", got, want)
		}
	}
	save(true, "a", "b")
	save(false, "c")
	check("a", "b", "c")
	save(true, "b")
	check("b")
}

func testTidy(t *testing.T, b *bench) {
	s := b.start()
	if _, err := s.Accept(t.Context(), "old", []bot.Trigger{{Umbrella: "u", Namespace: "a"}}); err != nil {
		t.Fatal(err)
	}
	s.settle(s.take("u", "a"), Outcome{Result: Done})
	b.clock.add(s.cfg.Keep + time.Hour)
	s.trigger("u", "b")
	s.settle(s.take("u", "b"), Outcome{Result: Done})
	if err := s.tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	runs, err := s.Runs(t.Context(), 10)
	if err != nil || len(runs) != 1 || runs[0].Namespace != "b" {
		t.Errorf("runs %+v, %v", runs, err)
	}
	if fresh, err := s.Accept(t.Context(), "old", nil); err != nil || !fresh {
		t.Errorf("the old delivery is still known: %v, %v", fresh, err)
	}
}

func testReopen(t *testing.T, b *bench) {
	q := b.open()
	if _, err := q.Accept(t.Context(), "one", []bot.Trigger{{Umbrella: "u", Namespace: "a", Reason: "push"}}); err != nil {
		t.Fatal(err)
	}
	closeQueue(t, q)
	s := b.start()
	if fresh, err := s.Accept(t.Context(), "one", nil); err != nil || fresh {
		t.Errorf("the delivery is fresh again: %v, %v", fresh, err)
	}
	r := s.take("u", "a")
	r.Progress("render", 3, 7)
	s.settle(r, Outcome{Result: Done, Message: "well"})
	runs, err := s.Runs(t.Context(), 10)
	if err != nil || len(runs) != 1 {
		t.Fatalf("runs %+v, %v", runs, err)
	}
	if got := runs[0]; got.Message != "well" || len(got.Steps) != 1 || got.Steps[0].Done != 3 || !slices.Equal(got.Reasons, []string{"push"}) {
		t.Errorf("%+v", got)
	}
}

func testHostileText(t *testing.T, b *bench) {
	s := b.start()
	reason := "push\x00 to \xff\xfe\nmain" + strings.Repeat("x", 5000)
	if fresh, err := s.Accept(t.Context(), "d\x00\xff", []bot.Trigger{{Umbrella: "u", Namespace: "a", Reason: reason}}); err != nil || !fresh {
		t.Fatalf("fresh %v, %v", fresh, err)
	}
	s.settle(s.take("u", "a"), Outcome{Result: Refused, Message: "\x00\xff"})
}

func closeQueue(t *testing.T, q *Queue) {
	t.Helper()
	if err := q.Close(); err != nil {
		t.Error(err)
	}
}
