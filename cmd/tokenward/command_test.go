package main

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"tokenward/bot"
	"tokenward/bot/decision"
	"tokenward/gitops/forge"
	"tokenward/gitops/forge/sandbox"
)

func TestIgnoreLeadsToADecision(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	before, _ := p.certkeeper()
	p.say(umbrellaProject, maintainer, "Thanks!\n\n/tokenward ignore certkeeper-certkeeper-storage-migration-* runs once, at night: we look @all\n")
	p.box.box.ResetRequests()
	p.propose(developer, "--namespace", "certkeeper", "--dry-run")
	if w := p.writes(); len(w) > 0 {
		t.Errorf("a dry run answers: %v", w)
	}
	after, _ := p.certkeeper()
	if after.IID != before.IID || after.Action != bot.ActionUpdated {
		t.Errorf("%s is %q (%s)", reference(after), after.Action, after.Reason)
	}
	values, decisions := p.git(umbrellaProject, "show", certkeeperBranch+":"+valuesFile), p.git(umbrellaProject, "show", certkeeperBranch+":"+decision.Path)
	if strings.Contains(values, "storage-migration") || !strings.Contains(values, "certkeeper-certkeeper-test-order") {
		t.Errorf("the entry is not gone, or more is:\n%s", after.Diff)
	}
	f, err := decision.Parse([]byte(decisions))
	if err != nil || len(f.Decisions) != 1 {
		t.Fatalf("%v\n%s", err, decisions)
	}
	want := decision.Decision{Namespace: "certkeeper", Kind: decision.Ignore, Pattern: "certkeeper-certkeeper-storage-migration-*",
		Reason: "runs once, at night: we look @all", By: "@" + maintainer, Line: f.Decisions[0].Line, Note: f.Decisions[0].Note}
	if f.Decisions[0] != want || !strings.HasPrefix(want.Note, "platform/umbrella!1#note_") {
		t.Errorf("decided %+v, want %+v", f.Decisions[0], want)
	}
	if d := p.request(umbrellaProject, 1).Description; strings.Contains(d, "@all") || !strings.Contains(d, "ignore `certkeeper-certkeeper-storage-migration-*`") {
		t.Errorf("the description does not show the decision, or calls everybody:\n%s", d)
	}
	p.answered(umbrellaProject, "`ignore certkeeper-certkeeper-storage-migration-*`: stands in `.tokenward.yaml`, proposed in platform/umbrella!1.")
	p.quiet()

	// Merged, the decision holds, and the next decision is added to the same file.
	p.must(p.box.box.Merge(t.Context(), umbrellaProject, 1))
	if u, _ := p.certkeeper(); u.IID != 0 {
		t.Errorf("after the merge %s is proposed:\n%s", reference(u), u.Diff)
	}
	p.say(certkeeperProject, maintainer, "/tokenward deny certkeeper-certkeeper-storage-migration-*")
	u, _ := p.certkeeper()
	if u.IID != 2 || u.Action != bot.ActionCreated {
		t.Errorf("a decision on the package's request leads to %s, %q (%s)", reference(u), u.Action, u.Reason)
	}
	if got := p.git(umbrellaProject, "show", certkeeperBranch+":"+decision.Path); !strings.HasPrefix(got, decisions) || !strings.Contains(got, "deny: certkeeper-certkeeper-storage-migration-*") {
		t.Errorf("the file is now\n%s", got)
	}
	p.answered(certkeeperProject, "proposed in platform/umbrella!2.")
	p.quiet()
}

func TestDecisionsOnly(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.certkeeper()
	p.say(umbrellaProject, maintainer, "/tokenward ignore * left to its owners")
	u, _ := p.certkeeper()
	if strings.Contains(u.Diff, valuesFile) || !strings.Contains(u.Diff, `+    ignore: "*"`) || !strings.HasPrefix(u.Title, "Record decisions") {
		t.Errorf("%s %q:\n%s", u.Action, u.Title, u.Diff)
	}
	p.certkeeper() // the second that finds the documentation needless
	if m := p.request(certkeeperProject, 1); m.State != "closed" {
		t.Errorf("the documentation of a namespace that is left alone is %s", m.State)
	}
	p.quiet()
	p.must(p.box.box.Merge(t.Context(), umbrellaProject, 1))
	p.quiet()
}

