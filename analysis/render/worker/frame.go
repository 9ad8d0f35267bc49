package worker

import (
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

var errTooLong = errors.New("a message is too long")

// writeFrame writes one frame: its kind, the length of the message, the message.
func writeFrame(w io.Writer, kind byte, message []byte) error {
	if len(message) > maxRequest {
		return fmt.Errorf("%w: %s, and %s are allowed", errTooLong, size(int64(len(message))), size(maxRequest))
	}
	var header [headerBytes]byte
	header[0] = kind
	binary.BigEndian.PutUint32(header[1:], uint32(len(message)))
	if _, err := w.Write(header[:]); err != nil {
		return err
	}
	_, err := w.Write(message)
	return err
}

// readFrame reads one frame. A message longer than limit is an error before any of
// it is read.
func readFrame(r io.Reader, limit int64) (kind byte, message []byte, err error) {
	var header [headerBytes]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return 0, nil, err
	}
	n := int64(binary.BigEndian.Uint32(header[1:]))
	if n > limit {
		return 0, nil, fmt.Errorf("%w: %s, and %s are allowed", errTooLong, size(n), size(limit))
	}
	message = make([]byte, n)
	if _, err := io.ReadFull(r, message); err != nil {
		return 0, nil, err
	}
	return header[0], message, nil
}
