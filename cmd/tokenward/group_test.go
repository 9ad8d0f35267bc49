package main

import (
	"slices"
	"strings"
	"testing"

	"tokenward/bot"
	"tokenward/gitops/forge/sandbox"
)

// repairs is a platform whose namespaces logbook and keepsake lack a few lines of the
// list, and certkeeper many.
func repairs(t *testing.T, limit string) *platform {
	t.Helper()
	p := newPlatform(t)
	p.environment = map[string]string{"TOKENWARD_DRIFT_GROUP": limit, "TOKENWARD_DOCUMENTATION": "false", "TOKENWARD_NAMESPACES": "logbook,keepsake,certkeeper"}
	p.listed("keepsake", "certkeeper")
	return p
}

// listed puts namespaces at the end of the umbrella's lists, without any pods.
func (p *platform) listed(namespaces ...string) {
	p.t.Helper()
	file := p.git(umbrellaProject, "show", "main:"+listFile) + "\n"
	for anchor, begin := range map[string]string{"      - tollbooth\n      - logbook\n": "      - ", "          - logbook-logbook-retention-*\n": "      - namespace: "} {
		if strings.Count(file, anchor) != 1 {
			p.t.Fatalf("the sample has %q %d times", anchor, strings.Count(file, anchor))
		}
		file = strings.Replace(file, anchor, anchor+begin+strings.Join(namespaces, "\n"+begin)+"\n", 1)
	}
	_, err := p.box.box.Commit(p.t.Context(), umbrellaProject, sandbox.Commit{Branch: "main", Message: "By hand", Files: map[string]string{listFile: file}})
	p.must(err)
}

// repaired runs once and returns the requests by their units.
func (p *platform) repaired(args ...string) map[string]bot.MergeRequestReport {
	p.t.Helper()
	p.box.box.ResetRequests()
	_, r := p.propose(developer, args...)
	if len(r.Failed) > 0 {
		p.t.Errorf("failed: %+v", r.Failed)
	}
	out := map[string]bot.MergeRequestReport{}
	for _, m := range r.MergeRequests {
		out[m.Unit] = m
	}
	return out
}

func TestSmallRepairsAreProposedTogether(t *testing.T) {
	t.Parallel()
	p := repairs(t, "5")
	first := p.repaired()
	group, large := first["drift repairs"], first["certkeeper"]
	if len(first) != 2 || group.Action != bot.ActionCreated || large.Action != bot.ActionCreated {
		t.Fatalf("requests %+v, want one of the small repairs and one of certkeeper", first)
	}
	if group.SourceBranch != "tokenward/drift-repairs" || group.Title != "Repair automountServiceAccountToken for 2 namespaces" {
		t.Errorf("branch %s, title %q", group.SourceBranch, group.Title)
	}
	for _, text := range []string{"namespace `keepsake`", "namespace `logbook`", "`CronJob keepsake-keepsake-export`", "`DaemonSet logbook-logbook-collector`"} {
		if !strings.Contains(group.Description, text) {
			t.Errorf("the description does not say %q:\n%s", text, group.Description)
		}
	}
	if lines := strings.Join(changed(group.Diff), "\n"); !strings.Contains(lines, "+- logbook-logbook-collector-*") || !strings.Contains(lines, "+- keepsake-keepsake-export-*") {
		t.Errorf("it changes\n%s", lines)
	}
	if again := p.repaired(); again["drift repairs"].Action != bot.ActionUnchanged || len(p.writes()) > 0 {
		t.Errorf("a second run: %+v, writes %v", again, p.writes())
	}
	if one := p.repaired("--namespace", "logbook")["logbook"]; one.Action != bot.ActionSkipped || len(p.writes()) > 0 {
		t.Errorf("a run about one of them: %s (%s), writes %v", one.Action, one.Reason, p.writes())
	}
	p.must(p.box.box.Merge(t.Context(), umbrellaProject, int(group.IID)))
	if after := p.repaired(); len(after) != 1 || len(p.writes()) > 0 {
		t.Errorf("after the merge: %+v, writes %v", after, p.writes())
	}
}

// TestRepairLeavesTheGroup lets people do one of the repairs by hand, then the other.
func TestRepairLeavesTheGroup(t *testing.T) {
	t.Parallel()
	p := repairs(t, "5")
	p.repaired()
	p.list("- logbook-logbook-collector-*")
	group := p.repaired()["drift repairs"]
	if group.Action != bot.ActionUpdated || strings.Contains(strings.Join(changed(group.Diff), "\n"), "logbook-logbook-collector") || group.Title != "Repair automountServiceAccountToken for keepsake" {
		t.Errorf("%s, title %q, diff\n%s", group.Action, group.Title, group.Diff)
	}
	p.environment["TOKENWARD_DRIFT_GROUP"] = "0"
	p.environment["TOKENWARD_NAMESPACES"] = "logbook,certkeeper"
	for _, want := range []string{bot.ActionUpdated, bot.ActionClosed, ""} {
		if got := p.repaired()["drift repairs"].Action; got != want {
			t.Errorf("when nothing is proposed together any more, the request is %q, want %q", got, want)
		}
	}
}

// TestPeopleDeclineRepairs holds that a request that is closed is a no to each of its
// repairs, also when others come.
func TestPeopleDeclineRepairs(t *testing.T) {
	t.Parallel()
	p := repairs(t, "5")
	first := p.repaired()
	p.must(p.box.box.Close(t.Context(), umbrellaProject, int(first["drift repairs"].IID)))
	for range 2 {
		after := p.repaired()
		for _, ns := range []string{"logbook", "keepsake"} {
			if m := after[ns]; m.Action != bot.ActionSkipped || !strings.Contains(m.Reason, "closed without being merged") {
				t.Errorf("%s after the decline: %s (%s)", ns, m.Action, m.Reason)
			}
		}
		if m, found := after["drift repairs"]; found || len(p.writes()) > 0 {
			t.Errorf("after the decline: %+v, writes %v", m, p.writes())
		}
	}
	p.environment["TOKENWARD_DRIFT_GROUP"] = "50"
	p.must(p.box.box.Close(t.Context(), umbrellaProject, int(first["certkeeper"].IID)))
	p.list("- logbook-logbook-sorter-*")
	if m := p.repaired(); slices.ContainsFunc([]string{"logbook", "keepsake", "certkeeper"}, func(ns string) bool { return m[ns].Action != bot.ActionSkipped }) {
		t.Errorf("later: %+v", m)
	}
}

// TestGroupIsLeftToPeople commits to the branch of small repairs: another small repair
// does not wait for them.
func TestGroupIsLeftToPeople(t *testing.T) {
	t.Parallel()
	p := repairs(t, "5")
	p.environment["TOKENWARD_NAMESPACES"] = "logbook"
	p.repaired()
	_, err := p.box.box.Commit(t.Context(), umbrellaProject, sandbox.Commit{Branch: "tokenward/drift-repairs", Message: "A person's fix", Files: map[string]string{"NOTES.md": "mine\n"}})
	p.must(err)
	p.environment["TOKENWARD_NAMESPACES"] = "logbook,keepsake"
	after := p.repaired()
	if after["drift repairs"].Action != bot.ActionSkipped || after["keepsake"].Action != bot.ActionCreated {
		t.Errorf("requests %+v", after)
	}
}
