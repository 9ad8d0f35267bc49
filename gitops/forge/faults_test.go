package forge_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenward/gitops/forge"
	"tokenward/gitops/forge/sandbox"
)

// TestEveryCallFailsOnce lets each single call of a small life fail once, in every
// way, and expects the same end as without: nothing twice, nothing missing.
func TestEveryCallFailsOnce(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]sandbox.Fault{
		"limited":         {Status: 429},
		"error":           {Status: 500},
		"error, acted":    {Status: 500, Acted: true},
		"proxy":           {Status: 502},
		"proxy, acted":    {Status: 502, Acted: true},
		"cut before":      {Cut: true},
		"cut after":       {Cut: true, Acted: true},
		"timed out, done": {Status: 504, Acted: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serveSandbox(t, nil)
			var at, count atomic.Int64
			s.SetFault(func(sandbox.Request) sandbox.Fault {
				if count.Add(1) == at.Load() {
					return fault
				}
				return sandbox.Fault{}
			})
			for n := 1; ; n++ {
				branch := fmt.Sprintf("topic-%d", n)
				if _, err := s.Commit(t.Context(), "group/app", sandbox.Commit{Branch: branch, Message: "x", Files: map[string]string{branch: "1\n"}}); err != nil {
					t.Fatal(err)
				}
				count.Store(0)
				at.Store(int64(n))
				if err := smallLife(t, s, branch); err != nil {
					t.Fatalf("call %d fails for good: %v", n, err)
				}
				if diff := cmp.Diff(wantedLife(branch), foundLife(s, branch)); diff != "" {
					t.Fatalf("after call %d failed:\n%s", n, diff)
				}
				if count.Load() < int64(n) { // there was no such call any more
					if n < 10 {
						t.Errorf("only %d calls", n)
					}
					return
				}
			}
		})
	}
}

// smallLife opens a merge request, answers a note on it, and opens and closes an issue.
func smallLife(t *testing.T, s *served, branch string) error {
	ctx, c := t.Context(), s.client(t, "sandbox-developer")
	p, err := c.Project(ctx, "group/app")
	if err != nil {
		return err
	}
	mr, err := c.CreateMergeRequest(ctx, p.ID, forge.NewMergeRequest{SourceBranch: branch, TargetBranch: "main", Title: branch})
	if err != nil {
		return err
	}
	key := "<!-- " + branch + " -->"
	if err := s.AddNote(ctx, "group/app", int(mr.IID), "sandbox-maintainer", "note "+key); err != nil {
		return err
	}
	notes, err := c.Notes(ctx, p.ID, mr.IID)
	if err != nil {
		return err
	}
	if _, err := c.Reply(ctx, p.ID, mr.IID, notes[0].DiscussionID, "reply <!-- r -->", "<!-- r -->"); err != nil {
		return err
	}
	if err := c.Resolve(ctx, p.ID, mr.IID, notes[0].DiscussionID); err != nil {
		return err
	}
	issue, err := c.CreateIssue(ctx, p.ID, forge.NewIssue{Title: branch, Description: key}, key)
	if err != nil {
		return err
	}
	if _, err := c.Issues(ctx, p.ID, forge.IssueFilter{Marker: key}); err != nil {
		return err
	}
	if _, err := c.UpdateIssue(ctx, p.ID, issue.IID, forge.IssueUpdate{StateEvent: forge.Close, AddLabels: []string{"done"}}); err != nil {
		return err
	}
	_, err = c.UpdateMergeRequest(ctx, p.ID, mr.IID, forge.MergeRequestUpdate{AddReviewerIDs: []int64{1}, AddLabels: []string{"x"}})
	return err
}

func wantedLife(branch string) []string {
	key := "<!-- " + branch + " -->"
	return []string{
		"merge request opened [x] [sandbox-maintainer]", "note " + key, "reply <!-- r -->",
		"issue closed [done]",
	}
}

func foundLife(s *served, branch string) (found []string) {
	talk := func(notes []sandbox.Note) {
		for _, n := range notes {
			if !n.System {
				found = append(found, n.Body)
			}
		}
	}
	for _, mr := range s.MergeRequests() {
		if mr.SourceBranch == branch {
			found = append(found, fmt.Sprintf("merge request %s %v %v", mr.State, mr.Labels, mr.Reviewers))
			talk(mr.Notes)
		}
	}
	for _, i := range s.Issues() {
		if strings.Contains(i.Description, "<!-- "+branch+" -->") {
			found = append(found, fmt.Sprintf("issue %s %v", i.State, i.Labels))
			talk(i.Notes)
		}
	}
	return found
}
