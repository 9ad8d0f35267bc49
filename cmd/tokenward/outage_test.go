package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenward/gitops/forge/sandbox"
)

// testClock is a clock that only the test moves.
type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// quota is GitLab's limit of calls within each minute of a clock.
type quota struct {
	clock *testClock
	most  int

	mu             sync.Mutex
	minute         time.Time
	used           int
	taken, refused int
}

// strike refuses the calls of the API that are too many, and says when the next minute begins.
func (q *quota) strike(r sandbox.Request) sandbox.Fault {
	if !strings.HasPrefix(r.Path, "/api/") {
		return sandbox.Fault{}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.clock.Now()
	if minute := now.Truncate(time.Minute); !minute.Equal(q.minute) {
		q.minute, q.used = minute, 0
	}
	if q.used == q.most {
		q.refused++
		return sandbox.Fault{Status: http.StatusTooManyRequests, Wait: q.minute.Add(time.Minute).Sub(now)}
	}
	q.used++
	q.taken++
	return sandbox.Fault{}
}

// TestServeOutage takes GitLab away for an hour of the clock, in which people push and
// ask and schedules come round. One unit asks now and then whether it is back; then
// everything is caught up within GitLab's limits, and nothing is there twice.
func TestServeOutage(t *testing.T) {
	t.Parallel()
	calm, p := newPlatform(t), newPlatform(t)
	clock := &testClock{now: time.Date(2026, 6, 1, 8, 20, 0, 0, time.UTC)}
	p.now, calm.now = clock.Now, clock.Now
	p.renderer = newRenderOnce()
	calm.renderer = p.renderer
	var waiting atomic.Bool // while GitLab is away, the test moves the clock
	p.sleep = func(d time.Duration) {
		if waiting.Load() {
			clock.add(d)
		}
	}
	s := p.serveHere(map[string]string{"TOKENWARD_SERVE_SCHEDULES": "*/15 * * * *", "TOKENWARD_SERVE_JITTER": "0s", "TOKENWARD_SERVE_ATTEMPTS": "2"})
	s.says(`msg="run ends" umbrella=umbrella namespace="" run=1 result=done`)
	calm.run(developer, "propose")
	for _, x := range []*platform{calm, p} {
		m := x.box.box.MergeRequests()[0]
		x.must(x.box.box.AddNote(t.Context(), m.Project, m.IID, maintainer, "/tokenward explain nothing-1"))
	}
	s.until("rest", s.idle)

	var mu sync.Mutex
	calls := 0
	p.box.box.SetFault(func(sandbox.Request) sandbox.Fault {
		mu.Lock()
		defer mu.Unlock()
		calls++
		return []sandbox.Fault{{Status: 503}, {Cut: true}, {Status: 502}}[calls%3]
	})
	gone, attempts, pause := clock.Now(), 0, 15*time.Second
	for ; clock.Now().Sub(gone) < time.Hour; attempts++ {
		for _, project := range packages() {
			s.push(project, fmt.Sprint("delivery-", attempts, project))
		}
		s.until("an attempt", func() bool { return s.count(`msg="run ends" .*result=away`) > attempts && s.units("running") == "0" })
		if n := s.count(`msg="run ends" .*result=away`); attempts == 0 {
			attempts = n - 1 // the first runs may have begun together
		}
		// Between a pause and the next attempt it does not say so.
		s.until("the page says that GitLab is away", func() bool { return strings.Contains(s.page("/"), "the server does not answer") })
		clock.add(pause)
		pause = min(2*pause, 5*time.Minute)
	}
	mu.Lock()
	outage := calls
	mu.Unlock()
	if attempts > 20 || outage > 20*attempts {
		t.Errorf("%d attempts and %d calls within the hour", attempts, outage)
	}
	if parked := s.units("parked"); parked != "0" {
		t.Errorf("%s units are parked", parked)
	}

	p.box.box.ResetRequests()
	limit := &quota{clock: clock, most: 10}
	waiting.Store(true)
	p.box.box.SetFault(limit.strike)
	clock.add(5 * time.Minute)
	for _, project := range packages() {
		s.says(`msg="run ends" umbrella=umbrella namespace=` + namespaceOf(project) + ` run=\d+ result=(done|refused)`)
	}
	s.says(`(?s)result=away.*msg="run ends" umbrella=umbrella namespace="" run=\d+ result=done`)
	s.until("rest", s.idle)
	caught := len(p.box.box.Requests())
	waiting.Store(false)
	p.box.box.SetFault(nil)
	// Whoever is refused waits for the next minute; so many calls are on their way at once.
	if minutes := limit.taken/limit.most + 1; limit.refused == 0 || limit.refused > 8*minutes {
		t.Errorf("%d calls beyond the limit in %d minutes that were needed", limit.refused, minutes)
	}
	calm.run(developer, "propose")
	if d := cmp.Diff(calm.once(), p.once()); d != "" {
		t.Errorf("not as without an outage (-without +with):\n%s", d)
	}
	if a, b := notes(calm), notes(p); a != b {
		t.Errorf("without an outage %d notes, with it %d", a, b)
	}
	calm.box.box.ResetRequests()
	calm.run(developer, "propose")
	if most := 4 * len(calm.box.box.Requests()); caught > most {
		t.Errorf("%d calls to catch up with five units, more than %d", caught, most)
	}
	t.Logf("%d attempts and %d calls in an hour without GitLab, %d calls to catch up, %d of them beyond the limit", attempts, outage, caught, limit.refused)
}

// notes counts what was said on all requests, GitLab's own lines aside.
func notes(p *platform) int {
	n := 0
	for _, m := range p.box.box.MergeRequests() {
		for _, note := range m.Notes {
			if !note.System {
				n++
			}
		}
	}
	return n
}
