package bot

import (
	"context"
	"encoding/json"
	"maps"
	"sync"
	"time"

	"tokenward/analysis"
	"tokenward/analysis/render"
)

// keptTook is how long the releases of an umbrella took to render, by namespace and name.
const keptTook = "took"

// worthNoting is how long rendering takes at least of which the next run is told: what
// takes less was kept, most likely, and says nothing of the chart.
const worthNoting = 20 * time.Millisecond

// timedRenderer notes how long rendering takes.
type timedRenderer struct {
	analysis.Renderer
	now func() time.Time

	mu   sync.Mutex
	took map[string]time.Duration
}

// Render implements analysis.Renderer.
func (t *timedRenderer) Render(ctx context.Context, c render.ChartSource, r render.Request) (*render.Output, error) {
	begin := t.now()
	out, err := t.Renderer.Render(ctx, c, r)
	if took := t.now().Sub(begin); took >= worthNoting {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.took[r.Namespace+"/"+r.ReleaseName] = took
	}
	return out, err
}

// renderAll renders the platform, those first that took longest the last time.
func (b *Bot) renderAll(ctx context.Context, inputs []analysis.Input, opts analysis.RenderOptions) (*analysis.Set, error) {
	var last map[string]time.Duration
	data, ok := b.cfg.Keeper.Get(keptTook, b.cfg.Umbrella.Repository)
	if !ok || json.Unmarshal(data, &last) != nil || last == nil {
		last = map[string]time.Duration{} // the sizes of the charts decide
	}
	for i := range inputs {
		inputs[i].Took = last[inputs[i].Release.Namespace+"/"+inputs[i].Release.Name]
	}
	timed := &timedRenderer{Renderer: opts.Renderer, now: b.cfg.Now, took: map[string]time.Duration{}}
	opts.Renderer = timed
	set, err := analysis.RenderAll(ctx, inputs, opts)
	if len(timed.took) > 0 {
		maps.Copy(last, timed.took)
		if data, err := json.Marshal(last); err == nil {
			b.cfg.Keeper.Put(keptTook, b.cfg.Umbrella.Repository, data)
		}
	}
	return set, err
}
