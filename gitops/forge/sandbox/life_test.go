package sandbox

import (
	"context"
	"strings"
	"testing"

	"github.com/xanzy/go-gitlab"
)

// must sends a request and fails unless it is answered with want.
func (b *bundle) must(want int, method, path, token, body string) string {
	b.t.Helper()
	code, text := b.call(method, "/api/v4/projects/1"+path, token, body)
	if code != want {
		b.t.Errorf("%s %s %s by %s answers %d %s, want %d", method, path, body, token, code, text, want)
	}
	return text
}

func (b *bundle) status(iid int) string {
	b.t.Helper()
	mr, _, err := b.client("sandbox-developer").MergeRequests.GetMergeRequest(umbrella, iid, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return mr.DetailedMergeStatus
}

func TestApprovals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.set(func(s *ProjectSettings) { s.RequiredApprovals = 1 })
	b.commit("topic", map[string]string{"x": "1\n"})
	mr := b.open("topic")
	if got := b.status(1); got != "not_approved" {
		t.Errorf("status %s", got)
	}
	b.must(405, "PUT", "/merge_requests/1/merge", "sandbox-maintainer", "{}")
	b.must(401, "POST", "/merge_requests/1/approve", "sandbox-developer", "") // the author
	b.must(401, "POST", "/merge_requests/1/approve", "sandbox-reporter", "")
	b.must(409, "POST", "/merge_requests/1/approve", "sandbox-maintainer", `{"sha":"abc"}`)
	b.must(201, "POST", "/merge_requests/1/approve", "sandbox-maintainer", `{"sha":"`+mr.SHA+`"}`)
	b.must(401, "POST", "/merge_requests/1/approve", "sandbox-maintainer", "") // once is enough
	if text := b.must(200, "GET", "/merge_requests/1/approvals", "sandbox-reporter", ""); !strings.Contains(text, `"approvals_left":0`) || !strings.Contains(text, `"approved":true`) {
		t.Error(text)
	}
	if got := b.status(1); got != "mergeable" {
		t.Errorf("status %s", got)
	}
	b.commit("topic", map[string]string{"x": "2\n"})
	if got := b.status(1); got != "not_approved" {
		t.Errorf("after a push: status %s", got)
	}
	notes := b.MergeRequests()[0].Notes
	if last := notes[len(notes)-1]; !last.System || last.Body != "reset approvals from @sandbox-maintainer by pushing to the branch" {
		t.Errorf("%+v", notes)
	}
	b.set(func(s *ProjectSettings) { s.KeepApprovals = true })
	b.must(201, "POST", "/merge_requests/1/approve", "sandbox-maintainer", "")
	b.commit("topic", map[string]string{"x": "3\n"})
	if got := b.status(1); got != "mergeable" {
		t.Errorf("with kept approvals: status %s", got)
	}
	b.must(201, "POST", "/merge_requests/1/unapprove", "sandbox-maintainer", "")
	b.must(404, "POST", "/merge_requests/1/unapprove", "sandbox-maintainer", "")
	b.set(func(s *ProjectSettings) { s.Free = true })
	if got := b.status(1); got != "mergeable" {
		t.Errorf("where approvals are not required: status %s", got)
	}
}

func TestDependenciesBetweenProjects(t *testing.T) {
	t.Parallel()
	b := setup(t)
	makeRepository(t, b.dir, "platform/package")
	for _, branch := range []string{"main", "topic"} {
		if _, err := b.Commit(t.Context(), "platform/package", Commit{Branch: branch, Message: "x", Files: map[string]string{branch: "1\n"}}); err != nil {
			t.Fatal(err)
		}
	}
	first, _, err := b.client("sandbox-developer").MergeRequests.CreateMergeRequest("platform/package", &gitlab.CreateMergeRequestOptions{
		Title: gitlab.Ptr("First"), SourceBranch: gitlab.Ptr("topic"), TargetBranch: gitlab.Ptr("main")})
	if err != nil {
		t.Fatal(err)
	}
	b.commit("topic", map[string]string{"x": "1\n"})
	own := b.open("topic")
	blocks := "/merge_requests/1/blocks"
	body := func(id int) string { return `{"blocking_merge_request_id":` + gitlab.Stringify(id) + `}` }
	b.must(400, "POST", blocks, "sandbox-developer", `{}`)
	b.must(404, "POST", blocks, "sandbox-developer", body(9999))
	b.must(422, "POST", blocks, "sandbox-developer", body(own.ID))
	b.must(403, "POST", blocks, "sandbox-reporter", body(first.ID))
	made := b.must(201, "POST", blocks, "sandbox-developer", body(first.ID))
	b.must(409, "POST", blocks, "sandbox-developer", body(first.ID))
	if !strings.Contains(made, `"web_url":"`+b.url+`/platform/package/-/merge_requests/1"`) {
		t.Error(made)
	}
	if got := b.status(1); got != "merge_request_blocked" {
		t.Errorf("status %s", got)
	}
	b.must(405, "PUT", "/merge_requests/1/merge", "sandbox-maintainer", "{}")
	if err := b.Close(t.Context(), "platform/package", 1); err != nil {
		t.Fatal(err)
	}
	if got := b.status(1); got != "merge_request_blocked" {
		t.Errorf("behind a closed one: status %s", got)
	}
	if err := b.Reopen(t.Context(), "platform/package", 1); err != nil {
		t.Fatal(err)
	}
	if err := b.Merge(t.Context(), "platform/package", 1); err != nil {
		t.Fatal(err)
	}
	if got := b.status(1); got != "mergeable" {
		t.Errorf("behind a merged one: status %s", got)
	}
	id := strings.TrimPrefix(strings.Split(made, ",")[0], `{"id":`)
	b.must(204, "DELETE", blocks+"/"+id, "sandbox-developer", "")
	if text := b.must(200, "GET", blocks, "sandbox-developer", ""); text != "[]" {
		t.Error(text)
	}
}

