package bot

import (
	"cmp"
	"context"
	"slices"
)

// Site says where an umbrella and its packages are on the GitLab server. Repositories
// on other servers are left out.
type Site struct {
	// Project is the umbrella's path, "" if it is on another server.
	Project       string    `json:"project"`
	DefaultBranch string    `json:"defaultBranch"`
	Branch        string    `json:"branch"` // the analysed one
	Packages      []Package `json:"packages"`
}

// Package is a repository in the place where an umbrella deploys it.
type Package struct {
	Project       string `json:"project"`
	Namespace     string `json:"namespace"`
	DefaultBranch string `json:"defaultBranch"` // "" if it was not or could not be read
	Branch        string `json:"branch"`        // what the umbrella follows, "" where it pins something else
}

// Discover finds the platform's projects without fetching any package. It writes
// nothing; an error means that the umbrella could not be read.
func (b *Bot) Discover(ctx context.Context) (Site, error) {
	s := &Scan{}
	if err := b.discoverStep(ctx, s); err != nil {
		return Site{}, err
	}
	return b.Site(s), nil
}

// Site tells where the projects of a scan are, by path and namespace, each once.
func (b *Bot) Site(s *Scan) Site {
	site := Site{Project: b.projectPath(s.Umbrella.URL), DefaultBranch: s.Umbrella.Head, Branch: s.Umbrella.Branch}
	for i, r := range s.Discovery.Releases {
		p := Package{Project: b.projectPath(r.Repository), Namespace: r.Namespace, Branch: r.Ref.Branch}
		if i < len(s.heads) {
			p.DefaultBranch = s.heads[i]
		}
		if r.Repository != "" && p.Project != "" && !slices.Contains(site.Packages, p) {
			site.Packages = append(site.Packages, p)
		}
	}
	slices.SortStableFunc(site.Packages, func(a, c Package) int {
		return cmp.Or(cmp.Compare(a.Project, c.Project), cmp.Compare(a.Namespace, c.Namespace), cmp.Compare(a.Branch, c.Branch))
	})
	return site
}

// Projects lists the paths of all projects, the umbrella's first, each once.
func (s Site) Projects() []string {
	var all []string
	if s.Project != "" {
		all = append(all, s.Project)
	}
	for _, one := range s.Packages {
		if !slices.Contains(all, one.Project) {
			all = append(all, one.Project)
		}
	}
	return all
}

// UmbrellaProject is the path of the umbrella's project, "" if it is elsewhere. It
// asks nobody.
func (b *Bot) UmbrellaProject() string { return b.projectPath(b.cfg.Umbrella.Repository) }
