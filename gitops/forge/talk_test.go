package forge_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenward/gitops/forge"
	"tokenward/gitops/forge/sandbox"
)

// opened serves a sandbox with one open merge request and returns clients for
// its author and its maintainer.
func opened(t *testing.T, wrap func(http.Handler) http.Handler) (s *served, p forge.Project, mr forge.MergeRequest, bot, maintainer *forge.Client) {
	t.Helper()
	s = serveSandbox(t, wrap)
	bot, maintainer = s.client(t, "sandbox-developer"), s.client(t, "sandbox-maintainer")
	p, err := bot.Project(t.Context(), "group/app")
	if err != nil {
		t.Fatal(err)
	}
	mr, err = bot.CreateMergeRequest(t.Context(), p.ID, forge.NewMergeRequest{SourceBranch: "topic", TargetBranch: "main", Title: "Harden"})
	if err != nil {
		t.Fatal(err)
	}
	return s, p, mr, bot, maintainer
}

func bodies(notes []forge.Note) (all []string) {
	for _, n := range notes {
		if !n.System {
			all = append(all, n.Author.Username+": "+n.Body)
		}
	}
	return all
}

func TestNotesAndReplies(t *testing.T) {
	t.Parallel()
	s, p, mr, bot, maintainer := opened(t, nil)
	ctx := t.Context()
	say := func(body string) {
		t.Helper()
		if err := s.AddNote(ctx, "group/app", int(mr.IID), "sandbox-maintainer", body); err != nil {
			t.Fatal(err)
		}
	}
	say("/tokenward explain web")
	notes, err := bot.Notes(ctx, p.ID, mr.IID)
	if err != nil || len(notes) != 1 || notes[0].ID == 0 || notes[0].CreatedAt.IsZero() || len(notes[0].DiscussionID) != 40 {
		t.Fatalf("%+v, %v", notes, err)
	}
	answer, err := bot.Reply(ctx, p.ID, mr.IID, notes[0].DiscussionID, "It has no role. <!-- key 1 -->", "<!-- key 1 -->")
	if err != nil || answer.DiscussionID != notes[0].DiscussionID {
		t.Fatalf("%+v, %v", answer, err)
	}
	if _, err := bot.Reply(ctx, p.ID, mr.IID, notes[0].DiscussionID, "text", "<!-- key -->"); err == nil || errors.Is(err, forge.ErrUnavailable) {
		t.Errorf("a key that is not in the note: %v", err)
	}
	for n := range 130 {
		say(strings.Repeat("x", n+1))
	}
	notes, err = maintainer.Notes(ctx, p.ID, mr.IID)
	if err != nil || len(notes) != 132 {
		t.Fatalf("%d notes, %v", len(notes), err)
	}
	want := []string{"sandbox-maintainer: /tokenward explain web", "sandbox-developer: It has no role. <!-- key 1 -->", "sandbox-maintainer: x"}
	if diff := cmp.Diff(want, bodies(notes)[:3]); diff != "" {
		t.Error(diff)
	}
}

