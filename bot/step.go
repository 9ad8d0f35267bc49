package bot

import (
	"context"

	"tokenward/analysis"
	"tokenward/analysis/render"
)

// Steps of a run, in their order; StepRun is the whole of it.
const (
	StepRun      = "run"
	StepDiscover = "discover"
	StepFetch    = "fetch"
	StepRender   = "render"
	StepJudge    = "judge"
	StepPlan     = "plan"
	StepProve    = "prove"
	StepPropose  = "propose"
)

// Steps lists the steps inside of a run in their order.
func Steps() []string {
	return []string{StepDiscover, StepFetch, StepRender, StepJudge, StepPlan, StepProve, StepPropose}
}

// StepFunc is told when a step begins, and about which release or unit it is: "" is
// the step as a whole, within which the others lie. It returns the context to do
// the step in, and what is called with the step's error when it ends. It is called
// from several goroutines at once.
type StepFunc func(ctx context.Context, step, about string) (context.Context, func(error))

// noStep is the StepFunc of whoever does not listen.
func noStep(ctx context.Context, _, _ string) (context.Context, func(error)) {
	return ctx, func(error) {}
}

// during does one step.
func (b *Bot) during(ctx context.Context, step, about string, do func(context.Context) error) error {
	ctx, end := b.cfg.Step(ctx, step, about)
	err := do(ctx)
	end(err)
	return err
}

// watchedRenderer tells of every chart that is rendered.
type watchedRenderer struct {
	analysis.Renderer
	step StepFunc
}

// Render implements analysis.Renderer.
func (w watchedRenderer) Render(ctx context.Context, c render.ChartSource, r render.Request) (*render.Output, error) {
	ctx, end := w.step(ctx, StepRender, r.ReleaseName)
	out, err := w.Renderer.Render(ctx, c, r)
	end(err)
	return out, err
}
