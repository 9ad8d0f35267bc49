package codeowners

import (
	"strings"
	"unicode/utf8"
)

// pattern is a path pattern, ready to match. GitLab matches with Ruby's
// File.fnmatch, the flags FNM_DOTMATCH and FNM_PATHNAME set. So "*", "?" and
// brackets match a leading dot but no slash; "**" spans directories only where a
// slash follows it and it begins a path element, and is "*" elsewhere, at the end
// of the pattern, too; brackets know ranges and a leading "!" or "^"; a backslash
// takes the next character for itself and is nothing at the end; braces mean
// nothing.
type pattern struct {
	text     string
	segments []segment
	// never says that nothing matches: a bracket is not closed.
	never bool
}

// segment is what stands between two slashes.
type segment struct {
	// span is "**": any number of path elements, also none.
	span   bool
	glyphs []glyph
}

// glyph matches one character or, as a star, any number of them.
type glyph struct {
	kind   glyphKind
	char   rune
	negate bool
	ranges [][2]rune
}

type glyphKind int

const (
	literal glyphKind = iota
	anyChar
	star
	class
)

// normalize completes a pattern as GitLab does before it matches: "#" and blanks
// lose their backslash, a pattern that does not begin with a slash may begin at
// any depth, and one that ends with a slash means all that is below.
func normalize(text string) string {
	if text == "*" {
		return "/**/*"
	}
	if strings.HasPrefix(text, `\#`) {
		text = text[1:]
	}
	text = unescapeBlanks(text)
	if !strings.HasPrefix(text, "/") {
		text = "/**/" + text
	}
	if strings.HasSuffix(text, "/") {
		text += "**/*"
	}
	return text
}

// unescapeBlanks makes one blank of each backslash with the blanks after it.
func unescapeBlanks(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		j := i + 1
		for text[i] == '\\' && j < len(text) && isSpace(text[j]) {
			j++
		}
		if j > i+1 {
			b.WriteByte(' ')
		} else {
			b.WriteByte(text[i])
		}
		i = j
	}
	return b.String()
}

// compile reads a normalized pattern.
func compile(text string) *pattern {
	p := &pattern{text: text}
	var current []glyph
	start := true
	for i := 0; i < len(text); {
		if start && strings.HasPrefix(text[i:], "**/") {
			if n := len(p.segments); n == 0 || !p.segments[n-1].span {
				p.segments = append(p.segments, segment{span: true})
			}
			i += len("**/")
			continue
		}
		start = false
		if text[i] == '\\' {
			i++
			if i == len(text) {
				break
			}
			if text[i] != '/' {
				c, size := char(text[i:])
				current = append(current, glyph{char: c})
				i += size
				continue
			}
		} else if g, size := readGlyph(text[i:]); size > 0 {
			if g.kind != star || len(current) == 0 || current[len(current)-1].kind != star {
				current = append(current, g)
			}
			i += size
			continue
		} else if text[i] == '[' {
			p.never = true
			return p
		}
		// A slash, escaped or not.
		p.segments = append(p.segments, segment{glyphs: current})
		current, start = nil, true
		i++
	}
	p.segments = append(p.segments, segment{glyphs: current})
	return p
}

// readGlyph reads the glyph that text begins with, and its length. The length
// is 0 if text begins with a slash or with a bracket that is not closed.
func readGlyph(text string) (glyph, int) {
	switch text[0] {
	case '/':
		return glyph{}, 0
	case '*':
		return glyph{kind: star}, 1
	case '?':
		return glyph{kind: anyChar}, 1
	case '[':
		return readClass(text)
	}
	c, size := char(text)
	return glyph{char: c}, size
}

// readClass reads a bracket expression. Other than in a shell, "]" closes it even
// as the first character, and a slash does not end it.
func readClass(text string) (glyph, int) {
	g := glyph{kind: class}
	i := 1
	if i < len(text) && (text[i] == '!' || text[i] == '^') {
		g.negate = true
		i++
	}
	one := func() (rune, bool) {
		if i < len(text) && text[i] == '\\' {
			i++
		}
		if i >= len(text) {
			return 0, false
		}
		c, size := char(text[i:])
		i += size
		return c, true
	}
	for i < len(text) && text[i] != ']' {
		low, ok := one()
		if !ok {
			return glyph{}, 0
		}
		high := low
		if i+1 < len(text) && text[i] == '-' && text[i+1] != ']' {
			i++
			if high, ok = one(); !ok {
				return glyph{}, 0
			}
		}
		g.ranges = append(g.ranges, [2]rune{low, high})
	}
	if i >= len(text) {
		return glyph{}, 0
	}
	return g, i + 1
}

// char returns the first character of s and its length. A byte that is not UTF-8
// is a character of its own, unlike any other.
func char(s string) (rune, int) {
	c, size := utf8.DecodeRuneInString(s)
	if c == utf8.RuneError && size == 1 {
		return -1 - rune(s[0]), 1
	}
	return c, size
}
