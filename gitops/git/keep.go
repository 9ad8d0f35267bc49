package git

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
)

// Keeper keeps what was fetched, under keys that name it for good. What it returns
// is what was put; it may forget anything at any time.
type Keeper interface {
	Get(kind, key string) ([]byte, bool)
	Put(kind, key string, data ...[]byte)
}

var errKept = errors.New("read kept objects: they are not whole")

// keptKind is under which kind the objects of one commit are kept.
const keptKind = "commit"

// kept returns the objects of a target that was fetched before, nil if it was not.
// Every object is known by its hash, so that what is kept cannot stand for anything else.
func (s *Store) kept(t target) *objects {
	if s.config.Keeper == nil || t.full {
		return nil
	}
	data, ok := s.config.Keeper.Get(keptKind, t.want.String())
	if !ok {
		return nil
	}
	store := newObjects()
	if err := readObjects(data, store); err != nil || store.HasEncodedObject(t.want) != nil {
		return nil // damaged: it is fetched again
	}
	return store
}

// keep puts what was fetched aside.
func (s *Store) keep(t target, store *objects) {
	if s.config.Keeper == nil || t.full {
		return
	}
	data := [][]byte{binary.AppendUvarint(nil, uint64(len(store.Objects)))}
	for _, obj := range store.Objects {
		o, ok := obj.(*object)
		if !ok {
			return
		}
		data = append(data, binary.AppendUvarint([]byte{byte(o.kind)}, uint64(len(o.data))), o.data)
	}
	s.config.Keeper.Put(keptKind, t.want.String(), data...)
}

// readObjects reads what keep wrote. The objects share its memory.
func readObjects(data []byte, store *objects) error {
	count, width := binary.Uvarint(data)
	if width <= 0 {
		return errKept
	}
	for data = data[width:]; len(data) > 0; count-- {
		kind := plumbing.ObjectType(data[0])
		n, width := binary.Uvarint(data[1:])
		if width <= 0 || n > uint64(len(data)-1-width) {
			return errKept
		}
		content := data[1+width : 1+width+int(n)]
		data = data[1+width+int(n):]
		if _, err := store.SetEncodedObject(&object{kind: kind, data: content, hash: plumbing.ComputeHash(kind, content)}); err != nil {
			return fmt.Errorf("read kept objects: %w", err)
		}
	}
	if count != 0 {
		return errKept
	}
	return nil
}
