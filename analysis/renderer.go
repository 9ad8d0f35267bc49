package analysis

import (
	"context"

	"tokenward/analysis/render"
)

// Renderer does everything that lets Helm's library at a chart: for discovery, for
// the releases and for proofs. Whoever implements it must answer as package render
// does: the same result for the same arguments, errors of templates as
// *render.TemplateError, and nothing of the arguments changed. It is called from
// several goroutines at once.
type Renderer interface {
	// Render is render.Render.
	Render(ctx context.Context, c render.ChartSource, r render.Request) (*render.Output, error)
	// ExpectedCRDs is render.Chart.ExpectedCRDs. The error is of the surroundings
	// (the context, what contains the chart), never the chart's own.
	ExpectedCRDs(ctx context.Context, c render.ChartSource, values map[string]any) ([]render.CRD, error)
	// DefaultValues is render.Chart.DefaultValues.
	DefaultValues(ctx context.Context, c render.ChartSource, values map[string]any) (map[string]any, error)
}

// afresh is the key of what Afresh puts into a context.
type afresh struct{}

// Afresh returns a context in which a Renderer gives nothing that it kept: what
// templates draw at random is drawn again.
func Afresh(ctx context.Context) context.Context { return context.WithValue(ctx, afresh{}, true) }

// IsAfresh says whether ctx is one that Afresh returned, or follows from it.
func IsAfresh(ctx context.Context) bool { return ctx.Value(afresh{}) != nil }

// InProcess renders in this process, where nothing holds a chart back.
type InProcess struct{}

// Render is render.Render.
func (InProcess) Render(ctx context.Context, c render.ChartSource, r render.Request) (*render.Output, error) {
	chart, err := c.Open(ctx)
	if err != nil {
		return nil, err
	}
	return render.Render(ctx, chart, r)
}

// ExpectedCRDs is render.Chart.ExpectedCRDs.
func (InProcess) ExpectedCRDs(ctx context.Context, c render.ChartSource, values map[string]any) ([]render.CRD, error) {
	if !c.Facts().MentionsCRDs {
		return nil, nil
	}
	chart, err := c.Open(ctx)
	if err != nil {
		return nil, err
	}
	return chart.ExpectedCRDs(values), nil
}

// DefaultValues is render.Chart.DefaultValues.
func (InProcess) DefaultValues(ctx context.Context, c render.ChartSource, values map[string]any) (map[string]any, error) {
	chart, err := c.Open(ctx)
	if err != nil {
		return nil, err
	}
	return chart.DefaultValues(values)
}

// orInProcess is r, or InProcess where r is nil.
func orInProcess(r Renderer) Renderer {
	if r == nil {
		return InProcess{}
	}
	return r
}
