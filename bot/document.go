package bot

import (
	"context"
	"fmt"
	"io/fs"
	"strings"

	"tokenward/analysis"
	"tokenward/gitops/edit"
	"tokenward/gitops/git"
	"tokenward/templates"
)

// sectionHeading is the heading of the documentation section (the maintainers' own).
const sectionHeading = "automountServiceAccountToken"

// editPackages computes the documentation of every package that is released into
// the unit's namespace. A package of which the documentation cannot be read fails
// the unit: half a pair is worse than none.
func (b *Bot) editPackages(ctx context.Context, s *Scan, u *Unit) error {
	for _, r := range b.packagesOf(s, u.Plan.Namespace) {
		url := r.Repository
		base, err := b.store.Fetch(ctx, url, git.Ref{})
		if err != nil {
			return fmt.Errorf("fetch the default branch of %s for its documentation: %w", url, err)
		}
		change, err := b.documentation(ctx, s, u, base)
		if err != nil {
			return fmt.Errorf("document the policy in %s: %w", url, err)
		}
		if change == nil {
			u.Documented, u.documented = append(u.Documented, repositoryName(url)), append(u.documented, base)
			continue
		}
		if b.cfg.VersionBump {
			if err := b.raise(change, r.Chart); err != nil {
				return fmt.Errorf("raise the version of %s: %w", url, err)
			}
		}
		u.Packages = append(u.Packages, change)
	}
	return nil
}

// packagesOf lists one release of each repository that is released into a namespace,
// without the umbrella's own charts. Repositories are told apart by their projects, since
// an umbrella may write one address in several ways.
func (b *Bot) packagesOf(s *Scan, ns string) []*analysis.RenderedRelease {
	identity := func(url string) string {
		if p := b.projectPath(url); p != "" {
			return strings.ToLower(p) // GitLab's paths are the same in any case
		}
		return url
	}
	seen := map[string]bool{identity(s.Umbrella.URL): true}
	var out []*analysis.RenderedRelease
	for _, r := range s.Set.Releases {
		if r.Namespace != ns || r.Err != nil || r.Repository == "" || seen[identity(r.Repository)] {
			continue
		}
		seen[identity(r.Repository)] = true
		out = append(out, r)
	}
	return out
}

// documentation returns the change that puts the section where the package
// documents such things, nil if a section with its heading stands in any of the
// places already, and is people's, up to date or about another umbrella.
func (b *Bot) documentation(ctx context.Context, s *Scan, u *Unit, base *git.Snapshot) (*FileChange, error) {
	section, err := b.section(s, u)
	if err != nil {
		return nil, err
	}
	place, src, why, err := placeOf(base.FS(), section)
	if err != nil || place == "" {
		return nil, err
	}
	dst, changes, err := section.Apply(src)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", place, err)
	}
	if len(changes) == 0 {
		return nil, nil
	}
	if others, err := b.documentsFor(ctx, section.Text(src), s.Umbrella.Branch); err != nil || others {
		return nil, err
	}
	return &FileChange{Base: base, Package: repositoryName(base.URL), Path: place, Content: dst, Diff: edit.UnifiedDiff(place, src, dst), Why: why, Edit: section}, nil
}

// placeOf finds the file of a package that has the section, to bring it up to date, or
// that should have it, with its text, none where it is to be created, and the reason.
// Without a file, the section stands in one that is generated and is left alone.
func placeOf(tree fs.FS, section edit.SectionEdit) (place string, src []byte, why string, err error) {
	place, exists, why, err := edit.Place(tree)
	if err != nil {
		return "", nil, "", err
	}
	if exists {
		if src, err = fs.ReadFile(tree, place); err != nil {
			return "", nil, "", fmt.Errorf("read %s: %w", place, err)
		}
	}
	if section.Has(src) {
		return place, src, why, nil
	}
	const readme, guide = "README.md", "docs/DEVELOPMENT_MAINTENANCE.md"
	for _, other := range []string{readme, guide} {
		text, err := readOptional(tree, other)
		switch {
		case err != nil:
			return "", nil, "", err
		case other == place || !section.Has(text):
		case other == readme:
			return "", nil, "", nil
		default:
			return other, text, "the section stands there already", nil
		}
	}
	return place, src, why, nil
}

func (b *Bot) section(s *Scan, u *Unit) (edit.SectionEdit, error) {
	file, err := b.policyFile(s, u)
	if err != nil {
		return edit.SectionEdit{}, err
	}
	body, err := templates.Section{
		Policy: b.cfg.Policies.Mutator, Validate: b.cfg.Policies.Validator,
		File: file, FileURL: b.blobURL(s.Umbrella.URL, s.Umbrella.Branch, file, 0),
	}.Body()
	if err != nil {
		return edit.SectionEdit{}, err
	}
	return edit.SectionEdit{Heading: sectionHeading, Body: body, Marker: "tokenward:" + sectionHeading}, nil
}

// policyFile is the umbrella's file that holds the mutator's values: the one that the
// unit's proven edit is of, else the likeliest.
func (b *Bot) policyFile(s *Scan, u *Unit) (string, error) {
	if u.Umbrella != nil {
		return u.Umbrella.Path, nil
	}
	files, err := b.policyFiles(s.Umbrella.FS())
	if err != nil {
		return "", err
	}
	return files[0], nil
}

// evidenceURL is where to read the template behind an evidence, "" if the
// repository is not on the GitLab server.
func (b *Bot) evidenceURL(s *Scan, e analysis.Evidence) string {
	for _, r := range s.Set.Releases {
		if r.Name == e.Release && e.Source != "" {
			return b.blobURL(r.Repository, r.Commit, e.Source, e.Line)
		}
	}
	return ""
}
