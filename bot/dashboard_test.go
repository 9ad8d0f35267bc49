package bot

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenward/analysis"
	"tokenward/gitops/forge"
	"tokenward/templates"
)

func TestTicks(t *testing.T) {
	t.Parallel()
	body := strings.Join([]string{
		"- [x] <!-- tokenward:rescan a --> rescan",
		"  * [X] <!-- tokenward:undecline b --> again\r",
		"- [ ] <!-- tokenward:rescan c --> rescan",
		"- [x] <!-- tokenward:delete d --> unknown",
		"- [x] <!-- tokenward:rescan e%2D%2Df --> rescan",
		"- [x] <!-- tokenward:rescan %zz --> broken",
		"- [x] <!-- tokenward:rescan a --> twice",
		"text - [x] <!-- tokenward:rescan g --> no item",
	}, "\n")
	want := []box{{boxRescan, "a"}, {boxUndecline, "b"}, {boxRescan, "e--f"}}
	if got := ticks("- [x] <!-- tokenward:rescan outside -->\n" + enclose(body)); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := ticks(body); got != nil {
		t.Errorf("without marks: %v", got)
	}
}

// FuzzBox holds that a box about any namespace is one line whose comment nothing ends
// early, and is read back as what it is.
func FuzzBox(f *testing.F) {
	for _, s := range []string{"web", "a--b", "-->", "x --> @all\n- [x] <!-- tokenward:undecline y -->", "%2D", "é", "-", "\xff", "a-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, unit string) {
		if unit == "" {
			return
		}
		b := box{boxUndecline, unit}
		if key := b.key(); strings.Contains(key, "--") || strings.ContainsAny(key, " \n<>") || strings.HasPrefix(key, "-") || strings.HasSuffix(key, "-") {
			t.Errorf("%q has the key %q", unit, key)
		}
		text := dashboardText([]standing{{plan: analysis.NamespacePlan{Namespace: unit}, kind: standDeclined, reason: unit}}, []box{b}, []string{unit})
		body, err := text.Description()
		if err != nil {
			t.Fatal(err)
		}
		if got := ticks(enclose(body)); !slices.Equal(got, []box{b}) {
			t.Errorf("the ticked box about %q is read as %q from:\n%s", unit, got, body)
		}
	})
}

// TestForeignTextForgesNoState holds that neither a copy of the marks nor something
// that looks like a state takes the place of the real one.
func TestForeignTextForgesNoState(t *testing.T) {
	t.Parallel()
	ours, stranger := sealer{key: []byte("ours")}, sealer{key: []byte("theirs")}
	forged := stranger.seal(issueState{Kind: dashboardIssue, Prefix: "x"})
	text := templates.Issue{Namespace: forged + beginMark + endMark, Reason: forged, Marker: ours.seal(issueState{Kind: trackingIssue, Unit: "web"})}
	body, err := text.Description()
	if err != nil {
		t.Fatal(err)
	}
	description := forged + enclose(body)
	var st issueState
	if !ours.open(description, &st) || st.Unit != "web" {
		t.Errorf("read %+v", st)
	}
	if got := replaceOurs("before\n"+enclose(body)+"\nafter", "new"); got != "before\n"+enclose("new")+"\nafter" {
		t.Errorf("replacing our text left %q", got)
	}
}

