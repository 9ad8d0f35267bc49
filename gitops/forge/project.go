package forge

import (
	"context"
	"strconv"
	"strings"

	"github.com/xanzy/go-gitlab"
)

// Access levels of GitLab, as far as they matter here.
const (
	Reporter   = 20
	Developer  = 30
	Maintainer = 40
)

// Project is a GitLab project.
type Project struct {
	ID   int64
	Path string // with its namespace; the present one if it was moved
	// DefaultBranch is empty in an empty repository.
	DefaultBranch   string
	Archived, Empty bool
	// Mirror says that GitLab keeps the project as a copy of another repository.
	Mirror               bool
	MergeRequestsEnabled bool
	IssuesEnabled        bool
	// AccessLevel is the token's user's, 0 if GitLab does not tell.
	AccessLevel int
	// SquashOption is never, always, default_on or default_off.
	SquashOption string
}

// projectJSON is a project as GitLab sends it.
type projectJSON struct {
	ID            int64  `json:"id"`
	Path          string `json:"path_with_namespace"`
	DefaultBranch string `json:"default_branch"`
	Archived      bool   `json:"archived"`
	Mirror        bool   `json:"mirror"`
	Empty         bool   `json:"empty_repo"`
	MergeRequests string `json:"merge_requests_access_level"`
	Enabled       *bool  `json:"merge_requests_enabled"`
	Issues        string `json:"issues_access_level"`
	IssuesOn      bool   `json:"issues_enabled"` // before access levels
	Squash        string `json:"squash_option"`
	Permissions   struct {
		Project *accessJSON `json:"project_access"`
		Group   *accessJSON `json:"group_access"`
	} `json:"permissions"`
}

type accessJSON struct {
	Level int `json:"access_level"`
}

func (p *projectJSON) named() bool { return p.ID > 0 }

// Project reads a project by its path. A project that was moved is found by its
// old path too; the result has the new one.
func (c *Client) Project(ctx context.Context, path string) (Project, error) {
	var p projectJSON
	path = strings.Trim(path, "/")
	if err := c.call(ctx, "read project", path, again, func(options ...gitlab.RequestOptionFunc) (*gitlab.Response, error) {
		return c.get("projects/"+gitlab.PathEscape(path), &p, options)
	}); err != nil {
		return Project{}, err
	}
	project := Project{
		ID: p.ID, Path: p.Path, DefaultBranch: p.DefaultBranch, Archived: p.Archived, Mirror: p.Mirror, Empty: p.Empty,
		MergeRequestsEnabled: p.MergeRequests != "disabled" && (p.Enabled == nil || *p.Enabled || p.MergeRequests != ""),
		IssuesEnabled:        p.Issues != "disabled" && (p.Issues != "" || p.IssuesOn),
		SquashOption:         p.Squash,
	}
	for _, a := range []*accessJSON{p.Permissions.Project, p.Permissions.Group} {
		if a != nil {
			project.AccessLevel = max(project.AccessLevel, a.Level)
		}
	}
	c.paths.Store(project.ID, project.Path)
	c.transport.asked.Store(strconv.FormatInt(project.ID, 10), path)
	return project, nil
}
