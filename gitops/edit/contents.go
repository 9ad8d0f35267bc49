package edit

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/yuin/goldmark/ast"
)

// contentsEntry is an item of a table of contents.
type contentsEntry struct {
	heading int // index of the heading that it links to
	line    int
	prefix  string // what stands before the link: indentation, bullet or number, blanks
}

var (
	entryPattern  = regexp.MustCompile(`^(\s*(?:[-*+]|\d+[.)])\s+)\[`)
	numberPattern = regexp.MustCompile(`^(\s*)(\d+)([.)]\s+)$`)
)

// addToContents adds the heading of a new section, which goes before the given line, to
// the document's table of contents: a list of links to its headings. Where it has
// none, or one that leaves out headings of that level, nothing happens.
func (m *markdown) addToContents(s *splice, level, before int, title string) {
	entries := m.contents(level)
	previous, next := -1, -1
	for i, entry := range entries {
		h := m.headings[entry.heading]
		if h.level != level {
			continue
		}
		if h.line < before {
			previous = i
		} else if next < 0 {
			next = i
		}
	}
	link := fmt.Sprintf("[%s](#%s)", title, slug(title))
	behind := 0
	var prefix string
	switch {
	case previous >= 0:
		behind, prefix = previous+1, entries[previous].prefix
		s.add(m.entryEnd(entries, previous), following(prefix, counted(entries, prefix))+link)
	case next >= 0:
		behind, prefix = next, entries[next].prefix
		s.add(entries[next].line, prefix+link)
	default:
		return
	}
	if counted(entries, prefix) {
		m.renumber(s, entries[behind:], prefix)
	}
}

// contents returns the entries of the first list whose items are links to headings of the document. Where
// nothing says that it is a table of contents, it must have all headings of the level that follow.
func (m *markdown) contents(level int) []contentsEntry {
	bySlug := map[string]int{}
	for i, h := range m.headings {
		if _, ok := bySlug[slug(h.title)]; !ok {
			bySlug[slug(h.title)] = i
		}
	}
	for n := m.root.FirstChild(); n != nil; n = n.NextSibling() {
		if n.Kind() != ast.KindList {
			continue
		}
		entries, links := m.links(n, bySlug)
		if 2*len(entries) > links && (m.announcesContents(n.PreviousSibling()) || len(entries) > 1 && m.lists(entries, level)) {
			return entries
		}
	}
	return nil
}

// lists tells whether entries link to all headings of a level that stand behind them.
func (m *markdown) lists(entries []contentsEntry, level int) bool {
	for _, i := range m.sections(level) {
		if m.headings[i].line > entries[len(entries)-1].line && !slices.ContainsFunc(entries, func(e contentsEntry) bool { return e.heading == i }) {
			return false
		}
	}
	return true
}

var contentsPattern = regexp.MustCompile(`(?i)^(<!--+ *toc\b|(table of )?contents\b)`)

// announcesContents says whether a heading or a comment says that a table of contents follows.
func (m *markdown) announcesContents(n ast.Node) bool {
	switch {
	case n == nil:
		return false
	case n.Kind() == ast.KindHeading:
		return contentsPattern.MatchString(m.plainText(n))
	}
	return n.Kind() == ast.KindHTMLBlock && n.Pos() >= 0 && contentsPattern.Match(m.text[n.Pos():])
}

// links returns the items of a list, and of the lists in it, that link to headings, and the number of all items.
func (m *markdown) links(list ast.Node, bySlug map[string]int) (entries []contentsEntry, items int) {
	_ = ast.Walk(list, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering || n.Kind() != ast.KindListItem {
			return ast.WalkContinue, nil
		}
		items++
		first := n.FirstChild()
		if first == nil || first.Lines().Len() == 0 {
			return ast.WalkContinue, nil
		}
		_, content := m.inline(first)
		link, ok := content.FirstChild().(*ast.Link)
		if !ok {
			return ast.WalkContinue, nil
		}
		target, ok := strings.CutPrefix(string(link.Destination), "#")
		heading, known := bySlug[strings.ToLower(target)]
		number := m.lineAt(first.Lines().At(0).Start)
		prefix := entryPattern.FindStringSubmatch(m.line(number))
		if ok && known && prefix != nil {
			entries = append(entries, contentsEntry{heading, number, prefix[1]})
		}
		return ast.WalkContinue, nil
	})
	return entries, items
}

// entryEnd returns the line behind an entry and those that are indented below it.
func (m *markdown) entryEnd(entries []contentsEntry, index int) int {
	end := entries[index].line + 1
	for end < len(m.lines) && !m.blankLine(end) {
		text := m.line(end)
		if blanksOf(text) <= blanksOf(entries[index].prefix) {
			break
		}
		end++
	}
	return end
}

// following returns the prefix of the entry behind one with the given prefix:
// numbers are counted on, unless counted is false.
func following(prefix string, counted bool) string {
	p := numberPattern.FindStringSubmatch(prefix)
	if p == nil || !counted {
		return prefix
	}
	n, err := strconv.Atoi(p[2])
	if err != nil {
		return prefix
	}
	return p[1] + strconv.Itoa(n+1) + p[3]
}

// counted says whether the entries with the indentation of prefix are numbered, and not all with the same number.
func counted(entries []contentsEntry, prefix string) bool {
	same := 0
	for _, entry := range entries {
		if entry.prefix == prefix {
			same++
		}
	}
	return same <= 1 && numberPattern.MatchString(prefix)
}

// renumber counts on in the entries behind a new one with the given prefix.
func (m *markdown) renumber(s *splice, behind []contentsEntry, prefix string) {
	indent := blanksOf(prefix)
	for _, entry := range behind {
		switch own := blanksOf(entry.prefix); {
		case own < indent:
			return
		case own == indent:
			start := m.lines[entry.line].start
			s.replace(start, start+len(entry.prefix), following(entry.prefix, true))
		}
	}
}

// blanksOf is the width of the spaces and tabs that a text begins with.
func blanksOf(text string) int {
	width := 0
	for _, c := range text {
		switch c {
		case ' ':
			width++
		case '\t':
			width += 4 - width%4
		default:
			return width
		}
	}
	return width
}

// slug returns the anchor that GitLab and GitHub make from a heading.
func slug(title string) string {
	var out strings.Builder
	for _, r := range strings.ToLower(title) {
		switch {
		case r == ' ' || r == '-':
			out.WriteByte('-')
		case r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mn, r):
			out.WriteRune(r)
		}
	}
	return out.String()
}
