package worker

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// What a frame holds: calls go to a worker, answers come back.
const (
	callRender byte = iota + 1
	callExpectedCRDs
	callDefaultValues
	answerReady // what the worker could not confine, "" for nothing
	answerResult
	answerError
)

// maxRequest bounds a request: a chart's files and its values.
const maxRequest = 512 << 20

const headerBytes = 5

// pipeBytes is what a pipe holds.
const pipeBytes = 64 << 10

var errTooLong = errors.New("a message is too long")

// writeFrame writes one frame: its kind, the length of the message, the parts of the message.
func writeFrame(w io.Writer, kind byte, message ...[]byte) error {
	n := 0
	for _, part := range message {
		n += len(part)
	}
	if n > maxRequest {
		return fmt.Errorf("%w: %s, and %s are allowed", errTooLong, size(int64(n)), size(maxRequest))
	}
	header := binary.BigEndian.AppendUint32([]byte{kind}, uint32(n))
	b := bufio.NewWriterSize(w, pipeBytes)
	for _, part := range append([][]byte{header}, message...) {
		if _, err := b.Write(part); err != nil {
			return err
		}
	}
	return b.Flush()
}

// readFrame reads one frame, into buf where it fits there. A message longer than limit is
// an error before any of it is read.
func readFrame(r io.Reader, limit int64, buf []byte) (kind byte, message []byte, err error) {
	var header [headerBytes]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return 0, nil, err
	}
	n := int64(binary.BigEndian.Uint32(header[1:]))
	if n > limit {
		return 0, nil, fmt.Errorf("%w: %s, and %s are allowed", errTooLong, size(n), size(limit))
	}
	if message = buf[:0]; int64(cap(message)) < n {
		message = make([]byte, n)
	}
	message = message[:n]
	if _, err := io.ReadFull(r, message); err != nil {
		return 0, nil, err
	}
	return header[0], message, nil
}
