package edit

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// changedTitle is the subheading under which Keep a Changelog lists what has changed.
const changedTitle = "Changed"

var (
	bulletPattern = regexp.MustCompile(`^ {0,3}[-*+][ \t]+`)
	titlePattern  = regexp.MustCompile(`^( {0,3}(?:#{1,6}[ \t]+)?(?:(?i:version|release)[ \t]+)?[\[*]*)(v?)(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?)([\]*]*)((?:\((?:https?:|[/.#])[^)\s]*\))?)(.*)$`)
	datePattern   = regexp.MustCompile(`\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|[A-Z][a-z]{2,8} \d{1,2}, \d{4}|\d{1,2} [A-Z][a-z]{2,8} \d{4}`)
	// framePattern is what may stand around a date.
	framePattern = regexp.MustCompile(`^[\s\-–—()\[\]_*,:/|#]*$`)
	breakPattern = regexp.MustCompile(`^ {0,3}([-*_][ \t]*){3,}$`)
)

// dateLayouts are the forms of dates that are known. Of those that fit all dates of a
// changelog the first is taken.
var dateLayouts = []string{
	"2006-01-02", "2006-1-2", "2006/01/02", "2006/1/2", "2006.01.02", "2006.1.2",
	"02.01.2006", "2.1.2006", "01/02/2006", "1/2/2006", "02/01/2006", "2/1/2006", "02-01-2006", "01-02-2006",
	"January 2, 2006", "Jan 2, 2006", "2 January 2006", "2 Jan 2006", "02 January 2006", "02 Jan 2006",
}

// releaseTitle is the heading of a release in its parts.
type releaseTitle struct {
	before, version, after string // around the version, without a link's address
	frame                  [2]string
	date                   string // between the two parts of the frame, "" where it has none
	clean                  bool   // there is nothing else
}

// readReleaseTitle takes the line of a heading apart. ok is false where it does not
// begin with a version.
func readReleaseTitle(text string, setext bool) (t releaseTitle, ok bool) {
	p := titlePattern.FindStringSubmatch(strings.TrimRight(text, " \t"))
	if p == nil || setext == strings.HasPrefix(strings.TrimLeft(text, " "), "#") {
		return t, false
	}
	rest := p[6]
	t = releaseTitle{before: p[1], version: p[2] + p[3], after: p[4], frame: [2]string{rest, ""}}
	if at := datePattern.FindStringIndex(rest); at != nil {
		t.frame, t.date = [2]string{rest[:at[0]], rest[at[1]:]}, rest[at[0]:at[1]]
	}
	t.clean = framePattern.MatchString(t.frame[0]) && framePattern.MatchString(t.frame[1])
	return t, true
}

// release writes the lines of a new release, and what parts it from the one below.
func (c *changelog) release(e ChangelogEdit) []string {
	newest := c.releases[0]
	lines := c.title(e)
	lines = append(lines, c.blanks(newest.first)...)
	if sub := c.subheading(); sub >= 0 {
		lines = append(lines, c.changed(sub))
		lines = append(lines, c.blanks(c.headings[sub].line+1)...)
	}
	lines = append(lines, c.bullet()+strings.TrimSpace(e.Entry))
	return append(lines, c.gap()...)
}

// blanks returns the blank line that stands at an index, if there is one.
func (c *changelog) blanks(at int) []string {
	if at < len(c.lines) && c.blankLine(at) {
		return []string{""}
	}
	return nil
}

// title writes the heading like those of the newest releases.
func (c *changelog) title(e ChangelogEdit) []string {
	newest := c.releases[0]
	model := c.model()
	version := strings.TrimPrefix(e.Version, "v")
	if strings.HasPrefix(newest.releaseTitle.version, "v") {
		version = "v" + version
	}
	text := newest.before + version + newest.after + model.frame[0]
	if model.date != "" {
		text += e.Date.Format(c.dateLayout()) + model.frame[1]
	}
	text = strings.TrimRight(text, " \t")
	if !newest.heading.setext {
		return []string{text}
	}
	underline := strings.TrimSpace(c.line(newest.first - 1))[:1]
	return []string{text, strings.Repeat(underline, max(3, utf8.RuneCountInString(text)))}
}

// recent is how many releases are looked at for how a date is given.
const recent = 3

// model returns the title of the newest release that has a date and nothing else
// beside its version. Where none of the recent ones has, it is the newest without
// a date; where they all say more, it is the form of Keep a Changelog.
func (c *changelog) model() releaseTitle {
	latest := c.releases[:min(recent, len(c.releases))]
	for _, dated := range []bool{true, false} {
		for _, r := range latest {
			if r.clean && (dated && len(layoutsOf(r.date, dateLayouts)) > 0 || !dated && r.date == "") {
				return r.releaseTitle
			}
		}
	}
	return releaseTitle{frame: [2]string{" - ", ""}, date: dateLayouts[0]}
}

// dateLayout returns the layout that fits the newest date, and as many older ones as it takes to be certain.
func (c *changelog) dateLayout() string {
	layouts := dateLayouts
	for _, r := range c.releases {
		if fitting := layoutsOf(r.date, layouts); r.clean && len(fitting) > 0 {
			layouts = fitting
		}
	}
	return layouts[0]
}

// layoutsOf returns the layouts that give a date exactly as it is written.
func layoutsOf(date string, layouts []string) []string {
	return slices.DeleteFunc(slices.Clone(layouts), func(layout string) bool {
		t, err := time.Parse(layout, date)
		return err != nil || t.Format(layout) != date
	})
}

// subheading returns the index of the first heading in the newest release, -1 where it has none.
func (c *changelog) subheading() int {
	for _, i := range c.releases[0].parts {
		if !c.headings[i].setext {
			return i
		}
	}
	return -1
}

// changed writes the subheading "Changed" as the changelog does; sub is how the newest release writes one.
func (c *changelog) changed(sub int) string {
	for _, r := range c.releases {
		for _, i := range r.parts {
			if h := c.headings[i]; !h.setext && h.level == c.headings[sub].level && strings.EqualFold(h.title, changedTitle) {
				return strings.TrimRight(c.line(h.line), " \t")
			}
		}
	}
	text := c.line(c.headings[sub].line)
	marks := strings.TrimLeft(text, " ")
	return text[:len(text)-len(strings.TrimLeft(marks, "#"))] + " " + changedTitle
}

// gap returns what stands between the newest two releases: blank lines, of which
// one is kept, and a break.
func (c *changelog) gap() []string {
	newest := c.releases[0]
	if len(c.releases) == 1 || newest.next == len(c.lines) {
		return []string{""}
	}
	var lines []string
	for i := newest.end; i < newest.next; i++ {
		text := strings.TrimSpace(c.line(i))
		isBlank := text == ""
		if isBlank && (len(lines) == 0 || lines[len(lines)-1] != "") || breakPattern.MatchString(text) {
			lines = append(lines, text)
		}
	}
	return lines
}

// isBetween says whether a line belongs to what stands between two releases.
func isBetween(text string) bool {
	return strings.TrimSpace(text) == "" || breakPattern.MatchString(text) || isAttached(text)
}
