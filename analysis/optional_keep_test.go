package analysis_test

import (
	"bytes"
	"context"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenward/analysis"
	"tokenward/analysis/render"
)

type keptInMemory map[string][]byte

func (k keptInMemory) Get(kind, key string) ([]byte, bool)  { d, ok := k[kind+key]; return d, ok }
func (k keptInMemory) Put(kind, key string, data ...[]byte) { k[kind+key] = bytes.Join(data, nil) }

// counting counts what is rendered, and fails as a worker does whose time is up.
type counting struct {
	analysis.InProcess
	renders atomic.Int64
	late    bool
}

func (c *counting) Render(ctx context.Context, chart render.ChartSource, r render.Request) (*render.Output, error) {
	c.renders.Add(1)
	if c.late {
		return nil, context.DeadlineExceeded
	}
	return c.InProcess.Render(ctx, chart, r)
}

// TestFeaturesAreLookedForOnce holds that features are found without rendering where
// nothing changed that they follow from, and that a search that met a failure of its
// surroundings, and a damaged result, are not believed.
func TestFeaturesAreLookedForOnce(t *testing.T) {
	t.Parallel()
	base := analysis.Input{Release: analysis.Release{Name: "shop", Namespace: "shop"}, Chart: optionalChart(t), Commit: "c1"}
	keeper := keptInMemory{}
	explain := func(in analysis.Input, late bool) (reason string, renders int64) {
		t.Helper()
		plans := []analysis.NamespacePlan{{Namespace: "shop", Changes: []analysis.Change{{Kind: analysis.Stale, Pattern: "shop-script-test", Unmatched: true}}}}
		r := &counting{late: late}
		opts := analysis.FeatureOptions{Keeper: keeper, Render: analysis.RenderOptions{Renderer: r}}
		if err := analysis.ExplainStale(t.Context(), plans, []analysis.Input{in}, opts); err != nil {
			t.Fatal(err)
		}
		return plans[0].Changes[0].Reason, r.renders.Load()
	}
	if reason, _ := explain(base, true); reason != "" {
		t.Fatalf("nothing rendered explains %q", reason)
	}
	first, n := explain(base, false)
	if first == "" || n == 0 {
		t.Fatalf("%q after %d renders: a failed search was kept", first, n)
	}
	if again, n := explain(base, false); again != first || n != 0 {
		t.Errorf("the second time %q after %d renders", again, n)
	}
	for name, edit := range map[string]func(*analysis.Input){
		"commit": func(in *analysis.Input) { in.Commit = "c2" },
		"values": func(in *analysis.Input) { in.Release.Values = map[string]any{"a": int64(1)} },
		"none":   func(in *analysis.Input) { in.Commit = "" },
	} {
		in := base
		edit(&in)
		if again, n := explain(in, false); again != first || n == 0 {
			t.Errorf("with another %s: %q after %d renders", name, again, n)
		}
	}
	for key := range keeper {
		keeper[key] = []byte("damaged")
	}
	again, n := explain(base, false)
	if diff := cmp.Diff(first, again); diff != "" || n == 0 {
		t.Errorf("of a damaged result, after %d renders: %s", n, diff)
	}
}