func TestDecisionsAgainstTheEvidence(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.certkeeper()
	p.say(umbrellaProject, maintainer, "/tokenward allow certkeeper-certkeeper-webhook-* asks the API after all\n/tokenward deny certkeeper-certkeeper-test-order\n/tokenward allow gone-*\n/tokenward allow Nothing!\n")
	u, _ := p.certkeeper()
	for _, line := range []string{"+          - certkeeper-certkeeper-webhook-*", "+          deny:\n", "+          # asks the API after all (decided by @sandbox-maintainer)"} {
		if !strings.Contains(u.Diff, line) {
			t.Errorf("the diff lacks %q:\n%s", line, u.Diff)
		}
	}
	p.answered(umbrellaProject, "`allow certkeeper-certkeeper-webhook-*`: stands in", "`deny certkeeper-certkeeper-test-order`: stands in",
		"`allow gone-*`: not recorded: no pod of namespace `certkeeper` is called so.", "Not understood: \"nothing\\!\" is no pattern")
	p.quiet()
}

func TestCommandsWithoutRights(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.certkeeper()
	for i := range 6 {
		p.say(umbrellaProject, reporter, fmt.Sprintf("/tokenward ignore certkeeper-certkeeper-test-order %d", i))
		p.certkeeper()
	}
	p.say(umbrellaProject, maintainer, "> /tokenward close\n\nNo!")
	p.certkeeper()
	all := p.answers(umbrellaProject)
	if len(all) != 3 {
		t.Errorf("%d answers to somebody without rights, want 3: %q", len(all), all)
	}
	for _, a := range all {
		if !strings.Contains(a, "Not obeyed: commands are taken from people with at least the Developer role on project `platform/umbrella`.") {
			t.Error(a)
		}
	}
	if m := p.request(umbrellaProject, 1); m.State != "opened" || strings.Contains(m.Description, "ignore") {
		t.Errorf("obeyed: %s\n%s", m.State, m.Description)
	}
	p.quiet()
}

func TestExplain(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.certkeeper()
	p.say(certkeeperProject, maintainer, "/tokenward explain certkeeper-certkeeper-controller-5d8f7c9b4d-x7k2p")
	p.certkeeper()
	p.answered(certkeeperProject, "`Deployment certkeeper-certkeeper-controller`: needs-token (confidence high)", "| evidence | object | template |",
		"| reads, creates and updates Secrets", "[`chart/templates/rbac.yaml:")
	p.quiet()
}

func TestCloseByCommand(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.certkeeper()
	p.say(certkeeperProject, maintainer, "/tokenward close not this year")
	u, d := p.certkeeper()
	for _, m := range []bot.MergeRequestReport{u, d} {
		if m.Action != bot.ActionClosed || m.State != "closed" {
			t.Errorf("%s is %q, %q (%s)", reference(m), m.Action, m.State, m.Reason)
		}
	}
	p.answered(certkeeperProject, "`close`: closed `platform/umbrella!1` and `platform/packages/certkeeper!1`.")
	p.quiet()
	p.must(p.box.box.Reopen(t.Context(), umbrellaProject, 1))
	p.must(p.box.box.Reopen(t.Context(), certkeeperProject, 1))
	for range 2 {
		if u, d := p.certkeeper(); u.State != "opened" || d.State != "opened" {
			t.Errorf("a person opened them again, and they are %s and %s", u.State, d.State)
		}
	}
	p.quiet()
}

