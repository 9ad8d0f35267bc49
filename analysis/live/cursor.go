package live

import (
	"bytes"
	"encoding/json"
)

// cursor walks over JSON text once, without nesting calls. bad is set for good at
// the first fault; every method then returns at once.
type cursor struct {
	b     []byte
	i     int
	fresh bool // just behind the opening brace of an object
	bad   bool
}

func (c *cursor) space() {
	for c.i < len(c.b) && (c.b[c.i] == ' ' || c.b[c.i] == '\t' || c.b[c.i] == '\n' || c.b[c.i] == '\r') {
		c.i++
	}
}

// take steps over the next character if it is ch.
func (c *cursor) take(ch byte) bool {
	c.space()
	if c.i < len(c.b) && c.b[c.i] == ch {
		c.i++
		return true
	}
	return false
}

func (c *cursor) enter() bool {
	c.fresh = c.take('{')
	return c.fresh
}

// key returns the next key of an object and stands at its value; false at the object's end.
func (c *cursor) key() ([]byte, bool) {
	if c.bad || c.take('}') {
		c.fresh = false
		return nil, false
	}
	if !c.fresh && !c.take(',') {
		c.bad = true
		return nil, false
	}
	c.fresh = false
	c.space()
	key := c.quoted()
	if c.bad || !c.take(':') {
		c.bad = true
		return nil, false
	}
	return key, true
}

// text returns a string's value, nil for any other value, which it steps over.
func (c *cursor) text() []byte {
	c.space()
	if c.i < len(c.b) && c.b[c.i] == '"' {
		return c.quoted()
	}
	c.skip()
	return nil
}

// first returns the first string of an array of strings and steps over the array.
func (c *cursor) first() []byte {
	c.space()
	at := c.i
	c.skip()
	if c.bad || c.b[at] != '[' {
		return nil
	}
	in := cursor{b: c.b[:c.i-1], i: at + 1}
	in.space()
	if in.i >= len(in.b) || in.b[in.i] != '"' {
		return nil
	}
	return in.quoted()
}

// quoted reads the string that begins here.
func (c *cursor) quoted() []byte {
	from := c.i
	c.skipString()
	if c.bad {
		return nil
	}
	inner := c.b[from+1 : c.i-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	var s string
	if json.Unmarshal(c.b[from:c.i], &s) != nil {
		c.bad = true
		return nil
	}
	return []byte(s)
}

func (c *cursor) skipString() {
	if c.i >= len(c.b) || c.b[c.i] != '"' {
		c.bad = true
		return
	}
	for at := c.i + 1; ; {
		n := bytes.IndexByte(c.b[at:], '"')
		if n < 0 {
			c.bad = true
			return
		}
		end := at + n
		slashes := 0
		for end-slashes-1 > c.i && c.b[end-slashes-1] == '\\' {
			slashes++
		}
		if at = end + 1; slashes%2 == 0 {
			c.i = at
			return
		}
	}
}

// skip steps over one value of any kind.
func (c *cursor) skip() {
	if c.bad {
		return
	}
	c.space()
	if c.i >= len(c.b) {
		c.bad = true
		return
	}
	switch c.b[c.i] {
	case '"':
		c.skipString()
	case '{', '[':
		c.skipNested()
	default:
		from := c.i
		for c.i < len(c.b) && bytes.IndexByte([]byte(",}] \t\r\n\":{["), c.b[c.i]) < 0 {
			c.i++
		}
		c.bad = c.i == from
	}
}

func (c *cursor) skipNested() {
	for depth := 0; c.i < len(c.b); {
		switch c.b[c.i] {
		case '"':
			if c.skipString(); c.bad {
				return
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				c.i++
				return
			}
		}
		c.i++
	}
	c.bad = true
}
