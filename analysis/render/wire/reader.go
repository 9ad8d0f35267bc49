package wire

import (
	"encoding/binary"
	"math"
	"time"

	"tokenward/analysis/render"
)

// reader takes a message apart. Strings share the message's memory. The first
// error stays, and from then on everything reads as empty.
type reader struct {
	rest   string
	keys   []string
	known  bool // keys holds all of the message's already
	values int
	err    error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.rest = ""
}

func (r *reader) uint() uint64 {
	var n uint64
	for i := 0; i < len(r.rest) && i < binary.MaxVarintLen64; i++ {
		b := r.rest[i]
		n |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			r.rest = r.rest[i+1:]
			return n
		}
	}
	r.fail(errDamaged)
	return 0
}

func (r *reader) int() int64 {
	n := r.uint()
	return int64(n>>1) ^ -int64(n&1)
}

// len reads how many elements follow, each of at least one byte.
func (r *reader) len() int {
	n := r.uint()
	if n > uint64(len(r.rest)) {
		r.fail(errDamaged)
		return 0
	}
	return int(n)
}

// elements reads how many elements follow that are made whatever they say, and counts them as values.
func (r *reader) elements() int {
	n := r.len()
	if r.values += n; r.values > maxValues {
		r.fail(errMany)
		return 0
	}
	return n
}

func (r *reader) str() string {
	n := r.len()
	if r.err != nil {
		return ""
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

// texts reads packed texts, which stay so.
func (r *reader) texts() render.Texts {
	t := render.Texts(r.str())
	n, ok := t.Count()
	if !ok {
		r.fail(errDamaged)
	}
	if r.values += n; r.values > maxValues {
		r.fail(errMany)
	}
	return t
}

func (r *reader) byte() byte {
	if r.rest == "" {
		r.fail(errDamaged)
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *reader) bool() bool { return r.byte() == 1 }

func (r *reader) strings() []string {
	n := r.elements()
	if n == 0 {
		return nil
	}
	list := make([]string, 0, r.room(n))
	for range n {
		if list = append(list, r.str()); r.err != nil {
			return nil
		}
	}
	return list
}

// room is how much is made ready for n elements: no more than a sender without malice needs.
func (r *reader) room(n int) int { return min(n, 4096) }

func (r *reader) stringMap() map[string]string {
	n := r.len()
	if n == 0 {
		return nil
	}
	m := make(map[string]string, r.room(n))
	for range n {
		k := r.key()
		m[k] = r.str()
		if r.err != nil {
			return nil
		}
	}
	return m
}

func (r *reader) key() string {
	n := r.uint()
	if n == 0 {
		k := r.str()
		if !r.known {
			r.keys = append(r.keys, k)
		}
		return k
	}
	if n > uint64(len(r.keys)) {
		r.fail(errDamaged)
		return ""
	}
	return r.keys[n-1]
}

// tag reads what kind of value follows, within the bounds on values; after an error it is tagNil.
func (r *reader) tag(depth int) byte {
	if r.values++; r.values > maxValues {
		r.fail(errMany)
	}
	if depth > maxDepth {
		r.fail(errDeep)
	}
	if r.err != nil {
		return tagNil
	}
	return r.byte()
}

func (r *reader) value(depth int) any {
	switch r.tag(depth) {
	case tagNil:
		return nil
	case tagFalse:
		return false
	case tagTrue:
		return true
	case tagInt:
		return int(r.int())
	case tagInt64:
		return r.int()
	case tagUint64:
		return r.uint()
	case tagFloat:
		return r.float()
	case tagString:
		return r.str()
	case tagList:
		return r.list(depth)
	case tagMap:
		return r.mapping(depth)
	case tagTime:
		return r.time()
	}
	r.fail(errDamaged)
	return nil
}

func (r *reader) time() (t time.Time) {
	if err := t.UnmarshalBinary([]byte(r.str())); err != nil {
		r.fail(err)
	}
	return t
}

func (r *reader) float() float64 {
	if len(r.rest) < 8 {
		r.fail(errDamaged)
		return 0
	}
	bits := binary.BigEndian.Uint64([]byte(r.rest[:8]))
	r.rest = r.rest[8:]
	return math.Float64frombits(bits)
}

func (r *reader) list(depth int) []any {
	n := r.len()
	list := make([]any, 0, r.room(n))
	for range n {
		list = append(list, r.value(depth+1))
		if r.err != nil {
			return nil
		}
	}
	return list
}

func (r *reader) mapping(depth int) map[string]any {
	n := r.len()
	m := make(map[string]any, r.room(n))
	for range n {
		k := r.key()
		m[k] = r.value(depth + 1)
		if r.err != nil {
			return nil
		}
	}
	return m
}

// fields reads a map that a message holds as a value, nil for none.
func (r *reader) fields() map[string]any {
	m, _ := r.value(0).(map[string]any)
	return m
}

// done tells whether the message was whole and held nothing more.
func (r *reader) done() error {
	if r.err == nil && r.rest != "" {
		return errDamaged
	}
	return r.err
}