func TestIssuesThroughTheAdapter(t *testing.T) {
	t.Parallel()
	s, p, _, bot, maintainer := opened(t, nil)
	ctx := t.Context()
	if !p.IssuesEnabled {
		t.Fatalf("%+v", p)
	}
	n := forge.NewIssue{Title: "tokenward", Description: "State.\n<!-- marker -->", Labels: []string{"tokenward"}}
	made, err := bot.CreateIssue(ctx, p.ID, n, "<!-- marker -->")
	if err != nil || made.IID != 1 || made.State != forge.Opened || made.Reference != "group/app#1" || made.Author.Username != "sandbox-developer" {
		t.Fatalf("%+v, %v", made, err)
	}
	if _, err := maintainer.CreateIssue(ctx, p.ID, forge.NewIssue{Title: "Another", Labels: []string{"tokenward"}}, ""); err != nil {
		t.Fatal(err)
	}
	found, err := maintainer.Issues(ctx, p.ID, forge.IssueFilter{Label: "tokenward", State: forge.Opened, Marker: "<!-- marker -->"})
	if err != nil || len(found) != 1 || found[0].IID != 1 {
		t.Fatalf("%+v, %v", found, err)
	}
	text := "New state.\n<!-- marker -->"
	changed, err := bot.UpdateIssue(ctx, p.ID, 1, forge.IssueUpdate{Description: &text, AddLabels: []string{"x"}, RemoveLabels: []string{"tokenward"}, StateEvent: forge.Close})
	if err != nil || changed.Description != text || changed.State != forge.Closed || !slices.Equal(changed.Labels, []string{"x"}) {
		t.Fatalf("%+v, %v", changed, err)
	}
	if err := s.SetProject(ctx, "group/app", func(p *sandbox.ProjectSettings) { p.IssuesDisabled = true }); err != nil {
		t.Fatal(err)
	}
	if p, err = bot.Project(ctx, "group/app"); err != nil || p.IssuesEnabled {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := bot.CreateIssue(ctx, p.ID, n, ""); !errors.Is(err, forge.ErrForbidden) {
		t.Errorf("%v", err)
	}
	if found, err := bot.Issues(ctx, p.ID, forge.IssueFilter{}); err != nil || len(found) != 0 {
		t.Errorf("%v, %v", found, err)
	}
}

// TestNothingIsWrittenTwice cuts every answer to a POST after the server acted.
func TestNothingIsWrittenTwice(t *testing.T) {
	t.Parallel()
	cut := false
	s, p, mr, bot, _ := opened(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !cut || r.Method != http.MethodPost {
				next.ServeHTTP(w, r)
				return
			}
			next.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		})
	})
	ctx := t.Context()
	if err := s.AddNote(ctx, "group/app", int(mr.IID), "sandbox-maintainer", "Quoting <!-- k -->"); err != nil {
		t.Fatal(err)
	}
	notes, err := bot.Notes(ctx, p.ID, mr.IID)
	if err != nil || len(notes) != 1 {
		t.Fatalf("%+v, %v", notes, err)
	}
	discussion := notes[0].DiscussionID
	cut = true
	note, err := bot.Reply(ctx, p.ID, mr.IID, discussion, "Hello <!-- k -->", "<!-- k -->")
	if err != nil || note.Author.Username != "sandbox-developer" || note.DiscussionID != discussion {
		t.Fatalf("%+v, %v", note, err)
	}
	if _, err := bot.CreateIssue(ctx, p.ID, forge.NewIssue{Title: "One", Description: "<!-- i -->"}, "<!-- i -->"); err != nil {
		t.Fatal(err)
	}
	if err := bot.BlockMergeRequest(ctx, p.ID, mr.IID, mr.ID+1000); !errors.Is(err, forge.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	if _, err := bot.Reply(ctx, p.ID, mr.IID, discussion, "No key", ""); !errors.Is(err, forge.ErrUnavailable) {
		t.Errorf("%v", err)
	}
	var said []string
	for _, n := range s.MergeRequests()[0].Notes {
		said = append(said, n.Body)
	}
	if diff := cmp.Diff([]string{"Quoting <!-- k -->", "Hello <!-- k -->", "No key"}, said); diff != "" {
		t.Error(diff)
	}
	if got := len(s.Issues()); got != 1 {
		t.Errorf("%d issues, want 1", got)
	}
}

