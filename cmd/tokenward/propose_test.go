package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tokenward/bot"
)

const developer = "sandbox-developer"

// TestProposeTwice holds the first promise of the bot: pairs that are linked both
// ways, that take a minute to read and are drafts where a person must look, and a
// second run that writes nothing.
func TestProposeTwice(t *testing.T) {
	t.Parallel()
	p := newRenderingPlatform(t)
	_, first := p.propose(developer)
	if len(first.MergeRequests) == 0 {
		t.Fatal("no merge request was opened")
	}
	drafts, byReference := 0, map[string]bot.MergeRequestReport{}
	for _, m := range first.MergeRequests {
		if m.Action != bot.ActionCreated || m.IID == 0 || m.Diff == "" {
			t.Errorf("%s %s: %s, IID %d", m.Project, m.Unit, m.Action, m.IID)
		}
		byReference[reference(m)] = m
		if n := linesToRead(m.Description); n > 40 {
			t.Errorf("%s has %d lines to read:\n%s", reference(m), n, m.Description)
		}
		if must, draft := strings.Contains(m.Description, "(please look)"), strings.HasPrefix(m.Title, "Draft: "); must && !draft {
			t.Errorf("%s, at which a person must look, is no draft", reference(m))
		} else if draft {
			drafts++
		}
	}
	if drafts == 0 || drafts == len(first.MergeRequests) {
		t.Errorf("%d of %d requests are drafts", drafts, len(first.MergeRequests))
	}
	for _, m := range first.MergeRequests {
		for _, pair := range m.Pairs {
			if !slices.Contains(byReference[pair].Pairs, reference(m)) {
				t.Errorf("%s names %s, which does not name it back", reference(m), pair)
			}
			if !strings.Contains(m.Description, pair) {
				t.Errorf("the description of %s does not refer to %s", reference(m), pair)
			}
		}
	}
	p.box.box.ResetRequests()
	_, second := p.propose(developer)
	for _, m := range second.MergeRequests {
		if m.Action != bot.ActionUnchanged {
			t.Errorf("second run: %s is %s", reference(m), m.Action)
		}
	}
	if len(second.MergeRequests) != len(first.MergeRequests) {
		t.Errorf("second run: %d merge requests, the first had %d", len(second.MergeRequests), len(first.MergeRequests))
	}
	if w := p.writes(); len(w) > 0 {
		t.Errorf("the second run wrote: %v", w)
	}
}

// linesToRead counts the lines of a description that a person sees without unfolding anything.
func linesToRead(description string) int {
	n, folded := 0, false
	for line := range strings.Lines(description) {
		folded = folded && !strings.Contains(line, "</details>") || strings.Contains(line, "<details>")
		if text := strings.TrimSpace(line); text != "" && !folded && !strings.HasPrefix(text, "<!--") {
			n++
		}
	}
	return n
}

func TestProposeDryRunWritesNothing(t *testing.T) {
	t.Parallel()
	p := newRenderingPlatform(t)
	_, r := p.propose(developer, "--dry-run")
	var out strings.Builder
	if err := writeProposals(&out, "text", r, true); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("%d to be created, 0 to be updated", len(r.MergeRequests)); len(r.MergeRequests) == 0 || !strings.Contains(out.String(), want) {
		t.Errorf("the dry run does not say %q:\n%s", want, out.String())
	}
	if w := p.writes(); len(w) > 0 {
		t.Errorf("the dry run wrote: %v", w)
	}
}

func TestProposeWithoutRightsWritesNothing(t *testing.T) {
	t.Parallel()
	p := newRenderingPlatform(t)
	code, r := p.propose("sandbox-reporter")
	if code != exitFailed || len(r.Failed) == 0 {
		t.Errorf("exit code %d, failed units %v", code, r.Failed)
	}
	for _, f := range r.Failed {
		if strings.Contains(f.Reason, "Developer role on project") {
			if w := p.writes(); len(w) > 0 {
				t.Errorf("wrote %v", w)
			}
			return
		}
	}
	t.Errorf("no unit says which right is missing: %+v", r.Failed)
}

// TestProposeAfterPeople closes one request and commits to the branch of another.
func TestProposeAfterPeople(t *testing.T) {
	t.Parallel()
	p := newRenderingPlatform(t)
	_, first := p.propose(developer)
	closed := first.MergeRequests[0]
	if err := p.box.box.Close(t.Context(), closed.Project, int(closed.IID)); err != nil {
		t.Fatal(err)
	}
	p.box.box.ResetRequests()
	_, second := p.propose(developer)
	for _, m := range second.MergeRequests {
		if reference(m) == reference(closed) && m.Action != bot.ActionSkipped {
			t.Errorf("%s was closed by a person and is now %s", reference(m), m.Action)
		}
	}
	for _, w := range p.writes() {
		if strings.HasPrefix(w, "POST /api") || strings.HasSuffix(w, "git-receive-pack") {
			t.Errorf("after a request was declined the bot wrote: %s", w)
		}
	}
}

// TestScanIsStable scans twice and compares the bytes.
func TestScanIsStable(t *testing.T) {
	t.Parallel()
	p := newRenderingPlatform(t)
	code, first, errs := p.run(developer, "scan", "--format", "json")
	if code != exitFailed {
		t.Errorf("exit code %d: the sample platform has a release that cannot be analysed\n%s", code, errs)
	}
	if _, second, _ := p.run(developer, "scan", "--format", "json"); first != second {
		t.Error("two scans of the same commits print different bytes")
	}
	var r bot.ScanReport
	if err := json.Unmarshal([]byte(first), &r); err != nil {
		t.Fatal(err)
	}
	for _, w := range r.Workloads {
		if len(w.Evidence) == 0 || len(w.PodPatterns) == 0 {
			t.Errorf("%s %s/%s has no evidence or no pattern", w.Kind, w.Namespace, w.Name)
		}
		if w.Verdict == "needs-token" && !w.TokenAfter && w.Listed != "namespace-unlisted" && w.Listed != "excluded" {
			t.Errorf("%s %s/%s needs a token and would get none", w.Kind, w.Namespace, w.Name)
		}
	}
}

func reference(m bot.MergeRequestReport) string { return fmt.Sprintf("%s!%d", m.Project, m.IID) }
