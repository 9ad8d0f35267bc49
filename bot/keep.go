package bot

import (
	"encoding/json"

	"tokenward/analysis"
	"tokenward/analysis/render"
	"tokenward/analysis/render/wire"
)

// Keeper keeps results under keys that name everything that they follow from. It may
// forget any of them at any time.
type Keeper interface {
	Get(kind, key string) ([]byte, bool)
	Put(kind, key string, data ...[]byte)
}

// noKeeper is the Keeper of a bot that has none.
type noKeeper struct{}

func (noKeeper) Get(string, string) ([]byte, bool) { return nil, false }
func (noKeeper) Put(string, string, ...[]byte)     {}

const keptChart = "chart"

// chartKey names what a release's chart is loaded from: a commit holds the same files wherever it is.
func chartKey(commit string, r analysis.Release) string {
	key, err := json.Marshal([]any{commit, r.Chart, r.Ignore, r.ValuesFiles, r.IgnoreMissingValuesFiles})
	if err != nil {
		panic(err) // strings and a truth value always have a form in JSON
	}
	return string(key)
}

// keptChart returns a release's chart as it was loaded before, nil if it was not.
func (b *Bot) keptChart(commit string, r analysis.Release) *render.Chart {
	data, ok := b.cfg.Keeper.Get(keptChart, chartKey(commit, r))
	if !ok {
		return nil
	}
	c, _, err := wire.ReadChart(data)
	if err != nil {
		return nil // damaged: it is loaded again
	}
	return c
}

// keepChart keeps a release's chart; one that has no form to keep is loaded anew every time.
func (b *Bot) keepChart(commit string, r analysis.Release, c *render.Chart) {
	if data, err := wire.Chart(c, render.Request{}); err == nil {
		b.cfg.Keeper.Put(keptChart, chartKey(commit, r), data...)
	}
}
