package live

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// documents splits a stream of JSON documents into objects small enough to be
// decoded one by one: the elements of a list's "items" or of an array, and
// documents that are no lists as a whole. It only follows strings and braces;
// whether an object is valid shows when it is decoded.
type documents struct {
	in      *bufio.Reader
	longest int
	line    int  // of the next character, 1-based
	oneLine bool // a document ends with its line at the latest, else errLineEnds is returned
	losses  losses
	buf     []byte
	keep    bool // collect what is read
}

var (
	errNotADocument = errors.New("neither a JSON object nor an array")
	errLineEnds     = errors.New("the line ends inside the document")
)

// next reads one document and yields its objects, with the lines where they
// begin; what it yields is overwritten later. io.EOF means that there are no more
// documents, io.ErrUnexpectedEOF that the last one is cut off.
func (d *documents) next(yield func(object []byte, line int) error) error {
	ch, err := d.token()
	if err != nil {
		return err
	}
	switch ch {
	case '[':
		return cutOff(d.elements(yield))
	case '{':
		return cutOff(d.object(yield))
	}
	return errNotADocument
}

func cutOff(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// object reads on behind a document's opening brace: to the elements of its items
// if it has any, else it yields the document.
func (d *documents) object(yield func([]byte, int) error) error {
	line := d.line
	d.begin('{')
	for depth, items := 1, false; depth > 0; {
		ch, err := d.read()
		if err != nil {
			return err
		}
		switch ch {
		case '"':
			from := len(d.buf)
			if err := d.rest(); err != nil {
				return err
			}
			items = depth == 1 && d.keep && string(d.buf[from:]) == `items"`
			continue
		case ' ', '\t', '\r', '\n', ':':
			continue
		case '[':
			if items {
				d.keep = false
				if err := d.elements(yield); err != nil {
					return err
				}
				return d.leave(1)
			}
			depth++
		case '{':
			depth++
		case '}', ']':
			depth--
		}
		items = false
	}
	return d.end(yield, line)
}

// elements reads on behind an array's opening bracket and yields its objects.
func (d *documents) elements(yield func([]byte, int) error) error {
	for {
		ch, err := d.token()
		if err != nil {
			return err
		}
		line := d.line
		switch ch {
		case ']':
			return nil
		case ',':
		case '{':
			d.begin('{')
			if err := d.leave(1); err != nil {
				return err
			}
			if err := d.end(yield, line); err != nil {
				return err
			}
		default:
			d.losses.addBroken(line)
			if err := d.foreign(ch); err != nil {
				return err
			}
		}
	}
}

// foreign steps over an element that is no object.
func (d *documents) foreign(ch byte) error {
	d.keep = false
	switch ch {
	case '"':
		return d.rest()
	case '[':
		return d.leave(1)
	}
	for {
		ch, err := d.read()
		if err != nil {
			return err
		}
		if ch == ',' || ch == ']' || ch == '}' {
			return d.in.UnreadByte()
		}
	}
}

// leave reads until so many braces and brackets are closed.
func (d *documents) leave(depth int) error {
	for depth > 0 {
		ch, err := d.read()
		if err != nil {
			return err
		}
		switch ch {
		case '"':
			if err := d.rest(); err != nil {
				return err
			}
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
	}
	return nil
}

// rest reads to the end of a string, a piece at a time. A piece is short, so that
// a string of nothing but escapes is not searched again and again.
func (d *documents) rest() error {
	for {
		if _, err := d.in.Peek(1); err != nil {
			return err
		}
		piece, err := d.in.Peek(min(d.in.Buffered(), 256))
		if err != nil {
			return err
		}
		n := len(piece)
		for _, ch := range [...]byte{'"', '\\', '\n'} {
			if i := bytes.IndexByte(piece[:n], ch); i >= 0 {
				n = i
			}
		}
		d.collect(piece[:n])
		if _, err := d.in.Discard(n); err != nil {
			return err
		}
		if n == len(piece) {
			continue
		}
		ch, err := d.read()
		if ch == '\\' {
			_, err = d.read()
		}
		if err != nil || ch == '"' {
			return err
		}
	}
}

func (d *documents) begin(ch byte) {
	d.buf, d.keep = append(d.buf[:0], ch), true
}

func (d *documents) end(yield func([]byte, int) error, line int) error {
	if !d.keep {
		d.losses.addLong(line)
		return nil
	}
	d.keep = false
	return yield(d.buf, line)
}

// token returns the next character that is no white space.
func (d *documents) token() (byte, error) {
	d.keep = false
	for {
		ch, err := d.read()
		if err != nil || ch != ' ' && ch != '\t' && ch != '\r' && ch != '\n' {
			return ch, err
		}
	}
}

func (d *documents) read() (byte, error) {
	ch, err := d.in.ReadByte()
	if err != nil {
		return 0, err
	}
	if ch == '\n' {
		d.line++
		if d.oneLine {
			return 0, errLineEnds
		}
	}
	if d.keep {
		d.collect([]byte{ch})
	}
	return ch, nil
}

// collect keeps what was read, as long as it is not too long.
func (d *documents) collect(b []byte) {
	if d.keep = d.keep && len(d.buf)+len(b) <= d.longest; d.keep {
		d.buf = append(d.buf, b...)
	}
}
