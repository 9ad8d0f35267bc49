package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"tokenward/bot"
	"tokenward/gitops/forge/sandbox"
)

// configCheck runs the preflight for one namespace.
func (p *platform) configCheck(token string) (int, *bot.CheckReport) {
	p.t.Helper()
	p.box.box.ResetRequests()
	code, out, errs := p.run(token, "config", "check", "--format", "json", "--namespace", "certkeeper")
	var r bot.CheckReport
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		p.t.Fatalf("config check: exit code %d, %v\n%s\n%s", code, err, out, errs)
	}
	if w := p.writes(); len(w) > 0 {
		p.t.Errorf("config check writes: %v", w)
	}
	return code, &r
}

func (p *platform) set(project string, change func(*sandbox.ProjectSettings)) {
	p.t.Helper()
	p.must(p.box.box.SetProject(p.t.Context(), project, change))
}

// expected is a finding by its level, its project and words of it.
type expected struct{ level, project, words string }

// TestConfigCheckNamesWhatIsMissing holds for every right and setting that a run needs
// that its lack is told with its project, before anything is written.
func TestConfigCheckNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	type settings = sandbox.ProjectSettings
	for name, tc := range map[string]struct {
		token   string
		arrange func(p *platform)
		code    int
		want    []expected
	}{
		"nothing": {"t-maintainer", nil, exitOK, []expected{
			{bot.FindingOK, umbrellaProject, "has the role Maintainer"}, {bot.FindingOK, certkeeperProject, "has the role Maintainer"},
			{bot.FindingWarning, "", "stateKeyFile is not set"}, {bot.FindingOK, "", "has the scope api"},
		}},
		"the token": {"t-wrong", nil, exitFindings, []expected{{bot.FindingMissing, "", "the token is missing, wrong, expired or revoked"}}},
		"time":      {"t-over", nil, exitFindings, []expected{{bot.FindingMissing, "", "Token is expired"}}},
		"the scope, and soon the token": {"t-reads", nil, exitFindings, []expected{
			{bot.FindingMissing, "", "has the scopes read_api, read_repository: it needs api"}, {bot.FindingWarning, "", "expires on "},
		}},
		"the role": {"t-reporter", nil, exitFindings, []expected{
			{bot.FindingMissing, umbrellaProject, "needs Developer"}, {bot.FindingMissing, certkeeperProject, "has the role Reporter and needs Developer"},
		}},
		"a package's project": {"t-half", nil, exitFindings, []expected{
			{bot.FindingMissing, certkeeperProject, "may not see it"}, {bot.FindingOK, umbrellaProject, "Developer"},
			{bot.FindingUnknown, umbrellaProject, "does not see the project's protected branches and push rules"},
		}},
		"what projects can be set to": {"t-maintainer", func(p *platform) {
			p.environment = map[string]string{"TOKENWARD_ISSUES_TRACKING": "true", "TOKENWARD_REVIEW_ASSIGNEES": "nobody-here"}
			p.set(umbrellaProject, func(s *settings) {
				s.MergeRequestsDisabled, s.IssuesDisabled = true, true
				s.PushRules = &sandbox.PushRules{BranchName: "^(feature|fix)/", CommitMessage: "^[A-Z]+-[0-9]+: "}
			})
			p.set(certkeeperProject, func(s *settings) {
				s.Archived = true
				s.PushRules = &sandbox.PushRules{AuthorEmail: "@corp.example$", FileName: `\.md$`, RejectUnsigned: true, RejectNonDCO: true}
				s.ProtectedBranches = append(s.ProtectedBranches, sandbox.ProtectedBranch{Name: "tokenward/*", PushAccess: sandbox.NoAccess})
			})
		}, exitFindings, []expected{
			{bot.FindingWarning, "", "nobody-here"},
			{bot.FindingMissing, umbrellaProject, "merge requests turned off"},
			{bot.FindingWarning, umbrellaProject, "issues are turned off"},
			{bot.FindingMissing, umbrellaProject, "tokenward/certkeeper does not: set mergeRequests.branchPrefix"},
			{bot.FindingMissing, umbrellaProject, "commit messages must follow"},
			{bot.FindingMissing, certkeeperProject, "is archived"},
			{bot.FindingMissing, certkeeperProject, "is protected as tokenward/*: the token's user may not push there"},
			{bot.FindingMissing, certkeeperProject, "authors' addresses must follow"},
			{bot.FindingMissing, certkeeperProject, "files must not match"},
			{bot.FindingMissing, certkeeperProject, "set commits.signingKeyFile"},
			{bot.FindingMissing, certkeeperProject, "commits must be signed off"},
		}},
		"what makes requests better": {"t-maintainer", func(p *platform) {
			p.set(umbrellaProject, func(s *settings) {
				s.ProtectedBranches = append(s.ProtectedBranches, sandbox.ProtectedBranch{Name: "*", PushAccess: sandbox.Developer})
			})
			_, err := p.box.box.Commit(p.t.Context(), certkeeperProject, sandbox.Commit{Branch: "main", Message: "Own", Files: map[string]string{"CODEOWNERS": "[Unclosed\n* @sandbox-developer\n"}})
			p.must(err)
		}, exitOK, []expected{
			{bot.FindingWarning, umbrellaProject, "protected as * from force pushes"},
			{bot.FindingWarning, certkeeperProject, "CODEOWNERS: line 1"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatformFor(t,
				sandbox.Token{Value: "t-maintainer", Username: "tester", Access: sandbox.Maintainer},
				sandbox.Token{Value: "t-reporter", Username: "reading", Access: sandbox.Reporter},
				sandbox.Token{Value: "t-reads", Username: "tester", Access: sandbox.Maintainer, ReadOnly: true, Expires: time.Now().Add(5 * 24 * time.Hour)},
				sandbox.Token{Value: "t-over", Username: "tester", Access: sandbox.Maintainer, Expires: time.Now().Add(-time.Hour)},
				sandbox.Token{Value: "t-half", Username: "half", Access: sandbox.Developer, Projects: map[string]int{certkeeperProject: sandbox.NoAccess}})
			if tc.arrange != nil {
				tc.arrange(p)
			}
			code, r := p.configCheck(tc.token)
			if code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			for _, w := range tc.want {
				if !slices.ContainsFunc(r.Findings, func(f bot.Finding) bool {
					return f.Level == w.level && f.Project == w.project && strings.Contains(f.Text, w.words)
				}) {
					t.Errorf("nothing is found like %+v, but %+v", w, r.Findings)
				}
			}
		})
	}
}

// TestConfigCheckElsewhere: an umbrella that is not on the server cannot be proposed to.
func TestConfigCheckElsewhere(t *testing.T) {
	t.Parallel()
	p := newPlatformFor(t, sandbox.Token{Value: "t-maintainer", Username: "tester", Access: sandbox.Maintainer})
	p.environment = map[string]string{"TOKENWARD_GITLAB_URL": strings.Replace(p.box.url, "127.0.0.1", "localhost", 1)}
	code, r := p.configCheck("t-maintainer")
	if code != exitFindings || !strings.Contains(r.Findings[len(r.Findings)-1].Text, "is not on the GitLab server") {
		t.Errorf("exit code %d, found %+v", code, r.Findings)
	}
}
