package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"tokenward/analysis"
	"tokenward/analysis/render"
	"tokenward/analysis/render/wire"
	"tokenward/gitops/git"
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

const (
	keptChart = "chart"
	keptFacts = "facts"
	keptNote  = "noted" // of a commit: charts of it are kept
)

// chartKey names what a release's chart is loaded from: a commit holds the same files wherever it is.
func chartKey(commit string, r analysis.Release) string {
	key, err := json.Marshal([]any{commit, r.Chart, r.Ignore, r.SparseCheckout, r.Submodules, r.ValuesFiles, r.IgnoreMissingValuesFiles, r.AnyValues, r.PatchesSchemas()})
	if err != nil {
		panic(err) // strings and truth values always have a form in JSON
	}
	return string(key)
}

// chart is a release's chart that is kept. Its files are read when somebody needs them.
type chart struct {
	bot     *Bot
	shelf   *shelf
	release analysis.Release
	commit  string
	key     string
	facts   render.Facts
}

// Facts implements render.ChartSource.
func (c *chart) Facts() render.Facts { return c.facts }

// Open implements render.ChartSource. A chart that was forgotten or damaged is fetched again.
func (c *chart) Open(ctx context.Context) (*render.Chart, error) {
	if opened := c.shelf.get(c.key); opened != nil {
		return opened, nil
	}
	opened := c.read()
	if opened == nil {
		var err error
		if opened, err = c.refetch(ctx); err != nil {
			c.shelf.missed.Store(true)
			return nil, fmt.Errorf("read chart %s of %s again: %w", c.release.Chart, c.release.Repository, err)
		}
	}
	c.shelf.put(c.key, opened, c.facts.Bytes)
	return opened, nil
}

// read returns what is kept, nil where that is gone or cannot be read.
func (c *chart) read() *render.Chart {
	data, ok := c.bot.cfg.Keeper.Get(keptChart, c.key)
	if !ok {
		return nil
	}
	if opened, _, err := wire.ReadChart(data); err == nil {
		return opened
	}
	return nil
}

// refetch loads the chart from the commit that the release's ref led to, wherever it leads now.
func (c *chart) refetch(ctx context.Context) (*render.Chart, error) {
	tree, err := c.bot.store.Fetch(ctx, c.release.Repository, git.Ref(c.release.Ref))
	if err == nil && tree.Commit != c.commit {
		if tree, err = c.bot.store.Fetch(ctx, c.release.Repository, git.Ref{Commit: c.commit, Branch: c.release.Ref.Branch}); err != nil {
			err = fmt.Errorf("%s leads to another commit now, run again: %w", refText(c.release.Ref), err)
		}
	}
	if err != nil {
		return nil, err
	}
	opened, err := analysis.LoadReleaseChart(tree.FS(), c.release)
	if err == nil {
		c.bot.putChart(c.key, opened)
	}
	return opened, err
}

// keptChart returns a release's chart that was loaded before, nil if it was not.
func (b *Bot) keptChart(commit string, r analysis.Release, s *shelf) render.ChartSource {
	c := &chart{bot: b, shelf: s, release: r, commit: commit, key: chartKey(commit, r)}
	data, ok := b.cfg.Keeper.Get(keptFacts, c.key)
	if !ok {
		return nil
	}
	var err error
	if c.facts, err = wire.ReadFacts(data); err != nil {
		return nil // damaged: it is loaded again
	}
	return c
}

// hasCharts tells whether charts of a commit were kept.
func (b *Bot) hasCharts(commit string) bool {
	_, ok := b.cfg.Keeper.Get(keptNote, commit)
	return ok
}

// keepChart keeps a release's chart, and returns what reads it again. One that has no form
// to keep stays in memory, and so do all where nothing is kept or can be.
func (b *Bot) keepChart(commit string, r analysis.Release, s *shelf, loaded *render.Chart) render.ChartSource {
	c := &chart{bot: b, shelf: s, release: r, commit: commit, key: chartKey(commit, r), facts: loaded.Facts()}
	if _, none := b.cfg.Keeper.(noKeeper); none || !b.putChart(c.key, loaded) {
		return loaded
	}
	b.cfg.Keeper.Put(keptFacts, c.key, wire.Facts(c.facts))
	if _, kept := b.cfg.Keeper.Get(keptFacts, c.key); !kept {
		return loaded
	}
	b.cfg.Keeper.Put(keptNote, commit)
	s.put(c.key, loaded, c.facts.Bytes)
	return c
}

// maxLikely is how many charts of one repository are loaded before their releases are known.
const maxLikely = 8

// fetchAhead begins to fetch what the releases that are expected come from. Their charts are loaded as it arrives, as far as
// they can be kept: who asks for the release finds its chart there, unless it is another after all.
func (b *Bot) fetchAhead(ctx context.Context, s *Scan, releases []analysis.Release) {
	var sources []analysis.PackageSource
	from := map[analysis.PackageSource][]analysis.Release{}
	for _, r := range releases {
		source := followed(analysis.PackageSource{Repository: r.Repository, Ref: r.Ref})
		sources = append(sources, source)
		same := func(other analysis.Release) bool { return other.Chart == r.Chart }
		if likely := from[source]; len(likely) < maxLikely && !slices.ContainsFunc(likely, same) {
			from[source] = append(likely, r)
		}
	}
	if _, none := b.cfg.Keeper.(noKeeper); !none {
		s.fetcher.arriving = func(ctx context.Context, source analysis.PackageSource, tree *git.Snapshot) {
			for _, r := range from[source] {
				if ctx.Err() != nil {
					return
				}
				if loaded, err := analysis.LoadReleaseChart(tree.FS(), r); err == nil { // else the release says why
					b.keepChart(tree.Commit, r, s.shelf, loaded)
				}
			}
		}
	}
	s.fetcher.ahead(ctx, sources, b.hasCharts)
}

func (b *Bot) putChart(key string, c *render.Chart) bool {
	data, err := wire.Chart(c, render.Request{})
	if err == nil {
		b.cfg.Keeper.Put(keptChart, key, data...)
	}
	return err == nil
}
