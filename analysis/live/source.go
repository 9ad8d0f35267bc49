package live

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
)

// open makes a reader of what r holds, unpacked if it is gzip whatever its name,
// without a byte order mark. size is how far a caller can look ahead.
func open(ctx context.Context, r io.Reader, size int) (*bufio.Reader, error) {
	in := bufio.NewReaderSize(stoppable{ctx, r}, size)
	head, err := in.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if bytes.HasPrefix(head, []byte("\x1f\x8b")) {
		unpacked, err := gzip.NewReader(in)
		if err != nil {
			return nil, err
		}
		in = bufio.NewReaderSize(unpacked, size)
		if head, err = in.Peek(3); err != nil && !errors.Is(err, io.EOF) && !damaged(err) {
			return nil, err
		}
	}
	if string(head) == "\ufeff" {
		if _, err := in.Discard(len(head)); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// stoppable ends a stream when its context ends.
type stoppable struct {
	ctx context.Context
	r   io.Reader
}

func (s stoppable) Read(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(b)
}

// damaged tells whether an error means that the data ends early or was changed,
// so that what came before it is still worth having.
func damaged(err error) bool {
	var corrupt flate.CorruptInputError
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, gzip.ErrChecksum) ||
		errors.Is(err, gzip.ErrHeader) || errors.As(err, &corrupt)
}

// losses counts what a file held that could not be read, for one sentence each.
type losses struct {
	broken, long           int
	firstBroken, firstLong int // line numbers
}

func (l *losses) addBroken(line int) {
	if l.broken++; l.broken == 1 {
		l.firstBroken = line
	}
}

func (l *losses) addLong(line int) {
	if l.long++; l.long == 1 {
		l.firstLong = line
	}
}

// merge adds what was lost in a part of the file.
func (l *losses) merge(part losses) {
	if l.broken == 0 {
		l.firstBroken = part.firstBroken
	}
	if l.long == 0 {
		l.firstLong = part.firstLong
	}
	l.broken += part.broken
	l.long += part.long
}

// sentences tells the losses, with the words for one thing and for many.
func (l *losses) sentences(file, one, many string, longest int) []string {
	var out []string
	if l.broken > 0 {
		out = append(out, fmt.Sprintf("%s:%d: %s could not be read and %s left out%s",
			file, l.firstBroken, count(l.broken, one, many), was(l.broken), others(l.broken)))
	}
	if l.long > 0 {
		out = append(out, fmt.Sprintf("%s:%d: %s longer than %d MiB %s left out%s",
			file, l.firstLong, count(l.long, one, many), longest>>20, was(l.long), others(l.long)))
	}
	return out
}

func was(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

func others(n int) string {
	if n == 1 {
		return ""
	}
	return "; this is the first"
}
