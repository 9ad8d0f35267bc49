package main

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenward/gitops/forge/sandbox"
)

// TestCommandsSurviveCrashes strikes every write of a run that follows commands, before
// and after the server has acted, once or for the rest of the run; the next run must
// end where one that was not disturbed ends: nothing is done or said twice.
func TestCommandsSurviveCrashes(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("runs the program some hundred times")
	}
	for name, say := range map[string]func(*platform){
		"decisions and answers": func(p *platform) {
			p.say(umbrellaProject, maintainer, "/tokenward ignore certkeeper-certkeeper-test-order by hand\n/tokenward allow gone")
			p.say(umbrellaProject, reporter, "/tokenward close")
			p.say(certkeeperProject, maintainer, "/tokenward explain certkeeper-certkeeper-webhook")
		},
		"close": func(p *platform) { p.say(certkeeperProject, maintainer, "/tokenward close") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			strikeWrites(t, say)
		})
	}
}

func strikeWrites(t *testing.T, say func(*platform)) {
	start := func(t *testing.T) *platform {
		p := newPlatform(t)
		p.certkeeper()
		say(p)
		return p
	}
	args := []string{"propose", "--namespace", "certkeeper"}
	calm, counter := start(t), &faults{}
	calm.box.box.SetFault(counter.decide)
	calm.run(developer, args...)
	want, writes := calm.said(), 0
	for n, call := range counter.seen {
		if call.Method == http.MethodGet || strings.HasSuffix(call.Path, "git-upload-pack") {
			continue
		}
		writes++
		for k, f := range []*faults{{fault: sandbox.Fault{Cut: true}, dead: true}, {fault: sandbox.Fault{Cut: true, Acted: true}, dead: true}, {fault: sandbox.Fault{Status: 502, Acted: true}}} {
			if n%3 != k && os.Getenv("TOKENWARD_STRIKES") != "all" {
				continue // one way each
			}
			f.nth = n + 1
			t.Run(fmt.Sprintf("%d %s %+v dead %t", n+1, call.Method, f.fault, f.dead), func(t *testing.T) {
				t.Parallel()
				p := start(t)
				p.box.box.SetFault(f.decide)
				p.run(developer, args...)
				p.box.box.SetFault(nil)
				if code, _, errs := p.run(developer, args...); code != exitOK {
					t.Errorf("the run after it exits with %d: %s", code, errs)
				}
				if d := cmp.Diff(want, p.said()); d != "" {
					t.Errorf("%s %s (-want +got):\n%s", call.Method, call.Path, d)
				}
				p.quiet()
			})
		}
	}
	if writes < 3 {
		t.Errorf("an undisturbed run writes %d times", writes)
	}
}

// said is what a platform looks like after a run, with what people and the bot said
// there, without GitLab's own notes.
func (p *platform) said() string {
	var out strings.Builder
	for _, m := range p.box.box.MergeRequests() {
		fmt.Fprintf(&out, "%s!%d %s %q %s\n%s\n", m.Project, m.IID, m.State, m.Title, visible(m.Description), p.git(m.Project, "diff", "main..."+m.SourceBranch))
		for _, n := range m.Notes {
			if !n.System {
				fmt.Fprintf(&out, "%s: %s\n", n.Author, n.Body)
			}
		}
	}
	return blobs.ReplaceAllString(strings.ReplaceAll(out.String(), p.box.url, "http://server"), "")
}

// blobs finds the names of blobs in a diff, which differ with the server's address.
var blobs = regexp.MustCompile(`(?m)^index [0-9a-f.]+`)
