package git

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/storage/memory"
)

// object is a git object in memory whose hash is known.
type object struct {
	kind plumbing.ObjectType
	data []byte
	hash plumbing.Hash
}

var errImmutable = errors.New("object is immutable")

// The methods of plumbing.EncodedObject; the setters have nothing to set.

func (o *object) Hash() plumbing.Hash             { return o.hash }
func (o *object) Type() plumbing.ObjectType       { return o.kind }
func (o *object) SetType(plumbing.ObjectType)     {}
func (o *object) Size() int64                     { return int64(len(o.data)) }
func (o *object) SetSize(int64)                   {}
func (o *object) Writer() (io.WriteCloser, error) { return nil, errImmutable }
func (o *object) Reader() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(o.data)), nil
}

// objects is an object store that may be read while commits are added.
type objects struct {
	*memory.Storage
	mu sync.RWMutex
}

func newObjects() *objects { return &objects{Storage: memory.NewStorage()} }

// SetEncodedObject implements storer.EncodedObjectStorer.
func (o *objects) SetEncodedObject(obj plumbing.EncodedObject) (plumbing.Hash, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.Storage.SetEncodedObject(obj)
}

// EncodedObject implements storer.EncodedObjectStorer.
func (o *objects) EncodedObject(kind plumbing.ObjectType, hash plumbing.Hash) (plumbing.EncodedObject, error) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.Storage.EncodedObject(kind, hash)
}

// HasEncodedObject implements storer.EncodedObjectStorer.
func (o *objects) HasEncodedObject(hash plumbing.Hash) error {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.Storage.HasEncodedObject(hash)
}

// EncodedObjectSize implements storer.EncodedObjectStorer.
func (o *objects) EncodedObjectSize(hash plumbing.Hash) (int64, error) {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.Storage.EncodedObjectSize(hash)
}
