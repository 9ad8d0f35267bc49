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
		return nil, 0, cut(err)
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
	h.Offset = p.all.read - int64(p.in.Buffered())
	b, err := p.in.ReadByte()
	if err != nil {
		return h, cut(err)
	}
	h.Type, h.Length = plumbing.ObjectType(b>>4&7), int64(b&0x0f)
	for shift := 4; b&0x80 != 0; shift += 7 {
		if b, err = p.in.ReadByte(); err != nil {
			return h, cut(err)
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
			return h, cut(err)
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
			return 0, cut(err)
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
	if err := p.inflate(); err != nil {
		return nil, cut(err)
	}
	var data []byte
	for rest := length; rest > 0; rest = length - int64(len(data)) {
		n := int(min(rest, maxPrealloc))
		data = slices.Grow(data, n)
		piece := data[len(data) : len(data)+n]
		if _, err := io.ReadFull(p.inflater, piece); err != nil {
			return nil, tooShort(err)
		}
		data = data[:len(data)+n]
	}
	var beyond [1]byte
	n, err := p.inflater.Read(beyond[:]) // to its checksum
	if n > 0 {
		return nil, fmt.Errorf("%w: an object is longer than announced", packfile.ErrMalformedPackFile)
	}
	if err != io.EOF {
		return nil, cut(err)
	}
	return data, nil
}

// inflate makes the inflater ready for the next content.
func (p *packReader) inflate() (err error) {
	if p.inflater == nil {
		p.inflater, err = zlib.NewReader(p.in)
		return err
	}
	return p.inflater.(zlib.Resetter).Reset(p.in, nil)
}

// end compares the sum that stands at the pack's end, after which there must be nothing.
func (p *packReader) end() error {
	var sum [sha1.Size]byte
	if _, err := io.ReadFull(p.in, sum[:]); err != nil {
		return cut(err)
	}
	switch _, err := p.in.ReadByte(); {
	case err == nil:
		return fmt.Errorf("%w: it does not end where it should", packfile.ErrMalformedPackFile)
	case err != io.EOF:
		return err
	}
	if !bytes.Equal(sum[:], p.all.sum.Sum(nil)) {
		return fmt.Errorf("%w: its checksum is another", packfile.ErrMalformedPackFile)
	}
	return nil
}

// cut says of an end that it came too early.
func cut(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("%w: it ends too early", packfile.ErrMalformedPackFile)
	}
	return err
}

// tooShort says of an end that the object is too short.
func tooShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: an object is shorter than announced", packfile.ErrMalformedPackFile)
	}
	return err
}

// summed adds up what is read, but for the last bytes, which are the sum themselves.
type summed struct {
	r    io.Reader
	sum  hash.Hash
	read int64
	last []byte // as many as a sum has, once there were so many
}

func (s *summed) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	s.read += int64(n)
	s.add(b[:n])
	return n, err
}

// add adds up as much as is not the end, as things are.
func (s *summed) add(b []byte) {
	if len(b) >= sha1.Size {
		s.sum.Write(s.last)
		s.sum.Write(b[:len(b)-sha1.Size])
		s.last = append(s.last[:0], b[len(b)-sha1.Size:]...)
		return
	}
	s.last = append(s.last, b...)
	if over := len(s.last) - sha1.Size; over > 0 {
		s.sum.Write(s.last[:over])
		s.last = append(s.last[:0], s.last[over:]...)
	}
}
