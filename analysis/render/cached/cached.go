// Package cached is an analysis.Renderer that does not render twice what was
// rendered before: a result follows from the chart's files, the values and all else
// that a release asks for, so that it is kept under a digest of these. It owns
// that digest. It renders nothing itself and does not know where results are kept.
package cached

import (
	"context"
	"errors"
	"slices"
	"sync"

	"tokenward/analysis"
	"tokenward/analysis/render"
	"tokenward/analysis/render/wire"
)

// Keeper keeps results under keys that name them for good. It may forget any of them at any time.
type Keeper interface {
	Get(kind, key string) ([]byte, bool)
	Put(kind, key string, data ...[]byte)
}

var _ analysis.Renderer = (*Renderer)(nil)

// Renderer asks another renderer only for what is not kept, and for one result only once
// at a time.
type Renderer struct {
	next   analysis.Renderer
	keeper Keeper

	mu      sync.Mutex
	pending map[string]*pending
}

// pending is a result that somebody is working on.
type pending struct {
	done chan struct{}
	kind byte
	data []byte // nil where it cannot be kept
}

// New returns a renderer that keeps the results of another one.
func New(next analysis.Renderer, keeper Keeper) *Renderer {
	return &Renderer{next: next, keeper: keeper, pending: map[string]*pending{}}
}

// What a message is, and begins with where it is kept.
const (
	isResult = 'r'
	isError  = 'e'
)

// Render is render.Render.
func (r *Renderer) Render(ctx context.Context, c render.ChartSource, q render.Request) (*render.Output, error) {
	out, err := ask(ctx, r, "render", requestKey(c, q), codec[*render.Output]{wire.Output, wire.ReadOutput},
		func() (*render.Output, error) { return r.next.Render(ctx, c, q) })
	if err == nil {
		// Other releases' CRDs say which objects have a namespace, and are no part of the key.
		render.SetNamespaces(out.Objects, q.Namespace, slices.Concat(out.CRDs, q.CRDs))
	}
	return out, err
}

// ExpectedCRDs is render.Chart.ExpectedCRDs.
func (r *Renderer) ExpectedCRDs(ctx context.Context, c render.ChartSource, values map[string]any) ([]render.CRD, error) {
	return ask(ctx, r, "crds", valuesKey(c, values), codec[[]render.CRD]{wire.CRDs, wire.ReadCRDs},
		func() ([]render.CRD, error) { return r.next.ExpectedCRDs(ctx, c, values) })
}

// DefaultValues is render.Chart.DefaultValues.
func (r *Renderer) DefaultValues(ctx context.Context, c render.ChartSource, values map[string]any) (map[string]any, error) {
	return ask(ctx, r, "values", valuesKey(c, values), codec[map[string]any]{wire.Values, wire.ReadValues},
		func() (map[string]any, error) { return r.next.DefaultValues(ctx, c, values) })
}

// codec is how results of one type become messages and come back.
type codec[T any] struct {
	write func(T) ([]byte, error)
	read  func([]byte) (T, error)
}

// ask finds a result, or has it made and keeps it. Everybody gets a copy of their own.
// What is asked for afresh is made and not kept: it is there to be compared with what is.
func ask[T any](ctx context.Context, r *Renderer, kind, key string, c codec[T], make func() (T, error)) (T, error) {
	if analysis.IsAfresh(ctx) {
		return make()
	}
	for {
		if data, ok := r.keeper.Get(kind, key); ok && len(data) > 0 {
			if out, err, ok := c.open(data[0], data[1:]); ok {
				return out, err
			}
		}
		mine, theirs := r.begin(kind + key)
		if theirs == nil {
			out, err := make()
			mine.kind, mine.data = c.seal(out, err)
			r.end(kind, key, mine)
			return out, err
		}
		select {
		case <-theirs.done:
		case <-ctx.Done():
			var none T
			return none, ctx.Err()
		}
		if out, err, ok := c.open(theirs.kind, theirs.data); ok {
			return out, err
		}
	}
}

// begin enters a result as being worked on, or returns who is working on it.
func (r *Renderer) begin(id string) (mine, theirs *pending) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p, ok := r.pending[id]; ok {
		return nil, p
	}
	p := &pending{done: make(chan struct{})}
	r.pending[id] = p
	return p, nil
}

func (r *Renderer) end(kind, key string, p *pending) {
	if p.data != nil {
		r.keeper.Put(kind, key, []byte{p.kind}, p.data)
	}
	r.mu.Lock()
	delete(r.pending, kind+key)
	r.mu.Unlock()
	close(p.done)
}

// seal makes a message of a result, nil if it is not to be kept. Of errors only
// those of templates follow from what the key holds: others are of the surroundings.
func (c codec[T]) seal(out T, err error) (kind byte, data []byte) {
	var template *render.TemplateError
	switch {
	case errors.As(err, &template):
		return isError, wire.Error(err)
	case err != nil:
		return 0, nil
	}
	if data, err = c.write(out); err != nil {
		return 0, nil
	}
	return isResult, data
}

// open reads a message; ok is false where it cannot be read. The result shares its memory.
func (c codec[T]) open(kind byte, data []byte) (out T, err error, ok bool) {
	switch kind {
	case isError:
		err = wire.ReadError(data)
		var template *render.TemplateError
		return out, err, errors.As(err, &template)
	case isResult:
		out, err = c.read(data)
		return out, nil, err == nil
	}
	return out, nil, false
}
