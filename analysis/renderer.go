package analysis

import (
	"context"

	"tokenward/analysis/render"
)

// Renderer renders charts for discovery, for the releases and for proofs. Whoever
// implements it must answer as render.Render does: the same output for the same
// chart and request, errors of templates as *render.TemplateError, and nothing of the
// arguments changed. It is called from several goroutines at once.
type Renderer interface {
	Render(ctx context.Context, c *render.Chart, r render.Request) (*render.Output, error)
}

// InProcess renders in this process, where nothing holds a chart back.
type InProcess struct{}

// Render is render.Render.
func (InProcess) Render(ctx context.Context, c *render.Chart, r render.Request) (*render.Output, error) {
	return render.Render(ctx, c, r)
}

// orInProcess is r, or InProcess where r is nil.
func orInProcess(r Renderer) Renderer {
	if r == nil {
		return InProcess{}
	}
	return r
}
