package sandbox

import (
	"context"
	"time"
)

// voice is a call that nobody made: it describes things as an event needs it.
func (s *Server) voice(p *project, who *user) *call {
	return &call{server: s, base: s.baseURL(nil), project: p, who: &identity{user: who}}
}

// eventTime is how most times look in the payloads of hooks; null for zero.
func eventTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// eventUser is a user in a payload. Without a public address the mail address
// is hidden.
func eventUser(u *user) map[string]any {
	return map[string]any{"id": u.id, "name": u.name, "username": u.username, "avatar_url": nil, "email": "[REDACTED]"}
}

func eventUsers(list []*user) []map[string]any {
	out := []map[string]any{}
	for _, u := range list {
		out = append(out, eventUser(u))
	}
	return out
}

func userIDs(list []*user) []int {
	out := []int{}
	for _, u := range list {
		out = append(out, u.id)
	}
	return out
}

// idOrNull is a user's id.
func idOrNull(u *user) any {
	if u == nil {
		return nil
	}
	return u.id
}

func firstID(list []*user) any {
	if len(list) == 0 {
		return nil
	}
	return list[0].id
}

func (c *call) eventProject() map[string]any {
	p := c.project
	visibility := 0
	if c.server.cfg.PublicRead {
		visibility = 20
	}
	ssh := "git@sandbox.example:" + p.path + ".git"
	return map[string]any{
		"id": p.id, "name": p.name(), "description": orNull(p.settings.Description), "web_url": c.projectURL(), "avatar_url": nil,
		"git_ssh_url": ssh, "git_http_url": c.projectURL() + ".git", "namespace": p.namespace(), "visibility_level": visibility,
		"path_with_namespace": p.path, "default_branch": p.defaultBranch, "ci_config_path": nil,
		"homepage": c.projectURL(), "url": ssh, "ssh_url": ssh, "http_url": c.projectURL() + ".git",
	}
}

func (c *call) eventRepository() map[string]any {
	return map[string]any{
		"name": c.project.name(), "url": "git@sandbox.example:" + c.project.path + ".git",
		"description": orNull(c.project.settings.Description), "homepage": c.projectURL(),
	}
}

func (c *call) eventLabels(names []string) []map[string]any {
	out := []map[string]any{}
	for _, name := range names {
		l := c.server.label(c.project, name)
		out = append(out, map[string]any{
			"id": l.id, "title": l.name, "color": l.color, "project_id": c.project.id, "template": false,
			"description": orNull(l.description), "type": "ProjectLabel", "group_id": nil,
			"created_at": stamp(c.project.createdAt), "updated_at": stamp(c.project.createdAt),
		})
	}
	return out
}

// lastCommit describes a commit; null if it cannot be read, which the log tells.
func (c *call) lastCommit(ctx context.Context, sha string) any {
	commits, err := log(ctx, c.project.git(), c.projectURL(), "--max-count=1", sha)
	if err != nil || len(commits) == 0 {
		c.server.cfg.Log.ErrorContext(ctx, "sandbox webhook", "commit", sha, "error", err)
		return nil
	}
	return eventCommit(commits[0])
}

func eventCommit(commit commitJSON) map[string]any {
	return map[string]any{
		"id": commit.ID, "message": commit.Message, "title": commit.Title, "timestamp": stamp(commit.CommittedDate), "url": commit.WebURL,
		"author": map[string]any{"name": commit.AuthorName, "email": "[REDACTED]"},
	}
}
