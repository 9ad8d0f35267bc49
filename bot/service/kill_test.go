package service

import (
	"context"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"tokenward/bot/queue"
	"tokenward/bot/queue/storetest"
)

// kills is how often the server processes are killed: TOKENWARD_KILLS, or a few.
func kills(t *testing.T) int {
	if n, err := strconv.Atoi(os.Getenv("TOKENWARD_KILLS")); err == nil {
		return n
	}
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	return 6
}

// Processes are killed at random moments under a stream of webhooks. Every delivery
// that was answered with 2xx is followed by a whole run of its unit, and no unit runs
// twice at once, and what was cut is taken up again soon.
func TestKilledOnSQLite(t *testing.T) {
	killing(t, storetest.SQLite(t), "", 1)
}

func TestKilledOnPostgres(t *testing.T) {
	store, password := storetest.Postgres(t)
	killing(t, store, password, 1)
}

func TestKilledReplicasOnPostgres(t *testing.T) {
	store, password := storetest.Postgres(t)
	killing(t, store, password, 2)
}

// witness is the outside that the runs work on. It sees what runs when.
type witness struct {
	t      *testing.T
	server *httptest.Server
	// events tell that something happened, begins that a run began; with room, and nobody
	// waits for them to be heard.
	events, begins chan struct{}

	mu      sync.Mutex
	slowest time.Duration  // how long the slowest process took to start: what the machine can do
	active  map[string]int // the process that runs a unit
	killed  map[int]bool
	dead    map[int]time.Time    // since when a process is
	lastRun map[string]time.Time // when the last run of a unit that came to its end began
	runs    int
	up      []span // when which process was there
}

type span struct{ from, to time.Time }

func newWitness(t *testing.T) *witness {
	w := &witness{t: t, events: make(chan struct{}, 1), begins: make(chan struct{}, 1), active: map[string]int{}, killed: map[int]bool{}, dead: map[int]time.Time{}, lastRun: map[string]time.Time{}}
	w.server = httptest.NewServer(http.HandlerFunc(w.run))
	t.Cleanup(w.server.Close)
	return w
}

// run is one run of a unit, 10 to 160 ms long.
func (w *witness) run(_ http.ResponseWriter, r *http.Request) {
	unit, began := r.FormValue("unit"), time.Now()
	pid, err := strconv.Atoi(r.FormValue("pid"))
	if err != nil {
		w.t.Error(err)
	}
	w.mu.Lock()
	if other := w.active[unit]; other != 0 && !w.killed[other] {
		w.t.Errorf("%s runs in processes %d and %d at once", unit, other, pid)
	}
	w.active[unit] = pid
	w.mu.Unlock()
	tell(w.begins)
	tell(w.events)
	ended := true
	select {
	case <-time.After(time.Duration(10+mathrand.IntN(150)) * time.Millisecond):
	case <-r.Context().Done():
		ended = false
	}
	w.mu.Lock()
	if w.active[unit] == pid {
		delete(w.active, unit)
	}
	if ended {
		w.lastRun[unit] = began
		w.runs++
	}
	w.mu.Unlock()
	tell(w.events)
}