func TestSlowRebase(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.set(func(s *ProjectSettings) { s.SlowRebases, s.MergeMethod = 1, "ff" })
	b.commit("topic", map[string]string{"x": "1\n"})
	b.commit("clash", map[string]string{"values.yaml": "a: 5\n"})
	b.open("topic")
	b.open("clash")
	b.commit("main", map[string]string{"values.yaml": "a: 2\n"})
	if got := b.status(1); got != "need_rebase" {
		t.Errorf("status %s", got)
	}
	before := b.MergeRequests()[0].SHA
	read := func(iid string) string {
		return b.must(200, "GET", "/merge_requests/"+iid+"?include_rebase_in_progress=true", "sandbox-developer", "")
	}
	b.must(403, "PUT", "/merge_requests/1/rebase", "sandbox-reporter", "{}")
	b.must(202, "PUT", "/merge_requests/1/rebase", "sandbox-developer", "{}")
	b.must(409, "PUT", "/merge_requests/1/rebase", "sandbox-developer", "{}")
	if text := read("1"); !strings.Contains(text, `"rebase_in_progress":true`) || !strings.Contains(text, before) {
		t.Error(text)
	}
	if text := read("1"); !strings.Contains(text, `"rebase_in_progress":false`) || strings.Contains(text, `"sha":"`+before) || !strings.Contains(text, `"merge_error":null`) {
		t.Error(text)
	}
	b.must(202, "PUT", "/merge_requests/2/rebase", "sandbox-developer", "{}")
	read("2")
	if text := read("2"); !strings.Contains(text, `"merge_error":"Rebase failed`) {
		t.Error(text)
	}
}

func TestDiscussions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.set(func(s *ProjectSettings) { s.ResolveDiscussions = true })
	b.commit("topic", map[string]string{"x": "1\n"})
	b.open("topic")
	b.commit("topic", map[string]string{"x": "2\n"}) // a system note
	client := b.client("sandbox-maintainer")
	d, _, err := client.Discussions.CreateMergeRequestDiscussion(umbrella, 1, &gitlab.CreateMergeRequestDiscussionOptions{Body: gitlab.Ptr("Why?")})
	if err != nil || d.IndividualNote || len(d.ID) != 40 || !d.Notes[0].Resolvable {
		t.Fatalf("%+v, %v", d, err)
	}
	if got := b.status(1); got != "discussions_not_resolved" {
		t.Errorf("status %s", got)
	}
	if n, _, err := b.client("sandbox-developer").Discussions.AddMergeRequestDiscussionNote(umbrella, 1, d.ID,
		&gitlab.AddMergeRequestDiscussionNoteOptions{Body: gitlab.Ptr("Because.")}); err != nil || n.Type != "DiscussionNote" {
		t.Errorf("%+v, %v", n, err)
	}
	if d, _, err = client.Discussions.ResolveMergeRequestDiscussion(umbrella, 1, d.ID, &gitlab.ResolveMergeRequestDiscussionOptions{Resolved: gitlab.Ptr(true)}); err != nil ||
		len(d.Notes) != 2 || !d.Notes[1].Resolved || d.Notes[0].ResolvedBy.Username != "sandbox-maintainer" {
		t.Errorf("%+v, %v", d, err)
	}
	if got := b.status(1); got != "mergeable" {
		t.Errorf("status %s", got)
	}
	all, _, err := client.Discussions.ListMergeRequestDiscussions(umbrella, 1, nil)
	if err != nil || len(all) != 3 || !all[0].IndividualNote || !all[0].Notes[0].System || len(all[1].Notes) != 2 || all[2].Notes[0].Body != "resolved all threads" {
		t.Fatalf("%+v, %v", all, err)
	}
	b.must(400, "POST", "/merge_requests/1/discussions/"+all[0].ID+"/notes", "sandbox-developer", `{"body":"to the machine"}`)
	b.must(404, "POST", "/merge_requests/1/discussions/none/notes", "sandbox-developer", `{"body":"x"}`)
	b.must(400, "POST", "/merge_requests/1/notes", "sandbox-developer", `{"body":"  "}`)
	b.must(400, "POST", "/merge_requests/1/notes", "sandbox-developer", `{"body":"`+strings.Repeat("x", 1_000_001)+`"}`)
}

