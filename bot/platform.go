package bot

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// Site says where an umbrella and its packages are on the GitLab server. Repositories
// on other servers are left out.
type Site struct {
	// Project is the umbrella's path, "" if it is on another server.
	Project       string    `json:"project"`
	ProjectID     int64     `json:"projectID,omitempty"` // 0 while WithIDs was not told
	DefaultBranch string    `json:"defaultBranch"`
	Branch        string    `json:"branch"` // the analysed one
	Packages      []Package `json:"packages"`
	IDsAsked      time.Time `json:"idsAsked,omitzero"` // when AskIDs asked for all of them last
}

// Package is a repository in the place where an umbrella deploys it.
type Package struct {
	Project       string `json:"project"`
	ProjectID     int64  `json:"projectID,omitempty"` // 0 while WithIDs was not told
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

// IDs are the ids of the site's projects by their paths, without those that are not known.
func (s Site) IDs() map[string]int64 {
	ids := map[string]int64{}
	for _, p := range append([]Package{{Project: s.Project, ProjectID: s.ProjectID}}, s.Packages...) {
		if p.ProjectID != 0 {
			ids[p.Project] = p.ProjectID
		}
	}
	return ids
}

// WithIDs returns the site with the ids of its projects, which are given by path.
func (s Site) WithIDs(ids map[string]int64) Site {
	s.ProjectID, s.Packages = cmp.Or(ids[s.Project], s.ProjectID), slices.Clone(s.Packages)
	for i, p := range s.Packages {
		s.Packages[i].ProjectID = cmp.Or(ids[p.Project], p.ProjectID)
	}
	return s
}

// idsAge is how old ids may be: a project may be moved away, and another one be made at its path.
// It is less than a day, so that every run of a daily schedule finds them old.
const idsAge = 20 * time.Hour

// AskIDs returns the site with the ids of its projects, which stay when a project is renamed or
// moved. It asks GitLab for those that are missing, and for all where they are old. The
// site is good also with an error, which says what is missing or stayed as it was.
func (b *Bot) AskIDs(ctx context.Context, s Site) (Site, error) {
	if b.forge == nil {
		return s, nil
	}
	age := b.cfg.Now().Sub(s.IDsAsked)
	old := age < 0 || age >= idsAge
	known, ids := s.IDs(), map[string]int64{}
	var first error
	missing := 0
	for _, path := range s.Projects() {
		if known[path] != 0 && !old {
			continue
		}
		project, err := b.forge.Project(ctx, path)
		if err == nil {
			ids[path] = project.ID
			continue
		}
		first, missing = cmp.Or(first, err), missing+1
		if ctx.Err() != nil || isAway(err) {
			return s.WithIDs(ids), fmt.Errorf("ask for the ids of projects: %w", err)
		}
	}
	if s = s.WithIDs(ids); old {
		s.IDsAsked = b.cfg.Now()
	}
	if first != nil {
		return s, fmt.Errorf("ask for the ids of projects: %w, which is the first of %d", first, missing)
	}
	return s, nil
}

// UmbrellaProject is the path of the umbrella's project, "" if it is elsewhere. It
// asks nobody.
func (b *Bot) UmbrellaProject() string { return b.projectPath(b.cfg.Umbrella.Repository) }
