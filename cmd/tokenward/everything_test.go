package main

import (
	"fmt"
	"maps"
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

const (
	logbookProject   = "platform/packages/logbook"
	tollboothProject = "platform/packages/tollbooth"
	keepsakeProject  = "platform/packages/keepsake"
)

// everythingUmbrella deploys five packages and the policies, which list one of them
// with an entry that nothing needs.
func everythingUmbrella() map[string][]byte {
	out := map[string][]byte{}
	maps.Copy(out, smallUmbrella)
	release := `{{- include "umbrella.release" (dict "name" "kyverno-policies"`
	more := ""
	for name, tag := range map[string]string{"certkeeper": "2.3.1-pf.0", "logbook": "3.0.2-pf.0", "tollbooth": "5.1.2-pf.0", "keepsake": "0.6.1-pf.0"} {
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

// phase is what people do before a run, and whether that run and the next have to agree
// before the bot comes to rest.
type phase struct {
	people func(p *platform)
	agree  bool
}

// phases begin with nothing, so that the first run opens all; then comes what the next
// runs have to follow.
var phases = []phase{
	{people: func(*platform) {}},
	{people: func(p *platform) {
		p.must(p.box.box.AddNote(p.t.Context(), umbrellaProject, p.on(umbrellaProject, "certkeeper"), maintainer, "/tokenward ignore certkeeper-certkeeper-storage-migration-* by hand"))
		p.must(p.box.box.AddNote(p.t.Context(), certkeeperProject, p.on(certkeeperProject, "certkeeper"), maintainer, "/tokenward explain certkeeper-certkeeper-webhook"))
		p.must(p.box.box.Merge(p.t.Context(), umbrellaProject, p.on(umbrellaProject, "bulletin")))
		p.must(p.box.box.Close(p.t.Context(), umbrellaProject, p.on(umbrellaProject, "logbook-stale")))
	}},
	{agree: true, people: func(p *platform) {
		p.must(p.box.box.AddNote(p.t.Context(), keepsakeProject, p.on(keepsakeProject, "keepsake"), maintainer, "/tokenward close"))
		files := map[string]string{"chart/templates/releases.yaml": strings.Replace(p.read(umbrellaProject, "chart/templates/releases.yaml"), "{{- if .Values.bulletin.enabled }}", "{{- if false }}", 1)}
		// next to the lines that the open request brings, so that it conflicts
		files[valuesFile] = strings.Replace(p.read(umbrellaProject, valuesFile), "{{- end }}\n", "      - namespace: courier\n{{- end }}\n", 1)
		_, err := p.box.box.Commit(p.t.Context(), umbrellaProject, sandbox.Commit{Branch: "main", Message: "Other work", Files: files})
		p.must(err)
	}},
}

// on is the number of the request from the branch of a unit.
func (p *platform) on(project, unit string) int {
	p.t.Helper()
	for _, m := range p.box.box.MergeRequests() {
		if m.Project == project && m.SourceBranch == "tokenward/"+unit {
			return m.IID
		}
	}
	p.t.Fatalf("%s has no request for %s", project, unit)
	return 0
}

// read reads a file of the branch main.
func (p *platform) read(project, path string) string {
	p.t.Helper()
	return p.git(project, "show", "main:"+path) + "\n"
}

func newEverything(t *testing.T, renderer analysis.Renderer) *everything {
	t.Helper()
	e := &everything{platforms: newPlatformsOf(t, renderer, everythingUmbrella(), bulletinProject, certkeeperProject, logbookProject, tollboothProject, keepsakeProject)}
	for n := range phases {
		counter := &faults{}
		p := e.play(t, n, counter, 0)
		e.calls, e.ends = append(e.calls, counter.seen), append(e.ends, p.end(n))
		e.platforms.written()
		if code, r := p.propose(developer); code != exitOK {
			t.Errorf("after phase %d the bot exits with %d: %+v", n, code, r.Failed)
		}
		if w := e.platforms.written(); len(w) > 0 {
			t.Errorf("after phase %d the bot does not come to rest: %v", n, w)
		}
	}
	return e
}

// play plays up to a phase, in whose run the faults strike, and in which the bot has so
// much patience.
func (e *everything) play(t *testing.T, last int, f *faults, patience time.Duration) *platform {
	t.Helper()
	n := 0
	p := e.platforms.start(t, func() time.Time { return time.Date(2026, 6, 1, 8, n, 0, 0, time.UTC) })
	p.environment = map[string]string{
		"TOKENWARD_ISSUES_TRACKING": "true", "TOKENWARD_ISSUES_DASHBOARD": "true", "TOKENWARD_VERSION_BUMP": "true", "TOKENWARD_DRIFT_REMOVE": "propose",
		"TOKENWARD_WORKERS": "1", // so that every run makes its calls in the same order
	}
	for ; n < last; n++ {
		phases[n].people(p)
		if code, _, errs := p.run(developer, "propose"); code != exitOK {
			t.Fatalf("undisturbed, the run of phase %d exits with %d: %s", n, code, errs)
		}
		p.end(n)
	}
	phases[last].people(p)
	p.patience = patience
	p.box.box.SetFault(f.decide)
	p.run(developer, "propose")
	p.box.box.SetFault(nil)
	p.patience = 0
	e.platforms.busy.Wait() // what the bot gave up waiting for is done all the same
	return p
}

// end lets a phase come to its end, and tells what the platform has then.
func (p *platform) end(n int) string {
	p.t.Helper()
	if phases[n].agree {
		p.run(developer, "propose")
	}
	return p.all()
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
		if err != nil || entry.IsDir() || !strings.Contains(path, ".git/refs/heads/") {
			return err
		}
		raw, err := os.ReadFile(path)
		out = append(out, strings.TrimPrefix(path, refs)+" is at "+strings.TrimSpace(string(raw)))
		return err
	}))
	for i := range out {
		out[i] = noteKeys.ReplaceAllString(renumber(strings.ReplaceAll(out[i], `\!`, "!"), numbers), "")
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// noteKeys are the hidden comments by which answers are found again: they name notes by number.
var noteKeys = regexp.MustCompile(`<!-- tokenward:note [^>]*-->`)

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