func TestRebaseByCommand(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.certkeeper()
	p.onMain("NOTES.md", "moved on\n")
	p.say(umbrellaProject, maintainer, "/tokenward rebase")
	if u, _ := p.certkeeper(); u.Action != bot.ActionUpdated {
		t.Errorf("%s is %q (%s)", reference(u), u.Action, u.Reason)
	}
	if base, main := p.git(umbrellaProject, "rev-parse", certkeeperBranch+"^"), p.git(umbrellaProject, "rev-parse", "main"); base != main {
		t.Errorf("the branch stands on %s, main is %s", base, main)
	}
	p.answered(umbrellaProject, "`rebase`: made anew on `main` as")
	p.quiet()

	_, err := p.box.box.Commit(t.Context(), umbrellaProject, sandbox.Commit{Branch: certkeeperBranch, Message: "Mine", Files: map[string]string{"MINE.md": "mine\n"}})
	p.must(err)
	mine := p.git(umbrellaProject, "rev-parse", certkeeperBranch)
	p.say(umbrellaProject, maintainer, "/tokenward rebase")
	p.certkeeper()
	if got := p.git(umbrellaProject, "rev-parse", certkeeperBranch); got != mine {
		t.Errorf("a person's commit is gone: %s", got)
	}
	if all := p.answers(umbrellaProject); len(all) != 2 || !strings.Contains(all[1], "`/tokenward rebase discard`") {
		t.Errorf("answers: %q", all)
	}
	p.quiet()
	p.say(umbrellaProject, maintainer, "/tokenward rebase discard")
	p.certkeeper()
	if got := p.git(umbrellaProject, "rev-parse", certkeeperBranch+"^"); got != p.git(umbrellaProject, "rev-parse", "main") {
		t.Errorf("the branch is not made anew: %s", got)
	}
	if all := p.answers(umbrellaProject); len(all) != 3 || !strings.Contains(all[2], "The branch was at `"+mine[:12]+"` before.") {
		t.Errorf("answers: %q", all)
	}
	p.quiet()
}

func TestHoldKeepsCommandsOff(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.certkeeper()
	p.label(umbrellaProject, "tokenward::hold")
	before := p.request(umbrellaProject, 1).Description
	p.say(umbrellaProject, maintainer, "/tokenward close\n/tokenward ignore certkeeper-certkeeper-test-order")
	p.certkeeper()
	if m := p.request(umbrellaProject, 1); m.State != "opened" || m.Description != before {
		t.Errorf("%s, and the description changed: %t", m.State, m.Description != before)
	}
	p.answered(umbrellaProject, "`close`: not done, since the request has the label `tokenward::hold`.")
	p.quiet()
}

// TestDecisionsOfTwoUnits lets three requests begin the file of decisions, and merges one:
// the next is made anew, and the one that was declined stays so.
func TestDecisionsOfTwoUnits(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	all := []string{"--namespace", "certkeeper,keepsake,metrics"}
	_, r := p.propose(developer, all...)
	iids := map[string]int{}
	for _, m := range r.MergeRequests {
		if m.Role == bot.RoleUmbrella {
			iids[m.Unit] = int(m.IID)
			p.must(p.box.box.AddNote(t.Context(), umbrellaProject, iids[m.Unit], maintainer, "/tokenward ignore * later"))
		}
	}
	p.propose(developer, all...)
	p.must(p.box.box.Close(t.Context(), umbrellaProject, iids["metrics"]))
	p.must(p.box.box.Merge(t.Context(), umbrellaProject, iids["certkeeper"]))
	p.propose(developer, all...)
	_, r = p.propose(developer, all...)
	for _, m := range r.MergeRequests {
		if m.Role == bot.RoleUmbrella && m.Unit == "metrics" && (m.Action != bot.ActionSkipped || int(m.IID) != iids["metrics"]) {
			t.Errorf("%s was declined, and %s is %s", m.Unit, reference(m), m.Action)
		}
	}
	p.must(p.box.box.Merge(t.Context(), umbrellaProject, iids["keepsake"]))
	f, err := decision.Parse([]byte(p.git(umbrellaProject, "show", "main:"+decision.Path)))
	if err != nil || len(f.Decisions) != 2 || f.Decisions[0].Namespace != "certkeeper" || f.Decisions[1].Namespace != "keepsake" {
		t.Errorf("the merged file holds %v, %v", f, err)
	}
}

