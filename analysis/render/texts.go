package render

import (
	"encoding/binary"
	"iter"
	"maps"
	"slices"
)

// Texts are named texts, one behind the other, each with its length before it. What
// ConfigMaps and Secrets hold is most of what a platform renders, and little of it is looked at.
type Texts string

// PackedField is one field of an object, packed.
type PackedField struct {
	Name  string // data, stringData or binaryData
	Texts Texts
}

// Pack puts the texts that a ConfigMap or Secret holds together, for whoever sends or keeps
// it. It returns them and the other fields: a field that holds something else than texts is
// among those. The object stays as it is.
func (o *Object) Pack() (fields map[string]any, packed []PackedField) {
	whole := o.Fields()
	if fields, packed = whole, o.Packed; o.APIVersion != "v1" || o.Kind != "ConfigMap" && o.Kind != "Secret" {
		return fields, packed
	}
	for _, name := range []string{"data", "stringData", "binaryData"} {
		m, _ := whole[name].(map[string]any)
		texts, ok := packTexts(m)
		if !ok {
			continue
		}
		if len(fields) == len(whole) {
			fields = maps.Clone(fields)
		}
		delete(fields, name)
		packed = append(slices.Clip(packed), PackedField{name, texts})
	}
	return fields, packed
}

func packTexts(m map[string]any) (Texts, bool) {
	var b []byte
	for k, v := range m {
		text, ok := v.(string)
		if !ok {
			return "", false
		}
		b = append(binary.AppendUvarint(b, uint64(len(k))), k...)
		b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
	}
	return Texts(b), len(m) > 0
}

// Count returns how many texts there are; ok is false where they are damaged.
func (t Texts) Count() (n int, ok bool) {
	for t != "" {
		if _, ok = t.next(); !ok {
			return 0, false
		}
		if _, ok = t.next(); !ok {
			return 0, false
		}
		n++
	}
	return n, true
}

// all gives the texts with their names, up to where they are damaged.
func (t Texts) all() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for t != "" {
			name, _ := t.next()
			if text, ok := t.next(); !ok || !yield(name, text) {
				return
			}
		}
	}
}

// next takes the next name or text off, false where that is damaged.
func (t *Texts) next() (string, bool) {
	n, size := binary.Uvarint([]byte((*t)[:min(len(*t), binary.MaxVarintLen64)]))
	if size > 0 && n <= uint64(len(*t)-size) {
		taken := (*t)[size : size+int(n)]
		*t = (*t)[size+int(n):]
		return string(taken), true
	}
	*t = ""
	return "", false
}

// Field returns a field of the manifest, of those, too, that are packed.
func (o *Object) Field(name string) any {
	for _, p := range o.Packed {
		if p.Name == name {
			n, _ := p.Texts.Count()
			m := make(map[string]any, n)
			for k, v := range p.Texts.all() {
				m[k] = v
			}
			return m
		}
	}
	return o.Fields()[name]
}

// Whole returns the manifest with nothing packed.
func (o *Object) Whole() map[string]any {
	if len(o.Packed) == 0 {
		return o.Fields()
	}
	fields := maps.Clone(o.Fields())
	for _, p := range o.Packed {
		fields[p.Name] = o.Field(p.Name)
	}
	return fields
}

// Text returns one text of a field, and whether there is one.
func (o *Object) Text(field, name string) (string, bool) {
	for _, p := range o.Packed {
		if p.Name != field {
			continue
		}
		for k, v := range p.Texts.all() {
			if k == name {
				return v, true
			}
		}
	}
	m, _ := o.Fields()[field].(map[string]any)
	text, ok := m[name].(string)
	return text, ok
}
