// Package wire is the binary form of charts, requests and results, for the pipe to
// a render worker and for whatever keeps results. It owns that form alone: it
// renders nothing and reads no files. Decoding trusts nothing: every length is
// checked against what is there, and nesting and the number of values are bounded.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
	"time"

	"tokenward/analysis/render"
)

// maxDepth bounds maps and lists inside each other. YAML and JSON decoders stop at
// 10,000 levels, and nobody writes more than a few dozen.
const maxDepth = 1000

// maxValues bounds how many values one message may hold: a few bytes each in the
// message, a hundred once they are decoded.
const maxValues = 2 << 20

var (
	errDeep = fmt.Errorf("values are nested more than %d deep", maxDepth)
	errMany = fmt.Errorf("there are more than %d values", maxValues)
)

// The tags that say what kind of value follows.
const (
	tagNil = iota
	tagFalse
	tagTrue
	tagInt
	tagInt64
	tagUint64
	tagFloat
	tagString
	tagList
	tagMap
	tagTime
)

// writer builds a message. The first error stays.
type writer struct {
	buf    []byte
	parts  [][]byte          // what goes before buf
	keys   map[string]uint64 // the keys of maps that were written, by their numbers from 1
	values int
	err    error
}

func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *writer) uint(n uint64) { w.buf = binary.AppendUvarint(w.buf, n) }
func (w *writer) len(n int)     { w.uint(uint64(n)) }

func (w *writer) str(s string) {
	w.len(len(s))
	w.buf = append(w.buf, s...)
}

func (w *writer) bytes(b []byte) {
	w.len(len(b))
	w.buf = append(w.buf, b...)
}

// worthApart is from how many bytes on it costs less to write them apart than to copy them.
const worthApart = 1 << 10

// apart writes bytes that nobody changes any more.
func (w *writer) apart(b []byte) {
	if len(b) < worthApart {
		w.bytes(b)
		return
	}
	w.len(len(b))
	w.parts = append(w.parts, w.buf, b)
	w.buf = w.buf[len(w.buf):]
}

func (w *writer) bool(b bool) {
	if b {
		w.buf = append(w.buf, 1)
		return
	}
	w.buf = append(w.buf, 0)
}

func (w *writer) strings(list []string) {
	w.len(len(list))
	for _, s := range list {
		w.str(s)
	}
}

func (w *writer) stringMap(m map[string]string) {
	w.len(len(m))
	for k, v := range m {
		w.key(k)
		w.str(v)
	}
}

// key writes a map's key: the first time as 0 and the text, later as its number.
func (w *writer) key(k string) {
	if n, ok := w.keys[k]; ok {
		w.uint(n)
		return
	}
	if w.keys == nil {
		w.keys = map[string]uint64{}
	}
	w.keys[k] = uint64(len(w.keys) + 1)
	w.uint(0)
	w.str(k)
}

// value writes what YAML and JSON decode to. Go's types are kept, since a template
// prints an int64 in another way than a float64.
func (w *writer) value(v any, depth int) {
	if w.values++; w.values > maxValues {
		w.fail(errMany)
	}
	if depth > maxDepth {
		w.fail(errDeep)
	}
	if w.err != nil {
		return
	}
	switch v := v.(type) {
	case nil:
		w.buf = append(w.buf, tagNil)
	case bool:
		w.truth(v)
	case string:
		w.buf = append(w.buf, tagString)
		w.str(v)
	case int:
		w.buf = binary.AppendVarint(append(w.buf, tagInt), int64(v))
	case int64:
		w.buf = binary.AppendVarint(append(w.buf, tagInt64), v)
	case uint64:
		w.buf = binary.AppendUvarint(append(w.buf, tagUint64), v)
	case float64:
		w.buf = binary.BigEndian.AppendUint64(append(w.buf, tagFloat), math.Float64bits(v))
	case []any:
		w.buf = append(w.buf, tagList)
		w.len(len(v))
		for _, e := range v {
			w.value(e, depth+1)
		}
	case map[string]any:
		w.mapping(v, depth)
	case time.Time:
		text, err := v.MarshalBinary()
		w.fail(err)
		w.buf = append(w.buf, tagTime)
		w.bytes(text)
	default:
		w.other(reflect.ValueOf(v), depth)
	}
}

func (w *writer) truth(b bool) {
	if b {
		w.buf = append(w.buf, tagTrue)
		return
	}
	w.buf = append(w.buf, tagFalse)
}

// texts writes packed texts, which count as the values that they are.
func (w *writer) texts(t render.Texts) {
	n, _ := t.Count()
	if w.values += n; w.values > maxValues {
		w.fail(errMany)
	}
	w.str(string(t))
}

func (w *writer) mapping(m map[string]any, depth int) {
	w.buf = append(w.buf, tagMap)
	w.len(len(m))
	for k, e := range m {
		w.key(k)
		w.value(e, depth+1)
	}
}

// other writes named and narrower types as the plain ones that they stand for.
func (w *writer) other(v reflect.Value, depth int) {
	switch {
	case v.Kind() == reflect.Map && v.Type().Key().Kind() == reflect.String:
		m := make(map[string]any, v.Len())
		for it := v.MapRange(); it.Next(); {
			m[it.Key().String()] = it.Value().Interface()
		}
		w.mapping(m, depth)
	case v.Kind() == reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = v.Index(i).Interface()
		}
		w.value(list, depth)
	case v.Kind() == reflect.String:
		w.value(v.String(), depth)
	case v.CanInt():
		w.value(v.Int(), depth)
	case v.CanUint():
		w.value(v.Uint(), depth)
	case v.CanFloat():
		w.value(v.Float(), depth)
	default:
		w.fail(fmt.Errorf("a value of type %s has no form here", v.Type()))
	}
}

// done returns the message.
func (w *writer) done() ([]byte, error) {
	if w.err != nil {
		return nil, w.err
	}
	return w.buf, nil
}

var errDamaged = errors.New("the message is damaged")
