package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"tokenward/analysis"
)

// Propose runs the whole path once: it scans, prepares every unit, and makes the
// merge requests match. A unit that fails is reported and costs only itself; the
// error says that nothing could be done at all. On an unchanged platform it
// writes nothing.
func (b *Bot) Propose(ctx context.Context) (scan *Scan, report *ProposeReport, err error) {
	begin := b.cfg.Now()
	err = b.during(ctx, StepRun, "", func(ctx context.Context) error {
		scan, report, err = b.propose(ctx)
		return err
	})
	b.logRun(ctx, scan, report, b.cfg.Now().Sub(begin), err)
	return scan, report, err
}

func (b *Bot) propose(ctx context.Context) (*Scan, *ProposeReport, error) {
	scan, err := b.Scan(ctx)
	if err != nil {
		return nil, nil, err
	}
	report, err := b.proposeFrom(ctx, scan)
	return scan, report, err
}

func newProposeReport() *ProposeReport {
	return &ProposeReport{MergeRequests: []MergeRequestReport{}, Failed: []FailureReport{}}
}

// proposeFrom does everything after the scan.
func (b *Bot) proposeFrom(ctx context.Context, scan *Scan) (report *ProposeReport, err error) {
	report = newProposeReport()
	if len(b.cfg.Beside) < 2 && !b.cfg.Partial { // else another umbrella may deploy them, or another run says so
		for _, ns := range scan.gone {
			report.fail(ns, &Refusal{Unit: ns, Reason: fmt.Errorf("%w into it", ErrNotDeployed)})
		}
	}
	var units []*Unit
	var refusals []error
	err = b.during(ctx, StepProve, "", func(ctx context.Context) error {
		units, refusals, err = b.prepareAll(ctx, scan)
		return err
	})
	if err != nil {
		return report, err
	}
	return report, b.during(ctx, StepPropose, "", func(ctx context.Context) error {
		return b.proposeAll(ctx, scan, units, refusals, report)
	})
}

// proposeAll makes the merge requests match the units, and reports what it did.
func (b *Bot) proposeAll(ctx context.Context, scan *Scan, units []*Unit, refusals []error, report *ProposeReport) error {
	w, err := b.newWriter(ctx)
	if err != nil {
		return err
	}
	if err := w.openBook(ctx, scan); err != nil {
		return err
	}
	var runs []*unitRun
	for i, u := range units {
		b.cfg.Progress(StepPropose, i, len(units))
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
	runs, needless := w.gather(ctx, scan, runs, report)
	order(scan, runs, analysis.Exposures(scan.Set))
	all := append(slices.Clone(runs), w.readRemovals(ctx, scan, report)...)
	b.cfg.Calm.hold(all, b.cfg.Now())
	for _, r := range all {
		var requests []MergeRequestReport
		err := b.during(ctx, StepPropose, r.unit.name(), func(ctx context.Context) (err error) {
			requests, err = w.match(ctx, r)
			return err
		})
		report.MergeRequests = append(report.MergeRequests, requests...)
		if err != nil {
			report.fail(r.unit.name(), err)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("propose: %w", ctx.Err())
		}
	}
	if w.forge == nil || w.paused() {
		return nil
	}
	for _, n := range append(b.unneeded(scan, units), needless...) {
		request, err := w.cleanUp(ctx, n)
		if err != nil {
			report.fail(n.unit, err)
		}
		if request != nil {
			report.MergeRequests = append(report.MergeRequests, *request)
		}
	}
	w.closeOrphans(ctx, scan, runs, report)
	w.keepIssues(ctx, scan, runs, report)
	return nil
}

func (r *ProposeReport) fail(unit string, err error) {
	f := FailureReport{Unit: unit, Reason: err.Error(), Retry: true}
	f.After, f.Away = Away(err)
	var refusal *Refusal
	if errors.As(err, &refusal) {
		f.Reason, f.Intended, f.Retry = refusal.Reason.Error(), refusal.Intended, f.Away
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
			errs[i] = b.during(ctx, StepProve, plan.Namespace, func(ctx context.Context) (err error) {
				units[i], err = b.prepare(ctx, s, plan)
				return err
			})
			b.cfg.Progress(StepProve, i, len(s.Plans))
			return ctx.Err()
		})
	}
	return units, errs, g.Wait()
}
