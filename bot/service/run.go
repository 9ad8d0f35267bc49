package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tokenward/analysis"
	"tokenward/bot"
	"tokenward/bot/queue"
)

// run is what a worker does with a unit.
func (s *Service) run(ctx context.Context, l *queue.Lease) queue.Outcome {
	c := s.config.Load()
	log := c.Log.With(bot.LogUmbrella, l.Umbrella, bot.LogNamespace, l.Namespace, bot.LogRun, l.Run)
	log.Info("run begins", "whole", l.Whole, "triggers", l.Triggers, "reasons", strings.Join(l.Reasons, "; "))
	outcome := s.propose(ctx, c, l)
	if ctx.Err() == nil {
		log.Info("run ends", bot.LogResult, string(outcome.Result), "message", outcome.Message)
	}
	return outcome
}

func (s *Service) propose(ctx context.Context, c *Config, l *queue.Lease) queue.Outcome {
	i := slices.IndexFunc(c.Umbrellas, func(u Umbrella) bool { return u.Name == l.Umbrella })
	if i < 0 {
		return queue.Outcome{Result: queue.HandedBack, Message: "the umbrella is not configured any more"}
	}
	scope := Scope{Run: l.Run, Progress: l.Progress}
	if l.Namespace != "" {
		scope.Namespaces = []string{l.Namespace}
	}
	scope.Uncounted = l.Namespace != "" || !l.Whole
	b, err := c.Umbrellas[i].Bot(ctx, scope)
	if errors.Is(err, ErrLeftOut) {
		return queue.Outcome{Result: queue.Refused, Message: err.Error()}
	}
	if err != nil {
		return queue.Outcome{Result: queue.Failed, Message: fmt.Sprintf("build the bot: %v", err)}
	}
	e := Ended{Lease: l, Bot: b, Namespaces: scope.Namespaces}
	if l.Namespace != "" || l.Whole {
		e.Scan, e.Report, err = b.Propose(ctx)
	} else {
		e.Scan, e.Report, e.Namespaces, err = s.proposeChanged(ctx, b, l.Umbrella)
	}
	if errors.Is(err, bot.ErrNotDeployed) {
		return queue.Outcome{Result: queue.Refused, Message: err.Error()}
	}
	e.Outcome = judge(l, b, e.Scan, e.Report, err)
	if e.Scan == nil || ctx.Err() != nil {
		return e.Outcome
	}
	if err != nil {
		e.Report = nil // what it holds is not all: only where the projects are is certain
	}
	if err := s.remember(ctx, l, e); err != nil {
		return queue.Outcome{Result: queue.Failed, Message: err.Error()}
	}
	if l.Namespace == "" && l.Whole {
		left, err := s.undeployed(ctx, c)
		if err != nil {
			return queue.Outcome{Result: queue.Failed, Message: err.Error()}
		}
		e.Outcome.Message = strings.Trim(e.Outcome.Message+"; "+left, "; ")
	}
	if c.Ended != nil && e.Report != nil {
		c.Ended(ctx, e)
	}
	return e.Outcome
}

func (s *Service) proposeChanged(ctx context.Context, b *bot.Bot, umbrella string) (*bot.Scan, *bot.ProposeReport, []string, error) {
	views, err := s.queue.Namespaces(ctx, umbrella)
	if err != nil {
		return nil, nil, nil, err
	}
	known := map[string]string{}
	for _, v := range views {
		known[v.Namespace] = v.Fingerprint
	}
	return b.ProposeChanged(ctx, known)
}

// judge says what the run's end means for its unit. A refusal is final until something
// changes; anything else that went wrong is tried again.
func judge(l *queue.Lease, b *bot.Bot, scan *bot.Scan, report *bot.ProposeReport, err error) queue.Outcome {
	if err != nil {
		o := queue.Outcome{Result: queue.Failed, Message: err.Error()}
		if after, away := bot.Away(err); away {
			o.Result, o.RetryAfter = queue.Away, after
		}
		return o
	}
	o := verdict{Result: queue.Done}
	var reasons []string
	for _, f := range report.Failed {
		reasons = append(reasons, f.Unit+": "+f.Reason)
		switch {
		case f.Away:
			o.Result, o.RetryAfter = queue.Away, max(o.RetryAfter, f.After)
		case f.Retry:
			o.again(l, scan, strings.TrimSuffix(f.Unit, " (stale)"))
		case o.Result == queue.Done && l.Namespace != "":
			o.Result = queue.Refused
		}
	}
	for _, r := range b.Failed(scan) {
		if _, away := bot.Away(r.Err); away {
			reasons = append(reasons, r.Name+": "+r.Err.Error())
			o.again(l, scan, r.Namespace)
		}
	}
	o.Message = strings.Join(reasons, "; ")
	if scarce(report) && !slices.Equal(l.Reasons, []string{againReason}) {
		o.Then = append(o.Then, queue.Follow{Reason: "the limits need a run over all namespaces"})
	}
	return queue.Outcome(o)
}

// againReason is why a namespace runs that a run of the whole umbrella failed at.
const againReason = "failed in the run of the whole umbrella"

type verdict queue.Outcome

// again has a namespace tried again: by itself, so that it alone pauses and is parked.
func (o *verdict) again(l *queue.Lease, scan *bot.Scan, namespace string) {
	planned := slices.ContainsFunc(scan.Plans, func(p analysis.NamespacePlan) bool { return p.Namespace == namespace })
	if l.Namespace == "" && planned {
		f := queue.Follow{Namespace: namespace, Reason: againReason}
		if !slices.Contains(o.Then, f) {
			o.Then = append(o.Then, f)
		}
		return
	}
	if o.Result != queue.Away {
		o.Result = queue.Failed
	}
}

// scarce tells whether a partial run had to leave something to a run that can count.
func scarce(report *bot.ProposeReport) bool {
	return slices.ContainsFunc(report.MergeRequests, func(m bot.MergeRequestReport) bool { return m.Uncounted })
}

// remember keeps where the projects are and what the namespaces looked like. A
// namespace whose run left something undone is looked at again by the next.
func (s *Service) remember(ctx context.Context, l *queue.Lease, e Ended) error {
	if err := s.rememberSite(ctx, l, e); err != nil {
		return err
	}
	if e.Report == nil {
		return nil
	}
	var views []queue.NamespaceView
	for ns, print := range e.Bot.Fingerprints(e.Scan) {
		if undone(e.Report, ns) || e.Outcome.Result == queue.Away {
			print = ""
		}
		views = append(views, queue.NamespaceView{Namespace: ns, Fingerprint: print})
	}
	return s.queue.SaveNamespaces(ctx, l.Umbrella, views, l.Namespace == "" && l.Whole)
}

func undone(report *bot.ProposeReport, namespace string) bool {
	mine := func(unit string) bool { return strings.TrimSuffix(unit, " (stale)") == namespace }
	return slices.ContainsFunc(report.Failed, func(f bot.FailureReport) bool { return f.Retry && mine(f.Unit) }) ||
		slices.ContainsFunc(report.MergeRequests, func(m bot.MergeRequestReport) bool { return m.Held && mine(m.Unit) })
}
