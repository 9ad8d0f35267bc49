package sandbox

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xanzy/go-gitlab"
)

// status returns the HTTP status behind a client's error, 0 for none.
func status(err error) int {
	var refused *gitlab.ErrorResponse
	switch {
	case errors.Is(err, gitlab.ErrNotFound):
		return http.StatusNotFound
	case errors.As(err, &refused):
		return refused.Response.StatusCode
	}
	return 0
}

func TestCreateUpdateCloseReopen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	head := b.commit("topic", map[string]string{"values.yaml": "a: 2\n"})
	client := b.client("sandbox-developer")
	mr, _, err := client.MergeRequests.CreateMergeRequest(umbrella, &gitlab.CreateMergeRequestOptions{
		Title: gitlab.Ptr("Draft: Harden argocd"), Description: gitlab.Ptr("- [x] one\n- [ ] two\n"),
		SourceBranch: gitlab.Ptr("topic"), TargetBranch: gitlab.Ptr("main"),
		Labels: &gitlab.LabelOptions{"security", "bot"}, ReviewerIDs: &[]int{1, 99}, AssigneeIDs: &[]int{2}, RemoveSourceBranch: gitlab.Ptr(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	got := []any{mr.IID, mr.State, mr.SHA, mr.Draft, mr.DetailedMergeStatus, []string(mr.Labels), mr.Author.Username, len(mr.Reviewers), mr.Reviewers[0].ID,
		mr.Assignee.Username, mr.ForceRemoveSourceBranch, mr.WebURL, mr.References.Full, mr.TaskCompletionStatus.CompletedCount, mr.ProjectID, mr.ChangesCount}
	want := []any{1, "opened", head, true, "draft_status", []string{"bot", "security"}, "sandbox-developer", 1, 1,
		"sandbox-developer", true, b.url + "/platform/umbrella/-/merge_requests/1", "platform/umbrella!1", 1, 1, "1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("created request differs:\n%s", diff)
	}
	_, _, err = client.MergeRequests.CreateMergeRequest(umbrella, &gitlab.CreateMergeRequestOptions{
		Title: gitlab.Ptr("Again"), SourceBranch: gitlab.Ptr("topic"), TargetBranch: gitlab.Ptr("main")})
	if status(err) != 409 || !strings.Contains(err.Error(), "Another open merge request already exists for this source branch: !1") {
		t.Errorf("a second request answers %v, want 409", err)
	}
	update := func(opt gitlab.UpdateMergeRequestOptions) *gitlab.MergeRequest {
		t.Helper()
		mr, _, err := client.MergeRequests.UpdateMergeRequest(umbrella, 1, &opt)
		if err != nil {
			t.Fatal(err)
		}
		return mr
	}
	mr = update(gitlab.UpdateMergeRequestOptions{Title: gitlab.Ptr("Harden argocd"), Description: gitlab.Ptr("new"),
		AddLabels: &gitlab.LabelOptions{"extra"}, RemoveLabels: &gitlab.LabelOptions{"bot"}, ReviewerIDs: &[]int{0}})
	if mr.Draft || mr.Title != "Harden argocd" || mr.Description != "new" || len(mr.Reviewers) != 0 || mr.DetailedMergeStatus != "mergeable" {
		t.Errorf("updated request is %+v", mr)
	}
	if diff := cmp.Diff([]string{"extra", "security"}, []string(mr.Labels)); diff != "" {
		t.Errorf("labels differ:\n%s", diff)
	}
	mr = update(gitlab.UpdateMergeRequestOptions{Labels: &gitlab.LabelOptions{}, StateEvent: gitlab.Ptr("close")})
	if mr.State != "closed" || mr.ClosedBy.Username != "sandbox-developer" || mr.ClosedAt == nil || len(mr.Labels) != 0 || mr.DetailedMergeStatus != "not_open" {
		t.Errorf("closed request is %+v", mr)
	}
	other := b.open("topic") // allowed now
	if _, _, err := client.MergeRequests.UpdateMergeRequest(umbrella, 1, &gitlab.UpdateMergeRequestOptions{StateEvent: gitlab.Ptr("reopen")}); status(err) != 409 {
		t.Errorf("reopening beside !%d answers %v, want 409", other.IID, err)
	}
	if err := b.Close(t.Context(), umbrella, other.IID); err != nil {
		t.Fatal(err)
	}
	if mr = update(gitlab.UpdateMergeRequestOptions{StateEvent: gitlab.Ptr("reopen")}); mr.State != "opened" || mr.ClosedAt != nil {
		t.Errorf("reopened request is %+v", mr)
	}
	labels, _, err := client.Labels.ListLabels(umbrella, nil)
	if err != nil || len(labels) != 3 || labels[0].Name != "bot" || labels[0].Color != "#6699cc" || !labels[0].IsProjectLabel {
		t.Errorf("labels of the project are %v (%v)", labels, err)
	}
	if _, _, err := b.client("sandbox-reporter").MergeRequests.UpdateMergeRequest(umbrella, 1, &gitlab.UpdateMergeRequestOptions{Title: gitlab.Ptr("x")}); status(err) != 403 {
		t.Errorf("a reporter's update answers %v, want 403", err)
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, branch := range []string{"one", "two", "three"} {
		b.commit(branch, map[string]string{branch: "1\n"})
		b.open(branch)
	}
	b.commit("four", map[string]string{"four": "1\n"})
	if _, _, err := b.client("sandbox-maintainer").MergeRequests.CreateMergeRequest(umbrella, &gitlab.CreateMergeRequestOptions{
		Title: gitlab.Ptr("Fourth"), SourceBranch: gitlab.Ptr("four"), TargetBranch: gitlab.Ptr("one"), Labels: &gitlab.LabelOptions{"bot"}}); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(t.Context(), umbrella, 2); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name string
		opt  gitlab.ListProjectMergeRequestsOptions
		want []int
	}{
		{"all", gitlab.ListProjectMergeRequestsOptions{}, []int{4, 3, 2, 1}},
		{"opened", gitlab.ListProjectMergeRequestsOptions{State: gitlab.Ptr("opened")}, []int{4, 3, 1}},
		{"closed", gitlab.ListProjectMergeRequestsOptions{State: gitlab.Ptr("closed")}, []int{2}},
		{"source", gitlab.ListProjectMergeRequestsOptions{SourceBranch: gitlab.Ptr("three")}, []int{3}},
		{"target", gitlab.ListProjectMergeRequestsOptions{TargetBranch: gitlab.Ptr("one")}, []int{4}},
		{"author", gitlab.ListProjectMergeRequestsOptions{AuthorUsername: gitlab.Ptr("sandbox-maintainer")}, []int{4}},
		{"author id", gitlab.ListProjectMergeRequestsOptions{AuthorID: gitlab.Ptr(2)}, []int{3, 2, 1}},
		{"label", gitlab.ListProjectMergeRequestsOptions{Labels: &gitlab.LabelOptions{"bot"}}, []int{4}},
		{"search", gitlab.ListProjectMergeRequestsOptions{Search: gitlab.Ptr("TH")}, []int{4, 3}},
		{"iids", gitlab.ListProjectMergeRequestsOptions{IIDs: &[]int{1, 3}}, []int{3, 1}},
		{"oldest first", gitlab.ListProjectMergeRequestsOptions{Sort: gitlab.Ptr("asc")}, []int{1, 2, 3, 4}},
		{"updated", gitlab.ListProjectMergeRequestsOptions{OrderBy: gitlab.Ptr("updated_at")}, []int{2, 4, 3, 1}},
		{"mine", gitlab.ListProjectMergeRequestsOptions{Scope: gitlab.Ptr("created_by_me")}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			list, _, err := b.client("sandbox-reporter").MergeRequests.ListProjectMergeRequests(umbrella, &c.opt)
			if err != nil {
				t.Fatal(err)
			}
			var got []int
			for _, mr := range list {
				got = append(got, mr.IID)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("iids differ:\n%s", diff)
			}
		})
	}
}

func TestDiffs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := b.clone("sandbox-developer")
	runGit(t, dir, "checkout", "--quiet", "-b", "topic")
	change(t, dir, "values.yaml", "a: 1\nb: 2\nb2: 2\nc: 3\nd: 4\ne: 5\n")
	change(t, dir, "new ü.txt", "diff --git a/x b/x\n--- a/x\n+++ b/x")
	runGit(t, dir, "mv", "README.md", "READ.md")
	runGit(t, dir, "commit", "--quiet", "-m", "Rename")
	runGit(t, dir, "push", "--quiet", "origin", "topic")
	b.commit("main", map[string]string{"later.txt": "not of the request\n"})
	mr := b.open("topic")
	files, _, err := b.client("sandbox-reporter").MergeRequests.ListMergeRequestDiffs(umbrella, mr.IID, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []*gitlab.MergeRequestDiff{
		{OldPath: "README.md", NewPath: "READ.md", AMode: "100644", BMode: "100644", RenamedFile: true},
		{OldPath: "new ü.txt", NewPath: "new ü.txt", AMode: "000000", BMode: "100644", NewFile: true,
			Diff: "@@ -0,0 +1,3 @@\n+diff --git a/x b/x\n+--- a/x\n++++ b/x\n\\ No newline at end of file\n"},
		{OldPath: "values.yaml", NewPath: "values.yaml", AMode: "100644", BMode: "100644",
			Diff: "@@ -1,5 +1,6 @@\n a: 1\n b: 2\n+b2: 2\n c: 3\n d: 4\n e: 5\n"},
	}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Errorf("diffs differ:\n%s", diff)
	}
	commits, _, err := b.client("sandbox-reporter").MergeRequests.GetMergeRequestCommits(umbrella, mr.IID, nil)
	if err != nil || len(commits) != 3 || commits[0].Title != "Rename" || commits[0].AuthorEmail != "pat@example.com" {
		t.Errorf("commits are %v (%v)", commits, err)
	}
	one, _, err := b.client("sandbox-reporter").MergeRequests.GetMergeRequest(umbrella, mr.IID, &gitlab.GetMergeRequestsOptions{IncludeDivergedCommitsCount: gitlab.Ptr(true)})
	if err != nil || one.DivergedCommitsCount != 1 || one.ChangesCount != "3" || one.DiffRefs.HeadSha != mr.SHA {
		t.Errorf("request is %+v (%v)", one, err)
	}
}

