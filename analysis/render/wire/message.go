package wire

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"tokenward/analysis/render"
)

// Chart is a chart and how it is released, as one message in parts: the files are not copied.
func Chart(c *render.Chart, r render.Request) ([][]byte, error) {
	var w writer
	w.chart(c)
	w.request(r)
	last, err := w.done()
	return append(w.parts, last), err
}

// ReadChart is what Chart was given. The files share the message's memory.
func ReadChart(message []byte) (*render.Chart, render.Request, error) {
	r := newReader(message)
	c, q := r.chart(), r.request()
	if err := r.done(); err != nil {
		return nil, render.Request{}, fmt.Errorf("read the request: %w", err)
	}
	return c, q, nil
}

// Output is what a chart renders, as one message: the one that it was read from, if any.
func Output(out *render.Output) ([]byte, error) {
	if out.Message != nil {
		return out.Message, nil
	}
	w := writer{}
	w.len(len(out.Objects))
	for _, o := range out.Objects {
		w.object(o)
	}
	w.len(len(out.Invalid))
	for _, i := range out.Invalid {
		w.str(i.Source)
		w.str(i.Err.Error())
	}
	w.crds(out.CRDs)
	values, err := Values(out.Values())
	if err != nil {
		return nil, err
	}
	w.bytes(values)
	return w.done()
}

// ReadOutput is what Output was given; errors of invalid documents keep their words only.
// It shares the message's memory, which must not be changed any more. Manifests are checked at once, and
// decoded each time somebody asks for one. The output's values, which have a bound of their own, are read
// when somebody asks for them.
func ReadOutput(message []byte) (*render.Output, error) {
	r := newReader(message)
	out := &render.Output{Message: message}
	for range r.elements() {
		if out.Objects = append(out.Objects, r.object()); r.err != nil {
			break
		}
	}
	for range r.elements() {
		if out.Invalid = append(out.Invalid, render.Invalid{Source: r.str(), Err: errors.New(r.str())}); r.err != nil {
			break
		}
	}
	out.CRDs = r.crds()
	values := r.str()
	out.ReadValues = sync.OnceValue(func() map[string]any {
		v := reader{rest: values}
		if m := v.fields(); v.done() == nil {
			return m
		}
		return nil
	})
	if err := r.done(); err != nil {
		return nil, fmt.Errorf("read the output: %w", err)
	}
	return out, nil
}

// Facts are those of a chart, as one message.
func Facts(f render.Facts) []byte {
	w := writer{}
	w.str(f.Digest)
	w.len(f.Bytes)
	w.strings(f.Asks)
	w.bool(f.AsksOpenly)
	w.str(f.Words)
	w.bool(f.MentionsCRDs)
	return w.buf
}

// ReadFacts is what Facts was given. It shares the message's memory.
func ReadFacts(message []byte) (render.Facts, error) {
	r := newReader(message)
	f := render.Facts{Digest: r.str(), Bytes: int(r.uint()), Asks: r.strings(), AsksOpenly: r.bool(), Words: r.str(), MentionsCRDs: r.bool()}
	if f.Digest == "" || f.Bytes < 0 {
		r.fail(errDamaged)
	}
	return f, r.done()
}

// CRDs is a list of definitions, as one message.
func CRDs(crds []render.CRD) ([]byte, error) {
	w := writer{}
	w.crds(crds)
	return w.done()
}

// ReadCRDs is what CRDs was given.
func ReadCRDs(message []byte) ([]render.CRD, error) {
	r := newReader(message)
	crds := r.crds()
	return crds, r.done()
}

// Values is a map of values, as one message.
func Values(values map[string]any) ([]byte, error) {
	w := writer{}
	w.fields(values)
	return w.done()
}

// ReadValues is what Values was given.
func ReadValues(message []byte) (map[string]any, error) {
	r := newReader(message)
	values := r.fields()
	return values, r.done()
}

// Error is an error as one message. Of a *render.TemplateError everything is kept, of others the words.
func Error(err error) []byte {
	w := writer{}
	w.str(err.Error())
	var t *render.TemplateError
	w.bool(errors.As(err, &t))
	if t != nil {
		w.str(t.Source)
		w.len(t.Line)
		w.str(t.Message)
		w.str(t.Error())
	}
	return w.buf
}

// ReadError is what Error was given, or says that the message is damaged.
func ReadError(message []byte) error {
	r := newReader(message)
	e := &said{words: r.str()}
	if r.bool() {
		t := &render.TemplateError{Source: r.str(), Line: int(r.uint()), Message: r.str()}
		t.Err = errors.New(r.str())
		e.template = t
	}
	if err := r.done(); err != nil {
		return fmt.Errorf("read the error: %w", err)
	}
	return e
}

// said is an error of another process.
type said struct {
	words    string
	template error
}

func (e *said) Error() string { return e.words }
func (e *said) Unwrap() error { return e.template }

// newReader reads a message in place: it is not changed, and nothing else changes it.
func newReader(message []byte) *reader {
	return &reader{rest: unsafe.String(unsafe.SliceData(message), len(message))}
}

// Said tells whether an error came out of a message: whoever rendered said it of
// the chart, while others are of what lies between.
func Said(err error) bool {
	var e *said
	return errors.As(err, &e)
}
