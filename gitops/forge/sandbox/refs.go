package sandbox

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// sync reads the branches of the repository and lets the merge requests follow:
// their heads move, a deleted source branch closes them, and one whose commits
// arrived in the target branch by a push is merged. actor is who pushed; nil
// means that nobody knows, and the author stands in. p.mu is held.
func (s *Server) sync(ctx context.Context, p *project, actor *user) error {
	heads, current, err := readBranches(ctx, p.git())
	if err != nil {
		return fmt.Errorf("read branches of %s: %w", p.path, err)
	}
	if p.heads == nil { // the first time
		p.settings.ProtectedBranches = []ProtectedBranch{{Name: current, PushAccess: Maintainer, MergeAccess: Maintainer}}
		p.settings.MergeMethod, p.settings.SquashOption = "merge", "default_off"
	}
	if actor == nil && len(p.pushers) > 0 {
		actor = p.pushers[0]
	}
	before := p.heads
	p.heads, p.defaultBranch = heads, current
	if maps.Equal(before, heads) {
		return nil
	}
	s.firePushes(ctx, p, before, actor)
	for _, mr := range p.mergeRequests {
		if mr.state != opened {
			continue
		}
		who := actor
		if who == nil {
			who = mr.author
		}
		if err := s.follow(ctx, p, mr, before, who); err != nil {
			return fmt.Errorf("update %s!%d: %w", p.path, mr.iid, err)
		}
	}
	return nil
}

// follow brings one open merge request in line with the branches, which were
// as in before.
func (s *Server) follow(ctx context.Context, p *project, mr *mergeRequest, before map[string]string, who *user) error {
	head, exists := p.heads[mr.source]
	if !exists {
		if before[mr.source] == "" {
			return nil
		}
		if err := s.look(ctx, p, mr); err != nil {
			return err
		}
		s.addNote(&mr.thread, who, "deleted source branch `"+mr.source+"`", true)
		s.close(ctx, p, mr, who)
		return nil
	}
	brought := !mr.check.empty
	if was := mr.sha; head != was {
		if err := s.noteCommits(ctx, p, mr, head, who); err != nil {
			return err
		}
		mr.sha, mr.updatedAt = head, s.cfg.Now()
		s.resetApprovals(p, mr, who)
		defer func() { s.voice(p, who).fireMergeRequest(ctx, mr, "update", nil, was) }()
	}
	target := p.heads[mr.target]
	if target != "" && target != before[mr.target] && brought {
		arrived, err := p.git().isAncestor(ctx, head, target)
		if err != nil {
			return err
		}
		if arrived { // the last check stays: against the new target there is nothing left
			mr.mergeCommit = target
			s.merged(ctx, p, mr, who)
			return nil
		}
	}
	return s.look(ctx, p, mr)
}

// readBranches returns the commit of each branch, and the branch that HEAD
// names, whether it has a commit or not.
func readBranches(ctx context.Context, git gitRun) (map[string]string, string, error) {
	refs, err := readRefs(ctx, git)
	if err != nil {
		return nil, "", err
	}
	heads := map[string]string{}
	for name, sha := range refs.commits {
		if branch, ok := strings.CutPrefix(name, "refs/heads/"); ok {
			heads[branch] = sha
		}
	}
	return heads, strings.TrimPrefix(refs.head, "refs/heads/"), nil
}

// resolve returns the commit that a branch, a tag or a full or short commit
// name stands for, empty if there is none.
func (p *project) resolve(ctx context.Context, ref string) (string, error) {
	if sha := p.heads[ref]; sha != "" {
		return sha, nil
	}
	if ref == "" || ref == "HEAD" {
		return p.heads[p.defaultBranch], nil
	}
	tries := []string{"refs/tags/" + ref}
	if len(ref) >= 7 && strings.Trim(ref, "0123456789abcdef") == "" {
		tries = append(tries, ref)
	}
	for _, try := range tries {
		sha, err := p.git().line(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", try+"^{commit}")
		if err == nil {
			return sha, nil
		}
		if exitCode(err) < 0 {
			return "", err
		}
	}
	return "", nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
