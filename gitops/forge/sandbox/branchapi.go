package sandbox

import (
	"context"
	"net/http"
	"strings"

	"github.com/IGLOU-EU/go-wildcard"
)

type branchJSON struct {
	Name               string     `json:"name"`
	Commit             commitJSON `json:"commit"`
	Merged             bool       `json:"merged"`
	Protected          bool       `json:"protected"`
	DevelopersCanPush  bool       `json:"developers_can_push"`
	DevelopersCanMerge bool       `json:"developers_can_merge"`
	CanPush            bool       `json:"can_push"`
	Default            bool       `json:"default"`
	WebURL             string     `json:"web_url"`
}

// branchesJSON describes the named branches.
func (c *call) branchesJSON(ctx context.Context, names []string) ([]branchJSON, error) {
	p := c.project
	var shas []string
	for _, name := range names {
		shas = append(shas, p.heads[name])
	}
	commits, err := c.commitsOf(ctx, shas)
	if err != nil {
		return nil, err
	}
	inMain := map[string]bool{}
	if main := p.heads[p.defaultBranch]; main != "" {
		out, err := p.git().run(ctx, "for-each-ref", "--merged="+main, "--format=%(refname:lstrip=2)", "refs/heads")
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(out)) {
			inMain[strings.TrimSuffix(line, "\n")] = true
		}
	}
	var all []branchJSON
	for n, name := range names {
		all = append(all, branchJSON{
			Name: name, Commit: commits[n], Default: name == p.defaultBranch,
			Merged: inMain[name] && name != p.defaultBranch, Protected: p.protected(name),
			DevelopersCanPush: p.canPush(name, Developer), DevelopersCanMerge: p.canMerge(name, Developer),
			CanPush: p.canPush(name, c.access) && !c.who.readOnly() && !p.settings.Archived,
			WebURL:  c.base + "/" + p.path + "/-/tree/" + name,
		})
	}
	return all, nil
}

func (c *call) listBranches(ctx context.Context) (*reply, error) {
	search, _ := c.params.text("search")
	if _, given := c.params.text("regex"); given {
		return nil, fail(http.StatusNotImplemented, "501 Not Implemented: parameter regex of GET branches")
	}
	pattern := "*" + search + "*"
	if strings.HasPrefix(search, "^") { // GitLab's anchors
		pattern = search[1:] + "*"
	}
	if strings.HasSuffix(search, "$") {
		pattern = strings.TrimSuffix(pattern, "$*")
	}
	var names []string
	for _, name := range sortedKeys(c.project.heads) {
		if wildcard.MatchSimple(strings.ToLower(pattern), strings.ToLower(name)) {
			names = append(names, name)
		}
	}
	all, err := c.branchesJSON(ctx, names)
	if err != nil {
		return nil, err
	}
	return paged(c, all)
}

func (c *call) getBranch(ctx context.Context) (*reply, error) {
	name := c.request.PathValue("branch")
	if c.project.heads[name] == "" {
		return nil, fail(http.StatusNotFound, "404 Branch Not Found")
	}
	all, err := c.branchesJSON(ctx, []string{name})
	if err != nil {
		return nil, err
	}
	return ok(all[0]), nil
}

func (c *call) createBranch(ctx context.Context) (*reply, error) {
	if err := c.params.require("branch", "ref"); err != nil {
		return nil, err
	}
	name, _ := c.params.text("branch")
	ref, _ := c.params.text("ref")
	if c.project.heads[name] != "" {
		return nil, fail(http.StatusBadRequest, "Branch already exists")
	}
	if _, err := c.project.git().run(ctx, "check-ref-format", "--branch", name); err != nil {
		if exitCode(err) > 0 {
			return nil, fail(http.StatusBadRequest, "Branch name is invalid")
		}
		return nil, err
	}
	sha, err := c.project.resolve(ctx, ref)
	if err != nil {
		return nil, err
	}
	if sha == "" {
		return nil, fail(http.StatusBadRequest, "Invalid reference name: "+ref)
	}
	if !c.project.canMerge(name, c.access) {
		return nil, errForbidden
	}
	if text := c.project.rules().branchName(c.project, name); text != "" {
		return nil, fail(http.StatusBadRequest, text)
	}
	if _, err := c.project.git().run(ctx, "update-ref", "refs/heads/"+name, sha, zeroSHA); err != nil {
		return nil, err
	}
	if err := c.server.sync(ctx, c.project, c.who.user); err != nil {
		return nil, err
	}
	all, err := c.branchesJSON(ctx, []string{name})
	if err != nil {
		return nil, err
	}
	return created(all[0]), nil
}

func (c *call) deleteBranch(ctx context.Context) (*reply, error) {
	name := c.request.PathValue("branch")
	sha := c.project.heads[name]
	switch {
	case sha == "":
		return nil, fail(http.StatusNotFound, "404 Branch Not Found")
	case name == c.project.defaultBranch:
		return nil, fail(http.StatusMethodNotAllowed, "Cannot remove HEAD branch")
	case c.project.protected(name) && c.access < Maintainer:
		return nil, fail(http.StatusMethodNotAllowed, "Protected branch can't be removed")
	}
	if _, err := c.project.git().run(ctx, "update-ref", "-d", "refs/heads/"+name, sha); err != nil {
		return nil, err
	}
	if err := c.server.sync(ctx, c.project, c.who.user); err != nil {
		return nil, err
	}
	return &reply{status: http.StatusNoContent}, nil
}
