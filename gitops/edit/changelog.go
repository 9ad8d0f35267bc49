package edit

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"
	"github.com/yuin/goldmark/ast"
)

// ChangelogEdit adds a release with one entry on top of a changelog's releases, in
// the style that the newest ones have: the form of the heading and of its date, the
// subheading "Changed" where releases have subheadings, the bullet, blank lines and
// breaks. An "Unreleased" section above them stays where it is, with all that
// people have gathered there. Lines are only ever added.
type ChangelogEdit struct {
	// Version is the version of the new release.
	Version string
	// Date is the day in its heading, if the other headings have one. It does not
	// count when the file is compared with what is wanted.
	Date time.Time
	// Entry is what has changed, as one line of Markdown.
	Entry string
}

var _ Edit = ChangelogEdit{}

// Apply adds the release. A file that has a release of this version, whatever its
// date and its entries, or the entry in a release of a higher version is left alone:
// that is no change and no error. A changelog without any release is refused with
// ErrNoAnchor, one that begins with the oldest, or whose newest is higher than Version,
// with ErrForm, and what cannot be written with ErrName.
func (e ChangelogEdit) Apply(src []byte) (dst []byte, changes []Change, err error) {
	wanted, err := readVersion(e.Version)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrName, err)
	}
	if err := checkName("the entry", e.Entry); err != nil {
		return nil, nil, err
	}
	m, err := readMarkdown(src)
	if err != nil {
		return nil, nil, err
	}
	c := readChangelog(m)
	if c.has(wanted, e) {
		return src, nil, nil
	}
	switch {
	case len(c.releases) == 0:
		return nil, nil, fmt.Errorf("%w: the changelog has no release that a new one could follow", ErrNoAnchor)
	case c.oldestFirst():
		return nil, nil, fmt.Errorf("%w: the changelog begins with its oldest release", ErrForm)
	case wanted.LessThan(c.releases[0].version):
		return nil, nil, fmt.Errorf("%w: the changelog's newest release %s is higher than %s", ErrForm, c.releases[0].version, e.Version)
	}
	s := newSplice(src, c.lines)
	s.add(c.top(), c.release(e)...)
	dst, changes = s.apply()
	if after, err := readMarkdown(dst); err != nil || !c.proven(readChangelog(after), wanted, e) {
		return nil, nil, fmt.Errorf("%w: the release %s would not stand where it should", ErrUnproven, e.Version)
	}
	return dst, changes, nil
}

// Has says whether Apply would leave src alone: it has a release of the version, or
// the entry in that of a higher one. It is false where Version is no semantic version.
func (e ChangelogEdit) Has(src []byte) bool {
	wanted, err := readVersion(e.Version)
	if err != nil {
		return false
	}
	m, err := readMarkdown(src)
	return err == nil && readChangelog(m).has(wanted, e)
}

// changelog is a Markdown text with its releases, in the order of the file.
type changelog struct {
	*markdown
	releases []release
}

// release is a section of a changelog that is called like a version.
type release struct {
	releaseTitle
	version *semver.Version
	heading heading
	first   int   // the line behind its heading
	end     int   // the line behind its last one that is not blank
	next    int   // the line behind all of it
	parts   []int // indexes of the headings in it
}

// readChangelog finds the releases. One ends where the next begins, or at any
// heading that is not below it.
func readChangelog(m *markdown) *changelog {
	c := &changelog{markdown: m}
	for i, h := range m.headings {
		r, ok := c.readRelease(h)
		if !ok {
			continue
		}
		r.next = len(m.lines)
		for k, below := range m.headings[i+1:] {
			if _, another := c.readRelease(below); another || below.level <= h.level {
				r.next = below.line
				break
			}
			r.parts = append(r.parts, i+1+k)
		}
		for r.end = r.next; r.end > r.first && isBetween(m.line(r.end-1)); {
			r.end--
		}
		c.releases = append(c.releases, r)
	}
	return c
}

func (c *changelog) readRelease(h heading) (release, bool) {
	title, ok := readReleaseTitle(c.line(h.line), h.setext)
	if !ok {
		return release{}, false
	}
	version, err := readVersion(title.version)
	r := release{releaseTitle: title, version: version, heading: h, first: h.line + 1}
	if h.setext {
		r.first++ // a title of two lines has its second there
		ok = r.first <= len(c.lines) && strings.Trim(c.line(r.first-1), "=- ") == ""
	}
	return r, ok && err == nil
}

// has says whether there is a release of the version, or a higher one with the entry.
func (c *changelog) has(wanted *semver.Version, e ChangelogEdit) bool {
	return slices.ContainsFunc(c.releases, func(r release) bool {
		return strings.TrimPrefix(r.releaseTitle.version, "v") == strings.TrimPrefix(e.Version, "v") ||
			wanted.LessThan(r.version) && c.holds(r, e.Entry)
	})
}

// holds says whether one of the release's items is the entry.
func (c *changelog) holds(r release, entry string) bool {
	for i := r.first; i < r.end; i++ {
		item := strings.TrimSpace(c.line(i))
		if b := bulletPattern.FindString(item); b != "" && item[len(b):] == strings.TrimSpace(entry) {
			return true
		}
	}
	return false
}

// oldestFirst says whether more releases follow a lower one than a higher one.
func (c *changelog) oldestFirst() bool {
	rises := 0
	for i := range c.releases[1:] {
		rises += c.releases[i+1].version.Compare(c.releases[i].version)
	}
	return rises > 0
}

// top returns the line where the newest release begins, with an anchor above its heading.
func (c *changelog) top() int {
	at := c.releases[0].heading.line
	above := at
	for above > 0 && c.blankLine(above-1) {
		above--
	}
	if above > 0 && isAttached(c.line(above-1)) {
		return above - 1
	}
	return at
}

// proven says whether after is the changelog with the new release before all others, and every heading that there was.
func (c *changelog) proven(after *changelog, wanted *semver.Version, e ChangelogEdit) bool {
	if len(after.releases) != len(c.releases)+1 {
		return false
	}
	newest := after.releases[0]
	if !newest.version.Equal(wanted) || newest.heading.level != c.releases[0].heading.level || !after.holds(newest, e.Entry) {
		return false
	}
	var kept []heading
	for i, h := range after.headings {
		if h != newest.heading && !slices.Contains(newest.parts, i) {
			kept = append(kept, h)
		}
	}
	return slices.EqualFunc(kept, c.headings, func(a, b heading) bool { return a.level == b.level && a.title == b.title })
}

// bullet returns what the items of the newest release begin with, or of the next that has any.
func (c *changelog) bullet() string {
	for n := c.root.FirstChild(); n != nil; n = n.NextSibling() {
		list, ok := n.(*ast.List)
		if !ok || list.IsOrdered() || n.Pos() < 0 {
			continue
		}
		at := c.lineAt(n.Pos())
		if b := bulletPattern.FindString(c.line(at)); b != "" && at >= c.releases[0].first {
			return b
		}
	}
	return "- "
}
