package sandbox

import (
	"cmp"
	"context"
	"path"
	"slices"
	"strings"
)

type namespaceJSON struct {
	ID       int     `json:"id"`
	Name     string  `json:"name"`
	Path     string  `json:"path"`
	Kind     string  `json:"kind"`
	FullPath string  `json:"full_path"`
	ParentID *int    `json:"parent_id"`
	Avatar   *string `json:"avatar_url"`
	WebURL   string  `json:"web_url"`
}

type accessJSON struct {
	AccessLevel       int `json:"access_level"`
	NotificationLevel int `json:"notification_level"`
}

type projectJSON struct {
	ID                           int                    `json:"id"`
	Description                  *string                `json:"description"`
	Name                         string                 `json:"name"`
	NameWithNamespace            string                 `json:"name_with_namespace"`
	Path                         string                 `json:"path"`
	PathWithNamespace            string                 `json:"path_with_namespace"`
	CreatedAt                    stamp                  `json:"created_at"`
	DefaultBranch                *string                `json:"default_branch"`
	Topics                       []string               `json:"topics"`
	SSHURLToRepo                 string                 `json:"ssh_url_to_repo"`
	HTTPURLToRepo                string                 `json:"http_url_to_repo"`
	WebURL                       string                 `json:"web_url"`
	Namespace                    namespaceJSON          `json:"namespace"`
	EmptyRepo                    bool                   `json:"empty_repo"`
	Archived                     bool                   `json:"archived"`
	Mirror                       bool                   `json:"mirror"`
	Visibility                   string                 `json:"visibility"`
	MergeRequestsEnabled         bool                   `json:"merge_requests_enabled"`
	IssuesEnabled                bool                   `json:"issues_enabled"`
	JobsEnabled                  bool                   `json:"jobs_enabled"`
	WikiEnabled                  bool                   `json:"wiki_enabled"`
	CanCreateMergeRequestIn      bool                   `json:"can_create_merge_request_in"`
	IssuesAccessLevel            string                 `json:"issues_access_level"`
	RepositoryAccessLevel        string                 `json:"repository_access_level"`
	MergeRequestsAccessLevel     string                 `json:"merge_requests_access_level"`
	BuildsAccessLevel            string                 `json:"builds_access_level"`
	ImportStatus                 string                 `json:"import_status"`
	OpenIssuesCount              int                    `json:"open_issues_count"`
	MergeMethod                  string                 `json:"merge_method"`
	SquashOption                 string                 `json:"squash_option"`
	OnlyAllowMergeIfPipeline     bool                   `json:"only_allow_merge_if_pipeline_succeeds"`
	OnlyAllowMergeIfDiscussions  bool                   `json:"only_allow_merge_if_all_discussions_are_resolved"`
	RemoveSourceBranchAfterMerge bool                   `json:"remove_source_branch_after_merge"`
	Permissions                  map[string]*accessJSON `json:"permissions"`
}

func enabledWord(enabled bool) string {
	if enabled {
		return "enabled"
	}
	return "disabled"
}

// projectJSON describes p, which is locked, to somebody with this access.
func (c *call) projectJSON(p *project, access int) projectJSON {
	space := p.namespace()
	visibility := "private"
	if c.server.cfg.PublicRead {
		visibility = "public"
	}
	requests := !p.settings.MergeRequestsDisabled
	out := projectJSON{
		ID: p.id, Description: orNull(p.settings.Description),
		Name: p.name(), Path: p.name(), PathWithNamespace: p.path,
		NameWithNamespace: strings.ReplaceAll(p.path, "/", " / "), CreatedAt: stamp(p.createdAt), Topics: []string{},
		SSHURLToRepo: "git@sandbox.example:" + p.path + ".git", HTTPURLToRepo: c.base + "/" + p.path + ".git",
		WebURL:    c.base + "/" + p.path,
		Namespace: namespaceJSON{ID: p.id, Name: path.Base(space), Path: path.Base(space), Kind: "group", FullPath: space, WebURL: c.base + "/groups/" + space},
		EmptyRepo: p.empty(), Archived: p.settings.Archived, Mirror: p.settings.Mirror, Visibility: visibility,
		MergeRequestsEnabled: requests, CanCreateMergeRequestIn: requests && !p.settings.Archived && access >= Developer,
		IssuesEnabled: !p.settings.IssuesDisabled, IssuesAccessLevel: enabledWord(!p.settings.IssuesDisabled), OpenIssuesCount: p.openIssues(),
		OnlyAllowMergeIfDiscussions: p.settings.ResolveDiscussions, RepositoryAccessLevel: "enabled", BuildsAccessLevel: "disabled",
		MergeRequestsAccessLevel: enabledWord(requests),
		ImportStatus:             "none", MergeMethod: p.settings.MergeMethod, SquashOption: p.settings.SquashOption,
		Permissions: map[string]*accessJSON{"project_access": nil, "group_access": nil},
	}
	if !p.empty() {
		out.DefaultBranch = &p.defaultBranch
	}
	if c.who != nil && access > NoAccess {
		out.Permissions["project_access"] = &accessJSON{AccessLevel: access, NotificationLevel: 3}
	}
	return out
}

