package sandbox

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// mergeCheck is what a trial merge of two commits found out.
type mergeCheck struct {
	source, target string // the commits it is about
	base           string // where they part; empty if they have nothing in common
	empty          bool   // the source brings no commit
	behind         bool   // the target has commits that the source lacks
	conflict       bool
}

// look brings mr.check up to date: a trial merge whenever one of the branches
// moved. What is closed or merged keeps its last check.
func (s *Server) look(ctx context.Context, p *project, mr *mergeRequest) error {
	target := p.heads[mr.target]
	if mr.state != opened && mr.check.source != "" || target == "" ||
		mr.check.source == mr.sha && mr.check.target == target {
		return nil
	}
	check, err := tryMerge(ctx, p.git(), mr.sha, target)
	if err != nil {
		return fmt.Errorf("try to merge %s!%d: %w", p.path, mr.iid, err)
	}
	mr.check, mr.pending = check, p.settings.SlowChecks
	return nil
}

func tryMerge(ctx context.Context, git gitRun, source, target string) (mergeCheck, error) {
	check := mergeCheck{source: source, target: target}
	base, err := git.settledLine(ctx, "merge-base", target, source)
	if exitCode(err) == 1 {
		check.behind, check.conflict = true, true
		return check, nil
	}
	if err != nil {
		return check, err
	}
	check.base, check.empty, check.behind = base, base == source, base != target
	if !check.behind || check.empty {
		return check, nil
	}
	_, err = git.settled(ctx, mergeTree(target, source)...)
	if check.conflict = exitCode(err) == 1; check.conflict {
		err = nil
	}
	return check, err
}

// mergeTree are the arguments that merge two commits without a working tree.
func mergeTree(target, source string) []string {
	return []string{"merge-tree", "--write-tree", "--no-messages", "-z", target, source}
}

// mergeStatus returns GitLab's detailed_merge_status; the first obstacle in
// GitLab's order of checks wins.
func (s *Server) mergeStatus(p *project, mr *mergeRequest) string {
	_, exists := p.heads[mr.source]
	_, targetExists := p.heads[mr.target]
	switch {
	case mr.state != opened:
		return "not_open"
	case mr.pending > 0:
		return "checking"
	case mr.draft():
		return "draft_status"
	case !exists, !targetExists, mr.check.empty:
		return "commits_status"
	case p.settings.ResolveDiscussions && mr.unresolved():
		return "discussions_not_resolved"
	case p.approvalsLeft(mr) > 0:
		return "not_approved"
	case s.blocked(p, mr):
		return "merge_request_blocked"
	case mr.check.conflict:
		return "conflict"
	case mr.check.behind && p.settings.MergeMethod != "merge":
		return "need_rebase"
	}
	return "mergeable"
}

// mergeOptions are a caller's wishes for one merge.
type mergeOptions struct {
	sha           string // empty means whatever the head is
	message       string
	squashMessage string
	squash        bool
	removeSource  bool
}

// merge merges an open merge request as GitLab's PUT .../merge does, or
// answers with GitLab's refusal.
func (s *Server) merge(ctx context.Context, p *project, mr *mergeRequest, who *user, opts mergeOptions) error {
	if err := s.look(ctx, p, mr); err != nil {
		return err
	}
	switch s.mergeStatus(p, mr) {
	case "mergeable":
	case "conflict", "need_rebase":
		return fail(http.StatusUnprocessableEntity, "Branch cannot be merged")
	default:
		return fail(http.StatusMethodNotAllowed, "405 Method Not Allowed")
	}
	if opts.sha != "" && opts.sha != mr.sha {
		return fail(http.StatusConflict, "SHA does not match HEAD of source branch: "+mr.sha)
	}
	if err := s.land(ctx, p, mr, who, opts); err != nil {
		return fmt.Errorf("merge %s!%d: %w", p.path, mr.iid, err)
	}
	s.merged(ctx, p, mr, who)
	if opts.removeSource && !p.protected(mr.source) && mr.source != p.defaultBranch {
		if _, err := p.git().run(ctx, "update-ref", "-d", "refs/heads/"+mr.source, mr.sha); err != nil {
			return fmt.Errorf("delete branch %s of %s: %w", mr.source, p.path, err)
		}
	}
	return s.sync(ctx, p, who)
}

// land writes the commits of a merge and moves the target branch to them.
func (s *Server) land(ctx context.Context, p *project, mr *mergeRequest, who *user, opts mergeOptions) error {
	git := p.git()
	git.env = who.as(s.cfg.Now())
	tip := mr.sha
	sourceTree, err := git.settledLine(ctx, "rev-parse", mr.sha+"^{tree}")
	if err != nil {
		return err
	}
	if squash := p.settings.SquashOption; squash == "always" || opts.squash && squash != "never" {
		message := opts.squashMessage
		if message == "" {
			message = mr.title
		}
		if tip, err = commitTree(ctx, git, sourceTree, message, mr.check.base); err != nil {
			return err
		}
		mr.squashCommit = tip
	}
	if p.settings.MergeMethod != "ff" {
		tree := sourceTree
		if mr.check.behind { // else the source contains the target
			out, err := git.run(ctx, mergeTree(mr.check.target, mr.sha)...)
			if err != nil {
				return err
			}
			tree, _, _ = strings.Cut(string(out), "\x00")
		}
		message := opts.message
		if message == "" {
			message = fmt.Sprintf("Merge branch '%s' into '%s'\n\n%s\n\nSee merge request %s!%d",
				mr.source, mr.target, mr.title, p.path, mr.iid)
		}
		rules := p.rules()
		if text := rules.refusal(s, pushed{message: message, authorEmail: who.email(), committerEmail: who.email(), signed: true}, who); text != "" {
			mr.mergeError = text
			return fail(http.StatusUnprocessableEntity, "Branch cannot be merged")
		}
		if tip, err = commitTree(ctx, git, tree, message, mr.check.target, tip); err != nil {
			return err
		}
		mr.mergeCommit = tip
	}
	_, err = git.run(ctx, "update-ref", "refs/heads/"+mr.target, tip, mr.check.target)
	if exitCode(err) > 0 { // somebody pushed in between
		mr.mergeError = "Something went wrong during merge: " + mr.target + " moved. Please try again."
		return fail(http.StatusUnprocessableEntity, "Branch cannot be merged")
	}
	return err
}

// commitTree writes a commit and returns its name.
func commitTree(ctx context.Context, git gitRun, tree, message string, parents ...string) (string, error) {
	args := []string{"commit-tree", tree, "-F", "-"}
	for _, parent := range parents {
		args = append(args, "-p", parent)
	}
	git.stdin = strings.NewReader(message + "\n")
	return git.line(ctx, args...)
}
