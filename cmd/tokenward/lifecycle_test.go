package main

import (
	"os/exec"
	"strings"
	"testing"

	"tokenward/bot"
	"tokenward/gitops/forge/sandbox"
)

// one proposes for namespace bulletin only, and returns its two requests by role.
func (p *platform) one() (umbrella, pkg bot.MergeRequestReport) {
	p.t.Helper()
	umbrella, pkg, _ = p.pairOf("bulletin")
	return umbrella, pkg
}

// pairOf proposes for one namespace only, and returns its two requests by role and what failed.
func (p *platform) pairOf(namespace string) (umbrella, pkg bot.MergeRequestReport, failed []bot.FailureReport) {
	p.t.Helper()
	p.only(namespace)
	_, r := p.propose(developer)
	for _, m := range r.MergeRequests {
		if m.Role == bot.RoleUmbrella {
			umbrella = m
		} else {
			pkg = m
		}
	}
	return umbrella, pkg, r.Failed
}

// only configures the program for one namespace. A run over all that is configured is
// complete; one that --namespace narrows is not, and closes nothing.
func (p *platform) only(namespace string) {
	if p.environment == nil {
		p.environment = map[string]string{}
	}
	p.environment["TOKENWARD_NAMESPACES"] = namespace
}

func (p *platform) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// git runs git on one of the platform's bare repositories.
func (p *platform) git(project string, args ...string) string {
	p.t.Helper()
	out, err := exec.Command("git", append([]string{"-C", p.dir + "/" + project + ".git"}, args...)...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

const (
	umbrellaProject = "platform/umbrella"
	bulletinProject = "platform/packages/bulletin"
	bulletinBranch  = "tokenward/bulletin"
)

func TestLifecycle(t *testing.T) {
	t.Parallel()
	for name, people := range map[string]func(p *platform) (wantUmbrella, wantPackage string){
		"nobody did anything": func(*platform) (string, string) { return bot.ActionUnchanged, bot.ActionUnchanged },
		"a person closed the umbrella's request: the package's becomes a draft": func(p *platform) (string, string) {
			p.must(p.box.box.Close(p.t.Context(), umbrellaProject, 1))
			return bot.ActionSkipped, bot.ActionUpdated
		},
		"a person closed the package's request": func(p *platform) (string, string) {
			p.must(p.box.box.Close(p.t.Context(), bulletinProject, 1))
			return bot.ActionUpdated, bot.ActionSkipped
		},
		"a person added a commit that keeps what is wanted": func(p *platform) (string, string) {
			p.commit(umbrellaProject, map[string]string{"NOTES.md": "mine\n"})
			return bot.ActionUnchanged, bot.ActionUnchanged
		},
		"a person took the lines out again on the branch": func(p *platform) (string, string) {
			p.commit(umbrellaProject, map[string]string{"chart/templates/kyverno-policies/values.yaml": p.git(umbrellaProject, "show", "main:chart/templates/kyverno-policies/values.yaml") + "\n"})
			return bot.ActionSkipped, bot.ActionUnchanged
		},
		"the target branch moved on elsewhere": func(p *platform) (string, string) {
			_, err := p.box.box.Commit(p.t.Context(), umbrellaProject, sandbox.Commit{Branch: "main", Message: "Other work", Files: map[string]string{"NOTES.md": "x\n"}})
			p.must(err)
			return bot.ActionUnchanged, bot.ActionUnchanged
		},
		"the umbrella's request was merged: its half is done": func(p *platform) (string, string) {
			if p.box.box.Merge(p.t.Context(), bulletinProject, 1) == nil {
				p.t.Error("the package's request could be merged before the umbrella's")
			}
			p.must(p.box.box.Merge(p.t.Context(), umbrellaProject, 1))
			return "", bot.ActionUpdated
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			p.one()
			tip := func() string {
				return p.git(umbrellaProject, "for-each-ref", "--format=%(objectname)", "refs/heads/"+bulletinBranch)
			}
			before := tip()
			wantUmbrella, wantPackage := people(p)
			person := tip()
			umbrella, pkg := p.one()
			if umbrella.Action != wantUmbrella || pkg.Action != wantPackage {
				t.Errorf("umbrella %q (%s), package %q (%s); want %q and %q", umbrella.Action, umbrella.Reason, pkg.Action, pkg.Reason, wantUmbrella, wantPackage)
			}
			if after := tip(); after != person {
				t.Errorf("the bot moved its branch from %s over %s to %s", before, person, after)
			}
			for _, m := range []bot.MergeRequestReport{umbrella, pkg} {
				if says := strings.Contains(m.Description, "> tokenward: its other half platform/"); says != (m.Action == bot.ActionUpdated && strings.HasPrefix(m.Title, "Draft: ")) {
					t.Errorf("%s, %q, says that its other half was declined: %t", reference(m), m.Title, says)
				}
			}
			p.box.box.ResetRequests()
			p.one()
			if w := p.writes(); len(w) > 0 {
				t.Errorf("one run later it still writes: %v", w)
			}
		})
	}
}

// commit writes a person's commit to the bot's branch.
func (p *platform) commit(project string, files map[string]string) {
	p.t.Helper()
	_, err := p.box.box.Commit(p.t.Context(), project, sandbox.Commit{Branch: bulletinBranch, Message: "A person's fix", Files: files})
	p.must(err)
}
