package main

import (
	"os"
	"strings"
	"testing"

	"tokenward/bot"
	"tokenward/gitops/forge/sandbox"
)

const valuesPath = "chart/templates/kyverno-policies/values.yaml"

// TestRefusals holds what is said when something must not be proposed, and that nothing
// is written then.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		arrange func(p *platform)
		reason  string
	}{
		"the mutator is switched off": {
			func(p *platform) {
				p.onMain(valuesPath, strings.Replace(p.git(umbrellaProject, "show", "main:"+valuesPath), "update-automountserviceaccounttokens:\n    enabled: true", "update-automountserviceaccounttokens:\n    enabled: false", 1))
			}, "does not render the namespaces and patterns",
		},
		"the policies chart is not there": {
			func(p *platform) { p.must(os.RemoveAll(p.dir + "/platform/packages/kyverno-policies.git")) },
			"which renders the policies, is not analysed",
		},
		"the policies chart never ends once the namespace is listed": {
			func(p *platform) {
				const project = "platform/packages/kyverno-policies"
				p.renderer = nil // the program's own workers, which a chart cannot hold up
				p.environment = map[string]string{"TOKENWARD_RENDERING_TIME": "1s"}
				_, err := p.box.box.Commit(p.t.Context(), project, sandbox.Commit{Branch: "main", Message: "Loop", Files: map[string]string{
					"chart/templates/loop.yaml": `{{ if contains "bulletin" (toJson .Values) }}{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}{{ end }}`}})
				p.must(err)
				p.git(project, "tag", "-f", "1.5.0-pf.0", "main")
			}, "(rendering.time)",
		},
		"the umbrella's values are no YAML": {
			func(p *platform) {
				p.onMain(valuesPath, strings.Replace(p.git(umbrellaProject, "show", "main:"+valuesPath), "policies:\n", "policies:\n  : : [ bad\n", 1))
			}, "valid YAML",
		},
		"the package's project takes no such branch": {
			func(p *platform) {
				p.must(p.box.box.SetProject(p.t.Context(), bulletinProject, func(s *sandbox.ProjectSettings) {
					s.ProtectedBranches = append(s.ProtectedBranches, sandbox.ProtectedBranch{Name: "tokenward/*", PushAccess: sandbox.NoAccess})
				}))
			}, "You are not allowed to",
		},
		"the package's project is archived": {
			func(p *platform) {
				p.must(p.box.box.SetProject(p.t.Context(), bulletinProject, func(s *sandbox.ProjectSettings) { s.Archived = true }))
			}, "is archived",
		},
		"the package's project is a mirror": {
			func(p *platform) {
				p.must(p.box.box.SetProject(p.t.Context(), bulletinProject, func(s *sandbox.ProjectSettings) { s.Mirror = true }))
			}, "is a mirror",
		},
		"the package's project has no merge requests": {
			func(p *platform) {
				p.must(p.box.box.SetProject(p.t.Context(), bulletinProject, func(s *sandbox.ProjectSettings) { s.MergeRequestsDisabled = true }))
			}, "merge requests turned off",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			tc.arrange(p)
			code, r := p.propose(developer, "--namespace", "bulletin")
			if code != exitFailed || len(r.MergeRequests) > 0 || len(r.Failed) != 1 || !strings.Contains(r.Failed[0].Reason, tc.reason) {
				t.Errorf("exit code %d, %d merge requests, failed %+v; want the reason %q", code, len(r.MergeRequests), r.Failed, tc.reason)
			}
			if got := p.box.box.MergeRequests(); len(got) > 0 {
				t.Errorf("%d merge requests are on the server", len(got))
			}
			for _, project := range []string{umbrellaProject, bulletinProject} {
				if left := p.git(project, "for-each-ref", "refs/heads/tokenward"); left != "" {
					t.Errorf("%s keeps %s", project, left)
				}
			}
		})
	}
}

// TestScanWithoutPoliciesSaysSo holds that a scan does not pass for the policies' own count what it
// shows without them.
func TestScanWithoutPoliciesSaysSo(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.must(os.RemoveAll(p.dir + "/platform/packages/kyverno-policies.git"))
	code, out, _ := p.run(developer, "scan")
	if code != exitFailed || !strings.Contains(out, "tokens and violations are shown as without the policies") {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// TestShrinkingPlan holds that a branch loses the lines that are not wanted any more.
func TestShrinkingPlan(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	one := func() (m bot.MergeRequestReport) {
		_, r := p.propose(developer, "--namespace", "certkeeper")
		for _, m = range r.MergeRequests {
			if m.Role == bot.RoleUmbrella {
				return m
			}
		}
		return m
	}
	pattern := "certkeeper-certkeeper-storage-migration-*"
	if m := one(); !strings.Contains(m.Diff, pattern) {
		t.Fatalf("the first request does not allow %s:\n%s", pattern, m.Diff)
	}
	// Somebody lists the namespace by hand with all but one pattern.
	listed := strings.Replace(p.git(umbrellaProject, "show", "tokenward/certkeeper:"+valuesPath), "          - "+pattern+"\n", "", 1)
	p.onMain(valuesPath, listed+"\n")
	m := one()
	branch := p.git(umbrellaProject, "diff", "main...tokenward/certkeeper")
	if m.Action != bot.ActionUpdated || strings.Contains(branch, "namespace: certkeeper") || !strings.Contains(branch, pattern) {
		t.Errorf("%s is %q; its branch still differs by more than the one pattern:\n%s", reference(m), m.Action, branch)
	}
}
