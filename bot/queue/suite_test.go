package queue

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"tokenward/bot"
	"tokenward/bot/queue/storetest"
)

// The same behaviour is held against both stores.
func TestSuiteOnSQLite(t *testing.T) {
	t.Parallel()
	suite(t, "sqlite")
}

func TestSuiteOnPostgres(t *testing.T) {
	t.Parallel()
	storetest.Postgres(t) // skips where there is none
	suite(t, "postgres")
}

func suite(t *testing.T, store string) {
	cases := map[string]func(*testing.T, *bench){
		"hundred triggers make one run":                 testCoalesce,
		"a trigger during a run makes exactly one more": testOneMore,
		"a delivery counts once":                        testDeliveries,
		"the umbrella and its namespaces exclude":       testExclusion,
		"namespaces run side by side":                   testParallel,
		"failures pause, park and come back":            testParking,
		"an outage parks nothing":                       testOutage,
		"a failure ends an outage":                      testFailureEndsOutage,
		"no server asks for a pause without end":        testPauseWithoutEnd,
		"a pause from the future ends":                  testPauseFromTheFuture,
		"umbrellas take turns":                          testFairness,
		"a stopped run is handed back":                  testHandBack,
		"a dead process's unit is taken up":             testTakeover,
		"a process that lives keeps its units":          testAlive,
		"a process that is not seen ends its runs":      testUnseen,
		"what the silent store cut is no death":         testSilentStore,
		"how a run ended is said until it is heard":     testDeafStore,
		"whoever takes up its own run has not died":     testOwnLoss,
		"a file's only process keeps its units":         testSlowMachine,
		"what was cut off comes first":                  testCutFirst,
		"what no process survives is parked":            testDeadly,
		"a job that died with its process is run":       testFetchedByTheDead,
		"a run whose lease is gone is cancelled":        testLostLease,
		"ticks are served once":                         testTicks,
		"what follows is stored with the end":           testFollow,
		"views and sites are remembered":                testMemory,
		"old runs and deliveries are forgotten":         testTidy,
		"opening again keeps everything":                testReopen,
		"text that the store cannot keep costs nothing": testHostileText,
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newBench(t, store))
		})
	}
}

// bench is a store of its own with a clock that only the test moves.
type bench struct {
	t        *testing.T
	url      string
	password string
	clock    *clock
}

func newBench(t *testing.T, store string) *bench {
	b := &bench{t: t, clock: &clock{now: time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)}}
	if store == "sqlite" {
		b.url = storetest.SQLite(t)
		return b
	}
	b.url, b.password = storetest.Postgres(t)
	return b
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (b *bench) open(change ...func(*Config)) *Queue {
	b.t.Helper()
	cfg := Config{URL: b.url, Password: func() (string, error) { return b.password, nil }, Now: b.clock.Now, Workers: 4, Attempts: 3, Lease: time.Minute}
	for _, f := range change {
		f(&cfg)
	}
	q, err := Open(b.t.Context(), cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	return q
}

// shift is a queue with workers whose runs wait for the test.
type shift struct {
	*Queue
	t    *testing.T
	runs chan *running
}

type running struct {
	*Lease
	ctx context.Context
	end chan Outcome
}

func (b *bench) start(change ...func(*Config)) *shift {
	b.t.Helper()
	s := &shift{Queue: b.open(change...), t: b.t, runs: make(chan *running)}
	err := s.Start(b.t.Context(), []string{"u", "v"}, func(ctx context.Context, l *Lease) Outcome {
		r := &running{l, ctx, make(chan Outcome, 1)}
		select {
		case s.runs <- r:
		case <-ctx.Done():
			return Outcome{}
		}
		select {
		case o := <-r.end:
			return o
		case <-ctx.Done():
			return Outcome{}
		}
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(s.shut)
	return s
}

func (s *shift) shut() {
	stopped, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Stop(stopped); err != nil {
		s.t.Error(err)
	}
	if err := s.Close(); err != nil {
		s.t.Error(err)
	}
}

// take waits for a run and checks what it is of.
func (s *shift) take(umbrella, namespace string) *running {
	s.t.Helper()
	select {
	case r := <-s.runs:
		if r.Umbrella != umbrella || r.Namespace != namespace {
			s.t.Fatalf("%q %q runs, want %q %q", r.Umbrella, r.Namespace, umbrella, namespace)
		}
		return r
	case <-s.t.Context().Done():
		s.t.Fatal("nothing runs")
	}
	return nil
}

// settle ends a run and waits until the store knows.
func (s *shift) settle(r *running, o Outcome) {
	s.t.Helper()
	r.end <- o
	s.until("the end of run "+fmt.Sprint(r.Lease.Run), func() bool {
		run, found, err := s.Run(s.t.Context(), r.Lease.Run)
		if err != nil {
			s.t.Fatal(err)
		}
		return found && run.Result != ""
	})
}

// until looks again and again; the test's own deadline ends it.
func (s *shift) until(what string, done func() bool) {
	s.t.Helper()
	every := time.NewTicker(10 * time.Millisecond)
	defer every.Stop()
	for !done() {
		select {
		case <-every.C:
		case <-s.t.Context().Done():
			s.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// quiet checks that nothing is left to run now: what is due has been looked through
// twice since the last change, and no unit waits.
func (s *shift) quiet() {
	s.t.Helper()
	for range 2 {
		if err := s.promote(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
	}
	select {
	case r := <-s.runs:
		s.t.Errorf("%q %q runs again", r.Umbrella, r.Namespace)
	default:
	}
	for _, u := range s.units() {
		if u.State == Waiting {
			s.t.Errorf("unit %s %s waits: %+v", u.Umbrella, u.Namespace, u)
		}
	}
}

func (s *shift) units() []Unit {
	s.t.Helper()
	units, err := s.Units(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return units
}

func (s *shift) unit(umbrella, namespace string) Unit {
	s.t.Helper()
	for _, u := range s.units() {
		if u.Umbrella == umbrella && u.Namespace == namespace {
			return u
		}
	}
	s.t.Fatalf("no unit %s %s", umbrella, namespace)
	return Unit{}
}

func (s *shift) trigger(umbrella, namespace string) {
	s.t.Helper()
	if err := s.Enqueue(s.t.Context(), bot.Trigger{Umbrella: umbrella, Namespace: namespace, Reason: "test"}); err != nil {
		s.t.Fatal(err)
	}
}
