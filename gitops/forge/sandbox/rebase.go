package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
)

func (c *call) rebaseMergeRequest(ctx context.Context) (*reply, error) {
	mr, err := c.pathMergeRequest()
	if err != nil {
		return nil, err
	}
	p := c.project
	if mr.rebase.left > 0 {
		return nil, fail(http.StatusConflict, "Failed to enqueue the rebase operation, possibly due to a long-lived transaction. Try again later.")
	}
	if _, exists := p.heads[mr.source]; mr.state != opened || !exists ||
		!p.canPush(mr.source, c.access) || !p.canForcePush(mr.source) {
		return nil, errForbidden
	}
	mr.rebase = pendingRebase{left: p.settings.SlowRebases, by: c.who.user}
	mr.mergeError = ""
	if mr.rebase.left == 0 {
		if err := c.server.rebase(ctx, p, mr, c.who.user); err != nil {
			return nil, fmt.Errorf("rebase %s!%d: %w", p.path, mr.iid, err)
		}
	}
	return &reply{status: http.StatusAccepted, body: map[string]bool{"rebase_in_progress": true}}, nil
}

// pendingRebase is a rebase that was asked for and is done after so many more
// readings of the merge request.
type pendingRebase struct {
	left int
	by   *user
}

// continueRebase counts a reading of mr, which has just said that a rebase is
// in progress, and rebases when it was the last one.
func (s *Server) continueRebase(ctx context.Context, p *project, mr *mergeRequest) error {
	if mr.rebase.left == 0 {
		return nil
	}
	if mr.rebase.left--; mr.rebase.left > 0 || mr.state != opened || p.heads[mr.source] == "" {
		return nil
	}
	if err := s.rebase(ctx, p, mr, mr.rebase.by); err != nil {
		return fmt.Errorf("rebase %s!%d: %w", p.path, mr.iid, err)
	}
	return nil
}

// rebase puts the source branch on top of the target branch. Where that
// conflicts, nothing moves and mr.mergeError says so, as in GitLab.
func (s *Server) rebase(ctx context.Context, p *project, mr *mergeRequest, who *user) error {
	if err := s.look(ctx, p, mr); err != nil {
		return err
	}
	mr.mergeError = ""
	if !mr.check.behind {
		return nil
	}
	if mr.check.base == "" {
		mr.mergeError = rebaseFailed
		return nil
	}
	head, err := s.rebased(ctx, p, mr, who)
	if err != nil {
		return err
	}
	if head == "" {
		mr.mergeError = rebaseFailed
		return nil
	}
	if _, err := p.git().run(ctx, "update-ref", "refs/heads/"+mr.source, head, mr.sha); err != nil {
		return err
	}
	return s.sync(ctx, p, who)
}

const rebaseFailed = "Rebase failed: Rebase locally, resolve all conflicts, then push the branch."

// rebased returns the head that a rebase makes, empty if it conflicts. The
// author of each commit stays, the committer is who rebases.
func (s *Server) rebased(ctx context.Context, p *project, mr *mergeRequest, who *user) (head string, err error) {
	dir, err := os.MkdirTemp("", "sandbox-rebase-")
	if err != nil {
		return "", fmt.Errorf("make a folder for the rebase: %w", err)
	}
	defer os.RemoveAll(dir)
	tree := filepath.Join(dir, "tree")
	if _, err := p.git().run(ctx, "worktree", "add", "--quiet", "--detach", tree, mr.sha); err != nil {
		return "", err
	}
	defer func() {
		_, gone := p.git().run(context.WithoutCancel(ctx), "worktree", "remove", "--force", tree)
		err = errors.Join(err, gone)
	}()
	work := gitRun{dir: p.dir, work: tree, env: who.role("COMMITTER", s.cfg.Now())}
	if _, err := work.run(ctx, "rebase", "--quiet", mr.check.target); err != nil {
		if exitCode(err) > 0 {
			return "", nil
		}
		return "", err
	}
	return work.line(ctx, "rev-parse", "HEAD")
}
