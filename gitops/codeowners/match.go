package codeowners

import "slices"

// match says whether the elements of a path match. What follows a "**" up to the
// next one may as well stand in the first place where it fits, and the same holds
// for stars within an element. So it goes back to the last of them only, and the
// time grows with the product of the lengths, not with the number of stars.
func (p *pattern) match(path []string) bool {
	if p.never {
		return false
	}
	at, in := 0, 0
	again, from := -1, 0
	for {
		if at < len(p.segments) && p.segments[at].span {
			at++
			again, from = at, in
		}
		if at < len(p.segments) && in < len(path) && matchGlyphs(p.segments[at].glyphs, path[in]) {
			at++
			in++
			if at < len(p.segments) && in < len(path) {
				continue
			}
			if at == len(p.segments) && in == len(path) {
				return true
			}
		}
		from++
		if again < 0 || from >= len(path) {
			return false
		}
		at, in = again, from
	}
}

// matchGlyphs says whether a whole path element matches.
func matchGlyphs(glyphs []glyph, s string) bool {
	at, in := 0, 0
	again, from := -1, 0
	for {
		if at < len(glyphs) && glyphs[at].kind == star {
			at++
			if at == len(glyphs) {
				return true
			}
			again, from = at, in
			continue
		}
		if in == len(s) {
			return at == len(glyphs)
		}
		c, size := char(s[in:])
		if at < len(glyphs) && glyphs[at].accepts(c) {
			at++
			in += size
			continue
		}
		if again < 0 {
			return false
		}
		_, size = char(s[from:])
		from += size
		at, in = again, from
	}
}

// accepts says whether a glyph that is no star matches the character.
func (g glyph) accepts(c rune) bool {
	switch g.kind {
	case anyChar:
		return true
	case class:
		within := slices.ContainsFunc(g.ranges, func(r [2]rune) bool {
			return r[0] <= c && c <= r[1] || c == r[0] || c == r[1]
		})
		return within != g.negate
	}
	return c == g.char
}
