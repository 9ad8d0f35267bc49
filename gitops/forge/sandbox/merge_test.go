package sandbox

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xanzy/go-gitlab"
)

func TestMerge(t *testing.T) {
	t.Parallel()
	b := setup(t)
	head := b.commit("topic", map[string]string{"values.yaml": "a: 1\nb: 2\nc: 3\nd: 4\ne: 6\n"})
	b.commit("main", map[string]string{"values.yaml": "a: 0\nb: 2\nc: 3\nd: 4\ne: 5\n"})
	b.open("topic")
	accept := func(token string, opt gitlab.AcceptMergeRequestOptions) (*gitlab.MergeRequest, error) {
		mr, _, err := b.client(token).MergeRequests.AcceptMergeRequest(umbrella, 1, &opt)
		return mr, err
	}
	if _, err := accept("sandbox-developer", gitlab.AcceptMergeRequestOptions{}); status(err) != 401 {
		t.Errorf("a developer's merge answers %v, want 401", err)
	}
	if _, err := accept("sandbox-maintainer", gitlab.AcceptMergeRequestOptions{SHA: gitlab.Ptr(strings.Repeat("1", 40))}); status(err) != 409 ||
		!strings.Contains(err.Error(), "SHA does not match HEAD of source branch: "+head) {
		t.Errorf("a merge of another commit answers %v, want 409", err)
	}
	mr, err := accept("sandbox-maintainer", gitlab.AcceptMergeRequestOptions{SHA: &head, ShouldRemoveSourceBranch: gitlab.Ptr(true)})
	if err != nil {
		t.Fatal(err)
	}
	if mr.State != "merged" || mr.MergedBy.Username != "sandbox-maintainer" || mr.MergedAt == nil || mr.DetailedMergeStatus != "not_open" || mr.SHA != head {
		t.Errorf("merged request is %+v", mr)
	}
	dir := b.clone("sandbox-reporter")
	if got := runGit(t, dir, "rev-parse", "HEAD"); got != mr.MergeCommitSHA {
		t.Errorf("main is at %s, want the merge commit %s", got, mr.MergeCommitSHA)
	}
	if got, want := runGit(t, dir, "show", "HEAD:values.yaml"), "a: 0\nb: 2\nc: 3\nd: 4\ne: 6"; got != want {
		t.Errorf("merged file is %q, want %q", got, want)
	}
	wantLog := "Sandbox Maintainer|Merge branch 'topic' into 'main'\n\nChange topic\n\nSee merge request platform/umbrella!1"
	if diff := cmp.Diff(wantLog, runGit(t, dir, "log", "-1", "--format=%an|%B")); diff != "" {
		t.Errorf("merge commit differs:\n%s", diff)
	}
	if out := runGit(t, dir, "branch", "-r"); strings.Contains(out, "topic") {
		t.Errorf("the source branch is still there: %s", out)
	}
	files, _, err := b.client("sandbox-reporter").MergeRequests.ListMergeRequestDiffs(umbrella, 1, nil)
	if err != nil || len(files) != 1 || !strings.Contains(files[0].Diff, "+e: 6\n") {
		t.Errorf("after the merge the diff is %v (%v)", files, err)
	}
	if _, err := accept("sandbox-maintainer", gitlab.AcceptMergeRequestOptions{}); status(err) != 405 {
		t.Errorf("a second merge answers %v, want 405", err)
	}
}

func TestMergeStatuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.commit("topic", map[string]string{"values.yaml": "a: 2\n"})
	b.commit("same", nil)
	get := func(iid int) *gitlab.MergeRequest {
		t.Helper()
		mr, _, err := b.client("sandbox-reporter").MergeRequests.GetMergeRequest(umbrella, iid, nil)
		if err != nil {
			t.Fatal(err)
		}
		return mr
	}
	expect := func(iid int, want string, conflicts bool) {
		t.Helper()
		if mr := get(iid); mr.DetailedMergeStatus != want || mr.HasConflicts != conflicts {
			t.Errorf("!%d is %s, conflicts %v, want %s, %v", iid, mr.DetailedMergeStatus, mr.HasConflicts, want, conflicts)
		}
	}
	b.open("topic")
	expect(1, "mergeable", false)
	b.commit("main", map[string]string{"other": "1\n"})
	expect(1, "mergeable", false)
	b.set(func(s *ProjectSettings) { s.MergeMethod = "ff" })
	expect(1, "need_rebase", false)
	b.set(func(s *ProjectSettings) { s.MergeMethod = "merge" })
	b.commit("main", map[string]string{"values.yaml": "a: 3\n"})
	expect(1, "conflict", true)
	if err := b.Merge(t.Context(), umbrella, 1); err == nil || !strings.Contains(err.Error(), "Branch cannot be merged") {
		t.Errorf("merging a conflict answers %v", err)
	}
	b.set(func(s *ProjectSettings) { s.SlowChecks = 2 })
	b.commit("main", map[string]string{"values.yaml": "a: 1\nb: 2\nc: 3\nd: 4\ne: 5\n"})
	expect(1, "checking", false)
	expect(1, "checking", false)
	expect(1, "mergeable", false)
}

func TestEmptyRequest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if _, _, err := b.client("sandbox-developer").Branches.CreateBranch(umbrella, &gitlab.CreateBranchOptions{Branch: gitlab.Ptr("same"), Ref: gitlab.Ptr("main")}); err != nil {
		t.Fatal(err)
	}
	if mr := b.open("same"); mr.DetailedMergeStatus != "commits_status" {
		t.Errorf("a request without commits is %s", mr.DetailedMergeStatus)
	}
	if err := b.Merge(t.Context(), umbrella, 1); err == nil || !strings.Contains(err.Error(), "405") {
		t.Errorf("merging nothing answers %v", err)
	}
	b.commit("main", map[string]string{"later": "1\n"})
	if mr := b.MergeRequests()[0]; mr.State != "opened" {
		t.Errorf("when main moves, a request without commits becomes %s", mr.State)
	}
}

