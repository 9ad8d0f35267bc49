package git

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// packReader reads the entries of a pack one after the other. go-git's own scanner does
// more for every byte than inflating it costs.
type packReader struct {
	*bufio.Reader
	from   *packSource
	zlib   io.ReadCloser // nil before the first entry; used again for each
	beyond [1]byte       // what is beyond the end of an entry is read into it
	count  uint32        // of entries
}

// packHeader is what stands before the content of an entry.
type packHeader struct {
	kind   plumbing.ObjectType
	offset int64 // where the entry begins
	length int64 // of the content
	base   int64 // where the base of an offset delta begins
	onHash plumbing.Hash
}

func malformed(what string) error { return fmt.Errorf("%w: %s", packfile.ErrMalformedPackFile, what) }

// newPackReader reads the beginning of a pack.
func newPackReader(r io.Reader) (*packReader, error) {
	from := &packSource{r: r, sum: sha1.New()}
	p := &packReader{Reader: bufio.NewReaderSize(from, 32<<10), from: from}
	var head [12]byte
	if _, err := io.ReadFull(p, head[:]); err == io.EOF {
		return nil, packfile.ErrEmptyPackfile
	} else if err != nil {
		return nil, err
	}
	if string(head[:4]) != "PACK" {
		return nil, packfile.ErrBadSignature
	}
	if v := binary.BigEndian.Uint32(head[4:]); v != packfile.VersionSupported {
		return nil, packfile.ErrUnsupportedVersion.AddDetails("%d", v)
	}
	p.count = binary.BigEndian.Uint32(head[8:])
	return p, nil
}

// header reads what stands before the next entry's content. A number has seven bits a byte,
// and the highest bit says that more follow.
func (p *packReader) header() (h packHeader, err error) {
	h.offset = p.from.n - int64(p.Buffered())
	b, err := p.ReadByte()
	if err != nil {
		return h, err
	}
	h.kind, h.length = plumbing.ObjectType(b>>4&7), int64(b&15)
	for shift := 4; b&0x80 != 0; shift += 7 {
		if b, err = p.ReadByte(); err != nil {
			return h, err
		}
		if shift > 56 {
			return h, fmt.Errorf("%w: %w", packfile.ErrMalformedPackFile, packfile.ErrLengthOverflow)
		}
		h.length |= int64(b&0x7f) << shift
	}
	switch h.kind {
	case plumbing.OFSDeltaObject:
		back, err := p.back()
		if h.base = h.offset - back; err == nil && (back <= 0 || h.base < 0) {
			err = malformed("a delta's base is nowhere before it")
		}
		return h, err
	case plumbing.REFDeltaObject:
		_, err = io.ReadFull(p, h.onHash[:])
	}
	return h, err
}

// back reads how far before an offset delta its base begins: highest bits first, and each
// byte that is followed by another counts one more.
func (p *packReader) back() (n int64, err error) {
	for range 8 {
		b, err := p.ReadByte()
		if err != nil {
			return 0, err
		}
		if n = n<<7 | int64(b&0x7f); b&0x80 == 0 {
			return n, nil
		}
		n++
	}
	return 0, malformed("a delta's base is too far before it")
}

// content inflates the content of an entry, which has as many bytes as announced, or it is refused.
func (p *packReader) content(length int64) ([]byte, error) {
	var err error
	if p.zlib == nil {
		p.zlib, err = zlib.NewReader(p.Reader)
	} else {
		err = p.zlib.(zlib.Resetter).Reset(p.Reader, nil)
	}
	if err != nil {
		return nil, err
	}
	data := make([]byte, min(length, maxPrealloc))
	for at := 0; int64(at) < length; {
		if at == len(data) {
			more := int(min(length-int64(at), int64(at)))
			data = slices.Grow(data, more)[:at+more]
		}
		n, err := p.zlib.Read(data[at:])
		if at += n; err == io.EOF && int64(at) < length {
			return nil, malformed("an object is shorter than announced")
		} else if err != nil && err != io.EOF {
			return nil, err
		}
	}
	if n, err := p.zlib.Read(p.beyond[:]); n > 0 {
		return nil, packfile.ErrInflatedSizeMismatch
	} else if err != io.EOF {
		return nil, err // such as of its checksum
	}
	return data, nil
}

// end checks the checksum that a pack ends with.
func (p *packReader) end() error {
	var sum [sha1.Size]byte
	if _, err := io.ReadFull(p, sum[:]); err != nil {
		return err
	}
	if p.Buffered() > 0 || !bytes.Equal(p.from.sum.Sum(nil), sum[:]) {
		return malformed("its checksum is another")
	}
	return nil
}

// packSource counts what is read of a pack, and adds it up but for the last bytes, which may be the checksum.
type packSource struct {
	r    io.Reader
	n    int64
	sum  hash.Hash
	tail []byte
}

func (s *packSource) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.n += int64(n)
	s.tail = append(s.tail, p[:n]...)
	if known := len(s.tail) - sha1.Size; known > 0 {
		s.sum.Write(s.tail[:known])
		s.tail = slices.Delete(s.tail, 0, known)
	}
	return n, err
}
