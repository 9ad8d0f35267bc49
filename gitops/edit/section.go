package edit

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// SectionEdit puts one section into a Markdown file. The section stands between two
// comments that carry the marker, so that it can be kept up to date; text outside
// them is never changed, but for an entry in a table of contents.
type SectionEdit struct {
	// Heading is the section's title, without markup.
	Heading string
	// Body is the section's text, as Markdown.
	Body string
	// Marker names the section in the comments <!-- Marker --> and <!-- /Marker -->.
	// Without one, the section is put into the file once and never updated.
	Marker string
	// Title is the title of a file that is created; "Development and Maintenance Guide" where it is empty.
	Title string
}

const defaultTitle = "Development and Maintenance Guide"

// Apply adds the section, or brings up to date what stands between its markers. A
// section by people with the same heading, which has no marker, is left alone: that
// is no change and no error, as is a section that says already what is wanted. An empty src
// becomes a new file with a title. Text that would be a template action, or cannot
// be written, is refused with ErrName; a template that leaves no place with ErrForm.
func (e SectionEdit) Apply(src []byte) (dst []byte, changes []Change, err error) {
	if err := e.check(); err != nil {
		return nil, nil, err
	}
	m, err := readMarkdown(src)
	if err != nil {
		return nil, nil, err
	}
	if first, last, found := e.ours(m); found {
		s := newSplice(src, m.lines)
		e.bringUpToDate(m, s, first, last)
		dst, changes = s.apply()
		if len(changes) > 0 && !e.proven(m, first, last, dst) {
			return nil, nil, fmt.Errorf("%w: the section %q would not end where it should", ErrUnproven, e.Heading)
		}
		return dst, changes, nil
	}
	if e.byPeople(m) {
		return src, nil, nil
	}
	if isBlank(src) {
		s := newSplice(src, m.lines)
		for i := range m.lines {
			s.drop(i)
		}
		s.add(0, append([]string{"# " + e.title(), ""}, e.section(2, false)...)...)
		dst, changes = s.apply()
		return dst, changes, nil
	}
	return e.insert(m)
}

// Has says whether src has the section, by its marker or by its heading. A text that Apply refuses to read has none.
func (e SectionEdit) Has(src []byte) bool {
	m, err := readMarkdown(src)
	if err != nil {
		return false
	}
	_, _, found := e.ours(m)
	return found || e.byPeople(m)
}

// Text is what src says between the section's markers, "" where it has none.
func (e SectionEdit) Text(src []byte) string {
	m, err := readMarkdown(src)
	if err != nil {
		return ""
	}
	first, last, found := e.ours(m)
	if !found {
		return ""
	}
	return string(src[m.offset(first):m.offset(last)])
}

var markerPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:/]*(-[A-Za-z0-9_.:/]+)*$`)

func (e SectionEdit) check() error {
	if err := checkName("the heading", e.Heading); err != nil {
		return err
	}
	if e.Marker != "" && !markerPattern.MatchString(e.Marker) {
		return fmt.Errorf("%w: the marker %q does not fit into a comment", ErrName, e.Marker)
	}
	if err := checkText("the title", e.Title); err != nil {
		return err
	}
	switch {
	case strings.TrimSpace(e.Body) == "":
		return fmt.Errorf("%w: the section has no text", ErrName)
	case !utf8.ValidString(e.Body):
		return fmt.Errorf("%w: the section is not UTF-8", ErrName)
	case strings.Contains(e.Body, "{{"):
		return fmt.Errorf("%w: the section holds a template action", ErrName)
	case e.Marker != "" && (strings.Contains(e.Body, e.start()) || strings.Contains(e.Body, e.stop())):
		return fmt.Errorf("%w: the section holds its own marker", ErrName)
	}
	for _, r := range strings.ReplaceAll(e.Body, "\r\n", "\n") {
		if r != '\n' && r != '\t' && !unicode.IsPrint(r) {
			return fmt.Errorf("%w: the section holds the character %U", ErrName, r)
		}
	}
	return nil
}

func (e SectionEdit) title() string {
	if e.Title == "" {
		return defaultTitle
	}
	return e.Title
}

func (e SectionEdit) start() string { return "<!-- " + e.Marker + " -->" }
func (e SectionEdit) stop() string  { return "<!-- /" + e.Marker + " -->" }

// body returns the lines of the text.
func (e SectionEdit) body() []string {
	text := strings.ReplaceAll(e.Body, "\r\n", "\n")
	return strings.Split(strings.Trim(text, "\n"), "\n")
}

// section returns the lines of the whole section.
func (e SectionEdit) section(level int, setext bool) []string {
	lines := []string{strings.Repeat("#", level) + " " + e.Heading}
	if setext {
		underline := strings.Repeat([]string{"=", "-"}[level-1], max(3, utf8.RuneCountInString(e.Heading)))
		lines = []string{e.Heading, underline}
	}
	if e.Marker == "" {
		return append(append(lines, ""), e.body()...)
	}
	lines = append(append(lines, "", e.start(), ""), e.body()...)
	return append(lines, "", e.stop())
}

// ours finds the lines between the markers: the first behind the first marker, and
// the one that ends them. A section that has lost its second marker is people's by now: nobody
// knows where theirs begins.
func (e SectionEdit) ours(m *markdown) (first, last int, found bool) {
	if e.Marker == "" {
		return 0, 0, false
	}
	starts := m.comments(e.start())
	if len(starts) == 0 {
		return 0, 0, false
	}
	first = starts[0] + 1
	for _, stop := range m.comments(e.stop()) {
		if stop >= first {
			return first, stop, true
		}
	}
	return 0, 0, false
}

func (e SectionEdit) isHeading(h heading) bool {
	return strings.EqualFold(h.title, strings.TrimSpace(e.Heading))
}

// byPeople says whether the document has a section with the heading, or half of our markers.
func (e SectionEdit) byPeople(m *markdown) bool {
	return slices.ContainsFunc(m.headings, e.isHeading) || e.Marker != "" && len(m.comments(e.start())) > 0
}

// bringUpToDate replaces the lines from first up to (not including) last where they say something else than the body.
func (e SectionEdit) bringUpToDate(m *markdown, s *splice, first, last int) {
	for first < last && m.blankLine(first) {
		first++
	}
	for last > first && m.blankLine(last-1) {
		last--
	}
	want := e.body()
	have := make([]string, 0, last-first)
	for i := first; i < last; i++ {
		have = append(have, m.line(i))
	}
	for len(want) > 0 && len(have) > 0 && want[0] == have[0] {
		want, have, first = want[1:], have[1:], first+1
	}
	for len(want) > 0 && len(have) > 0 && want[len(want)-1] == have[len(have)-1] {
		want, have, last = want[:len(want)-1], have[:len(have)-1], last-1
	}
	for i := first; i < last; i++ {
		s.drop(i)
	}
	s.add(first, want...)
}

// insert puts the section where it fits best and the text around leaves room for it.
func (e SectionEdit) insert(m *markdown) (dst []byte, changes []Change, err error) {
	level := m.sectionLevel()
	setext := false
	for _, i := range m.sections(level) {
		setext = m.headings[i].setext
	}
	for _, at := range m.places(level) {
		before, ok := m.room(at)
		if !ok {
			continue
		}
		lines := e.section(level, setext)
		if before > 0 && !m.blankLine(before-1) {
			lines = append([]string{""}, lines...)
		}
		if before < len(m.lines) && !m.blankLine(before) {
			lines = append(lines, "")
		}
		s := newSplice(m.text, m.lines)
		m.addToContents(s, level, before, e.Heading)
		s.add(before, lines...)
		dst, changes = s.apply()
		if e.proven(m, before, before, dst) {
			return dst, changes, nil
		}
	}
	return nil, nil, fmt.Errorf("%w: the file leaves no place for the section %q, as a template directive or something that does not end stands in the way", ErrForm, e.Heading)
}

// proven says whether dst has the section with the wanted text, and all headings that
// the source has outside the lines from first up to (not including) last.
func (e SectionEdit) proven(m *markdown, first, last int, dst []byte) bool {
	after, err := readMarkdown(dst)
	if err != nil {
		return false
	}
	start, stop, found := e.ours(after)
	if e.Marker == "" {
		found = e.byPeople(after)
	} else if s := newSplice(dst, after.lines); found {
		e.bringUpToDate(after, s, start, stop)
		found = !s.changed()
	}
	i := 0
	for _, h := range m.headings {
		if h.line >= first && h.line < last {
			continue
		}
		for i < len(after.headings) && (after.headings[i].level != h.level || after.headings[i].title != h.title) {
			i++
		}
		if i == len(after.headings) {
			return false
		}
		i++
	}
	return found
}
