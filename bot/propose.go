package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
)

// Propose runs the whole path once: it scans, prepares every unit, and makes the
// merge requests match. A unit that fails is reported and costs only itself; the
// error says that nothing could be done at all. On an unchanged platform it
// writes nothing.
func (b *Bot) Propose(ctx context.Context) (*Scan, *ProposeReport, error) {
	scan, err := b.Scan(ctx)
	if err != nil {
		return nil, nil, err
	}
	report := &ProposeReport{MergeRequests: []MergeRequestReport{}, Failed: []FailureReport{}}
	units, refusals, err := b.prepareAll(ctx, scan)
	if err != nil {
		return scan, report, err
	}
	w, err := b.newWriter(ctx)
	if err != nil {
		return scan, report, err
	}
	if err := w.openBook(ctx, scan); err != nil {
		return scan, report, err
	}
	var runs []*unitRun
	for i, u := range units {
		b.cfg.Progress("propose", i, len(units))
		if err := refusals[i]; err != nil {
			report.fail(scan.Plans[i].Namespace, err)
			report.Failed[len(report.Failed)-1].Blocked = scan.Plans[i].Blocked != ""
			continue
		}
		if w.paused() {
			w.skipPaused(scan, u, report)
			continue
		}
		r := w.read(ctx, scan, u)
		runs, units[i] = append(runs, r), r.unit
	}
	order(scan, runs)
	all := append(slices.Clone(runs), w.readRemovals(ctx, scan, report)...)
	b.cfg.Calm.hold(all, b.cfg.Now())
	for _, r := range all {
		requests, err := w.match(ctx, r)
		report.MergeRequests = append(report.MergeRequests, requests...)
		if err != nil {
			report.fail(r.unit.name(), err)
		}
		if ctx.Err() != nil {
			return scan, report, fmt.Errorf("propose: %w", ctx.Err())
		}
	}
	if w.forge == nil || w.paused() {
		return scan, report, nil
	}
	for _, n := range append(b.needlessBranches(scan, units), b.needlessRemovals(scan)...) {
		request, err := w.cleanUp(ctx, n)
		if err != nil {
			report.fail(n.unit, err)
		}
		if request != nil {
			report.MergeRequests = append(report.MergeRequests, *request)
		}
	}
	w.keepIssues(ctx, scan, runs, report)
	return scan, report, nil
}

func (r *ProposeReport) fail(unit string, err error) {
	f := FailureReport{Unit: unit, Reason: err.Error()}
	var refusal *Refusal
	if errors.As(err, &refusal) {
		f.Reason, f.Intended = refusal.Reason.Error(), refusal.Intended
	}
	r.Failed = append(r.Failed, f)
}

// prepareAll prepares every planned unit, several at once. A namespace that is
// blocked is a unit that failed.
func (b *Bot) prepareAll(ctx context.Context, s *Scan) ([]*Unit, []error, error) {
	units, errs := make([]*Unit, len(s.Plans)), make([]error, len(s.Plans))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(b.cfg.Workers)
	for i, plan := range s.Plans {
		g.Go(func() error {
			if plan.Blocked != "" {
				errs[i] = &Refusal{Unit: plan.Namespace, Reason: fmt.Errorf("not proposed: %s", plan.Blocked)}
				return nil
			}
			units[i], errs[i] = b.prepare(ctx, s, plan)
			b.cfg.Progress("prove", i, len(s.Plans))
			return ctx.Err()
		})
	}
	return units, errs, g.Wait()
}
