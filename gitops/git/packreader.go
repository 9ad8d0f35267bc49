package git

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/klauspost/compress/zlib"
)

// packBuffer is how much of a pack is read at once.
const packBuffer = 64 << 10

// packReader reads the entries of a pack, one after the other (gitformat-pack(5)). go-git's own scanner
// reads and adds up a pack byte by byte, which takes longer than to inflate it.
type packReader struct {
	in       *bufio.Reader
	all      *summed
	inflater io.ReadCloser // a zlib.Resetter, nil until there was an entry
}

// newPackReader reads a pack's header; count is how many entries it announces.
func newPackReader(r io.Reader) (p *packReader, count uint32, err error) {
	all := &summed{r: r, sum: sha1.New()}
	p = &packReader{in: bufio.NewReaderSize(all, packBuffer), all: all}
	var header [12]byte
	if _, err := io.ReadFull(p.in, header[:]); err != nil {
		return nil, 0, p.ended(err)
	}
	if string(header[:4]) != "PACK" {
		return nil, 0, fmt.Errorf("%w: it does not begin as a pack", packfile.ErrMalformedPackFile)
	}
	if version := binary.BigEndian.Uint32(header[4:]); version != packfile.VersionSupported {
		return nil, 0, fmt.Errorf("%w: version %d is not known", packfile.ErrMalformedPackFile, version)
	}
	return p, binary.BigEndian.Uint32(header[8:]), nil
}

// next reads the header of an entry, whose content is to be read before the next.
func (p *packReader) next() (h packfile.ObjectHeader, err error) {
	h.Offset = p.offset()
	b, err := p.in.ReadByte()
	if err != nil {
		return h, p.ended(err)
	}
	h.Type, h.Length = plumbing.ObjectType(b>>4&7), int64(b&0x0f)
	for shift := 4; b&0x80 != 0; shift += 7 {
		if b, err = p.in.ReadByte(); err != nil {
			return h, p.ended(err)
		}
		if shift > 63-7 {
			return h, fmt.Errorf("%w: an object announces a size of too many digits", packfile.ErrMalformedPackFile)
		}
		h.Length |= int64(b&0x7f) << shift
	}
	switch h.Type {
	case plumbing.CommitObject, plumbing.TreeObject, plumbing.BlobObject, plumbing.TagObject:
	case plumbing.OFSDeltaObject:
		back, err := p.distance()
		if err != nil {
			return h, err
		}
		h.OffsetReference = h.Offset - back
	case plumbing.REFDeltaObject:
		if _, err := io.ReadFull(p.in, h.Reference[:]); err != nil {
			return h, p.ended(err)
		}
	default:
		return h, fmt.Errorf("%w: an object of type %d", packfile.ErrMalformedPackFile, h.Type)
	}
	return h, nil
}

// distance reads how far before a delta its base begins: seven bits a byte, highest first, and one
// more for every byte that follows.
func (p *packReader) distance() (n int64, err error) {
	for more := true; more; {
		b, err := p.in.ReadByte()
		if err != nil {
			return 0, p.ended(err)
		}
		if n >= 1<<55 {
			return 0, fmt.Errorf("%w: a delta's base is too far away", packfile.ErrMalformedPackFile)
		}
		n |= int64(b & 0x7f)
		if more = b&0x80 != 0; more {
			n = (n + 1) << 7
		}
	}
	return n, nil
}

// content inflates what an entry holds, which must have length bytes.
func (p *packReader) content(length int64) ([]byte, error) {
	if err := p.begin(); err != nil {
		return nil, p.ended(err)
	}
	var data []byte
	for rest := length; rest > 0; rest = length - int64(len(data)) {
		n := int(min(rest, maxPrealloc))
		data = slices.Grow(data, n)
		piece := data[len(data) : len(data)+n]
		if _, err := io.ReadFull(p.inflater, piece); err != nil {
			return nil, p.ended(err)
		}
		data = data[:len(data)+n]
	}
	var beyond [1]byte
	n, err := p.inflater.Read(beyond[:]) // to its checksum
	if n > 0 {
		return nil, fmt.Errorf("%w: an object is longer than announced", packfile.ErrMalformedPackFile)
	}
	if err != io.EOF {
		return nil, p.ended(err)
	}
	return data, nil
}

// begin makes the inflater ready for the next content.
func (p *packReader) begin() (err error) {
	if p.inflater == nil {
		p.inflater, err = zlib.NewReader(p.in)
		return err
	}
	return p.inflater.(zlib.Resetter).Reset(p.in, nil)
}

// end compares the sum that stands behind the entries. What follows it is not looked at.
func (p *packReader) end() error {
	want := p.all.until(p.offset())
	var sum [sha1.Size]byte
	if _, err := io.ReadFull(p.in, sum[:]); err != nil {
		return p.ended(err)
	}
	if !bytes.Equal(sum[:], want) {
		return fmt.Errorf("%w: its checksum is another", packfile.ErrMalformedPackFile)
	}
	return nil
}

// offset is where in the pack the next byte stands.
func (p *packReader) offset() int64 { return p.all.read - int64(p.in.Buffered()) }

// ended says what it means that reading ended with an error: what went wrong on the way stays what it is.
func (p *packReader) ended(err error) error {
	on := p.all.err // may be far ahead of what was looked at
	switch {
	case on != nil && errors.Is(err, on) && on != io.EOF:
		return err
	case err != io.EOF && err != io.ErrUnexpectedEOF:
		return fmt.Errorf("%w: %w", packfile.ErrMalformedPackFile, err)
	case on == nil || p.in.Buffered() > 0:
		return fmt.Errorf("%w: an object is shorter than announced", packfile.ErrMalformedPackFile)
	case on != io.EOF:
		return on
	}
	return fmt.Errorf("%w: it ends too early", packfile.ErrMalformedPackFile)
}

// summed adds up what is read, but for the last bytes: they may be behind the pack's end.
type summed struct {
	r    io.Reader
	sum  hash.Hash
	read int64
	last []byte // packBuffer at least, which is as much as anybody has read and not yet looked at
	err  error  // with which reading ended
}

func (s *summed) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	s.read += int64(n)
	s.last = append(s.last, b[:n]...)
	if over := len(s.last) - packBuffer; over > packBuffer {
		s.sum.Write(s.last[:over])
		s.last = append(s.last[:0], s.last[over:]...)
	}
	if err != nil {
		s.err = err
	}
	return n, err
}

// until is the sum of what stands before an offset, no more than packBuffer behind which was read.
func (s *summed) until(offset int64) []byte {
	s.sum.Write(s.last[:int64(len(s.last))-(s.read-offset)])
	s.last = nil
	return s.sum.Sum(nil)
}
