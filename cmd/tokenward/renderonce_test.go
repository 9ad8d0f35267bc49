package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"sync"

	"tokenward/analysis"
	"tokenward/analysis/render"
)

// renderOnce renders every chart once for each request, for tests that run the program
// some thousand times over the same few charts. What it hands out is shared, and
// changed tells whether somebody changed it.
type renderOnce struct {
	analysis.InProcess
	mu   sync.Mutex
	seen map[[sha256.Size]byte]*renderedOnce
}

type renderedOnce struct {
	once sync.Once
	out  *render.Output
	err  error
	was  [sha256.Size]byte
}

func newRenderOnce() *renderOnce { return &renderOnce{seen: map[[sha256.Size]byte]*renderedOnce{}} }

func (r *renderOnce) Render(ctx context.Context, source render.ChartSource, q render.Request) (*render.Output, error) {
	c, err := source.Open(ctx)
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s %s\n", c.Dir, c.Name)
	for _, f := range c.Files {
		fmt.Fprintf(h, "%q %q %d\n", f.Name, f.Source, len(f.Data))
		h.Write(f.Data)
	}
	raw, err := json.Marshal(q)
	if err != nil {
		return nil, fmt.Errorf("encode the request: %w", err)
	}
	h.Write(raw)
	r.mu.Lock()
	entry := r.seen[[sha256.Size]byte(h.Sum(nil))]
	if entry == nil {
		entry = &renderedOnce{}
		r.seen[[sha256.Size]byte(h.Sum(nil))] = entry
	}
	r.mu.Unlock()
	entry.once.Do(func() {
		entry.out, entry.err = render.Render(context.WithoutCancel(ctx), c, q) // whoever asked first may be told to stop
		entry.was = fingerprint(entry.out)
	})
	return entry.out, entry.err
}

// changed counts the outputs that are not any more what was rendered.
func (r *renderOnce) changed() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, entry := range r.seen {
		if fingerprint(entry.out) != entry.was {
			n++
		}
	}
	return n
}

func fingerprint(out *render.Output) [sha256.Size]byte {
	if out == nil {
		return [sha256.Size]byte{}
	}
	parts := []any{out.CRDs, out.Values()}
	for _, o := range out.Objects {
		parts = append(parts, o.ID(), o.APIVersion, o.Later, o.Own, o.Packed, o.Source, o.Line, o.Hook, o.Fields())
	}
	raw, err := json.Marshal(parts)
	if err != nil {
		panic("encode what was rendered: " + err.Error())
	}
	return sha256.Sum256(raw)
}