func tell(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// kill kills a process and notes what it was at.
func (w *witness) kill(c *child) {
	w.mu.Lock()
	w.killed[c.cmd.Process.Pid] = true
	select {
	case <-c.ready:
		w.slowest = max(w.slowest, c.start)
	default:
	}
	w.mu.Unlock()
	c.kill()
	w.mu.Lock()
	w.dead[c.cmd.Process.Pid] = time.Now()
	w.wasUp(c)
	for unit, pid := range w.active {
		if pid == c.cmd.Process.Pid {
			delete(w.active, unit)
		}
	}
	w.mu.Unlock()
}

// wasUp notes when a process that is dead now was there.
func (w *witness) wasUp(c *child) {
	select {
	case <-c.ready:
		w.up = append(w.up, span{c.begun.Add(c.start), time.Now()})
	default:
	}
}

// within is for how long of a time any process was there.
func (w *witness) within(from, to time.Time) (sum time.Duration) {
	slices.SortFunc(w.up, func(a, b span) int { return a.from.Compare(b.from) })
	for _, s := range w.up {
		if s.from.Before(from) {
			s.from = from
		}
		if s.to.After(to) {
			s.to = to
		}
		if s.from.Before(s.to) {
			sum += s.to.Sub(s.from)
			from = s.to
		}
	}
	return sum
}

// stream sends webhooks without end, to whoever is up.
type stream struct {
	mu       sync.Mutex
	servers  []string
	sent     int
	answered map[string]time.Time // when the last delivery of a unit was sent that was answered with 2xx
	count    int
}

func (s *stream) to(servers ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.servers = servers
}

func (s *stream) send(ctx context.Context, w *witness) {
	client := &http.Client{Timeout: 15 * time.Second}
	for ctx.Err() == nil {
		s.mu.Lock()
		n, server := s.sent, ""
		s.sent++
		if len(s.servers) > 0 {
			server = s.servers[n%len(s.servers)]
		}
		s.mu.Unlock()
		if server == "" {
			select {
			case <-ctx.Done():
			case <-time.After(5 * time.Millisecond):
			}
			continue
		}
		began := time.Now()
		status, err := deliver(ctx, client, server, fmt.Sprint("delivery-", n), n)
		if err == nil && status/100 == 2 {
			s.mu.Lock()
			s.count++
			if s.answered[namespace(n)].Before(began) {
				s.answered[namespace(n)] = began
			}
			s.mu.Unlock()
			tell(w.events)
		}
	}
}

// takeover is within which time that processes are there a run that was cut is taken up
// again, on a machine on which a process starts at once.
const takeover = 10 * time.Second

func killing(t *testing.T, store, password string, replicas int) {
	rounds := kills(t)
	random := mathrand.New(mathrand.NewPCG(7, uint64(replicas)))
	w := newWitness(t)
	s := &stream{answered: map[string]time.Time{}}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var senders sync.WaitGroup
	for range 3 {
		senders.Go(func() { s.send(ctx, w) })
	}
	began := time.Now()
	processes := make([]*child, replicas)
	for i := range processes {
		processes[i] = startChild(t, store, password, w.server.URL)
	}
	for n := range rounds {
		victim := n % replicas
		for i, c := range processes {
			if i != victim || n%7 != 6 {
				c.waitReady(t) // every seventh is killed while it starts
			}
		}
		s.to(addresses(processes)...)
		w.await(processes[victim], n, random)
		w.kill(processes[victim])
		processes[victim] = startChild(t, store, password, w.server.URL)
		s.to(addresses(processes)...)
	}
	for _, c := range processes {
		c.waitReady(t)
	}
	cancel()
	senders.Wait()
	w.settled(s)
	for _, c := range processes {
		c.kill()
		w.mu.Lock()
		w.wasUp(c)
		w.mu.Unlock()
	}
	cut, longest, there := w.takenUp(store, password)
	s.mu.Lock()
	defer s.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	t.Logf("%d kills of %d processes in %s: %d deliveries answered, %d runs; %d runs were cut and taken up again, the slowest after %s, and after %s in which a process was there; the slowest process started in %s",
		rounds, replicas, time.Since(began).Round(time.Second), s.count, w.runs, cut, longest.Round(10*time.Millisecond), there.Round(10*time.Millisecond), w.slowest.Round(10*time.Millisecond))
	if there > takeover+10*w.slowest {
		t.Errorf("a run that was cut was taken up again only after %s in which a process was there", there)
	}
	if s.count == 0 || w.runs == 0 {
		t.Error("nothing happened")
	}
	if w.runs > s.count+units {
		t.Errorf("%d runs for %d deliveries", w.runs, s.count)
	}
}

// takenUp reads in the store how many runs were cut and taken up again, and after how long at
// most: on the clock, and while any process was there.
func (w *witness) takenUp(store, password string) (cut int, longest, there time.Duration) {
	w.t.Helper()
	q, err := queue.Open(w.t.Context(), queue.Config{URL: store, Password: func() (string, error) { return password, nil }})
	if err != nil {
		w.t.Fatal(err)
	}
	runs, err := q.Runs(w.t.Context(), 1<<20)
	if err = errors.Join(err, q.Close()); err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range runs {
		pid, err := strconv.Atoi(r.Owner)
		if err != nil {
			w.t.Error(err)
		}
		if died := w.dead[pid]; r.Result == queue.Lost && !died.IsZero() {
			cut, longest, there = cut+1, max(longest, r.Ended.Sub(died)), max(there, w.within(died, r.Ended))
		}
	}
	return cut, longest, there
}

// addresses of those that are up.
func addresses(all []*child) []string {
	var out []string
	for _, c := range all {
		select {
		case <-c.ready:
			out = append(out, c.url)
		default:
		}
	}
	return out
}

// await lets some things happen, in every other round so many that a run has begun.
func (w *witness) await(c *child, n int, random *mathrand.Rand) {
	heard, count := w.events, random.IntN(60)
	if n%2 == 0 {
		heard, count = w.begins, 1+random.IntN(3)
	}
	select {
	case <-c.ready:
		for range count {
			select {
			case <-heard:
			case <-c.gone:
				return
			}
		}
		<-time.After(time.Duration(random.IntN(20)) * time.Millisecond)
	default:
		<-time.After(time.Duration(random.IntN(300)) * time.Millisecond)
	}
}

// settled waits until every unit has had a whole run that began after its last
// answered delivery was sent. The test's deadline ends it.
func (w *witness) settled(s *stream) {
	every := time.NewTicker(50 * time.Millisecond)
	defer every.Stop()
	for {
		open := ""
		s.mu.Lock()
		w.mu.Lock()
		for unit, at := range s.answered {
			if w.lastRun[unit].Before(at) {
				open = unit
			}
		}
		busy := len(w.active)
		w.mu.Unlock()
		s.mu.Unlock()
		if open == "" && busy == 0 {
			return
		}
		select {
		case <-every.C:
		case <-w.t.Context().Done():
			w.t.Fatalf("a delivery for %s was answered and never led to a run", open)
		}
	}
}
