package bot

import (
	"context"
	"log/slog"
	"time"
)

// Keys of log records, the same wherever they stand.
const (
	LogRun       = "run"
	LogUmbrella  = "umbrella"
	LogNamespace = "namespace"
	LogUnit      = "unit"
	LogRelease   = "release"
	LogProject   = "project"
	LogBranch    = "branch"
	LogMR        = "mr"
	LogReason    = "reason"
	LogResult    = "result"
)

// Results of a run.
const (
	ResultOK      = "ok"      // everything was done
	ResultPartial = "partial" // some releases or units failed, everything else was done
	ResultError   = "error"   // nothing could be done, or the run was interrupted
)

// Result sums a run up, as Propose returned it.
func (b *Bot) Result(s *Scan, r *ProposeReport, err error) string {
	switch {
	case err != nil:
		return ResultError
	case len(r.Failed) > 0, len(b.Failed(s)) > 0:
		return ResultPartial
	}
	return ResultOK
}

// logRun writes one record per outcome of a run, and one for the run itself.
func (b *Bot) logRun(ctx context.Context, s *Scan, r *ProposeReport, took time.Duration, err error) {
	log := b.cfg.Log
	if !log.Enabled(ctx, slog.LevelError) {
		return
	}
	counts := map[string]int{}
	if r == nil {
		r = &ProposeReport{}
	}
	for _, m := range r.MergeRequests {
		counts[m.Action]++
		level := slog.LevelInfo
		if m.Action == ActionUnchanged {
			level = slog.LevelDebug
		}
		log.LogAttrs(ctx, level, "merge request "+m.Action, slog.String(LogUnit, m.Unit), slog.String(LogProject, m.Project),
			slog.String(LogBranch, m.SourceBranch), slog.Int64(LogMR, m.IID), slog.String(LogReason, m.Reason))
	}
	for _, f := range r.Failed {
		level, what := slog.LevelError, "unit failed"
		if f.Blocked {
			level, what = slog.LevelWarn, "unit blocked"
		}
		log.LogAttrs(ctx, level, what, slog.String(LogUnit, f.Unit), slog.String(LogReason, f.Reason))
	}
	attrs := []slog.Attr{slog.String(LogResult, b.Result(s, r, err)), slog.Duration("took", took)}
	if s != nil {
		for _, rel := range b.Failed(s) {
			log.LogAttrs(ctx, slog.LevelWarn, "release not analysed", slog.String(LogRelease, rel.Name), slog.String(LogReason, rel.Err.Error()))
		}
		attrs = append(attrs, slog.String("commit", s.Umbrella.Commit), slog.Int("releases", len(s.Set.Releases)))
	}
	for _, action := range []string{ActionCreated, ActionUpdated, ActionClosed, ActionSkipped, ActionUnchanged} {
		attrs = append(attrs, slog.Int(action, counts[action]))
	}
	attrs = append(attrs, slog.Int("failed", len(r.Failed)))
	if err != nil {
		log.LogAttrs(ctx, slog.LevelError, "run ended", append(attrs, slog.String(LogReason, err.Error()))...)
		return
	}
	log.LogAttrs(ctx, slog.LevelInfo, "run ended", attrs...)
}
