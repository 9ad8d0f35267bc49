package cached

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"math"
	"slices"

	"tokenward/analysis/render"
)

// requestKey digests everything that render.Render's result follows from, but what other
// releases' CRDs say about scopes.
func requestKey(c render.ChartSource, q render.Request) string {
	facts := c.Facts()
	d := digest{sha256.New()}
	d.text(facts.Digest)
	d.text(q.ReleaseName)
	d.text(q.Namespace)
	d.value(q.Values)
	d.value(q.PostRenderers)
	d.text(string(q.PostRenderStrategy))
	d.value(q.DisabledHooks)
	d.value(q.CommonLabels)
	d.value(q.CommonAnnotations)
	d.text(cmp.Or(q.KubeVersion, render.DefaultKubeVersion))
	versions := slices.Concat(q.APIVersions, render.APIVersions(q.CRDs))
	slices.Sort(versions)
	d.value(facts.AskedVersions(slices.Compact(versions), q.Values))
	return d.sum()
}

func valuesKey(c render.ChartSource, values map[string]any) string {
	d := digest{sha256.New()}
	d.text(c.Facts().Digest)
	d.value(values)
	return d.sum()
}

// digest hashes values in a form that no two different values share.
type digest struct{ hash.Hash }

func (d digest) sum() string { return hex.EncodeToString(d.Sum(nil)) }

func (d digest) number(tag byte, n uint64) {
	var b [9]byte
	b[0] = tag
	binary.LittleEndian.PutUint64(b[1:], n)
	d.Write(b[:])
}

func (d digest) text(s string) {
	d.number('s', uint64(len(s)))
	d.Write([]byte(s))
}

// value tells types apart, since a template prints 1 and 1.0 in different ways.
func (d digest) value(v any) {
	switch v := v.(type) {
	case nil:
		d.number('n', 0)
	case bool:
		n := uint64(0)
		if v {
			n = 1
		}
		d.number('b', n)
	case string:
		d.text(v)
	case int:
		d.number('i', uint64(v))
	case int64:
		d.number('l', uint64(v))
	case float64:
		d.number('f', math.Float64bits(v))
	case []any:
		d.number('a', uint64(len(v)))
		for _, e := range v {
			d.value(e)
		}
	case []string:
		d.number('t', uint64(len(v)))
		for _, e := range v {
			d.text(e)
		}
	case map[string]any:
		d.number('m', uint64(len(v)))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			d.text(key)
			d.value(v[key])
		}
	case map[string]string:
		d.number('p', uint64(len(v)))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			d.text(key)
			d.text(v[key])
		}
	default:
		// fmt prints maps in the order of their keys.
		d.number('o', 0)
		d.text(fmt.Sprintf("%T %#v", v, v))
	}
}