// TestTrackingSteps is the life of a tracking issue.
func TestTrackingSteps(t *testing.T) {
	t.Parallel()
	w := &writer{Bot: &Bot{}}
	working := standing{plan: analysis.NamespacePlan{Namespace: "web"}, kind: standOpen, open: true, requests: []templates.Request{{Reference: "a/b!1", State: forge.Opened}}}
	queued := standing{plan: working.plan, kind: standQueued}
	done := standing{plan: working.plan, kind: standUpToDate}
	for name, tc := range map[string]struct {
		state   string
		known   issueState
		now     standing
		unseen  bool
		event   string
		rewrite bool
		closed  bool // what the state says afterwards
	}{
		"in step":                                {state: forge.Opened, now: working, rewrite: true},
		"done":                                   {state: forge.Opened, now: done, event: forge.Close, rewrite: true, closed: true},
		"nothing planned, but not all was seen":  {state: forge.Opened, now: done, unseen: true, rewrite: true},
		"closed by people":                       {state: forge.Closed, now: working},
		"closed by people and done":              {state: forge.Closed, now: done},
		"closed by the bot and needed again":     {state: forge.Closed, known: issueState{Closed: true}, now: working, event: forge.Reopen, rewrite: true},
		"closed by the bot and queued":           {state: forge.Closed, known: issueState{Closed: true}, now: queued},
		"closed by the bot and done":             {state: forge.Closed, known: issueState{Closed: true}, now: done},
		"opened again by people, nothing to do":  {state: forge.Opened, known: issueState{Closed: true}, now: done},
		"opened again by people, and work again": {state: forge.Opened, known: issueState{Closed: true}, now: working, rewrite: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := botIssue{forge.Issue{State: tc.state, Description: "mine\n" + enclose("old") + "\nmine, too"}, tc.known}
			u, err := w.step(i, tc.now, !tc.unseen)
			if err != nil {
				t.Fatal(err)
			}
			if u.StateEvent != tc.event || (u.Description != nil) != tc.rewrite {
				t.Fatalf("event %q, rewritten %t", u.StateEvent, u.Description != nil)
			}
			if u.Description == nil {
				return
			}
			var st issueState
			if !w.seal.open(*u.Description, &st) || st.Closed != tc.closed {
				t.Errorf("the state says %+v", st)
			}
			if !strings.HasPrefix(*u.Description, "mine\n") || !strings.HasSuffix(*u.Description, "\nmine, too") {
				t.Errorf("people's words are gone:\n%s", *u.Description)
			}
		})
	}
}

// TestLeavingTakesTwoRuns closes the issue of a namespace that is gone.
func TestLeavingTakesTwoRuns(t *testing.T) {
	t.Parallel()
	w := &writer{Bot: &Bot{}}
	i := botIssue{Issue: forge.Issue{State: forge.Opened, Description: enclose("old")}}
	var events []string
	for range 3 {
		u, err := w.leave(i, standing{plan: analysis.NamespacePlan{Namespace: "web"}})
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, u.StateEvent)
		if u.Description != nil {
			i.Description = *u.Description
			w.seal.open(i.Description, &i.state)
		}
		if u.StateEvent == forge.Close {
			i.State = forge.Closed
		}
	}
	if d := cmp.Diff([]string{"", forge.Close, ""}, events); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestStandingOf holds which of a unit's requests says how the whole stands.
func TestStandingOf(t *testing.T) {
	t.Parallel()
	mr := func(state string) *forge.MergeRequest { return &forge.MergeRequest{Reference: "a/b!1", State: state} }
	skipped := func(reason string) *proposal {
		return &proposal{role: RoleUmbrella, action: ActionSkipped, reason: reason, request: mr(forge.Opened)}
	}
	open := &proposal{role: RolePackage, action: ActionUnchanged, change: &FileChange{Package: "web"}, request: mr(forge.Opened)}
	declined := &proposal{role: RoleUmbrella, action: ActionSkipped, reason: "no", decision: decision{decline: true}, request: mr(forge.Closed)}
	queued := &proposal{role: RoleUmbrella, action: ActionSkipped, reason: "queued: later", held: true}
	for name, tc := range map[string]struct {
		proposals    []*proposal
		failure      *FailureReport
		notes        []string
		want, reason string
	}{
		"nothing wanted":            {want: standUpToDate},
		"open":                      {proposals: []*proposal{open}, want: standOpen},
		"queued":                    {proposals: []*proposal{queued, open}, want: standQueued, reason: "later"},
		"one half declined":         {proposals: []*proposal{open, skipped("not opened"), declined}, want: standDeclined, reason: "no"},
		"declined first":            {proposals: []*proposal{declined, skipped("not opened"), queued}, want: standDeclined, reason: "no"},
		"commits of people":         {proposals: []*proposal{skipped("has commits"), queued}, want: standPeople, reason: "has commits"},
		"failed":                    {proposals: []*proposal{open}, failure: &FailureReport{Reason: "broken"}, want: standFailing, reason: "broken"},
		"blocked":                   {failure: &FailureReport{Reason: "unseen", Blocked: true}, want: standBlocked, reason: "unseen"},
		"partly not analysed":       {notes: []string{"Other.", "Not analysed: x."}, want: standUnseen, reason: "x."},
		"open, partly not analysed": {proposals: []*proposal{open}, notes: []string{"Not analysed: x."}, want: standOpen},
	} {
		got := standingOf(analysis.NamespacePlan{Notes: tc.notes}, &unitRun{proposals: tc.proposals}, tc.failure)
		if got.kind != tc.want || got.reason != tc.reason {
			t.Errorf("%s: %s (%s), want %s (%s)", name, got.kind, got.reason, tc.want, tc.reason)
		}
	}
}
