package live

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
)

// longestObject is the largest report or event that is read; the API server
// itself stores no object of that size.
const longestObject = 8 << 20

// ReadViolations adds the violations that policy reports and events tell to into.
// r holds what kubectl prints for them with -o json or -o yaml: one object, a
// list, or several documents one after the other, also packed with gzip.
// PolicyReport and ClusterPolicyReport of wgpolicyk8s.io, Report and ClusterReport
// of openreports.io are read for their results "fail" and "warn"; Event, of v1 and
// of events.k8s.io, if its reason is PolicyViolation. Other objects are skipped. name is how sentences call r.
//
// Objects that cannot be read, and an input that is cut off, are no error: they
// are counted and told in into.Problems. An error means that r could not be read,
// that ctx ended, or that it holds neither a report nor an event although it is
// not an empty list.
func ReadViolations(ctx context.Context, r io.Reader, name string, into *Violations) error {
	in, err := open(ctx, r, longestLine)
	if err != nil {
		return fmt.Errorf("read policy reports from %s: %w", name, err)
	}
	read := &reports{into: into}
	err = read.all(in)
	switch {
	case err != nil && !damaged(err) && !errors.Is(err, errNotADocument):
		return fmt.Errorf("read policy reports from %s: %w", name, err)
	case read.known == 0 && (read.others > 0 || read.losses.broken > 0 || errors.Is(err, errNotADocument)):
		return fmt.Errorf("read policy reports from %s: it holds neither a policy report nor an event; print them with kubectl get policyreports,events -A -o json", name)
	}
	into.problems = append(into.problems, read.losses.sentences(name, "object", "objects", read.longest)...)
	if read.line == 0 {
		into.problems = append(into.problems, fmt.Sprintf("%s: the input is empty", name))
	}
	if err != nil {
		into.problems = append(into.problems, fmt.Sprintf("%s:%d: the input is cut off or damaged here; what comes before was read", name, max(read.line, 1)))
	}
	if read.unclear > 0 {
		into.problems = append(into.problems, fmt.Sprintf("%s: %s without a policy and an object in a known form %s left out",
			name, count(read.unclear, "PolicyViolation event", "PolicyViolation events"), was(read.unclear)))
	}
	return nil
}

// reports is one input while it is read.
type reports struct {
	into    *Violations
	known   int // reports and events
	others  int // objects of other kinds
	unclear int // violation events that say too little
	line    int // where reading ended, 0 if there was nothing
	losses  losses
	longest int // the largest object that is read
}

// all reads JSON or YAML to its end.
func (r *reports) all(in *bufio.Reader) error {
	ch, err := firstLetter(in)
	if err != nil {
		return ended(err)
	}
	if ch != '{' && ch != '[' {
		y := &yamlObjects{in: in}
		err := y.each(func(object []byte, _ int) bool { return r.object(object) })
		r.line, r.losses, r.longest = y.line, y.losses, longestYAML
		return ended(err)
	}
	d := &documents{in: in, longest: longestObject, line: 1}
	for err == nil {
		err = d.next(func(object []byte, line int) error {
			if !r.object(object) {
				d.losses.addBroken(line)
			}
			return nil
		})
	}
	r.line, r.losses, r.longest = d.line, d.losses, longestObject
	return ended(err)
}

// firstLetter looks at the first character that is no white space.
func firstLetter(in *bufio.Reader) (byte, error) {
	for n := 1; ; n++ {
		head, err := in.Peek(n)
		if errors.Is(err, bufio.ErrBufferFull) {
			return 0, errNotADocument
		}
		if len(head) < n {
			return 0, err
		}
		switch ch := head[n-1]; ch {
		case ' ', '\t', '\r', '\n':
		default:
			return ch, nil
		}
	}
}
