package codeowners

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

const (
	// maxContent is how much of a file is read. No file that people keep by hand
	// comes near.
	maxContent = 1 << 20
	// binaryProbe is how far a NUL byte is looked for, as git and GitLab do.
	binaryProbe = 8000
	// maxQuote is how many bytes of the file a problem quotes.
	maxQuote = 60
	// maxProblems is how many problems are told.
	maxProblems = 1000

	byteOrderMark = "\uFEFF"
)

// parser holds what is known after some lines.
type parser struct {
	file *File
	// byName finds the sections by their folded names.
	byName   map[string]*section
	current  *section
	heading  heading
	problems []Problem
}

// Parse reads a CODEOWNERS file as GitLab does: a line that is wrong is taken for
// what it can still mean or passed over, and the others count. So there is no
// error, and the file is never nil. The problems come in the order of the lines;
// those that GitLab itself reports of the syntax are among them. A binary file counts as empty,
// and of a very large file only the first MiB is read.
func Parse(content []byte) (*File, []Problem) {
	p := parser{file: &File{}, byName: map[string]*section{}}
	p.current = p.section(DefaultSection)
	if bytes.IndexByte(content[:min(len(content), binaryProbe)], 0) >= 0 {
		p.problem(1, "the file is binary and counts as empty")
		return p.file, p.problems
	}
	content, cut := limit(content)
	number := 0
	for raw := range strings.SplitSeq(string(content), "\n") {
		number++
		p.line(number, raw)
	}
	if cut {
		p.problem(number, "the file is larger than 1 MiB; what follows is not read")
	}
	return p.file, p.problems
}

// limit cuts content after the last whole line that is read.
func limit(content []byte) (head []byte, cut bool) {
	if len(content) <= maxContent {
		return content, false
	}
	return content[:bytes.LastIndexByte(content[:maxContent], '\n')+1], true
}

// problem tells a problem, unless there are too many already.
func (p *parser) problem(line int, format string, args ...any) {
	switch {
	case len(p.problems) > maxProblems:
		return
	case len(p.problems) == maxProblems:
		format, args = "from here on, further problems are not told", nil
	}
	p.problems = append(p.problems, Problem{Line: line, Text: fmt.Sprintf(format, args...)})
}

// line reads one line: nothing, a comment, a heading or an entry.
func (p *parser) line(number int, raw string) {
	line := strings.Trim(raw, " \t\r\n\f\v\x00")
	if number == 1 && strings.HasPrefix(line, byteOrderMark) {
		p.problem(number, "the file begins with a byte order mark, which GitLab takes for a part of the first line")
	}
	if strings.TrimSpace(line) == "" || line[0] == '#' {
		return
	}
	h, ok := readHeading(line)
	if !ok {
		p.entry(number, line)
		return
	}
	h.references = slices.Clip(references(h.owners))
	p.checkHeading(number, h)
	p.heading = h
	p.current = p.section(h.name)
}

// section returns the section of that name, a new one if there is none. Names are
// compared without regard to case, except that the first heading joins the default
// section in the exact case of its name only, as in GitLab.
func (p *parser) section(name string) *section {
	key := fold(name)
	s, ok := p.byName[key]
	if ok && (s.name == name || len(p.file.sections) > 1) {
		return s
	}
	s = &section{name: name, places: map[string]int{}}
	p.file.sections = append(p.file.sections, s)
	if !ok {
		p.byName[key] = s
	}
	return s
}

// fold makes names equal that differ in case.
func fold(name string) string {
	return strings.Map(func(c rune) rune {
		least := c
		for next := unicode.SimpleFold(c); next != c; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, name)
}

func (p *parser) checkHeading(number int, h heading) {
	if strings.TrimSpace(h.name) == "" {
		p.problem(number, "the section has no name")
	}
	if h.optional && h.approvals > 0 {
		p.problem(number, "the section is optional, so that the number of approvals does not count")
	}
	if h.owners != "" && len(h.references) == 0 {
		p.problem(number, "the section's default owners %s are no @name, @@role or email address", quote(h.owners))
	}
	if h.rest != "" {
		p.problem(number, "GitLab does not read what follows the heading: %s", quote(h.rest))
	}
}

// entry reads a line that is no heading.
func (p *parser) entry(number int, line string) {
	unclosed := unclosedHeading(line)
	if unclosed {
		p.problem(number, "the section heading %s is not closed, so that the line counts as a pattern", quote(line))
	}
	text, rest := splitEntry(line)
	e := &entry{line: number, text: text, optional: p.heading.optional, approvals: p.heading.approvals}
	path := text
	if strings.HasPrefix(path, "!") {
		e.exclusion, path = true, path[1:]
	}
	e.pattern = compile(normalize(path))
	if e.exclusion {
		p.checkExclusion(number, path, rest)
	} else {
		e.owners = p.owners(number, text, rest)
	}
	if e.pattern.never && !unclosed {
		p.problem(number, "the pattern %s matches nothing, since its bracket is not closed", quote(text))
	}
	if old := p.current.put(e); old != nil {
		p.problem(number, "the pattern %s stands in line %d of this section already; GitLab keeps that line's place and takes the rest from here", quote(text), old.line)
	}
}

func (p *parser) checkExclusion(number int, path, rest string) {
	if path == "" {
		p.problem(number, `a "!" without a pattern excludes all paths from the section`)
	}
	if rest != "" {
		p.problem(number, "what follows an excluded pattern does not count: %s", quote(rest))
	}
}

// owners returns the owners of an entry. Any text after the pattern replaces the
// section's default owners, even if it names nobody.
func (p *parser) owners(number int, pattern, rest string) []reference {
	for word := range strings.FieldsFuncSeq(rest, isSpaceRune) {
		if len(references(word)) > 0 {
			continue
		}
		if word[0] == '#' {
			p.problem(number, "GitLab has no comments after an entry; names in %s count as owners", quote(rest))
		} else {
			p.problem(number, "%s is no @name, @@role or email address and is ignored", quote(word))
		}
		break
	}
	if strings.TrimSpace(rest) == "" {
		if p.heading.owners == "" {
			p.problem(number, "the pattern %s has no owner, so that nobody is asked", quote(pattern))
		}
		return p.heading.references
	}
	return references(rest)
}

// splitEntry parts a line at its first blanks that no backslash precedes.
func splitEntry(line string) (pattern, rest string) {
	for i := range len(line) {
		if isSpace(line[i]) && (i == 0 || line[i-1] != '\\') {
			return line[:i], strings.TrimLeftFunc(line[i:], isSpaceRune)
		}
	}
	return line, ""
}

// isSpace says whether Ruby's "\s" matches c.
func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

func isSpaceRune(c rune) bool { return c < 0x80 && isSpace(byte(c)) }

// quote makes foreign text fit for a message.
func quote(text string) string {
	if len(text) > maxQuote {
		return fmt.Sprintf("%q...", strings.ToValidUTF8(text[:maxQuote], ""))
	}
	return fmt.Sprintf("%q", text)
}