func TestIssuesOfTheSandbox(t *testing.T) {
	t.Parallel()
	b := setup(t)
	client := b.client("sandbox-developer")
	i, _, err := client.Issues.CreateIssue(umbrella, &gitlab.CreateIssueOptions{
		Title: gitlab.Ptr("Dashboard"), Description: gitlab.Ptr("- [ ] rescan"), Labels: &gitlab.LabelOptions{"bot"}, AssigneeIDs: &[]int{1}})
	if err != nil || i.IID != 1 || i.State != "opened" || i.Assignee.Username != "sandbox-maintainer" || i.References.Full != umbrella+"#1" || i.TaskCompletionStatus.Count != 1 {
		t.Fatalf("%+v, %v", i, err)
	}
	b.must(201, "POST", "/issues", "guest-secret", `{"title":"From a guest","labels":"bot"}`) // guests' labels are dropped
	b.must(201, "POST", "/issues", "sandbox-maintainer", `{"title":"Secret","confidential":true}`)
	b.must(400, "POST", "/issues", "sandbox-maintainer", `{"description":"no title"}`)
	b.must(404, "GET", "/issues/3", "guest-secret", "")
	b.must(403, "PUT", "/issues/1", "guest-secret", `{"title":"x"}`)
	if found, _, err := client.Issues.ListProjectIssues(umbrella, &gitlab.ListProjectIssuesOptions{Labels: &gitlab.LabelOptions{"bot"}}); err != nil || len(found) != 1 {
		t.Errorf("%v, %v", found, err)
	}
	if i, _, err = client.Issues.UpdateIssue(umbrella, 1, &gitlab.UpdateIssueOptions{Description: gitlab.Ptr("- [x] rescan"), AddLabels: &gitlab.LabelOptions{"done"}}); err != nil ||
		i.TaskCompletionStatus.CompletedCount != 1 || len(i.Labels) != 2 {
		t.Errorf("%+v, %v", i, err)
	}
	b.commit("topic", map[string]string{"x": "1\n"})
	b.open("topic")
	b.must(200, "PUT", "/merge_requests/1", "sandbox-developer", `{"description":"Closes #1 and `+umbrella+`#2, but not other/place#3"}`)
	if err := b.Merge(t.Context(), umbrella, 1); err != nil {
		t.Fatal(err)
	}
	var states []string
	for _, i := range b.Issues() {
		states = append(states, i.State)
	}
	if got := strings.Join(states, " "); got != "closed closed opened" {
		t.Errorf("states %s", got)
	}
	b.set(func(s *ProjectSettings) { s.IssuesDisabled = true })
	b.must(404, "GET", "/issues/1", "sandbox-maintainer", "")
	b.must(403, "POST", "/issues", "sandbox-maintainer", `{"title":"x"}`)
	if text := b.must(200, "GET", "/issues", "sandbox-maintainer", ""); text != "[]" {
		t.Error(text)
	}
}

func TestSystemNotesTellWhatHappened(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.commit("topic", map[string]string{"x": "1\n"})
	b.open("topic")
	for _, body := range []string{
		`{"title":"Draft: Change topic"}`, `{"title":"Change topic"}`, `{"reviewer_ids":[1]}`, `{"reviewer_ids":[3]}`, `{"assignee_ids":[2]}`, `{"assignee_ids":[0]}`,
	} {
		b.must(200, "PUT", "/merge_requests/1", "sandbox-developer", body)
	}
	b.must(204, "DELETE", "/repository/branches/topic", "sandbox-developer", "")
	var got []string
	for _, n := range b.MergeRequests()[0].Notes {
		got = append(got, n.Body)
	}
	want := "marked this merge request as **draft**|marked this merge request as **ready**|requested review from @sandbox-maintainer|" +
		"requested review from @sandbox-reporter and removed review request for @sandbox-maintainer|assigned to @sandbox-developer|" +
		"unassigned @sandbox-developer|deleted source branch `topic`"
	if joined := strings.Join(got, "|"); joined != want {
		t.Errorf("got  %s\nwant %s", joined, want)
	}
	if err := b.WaitDeliveries(context.Background()); err != nil {
		t.Error(err)
	}
}
