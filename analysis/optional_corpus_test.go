package analysis_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tokenward/analysis"
	"tokenward/analysis/policy"
	"tokenward/analysis/render"
)

// TestCorpusFeatures explains the stale patterns of a real platform. It runs where
// TOKENWARD_CORPUS names a folder of bare repositories laid out as in their URLs, the
// umbrella at big-bang/bigbang.git.
func TestCorpusFeatures(t *testing.T) {
	corpus := os.Getenv("TOKENWARD_CORPUS")
	if corpus == "" {
		t.Skip("set TOKENWARD_CORPUS to explain the stale patterns of a real platform")
	}
	ctx := context.Background()
	d, err := analysis.Discover(ctx, repository(t, filepath.Join(corpus, "big-bang", "bigbang.git"), "HEAD"), analysis.DiscoverOptions{})
	if err != nil {
		t.Fatal(err)
	}
	inputs, _ := corpusInputs(t, corpus, d)
	opts := analysis.RenderOptions{Extra: d.Extra}
	start := time.Now()
	set, err := analysis.RenderAll(ctx, inputs, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("rendered in %v", time.Since(start).Round(time.Millisecond))
	listing, err := analysis.ReadListing(d.Releases, policy.DefaultNames())
	if err != nil {
		t.Fatal(err)
	}
	plans := analysis.Plan(analysis.PlanInput{Set: set, Judgements: analysis.Judge(set, analysis.JudgeOptions{}), Listing: listing})
	var crds []render.CRD
	for _, r := range set.Releases {
		crds = append(crds, render.CRDs(r.Objects)...)
	}
	start = time.Now()
	if err := analysis.ExplainStale(ctx, plans, inputs, analysis.FeatureOptions{Render: opts, CRDs: crds}); err != nil {
		t.Fatal(err)
	}
	t.Logf("explained in %v", time.Since(start).Round(time.Millisecond))
	for _, p := range plans {
		for _, c := range p.Changes {
			if c.Kind == analysis.Stale {
				t.Logf("%s: %s: %s", p.Namespace, c.Pattern, c.Reason)
			}
		}
	}
}

// TestCorpusSteps holds of every file of a real platform's charts that the steps in it are those of the
// plain way to find them.
func TestCorpusSteps(t *testing.T) {
	corpus := os.Getenv("TOKENWARD_CORPUS")
	if corpus == "" {
		t.Skip("set TOKENWARD_CORPUS to read the charts of a real platform")
	}
	d, err := analysis.Discover(t.Context(), repository(t, filepath.Join(corpus, "big-bang", "bigbang.git"), "HEAD"), analysis.DiscoverOptions{})
	if err != nil {
		t.Fatal(err)
	}
	inputs, _ := corpusInputs(t, corpus, d)
	n := 0
	for _, in := range inputs {
		if in.Chart == nil {
			continue
		}
		chart, err := in.Chart.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range chart.Files {
			n++
			if d := analysis.StepsDiffer(string(f.Data)); d != "" {
				t.Errorf("%s: %s: %s", in.Release.Name, f.Name, d)
			}
		}
	}
	t.Logf("%d files", n)
}
