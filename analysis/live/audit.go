package live

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

const (
	accountPrefix = "system:serviceaccount:"
	// longestEvent is the longest audit event that is read; an event is longer only
	// where the audit policy records whole requests and responses.
	longestEvent = 1 << 20
	stageTime    = `"stageTimestamp":"`
)

// ReadAudit adds the calls that an API server's audit log shows to into: events of
// audit.k8s.io as JSON, one a line, or in an EventList, or printed over several
// lines; plain or packed with gzip, which is seen from the content. name is how
// sentences call the log. It reads once and keeps nothing of the log but what
// into counts.
//
// Lines that are no events, and a log that is cut off, are no error: they are
// counted and told in into.Problems. An error means that r could not be read, that
// ctx ended, or that a log which is not empty holds no audit event at all.
func ReadAudit(ctx context.Context, r io.Reader, name string, into *Observations) error {
	into.prepare()
	in, err := open(ctx, r, longestEvent)
	if err != nil {
		return fmt.Errorf("read audit log %s: %w", name, err)
	}
	log := &auditLog{in: in, into: into}
	err = log.read()
	if err != nil && !damaged(err) {
		return fmt.Errorf("read audit log %s: %w", name, err)
	}
	if log.events == 0 && log.at > 0 {
		return fmt.Errorf("read audit log %s: it holds no audit event in %s; it must be the API server's log, one audit.k8s.io Event in JSON a line",
			name, count(log.at, "line", "lines"))
	}
	if log.at == 0 {
		into.problems = append(into.problems, fmt.Sprintf("%s: the audit log is empty", name))
	}
	into.problems = append(into.problems, log.losses.sentences(name, "audit event", "audit events", longestEvent)...)
	if err != nil {
		into.problems = append(into.problems, fmt.Sprintf("%s:%d: the audit log is cut off or damaged here; what comes before was read", name, max(log.at, 1)))
	}
	return nil
}

// auditLog is one log while it is read.
type auditLog struct {
	in     *bufio.Reader
	into   *Observations
	event  event
	line   int // the latest one that was read to its end
	at     int // where reading stands
	events int
	losses losses
}

func (l *auditLog) read() error {
	for {
		head, err := l.in.Peek(1)
		if len(head) == 0 {
			if err = ended(err); err != nil {
				l.at = l.line + 1
			}
			return err
		}
		if listBegins(l.in) {
			if err := l.document(); err != nil {
				return ended(err)
			}
			continue
		}
		if err := l.oneLine(); err != nil {
			return ended(err)
		}
	}
}

func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// oneLine reads the next line and what it says.
func (l *auditLog) oneLine() error {
	b, err := l.in.ReadSlice('\n')
	l.line++
	l.at = l.line
	if errors.Is(err, bufio.ErrBufferFull) {
		l.losses.addLong(l.line)
		l.object(b)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = l.in.ReadSlice('\n')
		}
		return err
	}
	read := l.object(b)
	switch {
	case read:
	case err == nil:
		l.losses.addBroken(l.line)
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF // a last line that is no event and has no end
	}
	return err
}

// object takes in one event; false if it is none. Who called stands before what
// makes an event too long, or where it is cut: that account is at least not taken
// for silent.
func (l *auditLog) object(b []byte) bool {
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return true
	}
	if !bytes.Contains(b, []byte(accountPrefix)) && l.foreign(b) {
		return true
	}
	e := &l.event
	if err := e.scan(b); err != nil || len(e.auditID) == 0 && e.at.IsZero() {
		if len(e.account) > 0 {
			l.into.mention(e.namespace, e.account)
		}
		return false
	}
	l.events++
	l.into.passed(e.at)
	if len(e.account) > 0 {
		l.into.record(e)
	}
	return true
}

// foreign takes in an event of somebody who is no ServiceAccount: its time is all
// that matters, and stands near the end as API servers write it. False means that
// the event must be read in full.
func (l *auditLog) foreign(b []byte) bool {
	if b[0] != '{' || b[len(b)-1] != '}' {
		return false
	}
	tail := b[max(0, len(b)-4096):]
	i := bytes.LastIndex(tail, []byte(stageTime))
	if i < 0 {
		return false
	}
	tail = tail[i+len(stageTime):]
	end := bytes.IndexByte(tail, '"')
	if end < 0 {
		return false
	}
	at := parseTime(tail[:end])
	if at.IsZero() {
		return false
	}
	l.events++
	l.into.passed(at)
	return true
}

// listBegins tells whether something else than an event in one line comes next:
// a list, an array, or an event that is printed over several lines.
func listBegins(in *bufio.Reader) bool {
	head, _ := in.Peek(256)
	if bytes.HasPrefix(head, []byte(`{"kind":"Event",`)) {
		return false
	}
	head = bytes.TrimLeft(head, " \t")
	line, _, whole := bytes.Cut(head, []byte("\n"))
	switch {
	case bytes.HasPrefix(line, []byte("[")):
		return true
	case whole && string(bytes.TrimSpace(line)) == "{":
		return true
	}
	return bytes.HasPrefix(line, []byte("{")) &&
		(bytes.Contains(line, []byte(`"EventList"`)) || bytes.Contains(line, []byte(`"items":`)))
}

// document reads a list, an array or a printed event. One that begins as a line of
// its own ends with it, so that a cut one takes nothing of what follows with it.
func (l *auditLog) document() error {
	head, _ := l.in.Peek(256)
	line, _, _ := bytes.Cut(bytes.TrimLeft(head, " \t"), []byte("\n"))
	d := &documents{in: l.in, longest: longestEvent, line: l.line + 1}
	d.oneLine = line[0] == '{' && len(bytes.TrimSpace(line)) > 1
	err := d.next(func(object []byte, line int) error {
		if !l.object(object) {
			d.losses.addBroken(line)
		}
		return nil
	})
	if errors.Is(err, errLineEnds) {
		d.losses.addBroken(d.line - 1)
		err = nil
	}
	l.losses.merge(d.losses)
	l.line, l.at = d.line-1, d.line
	return err
}
