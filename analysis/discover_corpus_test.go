package analysis_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenward/analysis"
)

// TestCorpusRenders discovers and renders a real platform: every release that
// the folder has a repository for must render whole, and discovering twice must
// yield the same releases. It runs where TOKENWARD_CORPUS names a folder of bare
// repositories laid out as in their URLs, the umbrella at big-bang/bigbang.git.
func TestCorpusRenders(t *testing.T) {
	corpus := os.Getenv("TOKENWARD_CORPUS")
	if corpus == "" {
		t.Skip("set TOKENWARD_CORPUS to render a real platform")
	}
	umbrella := repository(t, filepath.Join(corpus, "big-bang", "bigbang.git"), "HEAD")
	start := time.Now()
	d, err := analysis.Discover(context.Background(), umbrella, analysis.DiscoverOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("discovered %d releases and %d other objects in %v", len(d.Releases), len(d.Extra), time.Since(start).Round(time.Millisecond))
	for _, p := range d.Problems {
		t.Errorf("%s: %s", p.Package, p.Reason)
	}
	again, err := analysis.Discover(context.Background(), umbrella, analysis.DiscoverOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(withoutValues(d.Releases), withoutValues(again.Releases)); diff != "" {
		t.Errorf("two discoveries differ: %s", diff)
	}
	inputs, missing := corpusInputs(t, corpus, d)
	start = time.Now()
	set, err := analysis.RenderAll(context.Background(), inputs, analysis.RenderOptions{Extra: d.Extra})
	if err != nil {
		t.Fatal(err)
	}
	objects := 0
	for _, r := range set.Releases {
		objects += len(r.Objects)
		if r.Err != nil && !missing[r.HelmRelease] {
			t.Errorf("%s: %v", r.Name, r.Err)
		}
		for _, i := range r.Invalid {
			t.Errorf("%s: %v", r.Name, i.Err)
		}
	}
	t.Logf("rendered %d releases with %d objects in %v; %d have no repository here", len(inputs)-len(missing), objects,
		time.Since(start).Round(time.Millisecond), len(missing))
}

// withoutValues takes away what the umbrella's templates may draw at random.
func withoutValues(releases []analysis.Release) []analysis.Release {
	out := slices.Clone(releases)
	for i := range out {
		out[i].Values = nil
	}
	return out
}

// corpusInputs loads the charts that the folder has, and names the HelmReleases whose repository it lacks.
func corpusInputs(t *testing.T, corpus string, d *analysis.Discovery) ([]analysis.Input, map[string]bool) {
	t.Helper()
	var inputs []analysis.Input
	missing := map[string]bool{}
	for _, r := range d.Releases {
		in := analysis.Input{Release: r, Commit: r.Ref.Tag}
		u, err := url.Parse(r.Repository)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(corpus, strings.TrimSuffix(u.Path, ".git")+".git")
		if _, err := os.Stat(dir); err != nil {
			missing[r.HelmRelease] = true
			in.Release.Err = fmt.Errorf("no repository %s", u.Path)
		} else if in.Chart, err = analysis.LoadReleaseChart(repository(t, dir, r.Ref.Tag), r); err != nil {
			t.Errorf("load %s: %v", r.Name, err)
			missing[r.HelmRelease] = true
		}
		inputs = append(inputs, in)
	}
	return inputs, missing
}
