package sandbox

import (
	"context"
	"strings"
)

const (
	// mostRefs is how many branches or tags a push may touch before GitLab
	// stops sending events for it.
	mostRefs = 3
	// mostCommits is how many commits such an event names.
	mostCommits = 20
)

// firePushes sends the events of branches that moved. who pushed.
func (s *Server) firePushes(ctx context.Context, p *project, before map[string]string, who *user) {
	if !s.heard(p, pushEvents, "") || before == nil {
		return
	}
	var moved []command
	for _, branch := range sortedKeys(p.heads) {
		if old := before[branch]; old != p.heads[branch] {
			moved = append(moved, command{old: orZero(old), new: p.heads[branch], ref: "refs/heads/" + branch})
		}
	}
	for _, branch := range sortedKeys(before) {
		if p.heads[branch] == "" {
			moved = append(moved, command{old: before[branch], new: zeroSHA, ref: "refs/heads/" + branch})
		}
	}
	s.firePushEvents(ctx, p, moved, who)
}

func orZero(sha string) string {
	if sha == "" {
		return zeroSHA
	}
	return sha
}

// fireTags sends the events of the tags that a push moved. It is called once
// git is done, and leaves out what git refused.
func (s *Server) fireTags(ctx context.Context, p *project, commands []command, who *user) {
	if !s.heard(p, tagPushEvents, "") {
		return
	}
	var moved []command
	for _, c := range commands {
		if !strings.HasPrefix(c.ref, "refs/tags/") {
			continue
		}
		now, err := p.git().line(ctx, "for-each-ref", "--format=%(objectname)", c.ref)
		if err != nil {
			s.cfg.Log.ErrorContext(ctx, "sandbox webhook", "ref", c.ref, "error", err)
			continue
		}
		if orZero(now) == c.new && c.old != c.new {
			moved = append(moved, c)
		}
	}
	s.firePushEvents(ctx, p, moved, who)
}

func (s *Server) firePushEvents(ctx context.Context, p *project, moved []command, who *user) {
	if len(moved) > mostRefs {
		return
	}
	if who == nil {
		who = s.accounts.maintainer()
	}
	for _, m := range moved {
		s.voice(p, who).firePush(ctx, m)
	}
}

// firePush sends the event of one branch or tag.
func (c *call) firePush(ctx context.Context, m command) {
	kind, event, word, branch := tagPushEvents, "Tag Push Hook", "tag_push", ""
	if name, isBranch := m.branch(); isBranch {
		kind, event, word, branch = pushEvents, "Push Hook", "push", name
	}
	if !c.server.heard(c.project, kind, branch) {
		return
	}
	payload := map[string]any{
		"object_kind": word, "event_name": word, "before": m.old, "after": m.new, "ref": m.ref, "ref_protected": branch != "" && c.project.protected(branch),
		"checkout_sha": nil, "message": nil, "user_id": c.who.user.id, "user_name": c.who.user.name, "user_username": c.who.user.username,
		"user_email": "", "user_avatar": nil, "project_id": c.project.id, "project": c.eventProject(), "repository": c.eventRepository(),
		"commits": []any{}, "total_commits_count": 0, "push_options": map[string]any{},
	}
	if !m.deletes() {
		commits, total, err := c.pushedCommits(ctx, m)
		if err != nil {
			c.server.cfg.Log.ErrorContext(ctx, "sandbox webhook", "ref", m.ref, "error", err)
			return
		}
		payload["checkout_sha"], payload["commits"], payload["total_commits_count"] = m.new, commits, total
	}
	c.fire(kind, branch, event, payload)
}

// pushedCommits returns the newest commits that a push brought, oldest first,
// and how many there are in all. A new branch brings what the default branch
// lacks.
func (c *call) pushedCommits(ctx context.Context, m command) ([]any, int, error) {
	args := []string{m.new}
	base := c.project.heads[c.project.defaultBranch]
	switch {
	case !m.creates():
		args = append(args, "^"+m.old)
	case base != "" && m.ref != "refs/heads/"+c.project.defaultBranch:
		args = append(args, "^"+base)
	}
	commits, err := log(ctx, c.project.git(), c.projectURL(), args...)
	if err != nil {
		return nil, 0, err
	}
	out := []any{}
	for n := min(len(commits), mostCommits) - 1; n >= 0; n-- {
		event := eventCommit(commits[n])
		if err := c.pushedFiles(ctx, commits[n].ID, event); err != nil {
			return nil, 0, err
		}
		out = append(out, event)
	}
	return out, len(commits), nil
}

// pushedFiles adds the names of the files that a commit touches.
func (c *call) pushedFiles(ctx context.Context, sha string, event map[string]any) error {
	out, err := c.project.git().run(ctx, "diff-tree", "-r", "-z", "--root", "--no-commit-id", "--no-renames", "--name-status", sha)
	if err != nil {
		return err
	}
	files := map[string][]string{"A": {}, "M": {}, "D": {}}
	part := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	for n := 0; n+1 < len(part); n += 2 {
		kind := part[n]
		if kind == "T" {
			kind = "M"
		}
		files[kind] = append(files[kind], part[n+1])
	}
	event["added"], event["modified"], event["removed"] = files["A"], files["M"], files["D"]
	return nil
}