func TestSquashAndFastForward(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.set(func(s *ProjectSettings) { s.MergeMethod, s.SquashOption = "ff", "always" })
	before := b.commit("main", map[string]string{"x": "1\n"})
	b.commit("topic", map[string]string{"a": "1\n"})
	b.commit("topic", map[string]string{"b": "1\n"})
	b.open("topic")
	if err := b.Merge(t.Context(), umbrella, 1); err != nil {
		t.Fatal(err)
	}
	dir := b.clone("sandbox-reporter")
	if got := runGit(t, dir, "rev-list", "--parents", "-1", "HEAD"); !strings.HasSuffix(got, " "+before) {
		t.Errorf("main and its parents are %q, want one commit on %s", got, before)
	}
	if got := runGit(t, dir, "ls-files"); got != "README.md\na\nb\nvalues.yaml\nx" {
		t.Errorf("main holds %q", got)
	}
	mr, _, err := b.client("sandbox-reporter").MergeRequests.GetMergeRequest(umbrella, 1, nil)
	if err != nil || mr.SquashCommitSHA != runGit(t, dir, "rev-parse", "HEAD") || mr.MergeCommitSHA != "" {
		t.Errorf("request says squash %s, merge %s (%v)", mr.SquashCommitSHA, mr.MergeCommitSHA, err)
	}
}

func TestProtectedSourceBranchStays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.commit("release", map[string]string{"a": "1\n"})
	b.set(func(s *ProjectSettings) {
		s.ProtectedBranches = append(s.ProtectedBranches, ProtectedBranch{Name: "rel*", PushAccess: Maintainer, MergeAccess: Maintainer})
	})
	b.open("release")
	opt := &gitlab.AcceptMergeRequestOptions{ShouldRemoveSourceBranch: gitlab.Ptr(true)}
	if _, _, err := b.client("sandbox-maintainer").MergeRequests.AcceptMergeRequest(umbrella, 1, opt); err != nil {
		t.Fatal(err)
	}
	if refs := b.refs(); !strings.Contains(refs, "refs/heads/release ") {
		t.Errorf("the protected branch was deleted; there is %s", refs)
	}
}

func TestRebase(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.commit("topic", map[string]string{"a": "1\n"})
	onto := b.commit("main", map[string]string{"b": "1\n"})
	b.open("topic")
	client := b.client("sandbox-developer")
	if _, err := client.MergeRequests.RebaseMergeRequest(umbrella, 1, nil); err != nil {
		t.Fatal(err)
	}
	dir := b.clone("sandbox-reporter")
	if got := runGit(t, dir, "rev-parse", "origin/topic~1"); got != onto {
		t.Errorf("the branch is based on %s, want %s", got, onto)
	}
	mr := b.MergeRequests()[0]
	if got := runGit(t, dir, "log", "-1", "--format=%H %an %cn", "origin/topic"); got != mr.SHA+" Sandbox Maintainer Sandbox Developer" {
		t.Errorf("rebased commit is %q, request is at %s", got, mr.SHA)
	}
	if out := runGit(t, b.dir+"/"+umbrella+".git", "worktree", "list"); strings.Count(out, "\n") != 0 {
		t.Errorf("working trees are left: %s", out)
	}
	b.commit("main", map[string]string{"a": "2\n"})
	if _, err := client.MergeRequests.RebaseMergeRequest(umbrella, 1, nil); err != nil {
		t.Fatal(err)
	}
	after, _, err := client.MergeRequests.GetMergeRequest(umbrella, 1, nil)
	if err != nil || after.MergeError == "" || after.SHA != mr.SHA {
		t.Errorf("after a conflict merge_error is %q, sha %s (%v)", after.MergeError, after.SHA, err)
	}
	b.set(func(s *ProjectSettings) {
		s.ProtectedBranches = append(s.ProtectedBranches, ProtectedBranch{Name: "topic", PushAccess: Developer, MergeAccess: Developer})
	})
	if _, err := client.MergeRequests.RebaseMergeRequest(umbrella, 1, nil); status(err) != 403 {
		t.Errorf("rebasing a branch that must not be rewritten answers %v, want 403", err)
	}
	if _, err := b.client("sandbox-reporter").MergeRequests.RebaseMergeRequest(umbrella, 1, nil); status(err) != 403 {
		t.Errorf("a reporter's rebase answers %v, want 403", err)
	}
}

func TestBranchesDecideTheState(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, branch := range []string{"gone", "pushed", "stays"} {
		b.commit(branch, map[string]string{branch: "1\n"})
		b.open(branch)
	}
	dir := b.clone("sandbox-maintainer")
	runGit(t, dir, "merge", "--quiet", "--no-edit", "origin/pushed")
	runGit(t, dir, "push", "--quiet", "origin", "main", ":gone")
	got := map[string]string{}
	for _, mr := range b.MergeRequests() {
		got[mr.SourceBranch] = mr.State
	}
	if diff := cmp.Diff(map[string]string{"gone": "closed", "pushed": "merged", "stays": "opened"}, got); diff != "" {
		t.Errorf("states differ:\n%s", diff)
	}
	// A source branch that is moved back brings nothing; that is no merge.
	runGit(t, dir, "push", "--quiet", "--force", "origin", "main:stays")
	if mr := b.MergeRequests()[2]; mr.State != "opened" || mr.MergeStatus != "commits_status" {
		t.Errorf("an emptied request is %s, %s", mr.State, mr.MergeStatus)
	}
}
