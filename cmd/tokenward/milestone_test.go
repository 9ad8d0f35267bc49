package main

import (
	"strings"
	"testing"

	"tokenward/bot"
	"tokenward/gitops/forge/sandbox"
)

// TestMilestone: new requests get the milestone where their project has it, and are
// opened without where it has not; the preflight tells.
func TestMilestone(t *testing.T) {
	t.Parallel()
	p := newPlatformFor(t, sandbox.Token{Value: "t-maintainer", Username: "tester", Access: sandbox.Maintainer})
	p.environment = map[string]string{"TOKENWARD_REVIEW_MILESTONE": "3.2"}
	p.set(umbrellaProject, func(s *sandbox.ProjectSettings) { s.Milestones = []string{"3.1", "3.2"} })
	told := false
	_, r := p.configCheck("t-maintainer")
	for _, f := range r.Findings {
		told = told || f.Level == bot.FindingWarning && f.Project == certkeeperProject && strings.Contains(f.Text, "no active milestone 3.2")
	}
	if !told {
		t.Errorf("the missing milestone is not told: %+v", r.Findings)
	}
	p.certkeeper()
	if in, out := p.request(umbrellaProject, 1).Milestone, p.request(certkeeperProject, 1).Milestone; in != "3.2" || out != "" {
		t.Errorf("milestones %q and %q, want 3.2 and none", in, out)
	}
}
