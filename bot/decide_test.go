package bot

import (
	"testing"

	"tokenward/gitops/forge"
	"tokenward/gitops/git"
)

// TestDecide is the merge request's life row by row.
func TestDecide(t *testing.T) {
	t.Parallel()
	seal := sealer{key: []byte("key")}
	known := state{Unit: "web", Digest: "same", Head: "tip", Title: "title", Target: "main"}
	request := func(stateName string, change func(*state, *forge.MergeRequest)) forge.MergeRequest {
		st := known
		r := forge.MergeRequest{IID: 1, State: stateName, Title: "title", TargetBranch: "main", Reference: "g/p!1"}
		if change != nil {
			change(&st, &r)
		}
		r.Description = enclose(seal.encode(st)) + r.Description
		return r
	}
	none := func(*state, *forge.MergeRequest) {}
	for name, tc := range map[string]struct {
		o       observed
		skip    bool
		decline bool
		push    bool
		open    opening
	}{
		"nothing there":                                               {o: observed{}, push: true, open: mustCreate},
		"a branch that a dead run left":                               {o: observed{tip: "tip", says: true}, open: mustCreate},
		"a foreign branch":                                            {o: observed{tip: "x", foreign: true}, skip: true},
		"open and right":                                              {o: observed{tip: "tip", says: true, requests: []forge.MergeRequest{request("opened", none)}}},
		"open, content differs, branch is ours":                       {o: observed{tip: "tip", requests: []forge.MergeRequest{request("opened", none)}}, push: true},
		"open, content differs, people's commits":                     {o: observed{tip: "x", foreign: true, requests: []forge.MergeRequest{request("opened", none)}}, skip: true},
		"open with people's commits, but right":                       {o: observed{tip: "x", says: true, foreign: true, requests: []forge.MergeRequest{request("opened", none)}}},
		"open, branch deleted":                                        {o: observed{requests: []forge.MergeRequest{request("opened", none)}}, skip: true},
		"being merged":                                                {o: observed{tip: "tip", says: true, requests: []forge.MergeRequest{request("locked", none)}}, skip: true},
		"held by label":                                               {o: observed{tip: "tip", requests: []forge.MergeRequest{request("opened", func(_ *state, r *forge.MergeRequest) { r.Labels = []string{holdLabel} })}}, skip: true},
		"conflict on our own branch":                                  {o: observed{tip: "tip", says: true, requests: []forge.MergeRequest{request("opened", func(_ *state, r *forge.MergeRequest) { r.DetailedMergeStatus = "conflict" })}}, push: true},
		"conflict behind being a draft":                               {o: observed{tip: "tip", says: true, requests: []forge.MergeRequest{request("opened", func(_ *state, r *forge.MergeRequest) { r.DetailedMergeStatus, r.HasConflicts = "draft_status", true })}}, push: true},
		"conflict on a branch with people's commits":                  {o: observed{tip: "x", says: true, foreign: true, requests: []forge.MergeRequest{request("opened", func(_ *state, r *forge.MergeRequest) { r.DetailedMergeStatus = "conflict" })}}, skip: true},
		"default branch renamed":                                      {o: observed{tip: "tip", says: true, requests: []forge.MergeRequest{request("opened", func(s *state, r *forge.MergeRequest) { s.Target, r.TargetBranch = "master", "master" })}}, push: true},
		"default branch renamed, people's commits":                    {o: observed{tip: "x", says: true, foreign: true, requests: []forge.MergeRequest{request("opened", func(s *state, r *forge.MergeRequest) { s.Target, r.TargetBranch = "master", "master" })}}},
		"a person chose another target, nothing new":                  {o: observed{tip: "tip", says: true, requests: []forge.MergeRequest{request("opened", func(_ *state, r *forge.MergeRequest) { r.TargetBranch = "next" })}}},
		"a person chose another target, content new":                  {o: observed{tip: "tip", requests: []forge.MergeRequest{request("opened", func(_ *state, r *forge.MergeRequest) { r.TargetBranch = "next" })}}, skip: true},
		"closed by a person":                                          {o: observed{tip: "tip", says: true, requests: []forge.MergeRequest{request("closed", none)}}, skip: true, decline: true},
		"closed by a person, other content now":                       {o: observed{tip: "tip", requests: []forge.MergeRequest{request("closed", func(s *state, _ *forge.MergeRequest) { s.Digest = "old" })}}, push: true, open: mustCreate},
		"closed by the bot, which may not know that it conflicts now": {o: observed{tip: "tip", says: true, requests: []forge.MergeRequest{request("closed", func(s *state, _ *forge.MergeRequest) { s.Closed = true })}}, push: true, open: mustReopen},
		"closed by the bot, people's commits":                         {o: observed{tip: "x", says: true, foreign: true, requests: []forge.MergeRequest{request("closed", func(s *state, _ *forge.MergeRequest) { s.Closed = true })}}, open: mustReopen},
		"merged, and wanted again":                                    {o: observed{tip: "tip", says: true, requests: []forge.MergeRequest{request("merged", none)}}, push: true, open: mustCreate},
		"closed by a person after one that is merged":                 {o: observed{tip: "tip", says: true, requests: []forge.MergeRequest{request("closed", none), request("merged", none)}}, skip: true, decline: true},
		"a person's own closed request of the branch":                 {o: observed{tip: "tip", says: true, requests: []forge.MergeRequest{{State: "closed", Description: "mine"}}}, push: true, open: mustCreate},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &proposal{digest: "same", branch: "tokenward/web", title: "title", change: &FileChange{Base: &git.Snapshot{Branch: "main"}}}
			d := decide(tc.o, p, seal)
			if (d.skip != "") != tc.skip || d.decline != tc.decline || d.push != tc.push || d.open != tc.open {
				t.Errorf("got skip %q, decline %t, push %t, open %d; want %t, %t, %t, %d", d.skip, d.decline, d.push, d.open, tc.skip, tc.decline, tc.push, tc.open)
			}
		})
	}
}

// TestStatusesOtherThanConflictWait: whatever else keeps GitLab from merging a request, or
// a word that it does not say yet, is no reason to push.
func TestStatusesOtherThanConflictWait(t *testing.T) {
	t.Parallel()
	seal := sealer{key: []byte("key")}
	for _, status := range []string{"unchecked", "checking", "preparing", "approvals_syncing", "mergeable", "ci_must_pass", "ci_still_running",
		"discussions_not_resolved", "draft_status", "merge_request_blocked", "need_rebase", "not_approved", "not_open", "requested_changes", "broken_status", "a word of tomorrow", ""} {
		o := observed{tip: "tip", says: true, requests: []forge.MergeRequest{{
			IID: 1, State: forge.Opened, TargetBranch: "main", DetailedMergeStatus: status, Description: enclose(seal.encode(state{Unit: "web", Digest: "same", Head: "tip", Target: "main"})),
		}}}
		p := &proposal{digest: "same", branch: "tokenward/web", change: &FileChange{Base: &git.Snapshot{Branch: "main"}}}
		if d := decide(o, p, seal); d.push || d.skip != "" || d.open != isOpen {
			t.Errorf("%q: %+v", status, d)
		}
	}
}
