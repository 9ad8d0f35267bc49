package wire

import (
	"unsafe"

	"tokenward/analysis/render"
)

func (w *writer) chart(c *render.Chart) {
	w.str(c.Dir)
	w.str(c.Name)
	w.len(len(c.Files))
	for _, f := range c.Files {
		w.str(f.Name)
		w.str(f.Source)
		w.apart(f.Data)
	}
}

func (r *reader) chart() *render.Chart {
	c := &render.Chart{Dir: r.str(), Name: r.str()}
	for range r.len() {
		f := render.File{Name: r.str(), Source: r.str()}
		if data := r.str(); data != "" {
			f.Data = unsafe.Slice(unsafe.StringData(data), len(data)) // nobody changes a chart's files
		}
		if c.Files = append(c.Files, f); r.err != nil {
			break
		}
	}
	return c
}

func (w *writer) request(r render.Request) {
	w.str(r.ReleaseName)
	w.str(r.Namespace)
	w.fields(r.Values)
	w.value(list(r.PostRenderers), 0)
	w.str(string(r.PostRenderStrategy))
	w.strings(r.DisabledHooks)
	w.stringMap(r.CommonLabels)
	w.stringMap(r.CommonAnnotations)
	w.str(r.KubeVersion)
	w.strings(r.APIVersions)
	w.crds(r.CRDs)
}

// list keeps a list that is nil apart from an empty one.
func list(l []any) any {
	if l == nil {
		return nil
	}
	return l
}

func (r *reader) request() render.Request {
	q := render.Request{ReleaseName: r.str(), Namespace: r.str(), Values: r.fields()}
	q.PostRenderers, _ = r.value(0).([]any)
	q.PostRenderStrategy = render.PostRenderStrategy(r.str())
	q.DisabledHooks = r.strings()
	q.CommonLabels, q.CommonAnnotations = r.stringMap(), r.stringMap()
	q.KubeVersion, q.APIVersions, q.CRDs = r.str(), r.strings(), r.crds()
	return q
}

// fields writes a map, or that there is none.
func (w *writer) fields(m map[string]any) {
	if m == nil {
		w.value(nil, 0)
		return
	}
	w.value(m, 0)
}

func (w *writer) object(o *render.Object) {
	w.key(o.APIVersion)
	w.key(o.Kind)
	w.key(o.Namespace)
	w.key(o.Own)
	w.str(o.Name)
	w.str(o.Later)
	w.key(o.Source)
	w.len(o.Line)
	w.strings(o.Hook)
	fields, packed := o.Pack()
	w.fields(fields)
	w.len(len(packed))
	for _, p := range packed {
		w.key(p.Name)
		w.texts(p.Texts)
	}
}

func (r *reader) object() *render.Object {
	o := &render.Object{
		APIVersion: r.key(), Kind: r.key(), Namespace: r.key(), Own: r.key(), Name: r.str(), Later: r.str(),
		Source: r.key(), Line: int(r.uint()), Hook: r.strings(), ReadFields: r.later(),
	}
	for range r.elements() {
		if o.Packed = append(o.Packed, render.PackedField{Name: r.key(), Texts: r.texts()}); r.err != nil {
			break
		}
	}
	return o
}

func (w *writer) crds(crds []render.CRD) {
	w.len(len(crds))
	for _, c := range crds {
		w.str(c.Group)
		w.str(c.Kind)
		w.str(c.Scope)
		w.strings(c.Versions)
	}
}

func (r *reader) crds() []render.CRD {
	var crds []render.CRD
	for range r.elements() {
		crds = append(crds, render.CRD{Group: r.str(), Kind: r.str(), Scope: r.str(), Versions: r.strings()})
		if r.err != nil {
			return nil
		}
	}
	return crds
}