func TestFileBecomesLink(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := b.clone("sandbox-developer")
	runGit(t, dir, "checkout", "--quiet", "-b", "topic")
	runGit(t, dir, "rm", "--quiet", "README.md")
	runGit(t, dir, "-c", "core.symlinks=true", "update-index", "--add", "--cacheinfo", "120000,"+runGit(t, dir, "hash-object", "-w", "values.yaml")+",README.md")
	runGit(t, dir, "commit", "--quiet", "-m", "Link")
	change(t, dir, "z.txt", "z\n")
	runGit(t, dir, "push", "--quiet", "origin", "topic")
	mr := b.open("topic")
	files, _, err := b.client("sandbox-reporter").MergeRequests.ListMergeRequestDiffs(umbrella, mr.IID, nil)
	if err != nil || len(files) != 2 || files[0].BMode != "120000" || files[1].Diff != "@@ -0,0 +1 @@\n+z\n" {
		t.Errorf("diffs are %+v (%v)", files, err)
	}
}

func TestNotes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.commit("topic", map[string]string{"a": "1\n"})
	b.open("topic")
	client := b.client("sandbox-reporter")
	first, _, err := client.Notes.CreateMergeRequestNote(umbrella, 1, &gitlab.CreateMergeRequestNoteOptions{Body: gitlab.Ptr("first")})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.AddNote(t.Context(), umbrella, 1, "gwen", "second"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := client.Notes.UpdateMergeRequestNote(umbrella, 1, first.ID, &gitlab.UpdateMergeRequestNoteOptions{Body: gitlab.Ptr("edited")}); err != nil {
		t.Fatal(err)
	}
	notes, _, err := client.Notes.ListMergeRequestNotes(umbrella, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range notes {
		got = append(got, n.Author.Username+": "+n.Body)
	}
	if diff := cmp.Diff([]string{"gwen: second", "sandbox-reporter: edited"}, got); diff != "" {
		t.Errorf("notes, newest first, differ:\n%s", diff)
	}
	if _, _, err := client.Notes.UpdateMergeRequestNote(umbrella, 1, notes[0].ID, &gitlab.UpdateMergeRequestNoteOptions{Body: gitlab.Ptr("x")}); status(err) != 403 {
		t.Errorf("editing somebody else's note answers %v, want 403", err)
	}
	mr, _, err := client.MergeRequests.GetMergeRequest(umbrella, 1, nil)
	if err != nil || mr.UserNotesCount != 2 {
		t.Errorf("request counts %d notes (%v)", mr.UserNotesCount, err)
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const people = 4
	for n := range people {
		b.commit("topic-"+string(rune('a'+n)), map[string]string{"file" + string(rune('a'+n)): "1\n"})
	}
	var group, asked sync.WaitGroup
	asked.Add(2 * people)
	won := make(chan int, 2*people)
	for n := range 2 * people { // two for each branch: one of them must lose
		group.Go(func() {
			mr, _, err := b.client("sandbox-developer").MergeRequests.CreateMergeRequest(umbrella, &gitlab.CreateMergeRequestOptions{
				Title: gitlab.Ptr("x"), SourceBranch: gitlab.Ptr("topic-" + string(rune('a'+n%people))), TargetBranch: gitlab.Ptr("main")})
			asked.Done()
			if err != nil {
				if status(err) != 409 {
					t.Error(err)
				}
				return
			}
			asked.Wait() // once the first is merged, a second may be opened
			won <- mr.IID
			b.MergeRequests()
			b.Requests()
			b.call("GET", "/", "", "")
			if err := b.Merge(t.Context(), umbrella, mr.IID); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	close(won)
	for _, mr := range b.MergeRequests() {
		if mr.State != "merged" {
			t.Errorf("!%d is %s", mr.IID, mr.State)
		}
	}
	if len(won) != people {
		t.Errorf("%d requests were opened, want %d", len(won), people)
	}
}
