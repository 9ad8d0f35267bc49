package sandbox

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPushMovesMergeRequest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := b.clone("sandbox-developer")
	runGit(t, dir, "checkout", "--quiet", "-b", "topic/one")
	change(t, dir, "values.yaml", "a: 2\n")
	runGit(t, dir, "push", "--quiet", "origin", "topic/one")
	mr := b.open("topic/one")
	if got, want := mr.SHA, runGit(t, dir, "rev-parse", "HEAD"); got != want {
		t.Errorf("sha is %s, want %s", got, want)
	}
	change(t, dir, "values.yaml", "a: 3\n")
	runGit(t, dir, "push", "--quiet", "origin", "topic/one")
	after := b.MergeRequests()[0]
	if got, want := after.SHA, runGit(t, dir, "rev-parse", "HEAD"); got != want {
		t.Errorf("after the push, sha is %s, want %s", got, want)
	}
	if len(after.Notes) != 1 || !after.Notes[0].System || !strings.HasPrefix(after.Notes[0].Body, "added 1 commit\n") ||
		after.Notes[0].Author != "sandbox-developer" {
		t.Errorf("notes are %+v, want one system note by the pusher", after.Notes)
	}
}

func TestPushRefusals(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, token string
		args        []string // of git push, in a clone with one new commit on main
		setup       func(*ProjectSettings)
		want        string // in git's output; empty means that the push works
	}{
		{"developer, protected", "sandbox-developer", []string{"origin", "main"}, nil,
			"remote: GitLab: You are not allowed to push code to protected branches on this project."},
		{"declined by the hook", "sandbox-developer", []string{"origin", "main"}, nil, "main -> main (pre-receive hook declined)"},
		{"one bad ref refuses all", "sandbox-developer", []string{"origin", "main", "HEAD:topic"}, nil, "HEAD -> topic (pre-receive hook declined)"},
		{"developer, other branch", "sandbox-developer", []string{"origin", "HEAD:topic"}, nil, ""},
		{"maintainer", "sandbox-maintainer", []string{"origin", "main"}, nil, ""},
		{"maintainer, nobody may push", "sandbox-maintainer", []string{"origin", "main"},
			func(s *ProjectSettings) { s.ProtectedBranches[0].PushAccess = NoAccess }, "not allowed to push code to protected branches"},
		{"maintainer forces", "sandbox-maintainer", []string{"--force", "origin", "HEAD~1:refs/heads/side", "+other:main"}, nil,
			"GitLab: You are not allowed to force push code to a protected branch on this project."},
		{"maintainer may force", "sandbox-maintainer", []string{"--force", "origin", "+other:main"},
			func(s *ProjectSettings) { s.ProtectedBranches[0].AllowForcePush = true }, ""},
		{"developer forces an open branch", "sandbox-developer", []string{"--force", "origin", "+other:open"}, nil, ""},
		{"wildcard", "sandbox-developer", []string{"origin", "HEAD:release/1"},
			func(s *ProjectSettings) {
				s.ProtectedBranches = []ProtectedBranch{{Name: "release/*", PushAccess: Maintainer, MergeAccess: Maintainer}}
			}, "not allowed to create protected branches"},
		{"default branch stays", "sandbox-maintainer", []string{"origin", ":main"}, nil, "The default branch of a project cannot be deleted."},
		{"protected branch stays", "sandbox-maintainer", []string{"origin", ":open"},
			func(s *ProjectSettings) {
				s.ProtectedBranches = []ProtectedBranch{{Name: "open", PushAccess: Developer, MergeAccess: Developer}}
			}, "You can only delete protected branches using the web interface."},
		{"branch goes", "sandbox-developer", []string{"origin", ":open"}, nil, ""},
		{"name like a commit", "sandbox-developer", []string{"origin", "HEAD:refs/heads/" + strings.Repeat("a", 40)}, nil, "40-character hexadecimal branch name"},
		{"archived", "sandbox-maintainer", []string{"origin", "HEAD:topic"},
			func(s *ProjectSettings) { s.Archived = true }, "remote: You are not allowed to push code to this project."},
		{"reporter", "sandbox-reporter", []string{"origin", "HEAD:topic"}, nil, "remote: You are not allowed to push code to this project."},
		{"token that only reads", "reading-secret", []string{"origin", "HEAD:topic"}, nil, "remote: You are not allowed to push code to this project."},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.commit("other", map[string]string{"other.txt": "1\n"})
			b.commit("open", map[string]string{"open.txt": "1\n"})
			b.commit("main", map[string]string{"main.txt": "1\n"})
			dir := b.clone(c.token)
			runGit(t, dir, "branch", "--quiet", "other", "origin/other")
			change(t, dir, "values.yaml", "a: 2\n")
			if c.setup != nil {
				if err := b.SetProject(t.Context(), umbrella, c.setup); err != nil {
					t.Fatal(err)
				}
			}
			before := b.refs()
			out, err := git(t, dir, append([]string{"push"}, c.args...)...)
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				if cmp.Equal(before, b.refs()) {
					t.Error("the push moved nothing")
				}
				return
			}
			if err == nil || !strings.Contains(out, c.want) {
				t.Errorf("push answered %q (%v), want %q", out, err, c.want)
			}
			if diff := cmp.Diff(before, b.refs()); diff != "" {
				t.Errorf("the refused push moved something:\n%s", diff)
			}
		})
	}
}

// refs are the refs of the umbrella on disk.
func (b *bundle) refs() string {
	return runGit(b.t, b.dir+"/"+umbrella+".git", "for-each-ref", "--format=%(refname) %(objectname)")
}
