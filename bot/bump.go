package bot

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"tokenward/gitops/edit"
	"tokenward/templates"
)

// bump is the version that a package's request raises the chart to. The zero value is
// that of a bot that leaves versions alone.
type bump struct {
	version string
	// why says, as a sentence for people, why a version that was to be raised is not.
	why string
}

// raise adds to a package's change the version of its chart that follows the one on
// the target branch, and a release in the changelog if the package keeps one. What
// the editors refuse is left to people, with the reason: the documentation does not
// wait for it. The day of the release does not count as content, so that a run on
// another day finds its work done.
func (b *Bot) raise(c *FileChange, chart string) error {
	tree := c.Base.FS()
	chart = path.Clean("/" + chart)[1:]
	file := path.Join(chart, "Chart.yaml")
	src, err := readIfThere(tree, file)
	if err != nil {
		return err
	}
	log, changes, err := findChangelog(tree, chart)
	if err != nil {
		return err
	}
	release := edit.ChangelogEdit{Date: b.cfg.Now().UTC(), Entry: templates.Package{File: c.Path}.ChangelogEntry()}
	if release.Version, err = nextVersion(src, changes, release); err == nil {
		err = c.include(file, src, edit.VersionEdit{Version: release.Version})
	}
	if err == nil && changes != nil {
		err = c.include(log, changes, release)
	}
	if err != nil {
		c.Also, c.bump = nil, bump{why: fmt.Sprintf("The chart's version is not raised: %v.", err)}
		return nil
	}
	c.bump.version = release.Version
	return nil
}

// nextVersion returns the first version behind the chart's own that its changelog does not have.
func nextVersion(chart, changes []byte, release edit.ChangelogEdit) (string, error) {
	if chart == nil {
		return "", errors.New("the default branch has no Chart.yaml where the umbrella takes the chart from")
	}
	version, err := edit.ChartVersion(chart)
	if err != nil {
		return "", err
	}
	for {
		next, err := edit.NextVersion(version)
		if err != nil {
			return "", err
		}
		if release.Version = next; !release.Has(changes) {
			return next, nil
		}
		version = next
	}
}

// include makes an edit of a further file, which only follows from the rest.
func (c *FileChange) include(file string, src []byte, e edit.Edit) error {
	dst, changes, err := e.Apply(src)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if len(changes) > 0 {
		c.Also = append(c.Also, FileEdit{Path: file, Content: dst, Diff: edit.UnifiedDiff(file, src, dst), Edit: e, Incidental: true})
	}
	return nil
}

// findChangelog reads the package's changelog, or its chart's; nil without one.
func findChangelog(tree fs.FS, chart string) (file string, src []byte, err error) {
	for _, dir := range []string{"", chart} {
		file = path.Join(dir, "CHANGELOG.md")
		if src, err = readIfThere(tree, file); err != nil || src != nil {
			return file, src, err
		}
	}
	return "", nil, nil
}

// readIfThere reads a file; it returns nil for one that does not exist.
func readIfThere(tree fs.FS, file string) ([]byte, error) {
	src, err := fs.ReadFile(tree, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return src, nil
}