// TestRightsOnBothProjects lets somebody who develops the package alone give commands.
func TestRightsOnBothProjects(t *testing.T) {
	t.Parallel()
	p := newPlatformFor(t, sandbox.Token{Value: "packager", Username: "packager", Access: sandbox.Reporter, Projects: map[string]int{certkeeperProject: sandbox.Developer}},
		sandbox.Token{Value: "outsider", Username: "outsider"})
	p.certkeeper()
	p.say(certkeeperProject, "packager", "/tokenward ignore certkeeper-certkeeper-test-order")
	p.certkeeper()
	p.answered(certkeeperProject, "not recorded: decisions are kept in project `platform/umbrella` and take the Developer role there.")
	p.say(certkeeperProject, "outsider", "/tokenward close")
	p.certkeeper()
	if all := p.answers(certkeeperProject); len(all) != 2 || !strings.Contains(all[1], "Not obeyed") {
		t.Errorf("answers: %q", all)
	}
	p.quiet()
	p.say(certkeeperProject, "packager", "/tokenward close")
	p.certkeeper()
	if u, d := p.request(umbrellaProject, 1), p.request(certkeeperProject, 1); d.State != "closed" || u.State != "opened" || !u.Draft {
		t.Errorf("the package's request is %s, the umbrella's %s, a draft: %t", d.State, u.State, u.Draft)
	}
	p.quiet()
}

// TestAnswersLeaveNoOpenThread: an answer makes a thread of a command's note, and in
// projects that want all threads resolved an open one would keep the request from being
// merged. The bot resolves it, but no thread in which people say more.
func TestAnswersLeaveNoOpenThread(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.certkeeper()
	p.must(p.box.box.SetProject(t.Context(), umbrellaProject, func(s *sandbox.ProjectSettings) { s.ResolveDiscussions = true }))
	status := func() string { return p.request(umbrellaProject, 1).MergeStatus }
	before := status()
	p.say(umbrellaProject, maintainer, "/tokenward rescan")
	p.say(umbrellaProject, reporter, "/tokenward close")
	p.certkeeper()
	if len(p.answers(umbrellaProject)) != 2 || status() != before || before == "discussions_not_resolved" {
		t.Errorf("%d answers; mergeable %q before, %q after", len(p.answers(umbrellaProject)), before, status())
	}
	p.quiet()
	client, err := forge.New(forge.Config{BaseURL: p.box.url, Token: func() (string, error) { return maintainer, nil }})
	p.must(err)
	project, err := client.Project(t.Context(), umbrellaProject)
	p.must(err)
	for _, n := range p.request(umbrellaProject, 1).Notes {
		if strings.HasPrefix(n.Body, "/tokenward rescan") {
			_, err = client.Reply(t.Context(), project.ID, 1, n.DiscussionID, "And what did it see?", "And what")
			p.must(err)
			p.api("PUT", "projects/platform%2Fumbrella/merge_requests/1/discussions/"+n.DiscussionID, `{"resolved":false}`)
		}
	}
	p.say(umbrellaProject, maintainer, "/tokenward rescan")
	p.certkeeper()
	if status() != "discussions_not_resolved" {
		t.Errorf("a thread of people is resolved: %q", status())
	}
}

// TestCommandWaitsForAServerThatIsAway holds that a decision which could not be tried out, since
// a repository could not be read, is not answered with a no: the next run follows it.
func TestCommandWaitsForAServerThatIsAway(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.certkeeper()
	p.say(umbrellaProject, maintainer, "/tokenward ignore certkeeper-certkeeper-test-order by hand")
	var heard atomic.Bool
	p.box.box.SetFault(func(r sandbox.Request) sandbox.Fault {
		if strings.Contains(r.Path, "/discussions") {
			heard.Store(true)
		}
		return sandbox.Fault{Cut: heard.Load() && strings.Contains(r.Path, "certkeeper.git")}
	})
	p.run(developer, "propose", "--namespace", "certkeeper")
	if all := p.answers(umbrellaProject); !heard.Load() || len(all) != 0 {
		t.Errorf("the note was read: %t; answers: %q", heard.Load(), all)
	}
	p.box.box.SetFault(nil)
	p.certkeeper()
	p.answered(umbrellaProject, "stands in `.tokenward.yaml`")
}
