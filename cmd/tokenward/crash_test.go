package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenward/gitops/forge/sandbox"
)

// faults strikes the nth request of a run with a fault and, if the run is to be dead
// from there, every later one; or, with reads, every read of the API once, so
// that what repeats it is answered.
type faults struct {
	mu    sync.Mutex
	seen  []sandbox.Request
	nth   int
	fault sandbox.Fault
	dead  bool
	reads bool
	asked map[string]int // how often, by path
}

func (f *faults) decide(r sandbox.Request) sandbox.Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, r)
	if f.reads && readsAPI(r) {
		if f.asked == nil {
			f.asked = map[string]int{}
		}
		if f.asked[r.Path]++; f.asked[r.Path]%2 == 1 {
			return f.fault
		}
	}
	if n := len(f.seen); n == f.nth || f.dead && n > f.nth {
		return f.fault
	}
	return sandbox.Fault{}
}

// TestCrashEverywhere lets runs with everything switched on die at every single call that
// they make, to the API and to git, before the server has acted and, where a call
// writes, after it; the next run must end where a run that never died ends.
// TOKENWARD_STRIKES=all strikes every call, a number one in so many, else a sample of fixed
// seed is struck.
func TestCrashEverywhere(t *testing.T) {
	t.Parallel()
	strike(t, true, func(writes bool) []sandbox.Fault {
		if !writes {
			return []sandbox.Fault{{Cut: true}}
		}
		return []sandbox.Fault{{Cut: true}, {Cut: true, Acted: true}}
	})
}

// TestEveryCallFailsOnce answers every call once with each error, lets a proxy or the bot
// itself give up waiting after the server has acted, or cuts the connection, and goes on; after one
// more run everything must be as if nothing had happened. Writes and calls to git
// are struck one per run, the API's reads all in one run for each kind of fault, but for
// those that the bot has to wait for.
func TestEveryCallFailsOnce(t *testing.T) {
	t.Parallel()
	strike(t, false, func(writes bool) []sandbox.Fault {
		all := []sandbox.Fault{{Status: http.StatusTooManyRequests}, {Status: 500}, {Status: 502}, {Status: 504, Acted: true}, {Stall: true}, {Cut: true}}
		if writes {
			all = append(all, sandbox.Fault{Cut: true, Acted: true})
		}
		return all
	})
}

// stroke is one call of the run of one phase, and what goes wrong with it; nth is zero for
// all reads of the API.
type stroke struct {
	phase, nth int
	call       sandbox.Request
	fault      sandbox.Fault
}

func strike(t *testing.T, dead bool, kinds func(writes bool) []sandbox.Fault) {
	oneIn := 250
	if testing.Short() {
		oneIn = 500
	}
	if n, err := strconv.Atoi(os.Getenv("TOKENWARD_STRIKES")); err == nil {
		oneIn = n
	}
	if os.Getenv("TOKENWARD_STRIKES") == "all" {
		oneIn = 1
	}
	renderer := newRenderOnce()
	first := newEverything(t, renderer)
	dice := rand.New(rand.NewPCG(1, 1))
	calls, strokes := 0, []stroke{}
	for phase, seen := range first.calls {
		calls += len(seen)
		if !dead && !testing.Short() {
			for i, fault := range kinds(false) {
				if fault.Stall || oneIn > 1 && i%len(phases) != phase { // a sample strikes each kind in one phase
					continue
				}
				strokes = append(strokes, stroke{phase: phase, fault: fault})
			}
		}
		for n, call := range seen {
			for _, fault := range kinds(writes(call)) {
				if !dead && readsAPI(call) && !fault.Stall {
					continue
				}
				if dice.IntN(oneIn) == 0 {
					strokes = append(strokes, stroke{phase, n + 1, call, fault})
				}
			}
		}
	}
	if calls < 200 {
		t.Errorf("the undisturbed runs make %d calls", calls)
	}
	workers := runtime.GOMAXPROCS(0)
	if len(strokes) < 40 {
		workers = 1 // to prepare for another takes longer
	}
	var striking sync.WaitGroup
	for worker := range workers {
		e := first
		if worker > 0 {
			e = newEverything(t, renderer)
		}
		striking.Go(func() {
			for i := worker; i < len(strokes); i += workers {
				s := strokes[i]
				t.Run(fmt.Sprintf("phase %d call %d %s %+v", s.phase, s.nth, s.call.Method, s.fault), func(t *testing.T) { e.struck(t, s, dead) })
			}
		})
	}
	striking.Wait()
	if n := renderer.changed(); n > 0 {
		t.Errorf("%d rendered outputs were changed by who read them", n)
	}
	t.Logf("%d calls, struck %d times", calls, len(strokes))
}

func (e *everything) struck(t *testing.T, s stroke, dead bool) {
	patience := time.Duration(0)
	if s.fault.Stall {
		patience = time.Second
	}
	p := e.play(t, s.phase, &faults{nth: s.nth, fault: s.fault, dead: dead, reads: s.nth == 0}, patience)
	if code, _, errs := p.run(developer, "propose"); code != exitOK {
		t.Errorf("the run after it exits with %d: %s", code, errs)
	}
	if d := cmp.Diff(e.ends[s.phase], p.end(s.phase)); d != "" {
		t.Errorf("%s %s (-want +got):\n%s", s.call.Method, s.call.Path, d)
	}
}

// writes tells whether a call may change something on the server.
func writes(call sandbox.Request) bool {
	return call.Method != http.MethodGet && !strings.HasSuffix(call.Path, "git-upload-pack")
}

func readsAPI(call sandbox.Request) bool {
	return call.Method == http.MethodGet && strings.HasPrefix(call.Path, "/api/")
}

// visible is a description without the hidden state, which names commits.
func visible(description string) string {
	var out []string
	for line := range strings.Lines(description) {
		if !strings.HasPrefix(line, "<!-- tokenward:v1 ") {
			out = append(out, strings.TrimSpace(line))
		}
	}
	return strings.Join(out, " ")
}