func (c *call) getProject(context.Context) (*reply, error) {
	return ok(c.projectJSON(c.project, c.access)), nil
}

func (c *call) listProjects(ctx context.Context) (*reply, error) {
	order, err := c.params.choice("order_by", "created_at", "id", "name", "path", "updated_at", "last_activity_at")
	if err != nil {
		return nil, err
	}
	direction, err := c.params.choice("sort", "desc", "asc")
	if err != nil {
		return nil, err
	}
	found := []projectJSON{}
	for _, p := range c.server.list() {
		if out, keep, err := c.listed(ctx, p); err != nil {
			return nil, err
		} else if keep {
			found = append(found, out)
		}
	}
	slices.SortStableFunc(found, func(a, b projectJSON) int {
		by := cmp.Compare(a.ID, b.ID) // created in this order, too
		if order == "name" || order == "path" {
			by = cmp.Or(cmp.Compare(a.Path, b.Path), by)
		}
		if direction == "desc" {
			by = -by
		}
		return by
	})
	return paged(c, found)
}

// listed says whether p belongs into the list that the caller asked for.
func (c *call) listed(ctx context.Context, p *project) (projectJSON, bool, error) {
	search, _ := c.params.text("search")
	spaces, _, err := c.params.flag("search_namespaces")
	if err != nil {
		return projectJSON{}, false, err
	}
	least, err := c.params.number("min_access_level", NoAccess)
	if err != nil {
		return projectJSON{}, false, err
	}
	visibility, wanted := c.params.text("visibility")
	member := false
	for _, name := range []string{"membership", "owned"} {
		asked, _, err := c.params.flag(name)
		if err != nil {
			return projectJSON{}, false, err
		}
		member = member || asked
	}
	archived, filtered, err := c.params.flag("archived")
	if err != nil {
		return projectJSON{}, false, err
	}
	if err := c.server.enter(ctx, p, nil); err != nil {
		return projectJSON{}, false, err
	}
	defer p.mu.Unlock()
	access := c.who.access(p.path, c.server.cfg.PublicRead)
	searched := p.name()
	if spaces {
		searched = p.path
	}
	out := c.projectJSON(p, access)
	keep := access > NoAccess && access >= least &&
		strings.Contains(strings.ToLower(searched), strings.ToLower(search)) &&
		(!member || c.who.access(p.path, false) > NoAccess) &&
		(!filtered || archived == p.settings.Archived) &&
		(!wanted || visibility == out.Visibility)
	return out, keep, nil
}

func (c *call) listProtected(context.Context) (*reply, error) {
	type level struct {
		AccessLevel int    `json:"access_level"`
		Description string `json:"access_level_description"`
	}
	type branch struct {
		ID        int     `json:"id"`
		Name      string  `json:"name"`
		Push      []level `json:"push_access_levels"`
		Merge     []level `json:"merge_access_levels"`
		ForcePush bool    `json:"allow_force_push"`
	}
	words := map[int]string{NoAccess: "No one", Developer: "Developers + Maintainers", Maintainer: "Maintainers"}
	search, _ := c.params.text("search")
	var all []branch
	for n, rule := range c.project.settings.ProtectedBranches {
		if search == "" || strings.Contains(rule.Name, search) {
			all = append(all, branch{
				ID: n + 1, Name: rule.Name, ForcePush: rule.AllowForcePush,
				Push:  []level{{rule.PushAccess, words[rule.PushAccess]}},
				Merge: []level{{rule.MergeAccess, words[rule.MergeAccess]}},
			})
		}
	}
	return paged(c, all)
}
