package main

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenward/gitops/forge/sandbox"
)

// ending is what a platform looks like after a run, without the addresses, times and
// hashes that differ from run to run.
func (p *platform) ending() string {
	var out []string
	for _, m := range p.box.box.MergeRequests() {
		diff := p.git(m.Project, "diff", "main..."+m.SourceBranch)
		ahead := p.git(m.Project, "rev-list", "--count", "main.."+m.SourceBranch)
		out = append(out, fmt.Sprintf("%s!%d %s %q %s->%s +%s notes %d %s\n%s", m.Project, m.IID, m.State, m.Title, m.SourceBranch, m.TargetBranch, ahead, len(m.Notes), visible(m.Description), diff))
	}
	slices.Sort(out)
	return blobs.ReplaceAllString(strings.ReplaceAll(strings.Join(out, "\n"), p.box.url, "http://server"), "")
}

// blobs finds the names of blobs in a diff, which differ with the server's address.
var blobs = regexp.MustCompile(`(?m)^index [0-9a-f.]+`)

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

// faults strikes the nth request of a run with a fault and, if the run is to be dead
// from there, every later one.
type faults struct {
	mu    sync.Mutex
	seen  []sandbox.Request
	nth   int
	fault sandbox.Fault
	dead  bool
}

func (f *faults) decide(r sandbox.Request) sandbox.Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, r)
	if n := len(f.seen); n == f.nth || f.dead && n > f.nth {
		return f.fault
	}
	return sandbox.Fault{}
}

// TestCrashEverywhere lets a run die at every single call that it makes, to the API
// and to git, before the server has acted and after it; the next run must end
// where a run that never died ends.
func TestCrashEverywhere(t *testing.T) {
	t.Parallel()
	strike(t, true, []sandbox.Fault{{Cut: true}, {Cut: true, Acted: true}})
}

// TestEveryCallFailsOnce answers every single call once with an error, or cuts it, and
// goes on; after one more run everything must be as if nothing had happened. Calls
// that write are struck in every way, those that read in one way each.
func TestEveryCallFailsOnce(t *testing.T) {
	t.Parallel()
	strike(t, false, []sandbox.Fault{{Status: http.StatusTooManyRequests}, {Status: 500}, {Status: 502}, {Status: 502, Acted: true}, {Cut: true}, {Cut: true, Acted: true}})
}

func strike(t *testing.T, dead bool, kinds []sandbox.Fault) {
	if testing.Short() {
		t.Skip("runs the program some hundred times")
	}
	args := []string{"propose", "--namespace", "bulletin"}
	calm := newPlatform(t)
	counter := &faults{}
	calm.box.box.SetFault(counter.decide)
	calm.run(developer, args...)
	want, calls := calm.ending(), counter.seen
	if len(calls) < 20 || want == "" {
		t.Fatalf("an undisturbed run makes %d calls and ends with %q", len(calls), want)
	}
	struck := 0
	for n, call := range calls {
		for k, fault := range kinds {
			reads := call.Method == http.MethodGet || strings.HasSuffix(call.Path, "git-upload-pack")
			if reads && n%len(kinds) != k {
				continue
			}
			struck++
			t.Run(fmt.Sprintf("%d %s %+v", n+1, call.Method, fault), func(t *testing.T) {
				t.Parallel()
				p := newPlatform(t)
				p.box.box.SetFault((&faults{nth: n + 1, fault: fault, dead: dead}).decide)
				p.run(developer, args...)
				p.box.box.SetFault(nil)
				if code, _, errs := p.run(developer, args...); code != exitOK {
					t.Errorf("the run after it exits with %d: %s", code, errs)
				}
				if d := cmp.Diff(want, p.ending()); d != "" {
					t.Errorf("%s %s (-want +got):\n%s", call.Method, call.Path, d)
				}
			})
		}
	}
	t.Logf("%d calls, struck %d times", len(calls), struck)
}
