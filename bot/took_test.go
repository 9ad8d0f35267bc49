package bot

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"tokenward/analysis"
	"tokenward/analysis/render"
)

// memory is a Keeper.
type memory struct {
	mu sync.Mutex
	m  map[string][]byte
}

func (k *memory) Get(kind, key string) ([]byte, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	data, ok := k.m[kind+" "+key]
	return data, ok
}

func (k *memory) Put(kind, key string, data ...[]byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []byte
	for _, d := range data {
		all = append(all, d...)
	}
	k.m[kind+" "+key] = all
}

// slowRenderer takes as long as it says on a clock, one release after the other.
type slowRenderer struct {
	analysis.InProcess
	now   time.Time
	took  map[string]time.Duration
	order []string
}

func (r *slowRenderer) Render(_ context.Context, _ render.ChartSource, q render.Request) (*render.Output, error) {
	r.now = r.now.Add(r.took[q.ReleaseName])
	r.order = append(r.order, q.ReleaseName)
	return &render.Output{}, nil
}

func TestTheNextRunKnowsWhatTookLong(t *testing.T) {
	t.Parallel()
	r := &slowRenderer{took: map[string]time.Duration{"a": time.Second, "b": time.Millisecond, "c": time.Minute}}
	b := &Bot{cfg: Config{Umbrella: Umbrella{Repository: "u"}, Keeper: &memory{m: map[string][]byte{}}, Now: func() time.Time { return r.now }}}
	run := func(want string) {
		t.Helper()
		var inputs []analysis.Input
		for _, name := range []string{"a", "b", "c"} {
			chart := &render.Chart{Dir: "chart", Name: name, Files: []render.File{{Name: "Chart.yaml", Data: []byte("name: " + name)}}}
			inputs = append(inputs, analysis.Input{Release: analysis.Release{Name: name, Namespace: "n"}, Chart: chart})
		}
		r.order = nil
		if _, err := b.renderAll(t.Context(), inputs, analysis.RenderOptions{Renderer: r, Concurrency: 1}); err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, name := range r.order {
			got += name
		}
		if got != want {
			t.Errorf("rendered in the order %s, want %s", got, want)
		}
	}
	run("abc")
	r.took = nil // everything is kept now, which says nothing of how long it takes
	run("cab")
	run("cab")
	b.cfg.Keeper.Put(keptTook, "u", []byte("null"))
	run("abc")
}

// Charts that nobody is to render any more do not fill the memory while others are rendered.
func TestRenderedChartsLeaveTheShelf(t *testing.T) {
	t.Parallel()
	b := &Bot{cfg: Config{Keeper: &memory{m: map[string][]byte{}}, Now: time.Now}}
	s := &shelf{}
	var inputs []analysis.Input
	for _, release := range []string{"a", "b", "c"} {
		key := "shared"
		if release == "c" {
			key = "own"
		}
		s.put(key, &render.Chart{}, 1)
		inputs = append(inputs, analysis.Input{Release: analysis.Release{Name: release}, Chart: &chart{bot: b, shelf: s, key: key}})
	}
	var there []int
	r := &countingRenderer{count: func() { there = append(there, len(s.books)) }}
	if _, err := b.renderAll(t.Context(), inputs, analysis.RenderOptions{Renderer: r, Concurrency: 1}); err != nil {
		t.Fatal(err)
	}
	if there = append(there, len(s.books)); !slices.Equal(there, []int{2, 2, 1, 0}) || s.bytes != 0 {
		t.Errorf("on the shelf while one after the other is rendered: %v, at last %d bytes", there, s.bytes)
	}
}

type countingRenderer struct {
	analysis.InProcess
	count func()
}

func (r *countingRenderer) Render(context.Context, render.ChartSource, render.Request) (*render.Output, error) {
	r.count()
	return &render.Output{}, nil
}
