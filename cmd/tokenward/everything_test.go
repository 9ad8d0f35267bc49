package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tokenward/analysis"
	"tokenward/gitops/forge/sandbox"
)

const logbookProject = "platform/packages/logbook"

// everythingUmbrella deploys three packages and the policies, which list one of them
// with an entry that nothing needs.
func everythingUmbrella() map[string][]byte {
	out := map[string][]byte{}
	for name, content := range smallUmbrella {
		out[name] = content
	}
	release := `{{- include "umbrella.release" (dict "name" "kyverno-policies"`
	more := ""
	for name, tag := range map[string]string{"certkeeper": "2.3.1-pf.0", "logbook": "3.0.2-pf.0"} {
		more += fmt.Sprintf("{{- include \"umbrella.release\" (dict \"name\" %q \"namespace\" %q \"tag\" %q \"values\" \"replicas: 1\") }}\n", name, name, tag)
	}
	out["chart/templates/releases.yaml"] = []byte(strings.Replace(string(smallUmbrella["chart/templates/releases.yaml"]), release, more+release, 1))
	return out
}

// everything plays the same on platforms on which all of tokenward is switched on, in phases:
// people act, and a run follows. It knows how each run goes and ends undisturbed.
type everything struct {
	platforms *smallPlatforms
	calls     [][]sandbox.Request // of the run of each phase
	ends      []string
}

// phases are what people do before each run: nothing, so that it opens all; then what
// the next run has to follow.
var phases = []func(p *platform){
	func(*platform) {},
	func(p *platform) {
		for _, m := range p.box.box.MergeRequests() {
			of := func(project, branch string) bool {
				return m.Project == project && m.SourceBranch == "tokenward/"+branch
			}
			ctx := p.t.Context()
			switch {
			case of(umbrellaProject, "certkeeper"):
				p.must(p.box.box.AddNote(ctx, m.Project, m.IID, maintainer, "/tokenward ignore certkeeper-certkeeper-storage-migration-* by hand"))
			case of(certkeeperProject, "certkeeper"):
				p.must(p.box.box.AddNote(ctx, m.Project, m.IID, maintainer, "/tokenward explain certkeeper-certkeeper-webhook"))
			case of(umbrellaProject, "bulletin"):
				p.must(p.box.box.Merge(ctx, m.Project, m.IID))
			case of(umbrellaProject, "logbook-stale"):
				p.must(p.box.box.Close(ctx, m.Project, m.IID))
			}
		}
	},
}

func newEverything(t *testing.T, renderer analysis.Renderer) *everything {
	t.Helper()
	e := &everything{platforms: newPlatformsOf(t, renderer, everythingUmbrella(), bulletinProject, certkeeperProject, logbookProject)}
	for phase := range phases {
		counter := &faults{}
		p := e.play(t, phase, counter)
		e.calls, e.ends = append(e.calls, counter.seen), append(e.ends, p.all())
		e.platforms.written()
		p.run(developer, "propose")
		if w := e.platforms.written(); len(w) > 0 {
			t.Errorf("after phase %d the bot does not come to rest: %v", phase, w)
		}
	}
	return e
}

// play plays up to a phase, in whose run the faults strike.
func (e *everything) play(t *testing.T, last int, f *faults) *platform {
	t.Helper()
	phase := 0
	p := e.platforms.start(t, func() time.Time { return time.Date(2026, 6, 1, 8, phase, 0, 0, time.UTC) })
	p.environment = map[string]string{
		"TOKENWARD_ISSUES_TRACKING": "true", "TOKENWARD_ISSUES_DASHBOARD": "true", "TOKENWARD_VERSION_BUMP": "true", "TOKENWARD_DRIFT_REMOVE": "propose",
		"TOKENWARD_WORKERS": "1", // so that every run makes its calls in the same order
	}
	for ; phase <= last; phase++ {
		phases[phase](p)
		if phase == last {
			p.box.box.SetFault(f.decide)
		}
		p.run(developer, "propose")
	}
	p.box.box.SetFault(nil)
	return p
}

// all is what a platform has after a run: every branch, request, issue and note. Where a run
// was struck, requests and issues may have been opened in another order: they are called
// by their branches and titles instead of their numbers.
func (p *platform) all() string {
	p.t.Helper()
	var numbers []string
	var out []string
	for _, m := range p.box.box.MergeRequests() {
		numbers = append(numbers, name(m), m.Project+"!("+m.SourceBranch+")", fmt.Sprintf("%s/-/merge_requests/%d", m.Project, m.IID), m.Project+"/-/merge_requests/("+m.SourceBranch+")")
		out = append(out, fmt.Sprintf("%s %s %q %s->%s labels %q draft %t reviewers %v\n%s", name(m), m.State, m.Title, m.SourceBranch, m.TargetBranch, m.Labels, m.Draft, m.Reviewers, visible(m.Description)))
		for _, n := range m.Notes {
			if !n.System {
				out = append(out, fmt.Sprintf("%s note of %s: %s", name(m), n.Author, n.Body))
			}
		}
	}
	for _, i := range p.box.box.Issues() {
		numbers = append(numbers, fmt.Sprintf("%s#%d", i.Project, i.IID), i.Project+"#("+i.Title+")", fmt.Sprintf("%s/-/issues/%d", i.Project, i.IID), i.Project+"/-/issues/("+i.Title+")")
		out = append(out, fmt.Sprintf("%s#%d %s %q labels %q\n%s", i.Project, i.IID, i.State, i.Title, i.Labels, visible(i.Description)))
	}
	refs := filepath.Join(p.dir, "platform")
	p.must(filepath.WalkDir(refs, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.Contains(path, "/refs/heads/") {
			return err
		}
		raw, err := os.ReadFile(path)
		out = append(out, strings.TrimPrefix(path, refs)+" is at "+strings.TrimSpace(string(raw)))
		return err
	}))
	for i := range out {
		out[i] = renumber(out[i], numbers)
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

var numbered = regexp.MustCompile(`platform/[a-z/-]+(?:[!#]|/-/(?:issues|merge_requests)/)[0-9]+`)

func renumber(text string, numbers []string) string {
	return numbered.ReplaceAllStringFunc(text, func(found string) string {
		for i := 0; i < len(numbers); i += 2 {
			if numbers[i] == found {
				return numbers[i+1]
			}
		}
		return found
	})
}
