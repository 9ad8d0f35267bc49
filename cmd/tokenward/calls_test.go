package main

import (
	"fmt"
	"strings"
	"testing"

	"tokenward/gitops/forge/sandbox"
)

// TestCallsOfAnUnchangedUnit counts the API calls of a run over one unchanged pair: who
// the token belongs to, what they have open, and for each request its project and its branch's requests.
// The README names the number. It must not grow with other requests of the project.
func TestCallsOfAnUnchangedUnit(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.one()
	const want = 6
	for _, others := range []int{0, 30} {
		for i := range others {
			branch := fmt.Sprintf("other-%d", i)
			_, err := p.box.box.Commit(t.Context(), umbrellaProject, sandbox.Commit{Branch: branch, Message: "Other", Files: map[string]string{branch: "x\n"}})
			p.must(err)
			p.api("POST", "projects/platform%2Fumbrella/merge_requests", fmt.Sprintf(`{"source_branch":%q,"target_branch":"main","title":"Other"}`, branch))
		}
		p.box.box.ResetRequests()
		p.one()
		calls := 0
		for _, r := range p.box.box.Requests() {
			if strings.HasPrefix(r.Path, "/api/") {
				calls++
			}
		}
		if calls != want {
			t.Errorf("with %d other requests open: %d API calls, want %d", others, calls, want)
		}
	}
}
