package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"tokenward/analysis"
	"tokenward/analysis/policy"
	"tokenward/analysis/render"
	"tokenward/analysis/render/wire"
	"tokenward/gitops/git"
)

const keptReport = "report"

// remembered is all that the report of a scan was made of. The report itself is kept behind it, on the next
// line: it is read when it is known to hold.
type remembered struct {
	Ref     string // the umbrella's, in full
	Sources []source
}

// source is a repository as a scan found it: the commit that its ref led to, or what
// was wrong with it.
type source struct {
	URL    string
	Ref    git.Ref
	Commit string
	Err    string
}

// ScanReport is Scan and Report. Where every ref still leads to the commit that it
// led to when the same was asked last, the report is the same, and nothing but the
// refs is read.
func (b *Bot) ScanReport(ctx context.Context) (*ScanReport, error) {
	question, ok := b.question()
	f := newFetcher(b.store, b.cfg.Workers)
	var umbrella string
	if ok {
		var r *ScanReport
		if r, umbrella = b.recall(ctx, question, f); r != nil {
			return r, nil
		}
	}
	watch := &steadyRenderer{Renderer: b.cfg.Renderer}
	watched := *b
	watched.cfg.Renderer = watch
	s, err := watched.scan(ctx, f, umbrella)
	if err != nil {
		return nil, err
	}
	r := b.Report(s)
	if ok && !watch.unsteady.Load() {
		b.remember(question, s, r)
	}
	return r, nil
}

// FailedReleases counts the releases, of the namespaces that the bot was configured
// for, that could not be analysed.
func (b *Bot) FailedReleases(r *ScanReport) int {
	n := 0
	for _, rel := range r.Releases {
		if rel.Error != "" && b.wants(rel.Namespace) {
			n++
		}
	}
	return n
}

// question is everything but commits that a report follows from; ok is false where it
// follows from more, as what was seen on a live platform.
func (b *Bot) question() (string, bool) {
	c := b.cfg
	if c.Observed != nil || c.LiveViolations != nil {
		return "", false
	}
	q, err := json.Marshal(struct {
		Umbrella     Umbrella
		KubeVersion  string
		APIVersions  []string
		Policies     policy.Names
		PolicyValues string
		Namespaces   []string
		Partial      bool
		RemoveStale  bool
		Operators    []analysis.Operator
	}{c.Umbrella, c.KubeVersion, c.APIVersions, c.Policies, c.PolicyValues, c.Namespaces, c.Partial, c.RemoveStale, c.Operators})
	return string(q), err == nil
}

func reportKey(question, umbrella string) string { return umbrella + "\n" + question }

// recall returns the report that still holds, nil if there is none, and the commit that the umbrella's ref leads
// to, "" where there was no report. What f finds meanwhile it holds.
func (b *Bot) recall(ctx context.Context, question string, f *fetcher) (report *ScanReport, umbrella string) {
	now, err := b.store.Resolve(ctx, b.cfg.Umbrella.Repository, b.cfg.Umbrella.Ref)
	if err != nil {
		return nil, "" // the scan says what is wrong
	}
	data, ok := b.cfg.Keeper.Get(keptReport, reportKey(question, now.Commit))
	if !ok {
		return nil, ""
	}
	of, text, _ := bytes.Cut(data, []byte("\n"))
	var r remembered
	if json.Unmarshal(of, &r) != nil || r.Ref != now.Ref {
		return nil, ""
	}
	if !b.unchanged(ctx, r.Sources, f) || json.Unmarshal(text, &report) != nil || report == nil {
		return nil, now.Commit
	}
	report.text = text
	return report, now.Commit
}

// unchanged tells whether every repository is as it was. Those that are not are fetched at once, and a renderer
// gets ready for them.
func (b *Bot) unchanged(ctx context.Context, sources []source, f *fetcher) bool {
	var changed atomic.Bool
	var prepare sync.Once
	var g errgroup.Group
	g.SetLimit(cap(f.asking))
	for _, was := range sources {
		g.Go(func() error {
			now, err := f.look(ctx, analysis.PackageSource{Repository: was.URL, Ref: analysis.SourceRef(was.Ref)}, func(commit string) bool {
				if commit == was.Commit {
					return true
				}
				prepare.Do(b.cfg.Prepare)
				return b.hasCharts(commit)
			})
			if now.Commit != was.Commit || errorText(err) != was.Err {
				changed.Store(true)
			}
			return nil
		})
	}
	_ = g.Wait() // nobody fails
	return !changed.Load()
}

// remember keeps the report, unless a chart could not be read again, which may be had next time.
func (b *Bot) remember(question string, s *Scan, report *ScanReport) {
	if s.shelf.missed.Load() {
		return // of such a chart, no optional features are found
	}
	r := remembered{Ref: s.Umbrella.Ref}
	seen := map[source]bool{}
	for i, rel := range s.Discovery.Releases {
		if rel.Err != nil {
			continue // it was never fetched
		}
		src := source{URL: rel.Repository, Ref: git.Ref(rel.Ref), Commit: s.commits[i]}
		if src.Commit == "" {
			src.Err = errorText(s.inputs[i].Release.Err)
		}
		if !seen[src] {
			seen[src] = true
			r.Sources = append(r.Sources, src)
		}
	}
	of, err := json.Marshal(r)
	text, reportErr := report.Text()
	if err == nil && reportErr == nil {
		report.text = text
		b.cfg.Keeper.Put(keptReport, reportKey(question, s.Umbrella.Commit), of, []byte("\n"), text)
	}
}

// steadyRenderer notes errors that do not follow from the chart and its values: a
// worker that was killed may live next time.
type steadyRenderer struct {
	analysis.Renderer
	unsteady atomic.Bool
}

// Render implements analysis.Renderer.
func (w *steadyRenderer) Render(ctx context.Context, c render.ChartSource, q render.Request) (*render.Output, error) {
	out, err := w.Renderer.Render(ctx, c, q)
	w.note(err)
	return out, err
}

// ExpectedCRDs implements analysis.Renderer.
func (w *steadyRenderer) ExpectedCRDs(ctx context.Context, c render.ChartSource, values map[string]any) ([]render.CRD, error) {
	crds, err := w.Renderer.ExpectedCRDs(ctx, c, values)
	w.note(err)
	return crds, err
}

func (w *steadyRenderer) note(err error) {
	var template *render.TemplateError
	if err != nil && !errors.As(err, &template) && !wire.Said(err) {
		w.unsteady.Store(true)
	}
}
