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

// platformRenderer notes how long rendering takes, and takes a chart off the shelf once all
// its releases are rendered. Whoever needs it then reads it again.
type platformRenderer struct {
	analysis.Renderer
	now func() time.Time

	mu   sync.Mutex
	took map[string]time.Duration
	todo map[string]int // releases that are still to be rendered, by their chart's key
}

// Render implements analysis.Renderer.
func (p *platformRenderer) Render(ctx context.Context, c render.ChartSource, r render.Request) (*render.Output, error) {
	begin := p.now()
	out, err := p.Renderer.Render(ctx, c, r)
	took := p.now().Sub(begin)
	p.mu.Lock()
	defer p.mu.Unlock()
	if took >= worthNoting {
		p.took[r.Namespace+"/"+r.ReleaseName] = took
	}
	if c, kept := c.(*chart); kept {
		if p.todo[c.key]--; p.todo[c.key] <= 0 {
			c.shelf.drop(c.key)
		}
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
	todo := map[string]int{}
	for i := range inputs {
		if c, kept := inputs[i].Chart.(*chart); kept {
			todo[c.key]++
		}
		inputs[i].Took = last[inputs[i].Release.Namespace+"/"+inputs[i].Release.Name]
	}
	watch := &platformRenderer{Renderer: opts.Renderer, now: b.cfg.Now, took: map[string]time.Duration{}, todo: todo}
	opts.Renderer = watch
	set, err := analysis.RenderAll(ctx, inputs, opts)
	if len(watch.took) > 0 {
		maps.Copy(last, watch.took)
		if data, err := json.Marshal(last); err == nil {
			b.cfg.Keeper.Put(keptTook, b.cfg.Umbrella.Repository, data)
		}
	}
	return set, err
}
