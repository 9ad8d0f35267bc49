package bot

import (
	"context"
	"slices"
	"strings"

	"tokenward/analysis"
)

// Platform names the GitLab projects that an umbrella's platform consists of, as far
// as they are on the configured server.
type Platform struct {
	Umbrella string // path of the project, "" if it is elsewhere
	Packages []PlatformPackage
}

// PlatformPackage is one package's project and a namespace that it is deployed to.
type PlatformPackage struct {
	Project   string // path
	Namespace string
	Branch    string // that the umbrella follows, "" where it pins something else
}

// Discover finds the platform's projects without rendering any package. It writes
// nothing; an error means that the umbrella could not be read.
func (b *Bot) Discover(ctx context.Context) (*Platform, error) {
	s := &Scan{}
	if err := b.discoverStep(ctx, s); err != nil {
		return nil, err
	}
	return b.Platform(s), nil
}

// Platform lists the projects of a scan, by path and namespace, each once.
func (b *Bot) Platform(s *Scan) *Platform {
	p := &Platform{Umbrella: b.projectPath(s.Umbrella.URL)}
	add := func(r analysis.Release) {
		one := PlatformPackage{Project: b.projectPath(r.Repository), Namespace: r.Namespace, Branch: r.Ref.Branch}
		if r.Repository != "" && one.Project != "" && !slices.Contains(p.Packages, one) {
			p.Packages = append(p.Packages, one)
		}
	}
	for _, r := range s.Discovery.Releases {
		add(r)
	}
	slices.SortFunc(p.Packages, func(a, c PlatformPackage) int {
		return strings.Compare(a.Project+" "+a.Namespace+" "+a.Branch, c.Project+" "+c.Namespace+" "+c.Branch)
	})
	return p
}

// Projects lists the paths of all projects, the umbrella's first, each once.
func (p *Platform) Projects() []string {
	var all []string
	if p.Umbrella != "" {
		all = append(all, p.Umbrella)
	}
	for _, one := range p.Packages {
		if !slices.Contains(all, one.Project) {
			all = append(all, one.Project)
		}
	}
	return all
}

// UmbrellaProject is the path of the umbrella's project, "" if it is elsewhere. It
// asks nobody.
func (b *Bot) UmbrellaProject() string { return b.projectPath(b.cfg.Umbrella.Repository) }
