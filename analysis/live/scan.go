package live

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"time"
)

// event is what is read of one audit event. The slices point into the line.
type event struct {
	auditID, stage, verb, uri         []byte
	resource, subresource             []byte
	username, namespace, account, pod []byte
	code                              int
	at                                time.Time // when the stage was reached
	received                          time.Time
}

var errNotJSON = errors.New("not a JSON object")

// scan reads the fields of an audit event out of one JSON object and jumps over
// everything else. It reads every valid object as encoding/json would, the last
// of equal keys winning; of an invalid one it may overlook faults in values that
// it jumps over. After an error the fields that were read before it are set.
func (e *event) scan(b []byte) error {
	*e = event{}
	c := cursor{b: b}
	e.object(&c)
	c.space()
	if c.bad || c.i < len(c.b) {
		return errNotJSON
	}
	if e.at.IsZero() {
		e.at = e.received
	}
	return nil
}

func (e *event) object(c *cursor) {
	if !c.enter() {
		c.bad = true
		return
	}
	for key, ok := c.key(); ok; key, ok = c.key() {
		switch string(key) {
		case "auditID":
			e.auditID = c.text()
		case "stage":
			e.stage = c.text()
		case "verb":
			e.verb = c.text()
		case "requestURI":
			e.uri = c.text()
		case "user":
			e.user(c)
		case "objectRef":
			e.objectRef(c)
		case "responseStatus":
			e.status(c)
		case "stageTimestamp":
			e.at = parseTime(c.text())
		case "requestReceivedTimestamp":
			e.received = parseTime(c.text())
		default:
			c.skip()
		}
	}
}

func (e *event) user(c *cursor) {
	e.username, e.namespace, e.account, e.pod = nil, nil, nil, nil
	if !c.enter() {
		c.skip()
		return
	}
	for key, ok := c.key(); ok; key, ok = c.key() {
		switch string(key) {
		case "username":
			e.username = c.text()
			e.namespace, e.account = serviceAccount(e.username)
		case "extra":
			e.extra(c)
		default:
			c.skip()
		}
	}
}

func (e *event) extra(c *cursor) {
	e.pod = nil
	if !c.enter() {
		c.skip()
		return
	}
	for key, ok := c.key(); ok; key, ok = c.key() {
		if string(key) == "authentication.kubernetes.io/pod-name" {
			if e.pod = c.first(); !plain(e.pod, 253) {
				e.pod = nil
			}
			continue
		}
		c.skip()
	}
}

func (e *event) objectRef(c *cursor) {
	e.resource, e.subresource = nil, nil
	if !c.enter() {
		c.skip()
		return
	}
	for key, ok := c.key(); ok; key, ok = c.key() {
		switch string(key) {
		case "resource":
			e.resource = c.text()
		case "subresource":
			e.subresource = c.text()
		default:
			c.skip()
		}
	}
}

func (e *event) status(c *cursor) {
	e.code = 0
	if !c.enter() {
		c.skip()
		return
	}
	for key, ok := c.key(); ok; key, ok = c.key() {
		from := c.i
		if c.skip(); string(key) != "code" || c.bad {
			continue
		}
		e.code, _ = strconv.Atoi(string(bytes.TrimSpace(c.b[from:c.i])))
	}
}

// serviceAccount takes "system:serviceaccount:NAMESPACE:NAME" apart; nil, nil if it is none.
func serviceAccount(username []byte) (namespace, name []byte) {
	rest, ok := bytes.CutPrefix(username, []byte(accountPrefix))
	if !ok {
		return nil, nil
	}
	namespace, name, _ = bytes.Cut(rest, []byte(":"))
	if !plain(namespace, 63) || !plain(name, 253) {
		return nil, nil
	}
	return namespace, name
}

func parseTime(b []byte) time.Time {
	var t time.Time
	if len(b) == 0 || t.UnmarshalText(b) != nil || t.IsZero() {
		return time.Time{}
	}
	return t
}

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
