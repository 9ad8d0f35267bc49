package live

import (
	"bytes"
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
