package sandbox

import (
	"context"
	"fmt"
	"regexp"
	"strings"
)

// PushRules are conditions on pushed commits. The texts are regular expressions;
// an empty one is no condition.
type PushRules struct {
	BranchName            string
	CommitMessage         string
	CommitMessageNegative string
	AuthorEmail           string
	FileName              string // no file may match it
	MaxFileSize           int    // in MB
	MemberCheck           bool   // authors must be users
	CommitterCheck        bool   // the committer must be who pushes
	RejectUnsigned        bool
	RejectNonDCO          bool
}

// branchName refuses names that do not follow the rule. The default branch
// always may.
func (r *PushRules) branchName(p *project, branch string) string {
	if r == nil || r.BranchName == "" || branch == p.defaultBranch || matches(r.BranchName, branch) {
		return ""
	}
	return fmt.Sprintf("Branch name '%s' does not follow the pattern '%s'", branch, r.BranchName)
}

// rules returns the push rules that hold for the project, nil for none.
func (p *project) rules() *PushRules {
	if p.settings.Free {
		return nil
	}
	return p.settings.PushRules
}

// matches says whether a rule's pattern is found in text; one that is no regular
// expression never is.
func matches(pattern, text string) bool {
	expression, err := regexp.Compile(pattern)
	return err == nil && expression.MatchString(text)
}

// pushed is one commit as the rules see it.
type pushed struct {
	sha, message                string
	authorEmail, committerEmail string
	signed                      bool
}

// refusal says why the rules turn a commit down, empty if they do not.
func (r *PushRules) refusal(s *Server, c pushed, pusher *user) string {
	if r == nil {
		return ""
	}
	author := s.accounts.byEmail(c.authorEmail)
	switch {
	case r.CommitMessage != "" && !matches(r.CommitMessage, c.message):
		return fmt.Sprintf("Commit message does not follow the pattern '%s'", r.CommitMessage)
	case r.CommitMessageNegative != "" && matches(r.CommitMessageNegative, c.message):
		return fmt.Sprintf("Commit message contains the forbidden pattern '%s'", r.CommitMessageNegative)
	case r.RejectNonDCO && !matches(`(?m)^Signed-off-by: .+ <.+@.+>`, c.message):
		return "Commit message must contain a DCO signoff"
	case r.AuthorEmail != "" && !matches(r.AuthorEmail, c.authorEmail):
		return fmt.Sprintf("Author's email '%s' does not follow the pattern '%s'", c.authorEmail, r.AuthorEmail)
	case r.AuthorEmail != "" && !matches(r.AuthorEmail, c.committerEmail):
		return fmt.Sprintf("Committer's email '%s' does not follow the pattern '%s'", c.committerEmail, r.AuthorEmail)
	case r.MemberCheck && author == nil:
		return fmt.Sprintf("Author '%s' is not a member of team", c.authorEmail)
	case r.CommitterCheck && s.accounts.byEmail(c.committerEmail) != pusher:
		return fmt.Sprintf("You cannot push commits for '%s'. You can only push commits if the committer email is one of your own verified emails.", c.committerEmail)
	case r.RejectUnsigned && !c.signed:
		return "Commit must be signed with a GPG key"
	}
	return ""
}

// checkRules returns why the push rules turn a push down, empty if they do not.
// git sees the objects of the push; rules may be nil.
func (s *Server) checkRules(ctx context.Context, git gitRun, p *project, rules *PushRules, commands []command, pusher *user) (string, error) {
	if rules == nil {
		return "", nil
	}
	for _, command := range commands {
		branch, isBranch := command.branch()
		if !isBranch || command.deletes() {
			continue
		}
		if text := rules.branchName(p, branch); text != "" {
			return text, nil
		}
		commits, err := newCommits(ctx, git, command.new)
		if err != nil {
			return "", err
		}
		for _, c := range commits {
			text := rules.refusal(s, c, pusher)
			if text == "" {
				text, err = rules.files(ctx, git, c.sha)
			}
			if text != "" || err != nil {
				return text, err
			}
		}
	}
	return "", nil
}

// newCommits returns the commits that no ref of the repository has yet.
func newCommits(ctx context.Context, git gitRun, tip string) ([]pushed, error) {
	out, err := git.run(ctx, "log", "-z", "--no-color", "--no-show-signature", "--format=%H%n%ae%n%ce%n%B", tip, "--not", "--all")
	if err != nil {
		return nil, err
	}
	var commits []pushed
	for record := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if record == "" {
			continue
		}
		part := strings.SplitN(record, "\n", 4)
		if len(part) != 4 {
			return nil, fmt.Errorf("read commit: strange record %q", record)
		}
		raw, err := git.run(ctx, "cat-file", "commit", part[0])
		if err != nil {
			return nil, err
		}
		header, _, _ := strings.Cut(string(raw), "\n\n")
		commits = append(commits, pushed{
			sha: part[0], authorEmail: part[1], committerEmail: part[2], message: part[3], signed: strings.Contains(header, "\ngpgsig "),
		})
	}
	return commits, nil
}

// files refuses a commit for the files that it adds or changes.
func (r *PushRules) files(ctx context.Context, git gitRun, sha string) (string, error) {
	if r.FileName == "" && r.MaxFileSize == 0 {
		return "", nil
	}
	out, err := git.run(ctx, "diff-tree", "-r", "-z", "--root", "--no-commit-id", "--no-renames", "--diff-filter=AM", sha)
	if err != nil {
		return "", err
	}
	part := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00") // ":100644 100644 old new M", path
	for n := 0; n+1 < len(part); n += 2 {
		fields, name := strings.Fields(part[n]), part[n+1]
		if r.FileName != "" && matches(r.FileName, name) {
			return fmt.Sprintf("File name %s was prohibited by the pattern '%s'.", name, r.FileName), nil
		}
		if r.MaxFileSize == 0 || len(fields) < 5 {
			continue
		}
		size, err := git.line(ctx, "cat-file", "-s", fields[3])
		if err != nil {
			return "", err
		}
		var bytes int
		if _, err := fmt.Sscan(size, &bytes); err != nil {
			return "", fmt.Errorf("read size of %s: %w", name, err)
		}
		if bytes > r.MaxFileSize<<20 {
			return fmt.Sprintf("File %q is larger than the allowed size of %d MiB. Use Git LFS to manage this file.", name, r.MaxFileSize), nil
		}
	}
	return "", nil
}

func (c *call) getPushRule(context.Context) (*reply, error) {
	r := c.project.settings.PushRules
	switch {
	case c.project.settings.Free:
		return nil, errNotFound
	case r == nil:
		return ok(nil), nil
	}
	return ok(map[string]any{
		"id": c.project.id, "project_id": c.project.id, "created_at": stamp(c.project.createdAt),
		"branch_name_regex": orNull(r.BranchName), "commit_message_regex": orNull(r.CommitMessage),
		"commit_message_negative_regex": orNull(r.CommitMessageNegative), "author_email_regex": orNull(r.AuthorEmail),
		"file_name_regex": orNull(r.FileName), "max_file_size": r.MaxFileSize, "member_check": r.MemberCheck,
		"commit_committer_check": r.CommitterCheck, "commit_committer_name_check": false, "reject_unsigned_commits": r.RejectUnsigned,
		"reject_non_dco_commits": r.RejectNonDCO, "prevent_secrets": false, "deny_delete_tag": false,
	}), nil
}
