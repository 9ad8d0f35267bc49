package git

import (
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// maxPasses bounds how often the deltas of a pack are gone through. Git writes
// bases before what rests on them, so one pass does.
const maxPasses = 64

// maxPrealloc bounds what is reserved on the mere word of an object's header: more than files
// have, as growing copies them, and less than would be felt.
const maxPrealloc = 16 << 20

// objectCost is about what one object takes beside its content: a few bytes of a pack are
// an object, too.
const objectCost = 400

// unpacker reads a pack into memory and refuses more than limit bytes of
// objects, each with its cost. go-git's own parser has no such bound, and a pack can unpack to a
// thousand times its size.
type unpacker struct {
	pack     *packReader
	objects  *objects
	left     int64
	limit    int64
	byOffset map[int64]*packed
	byHash   map[plumbing.Hash]*packed
	deltas   []*packed
}

// packed is one entry of a pack; delta is set until it is resolved.
type packed struct {
	kind   plumbing.ObjectType
	data   []byte
	delta  []byte
	base   *packed       // an offset delta's base
	onHash plumbing.Hash // a reference delta's base
}

// unpack reads the pack in r into objects.
func unpack(r io.Reader, objects *objects, limit int64) error {
	pack, count, err := newPackReader(r)
	if err != nil {
		return fmt.Errorf("read pack: %w", err)
	}
	u := &unpacker{
		pack: pack, objects: objects, left: limit, limit: limit,
		byOffset: map[int64]*packed{}, byHash: map[plumbing.Hash]*packed{},
	}
	for range count {
		if err := u.entry(); err != nil {
			return fmt.Errorf("read pack: %w", err)
		}
	}
	if err := u.pack.end(); err != nil {
		return fmt.Errorf("read pack: %w", err)
	}
	if err := u.resolveAll(); err != nil {
		return fmt.Errorf("read pack: %w", err)
	}
	return nil
}

func (u *unpacker) take(n int64) error {
	if n < 0 || n > u.left {
		return fmt.Errorf("%w: its objects are bigger than %s", ErrTooLarge, size(u.limit))
	}
	u.left -= n
	return nil
}

// entry reads the next object or delta.
func (u *unpacker) entry() error {
	header, err := u.pack.next()
	if err != nil {
		return err
	}
	if err := u.take(header.Length); err != nil {
		return err
	}
	if err := u.take(objectCost); err != nil {
		return err
	}
	content, err := u.pack.content(header.Length)
	if err != nil {
		return err
	}
	p := &packed{kind: header.Type}
	u.byOffset[header.Offset] = p
	switch header.Type {
	case plumbing.OFSDeltaObject:
		base, ok := u.byOffset[header.OffsetReference]
		if !ok {
			return fmt.Errorf("%w: a delta has no base", packfile.ErrMalformedPackFile)
		}
		p.delta, p.base = content, base
		u.deltas = append(u.deltas, p)
	case plumbing.REFDeltaObject:
		p.delta, p.onHash = content, header.Reference
		u.deltas = append(u.deltas, p)
	default:
		p.data = content
		return u.store(p)
	}
	return nil
}

// resolveAll applies the deltas, in as many passes as their order needs.
func (u *unpacker) resolveAll() error {
	for range maxPasses {
		var waiting []*packed
		for _, p := range u.deltas {
			base := p.base
			if base == nil {
				base = u.byHash[p.onHash]
			}
			if base == nil || base.delta != nil {
				waiting = append(waiting, p)
				continue
			}
			if err := u.apply(p, base); err != nil {
				return err
			}
		}
		if u.deltas = waiting; len(waiting) == 0 {
			return nil
		}
	}
	return fmt.Errorf("%w: the base of a delta is missing", packfile.ErrMalformedPackFile)
}

// apply turns a delta into the object it stands for.
func (u *unpacker) apply(p, base *packed) error {
	target, err := deltaTarget(p.delta)
	if err != nil {
		return err
	}
	if err := u.take(target); err != nil {
		return err
	}
	data, err := packfile.PatchDelta(base.data, p.delta)
	if err != nil {
		return fmt.Errorf("%w: %w", packfile.ErrMalformedPackFile, err)
	}
	p.kind, p.data, p.delta = base.kind, data, nil
	return u.store(p)
}

// deltaTarget reads the size that a delta unpacks to: the second of the two
// numbers it begins with, seven bits a byte, lowest first.
func deltaTarget(delta []byte) (int64, error) {
	var n int64
	for range 2 {
		n = 0
		for shift := 0; ; shift += 7 {
			if len(delta) == 0 || shift > 56 {
				return 0, fmt.Errorf("%w: %w", packfile.ErrMalformedPackFile, packfile.ErrInvalidDelta)
			}
			b := delta[0]
			delta = delta[1:]
			n |= int64(b&0x7f) << shift
			if b&0x80 == 0 {
				break
			}
		}
	}
	return n, nil
}

func (u *unpacker) store(p *packed) error {
	obj := &object{kind: p.kind, data: p.data, hash: plumbing.ComputeHash(p.kind, p.data)}
	u.byHash[obj.hash] = p
	_, err := u.objects.SetEncodedObject(obj)
	return err
}
