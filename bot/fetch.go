package bot

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"golang.org/x/sync/errgroup"

	"tokenward/analysis"
	"tokenward/analysis/render"
	"tokenward/gitops/git"
)

// fetchCharts fetches every release's repository and loads its chart. A release
// whose chart cannot be had keeps the reason in its Err.
func (b *Bot) fetchCharts(ctx context.Context, s *Scan) ([]analysis.Input, error) {
	inputs := make([]analysis.Input, len(s.Discovery.Releases))
	s.heads = make([]string, len(inputs))
	s.commits = make([]string, len(inputs))
	var mu sync.Mutex
	done := 0
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(b.cfg.Workers)
	for _, c := range checkouts(s.Discovery.Releases) {
		g.Go(func() error {
			defer func() { c.tree = nil }()
			for _, i := range c.releases {
				r := s.Discovery.Releases[i]
				inputs[i] = analysis.Input{Release: r}
				if r.Err == nil {
					err := b.during(ctx, StepFetch, r.Name, func(ctx context.Context) (err error) {
						inputs[i].Chart, err = b.fetchChart(ctx, s.fetcher, c, r, s.shelf)
						return err
					})
					if ctx.Err() != nil {
						return fmt.Errorf("fetch %s: %w", r.Repository, ctx.Err())
					}
					s.commits[i], inputs[i].Release.Err = c.found.Commit, err
					if err == nil {
						inputs[i].Commit, s.heads[i] = c.found.Commit, c.found.Head
						inputs[i].Expect(ctx, b.renderOptions(s))
					}
				}
				mu.Lock()
				done++
				b.cfg.Progress(StepFetch, done, len(inputs))
				mu.Unlock()
			}
			return nil
		})
	}
	err := g.Wait()
	s.fetcher.close()
	if s.shelf.bytes > maxShelf/2 {
		debug.FreeOSMemory() // what fetching so much has left is given back before rendering takes as much
	}
	return inputs, err
}

// checkout is a ref of a repository that releases are deployed from.
type checkout struct {
	source   analysis.PackageSource
	releases []int
	found    git.Resolved
	tree     *git.Snapshot // nil until it is fetched, which it need not be
	err      error         // why it cannot be fetched
}

// checkouts puts the releases of one ref together, so that it is fetched once.
func checkouts(releases []analysis.Release) []*checkout {
	known := map[analysis.PackageSource]*checkout{}
	var out []*checkout
	for i, r := range releases {
		from := analysis.PackageSource{Repository: r.Repository, Ref: r.Ref}
		c := known[from]
		if c == nil || r.Err != nil {
			c = &checkout{source: from}
			out = append(out, c)
		}
		if r.Err == nil {
			known[from] = c
		}
		c.releases = append(c.releases, i)
	}
	return out
}

// fetchChart loads a release's chart. It fetches nothing if the chart is kept.
func (b *Bot) fetchChart(ctx context.Context, f *fetcher, c *checkout, r analysis.Release, s *shelf) (chart render.ChartSource, err error) {
	if c.err != nil {
		return nil, c.err
	}
	kept := func(commit string) bool {
		chart = b.keptChart(commit, r, s)
		return chart != nil
	}
	if one := f.take(c.source); one != nil {
		if c.tree, c.found, c.err = one.tree, one.found, one.err; c.err != nil {
			return nil, c.err
		}
	}
	if c.found.Commit != "" && kept(c.found.Commit) {
		return chart, nil
	}
	if c.tree == nil {
		if c.tree, c.found, c.err = f.fetch(ctx, c.source, git.Lean, kept); c.err != nil || chart != nil {
			return chart, c.err
		}
	}
	loaded, err := analysis.LoadReleaseChart(c.tree.FS(), r)
	if errors.Is(err, git.ErrLeftOut) {
		c.tree = nil // before as much is fetched again
		if c.tree, c.found, err = f.fetch(ctx, c.source, git.Whole, func(string) bool { return false }); err != nil {
			return nil, err
		}
		loaded, err = analysis.LoadReleaseChart(c.tree.FS(), r)
	}
	if err != nil {
		return nil, fmt.Errorf("load its chart %s: %w", r.Chart, err)
	}
	return b.keepChart(c.found.Commit, r, s, loaded), nil
}