func TestMembersAndRights(t *testing.T) {
	t.Parallel()
	_, p, _, bot, maintainer := opened(t, nil)
	ctx := t.Context()
	boss, found, err := bot.UserByName(ctx, "@Sandbox-Maintainer")
	if err != nil || !found || boss.ID != 1 || boss.State != "active" {
		t.Fatalf("%+v %v, %v", boss, found, err)
	}
	if _, found, err := bot.UserByName(ctx, "nobody"); found || err != nil {
		t.Errorf("%v, %v", found, err)
	}
	for id, want := range map[int64]int{1: 40, 2: 30, 3: 20, 99: 0} {
		if level, err := bot.AccessLevel(ctx, p.ID, id); err != nil || level != want {
			t.Errorf("user %d has level %d, %v, want %d", id, level, err, want)
		}
	}
	members, err := bot.GroupMembers(ctx, "@group")
	if err != nil || len(members) != 3 || members[0].AccessLevel != 40 {
		t.Errorf("%+v, %v", members, err)
	}
	if _, err := bot.GroupMembers(ctx, "none"); !errors.Is(err, forge.ErrNotFound) {
		t.Errorf("%v", err)
	}
	if _, err := bot.ProtectedBranches(ctx, p.ID); !errors.Is(err, forge.ErrForbidden) {
		t.Errorf("%v", err)
	}
	rules, err := maintainer.ProtectedBranches(ctx, p.ID)
	if diff := cmp.Diff([]forge.ProtectedBranch{{Pattern: "main", Push: 40, Merge: 40}}, rules); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

func TestDependencyAndRules(t *testing.T) {
	t.Parallel()
	s, p, mr, bot, maintainer := opened(t, nil)
	ctx := t.Context()
	if _, err := s.Commit(ctx, "group/app", sandbox.Commit{Branch: "second", Message: "Second", Files: map[string]string{"second": "1\n"}}); err != nil {
		t.Fatal(err)
	}
	second, err := bot.CreateMergeRequest(ctx, p.ID, forge.NewMergeRequest{SourceBranch: "second", TargetBranch: "main", Title: "Second"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time it is there already
		if err := bot.BlockMergeRequest(ctx, p.ID, second.IID, mr.ID); err != nil {
			t.Fatal(err)
		}
	}
	if second, err = bot.MergeRequest(ctx, p.ID, second.IID); err != nil || second.DetailedMergeStatus != "merge_request_blocked" {
		t.Errorf("%s, %v", second.DetailedMergeStatus, err)
	}
	if err := s.Merge(ctx, "group/app", int(mr.IID)); err != nil {
		t.Fatal(err)
	}
	if mr, err = bot.MergeRequest(ctx, p.ID, mr.IID); err != nil || mr.State != forge.Merged {
		t.Errorf("%+v, %v", mr, err)
	}
	if second, err = bot.MergeRequest(ctx, p.ID, second.IID); err != nil || second.DetailedMergeStatus != "mergeable" {
		t.Errorf("%s, %v", second.DetailedMergeStatus, err)
	}
	if _, some, err := maintainer.PushRules(ctx, p.ID); some || err != nil {
		t.Errorf("%v, %v", some, err)
	}
	if err := s.SetProject(ctx, "group/app", func(p *sandbox.ProjectSettings) {
		p.PushRules = &sandbox.PushRules{BranchName: "^bot/", MemberCheck: true}
	}); err != nil {
		t.Fatal(err)
	}
	rules, some, err := maintainer.PushRules(ctx, p.ID)
	if diff := cmp.Diff(forge.PushRules{BranchName: "^bot/", MemberCheck: true}, rules); !some || err != nil || diff != "" {
		t.Errorf("%v %v %s", some, err, diff)
	}
	if err := s.SetProject(ctx, "group/app", func(p *sandbox.ProjectSettings) { p.Free = true }); err != nil {
		t.Fatal(err)
	}
	if err := bot.BlockMergeRequest(ctx, p.ID, second.IID, mr.ID); !errors.Is(err, forge.ErrNotFound) {
		t.Errorf("%v", err)
	}
	if _, some, err := maintainer.PushRules(ctx, p.ID); some || err != nil {
		t.Errorf("%v, %v", some, err)
	}
}

func TestReviewersJoinThoseWhoAreThere(t *testing.T) {
	t.Parallel()
	s, p, mr, bot, maintainer := opened(t, nil)
	ctx := t.Context()
	add := func(c *forge.Client, ids ...int64) forge.MergeRequest {
		t.Helper()
		mr, err := c.UpdateMergeRequest(ctx, p.ID, mr.IID, forge.MergeRequestUpdate{AddReviewerIDs: ids})
		if err != nil {
			t.Fatal(err)
		}
		return mr
	}
	add(maintainer, 3)
	if got := add(bot, 1, 3); len(got.Reviewers) != 2 || got.Reviewers[0].ID != 3 || got.Reviewers[1].Username != "sandbox-maintainer" {
		t.Errorf("%+v", got.Reviewers)
	}
	s.ResetRequests()
	add(bot, 1)
	for _, r := range s.Requests() {
		if r.Method != http.MethodGet {
			t.Errorf("%s %s, though nobody is new", r.Method, r.Path)
		}
	}
}

func TestMovedProjects(t *testing.T) {
	t.Parallel()
	s, p, mr, bot, _ := opened(t, nil)
	ctx := t.Context()
	if err := s.Move(ctx, "group/app", "other/place/app"); err != nil {
		t.Fatal(err)
	}
	moved, err := bot.Project(ctx, "group/app")
	if err != nil || moved.ID != p.ID || moved.Path != "other/place/app" {
		t.Fatalf("%+v, %v", moved, err)
	}
	if now, err := bot.MergeRequest(ctx, p.ID, mr.IID); err != nil || now.Reference != "other/place/app!1" {
		t.Errorf("%+v, %v", now, err)
	}
}
