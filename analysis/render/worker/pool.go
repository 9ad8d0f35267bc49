// Package worker renders charts in processes of their own: a chart is a program, and
// whoever can push to a package repository writes it. A Pool starts the program
// itself again as a few long-lived workers. A worker has no environment, no
// descriptor but its pipes, no file system and no network, and limits on memory,
// processor time, descriptors and files; it is killed when a call takes too long, and
// replaced when it fails. What a chart costs beyond its limits becomes one sentence.
//
// The package owns the processes, their confinement and their limits. It does not
// know what a chart is (package render does) nor when one is rendered.
package worker

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"tokenward/analysis"
	"tokenward/analysis/render"
	"tokenward/analysis/render/wire"
)

var _ analysis.Renderer = (*Pool)(nil)

// Config says how a Pool works.
type Config struct {
	Limits Limits
	// Workers is how many charts are rendered at once, default DefaultWorkers.
	Workers int
	// Notice is told once, in a sentence, what the system cannot confine; nil for nobody.
	Notice func(string)
}

// DefaultWorkers is how many workers a Pool has where nothing is said.
const DefaultWorkers = 2

// Pool is an analysis.Renderer that renders in worker processes. They are started
// when they are needed first and kept until Close.
type Pool struct {
	config Config
	// slots holds a process, or nil for one that is to be started, for every worker that is free.
	slots  chan *process
	notice sync.Once
}

// New returns a Pool. It starts nothing yet.
func New(c Config) *Pool {
	c.Limits = c.Limits.withDefaults()
	if c.Workers <= 0 {
		c.Workers = DefaultWorkers
	}
	p := &Pool{config: c, slots: make(chan *process, c.Workers)}
	for range c.Workers {
		p.slots <- nil
	}
	return p
}

// Close waits for calls that are under way and ends the workers. Calls after it wait for
// their context.
func (p *Pool) Close() {
	for range p.config.Workers {
		if w := <-p.slots; w != nil {
			w.stop()
		}
	}
}

// Render is render.Render in a worker.
func (p *Pool) Render(ctx context.Context, c render.ChartSource, r render.Request) (*render.Output, error) {
	chart, err := c.Open(ctx)
	if err != nil {
		return nil, err
	}
	result, err := p.call(ctx, callRender, chart, r)
	if err != nil {
		return nil, err
	}
	out, err := wire.ReadOutput(result)
	return out, inChart(chart, err)
}

// ExpectedCRDs is render.Chart.ExpectedCRDs in a worker. A chart without any definition is not sent.
func (p *Pool) ExpectedCRDs(ctx context.Context, c render.ChartSource, values map[string]any) ([]render.CRD, error) {
	if !c.Facts().MentionsCRDs {
		return nil, nil
	}
	chart, err := c.Open(ctx)
	if err != nil {
		return nil, err
	}
	result, err := p.call(ctx, callExpectedCRDs, chart.CRDPart(), render.Request{Values: values})
	if err != nil {
		return nil, err
	}
	return wire.ReadCRDs(result)
}

// DefaultValues is render.Chart.DefaultValues in a worker.
func (p *Pool) DefaultValues(ctx context.Context, c render.ChartSource, values map[string]any) (map[string]any, error) {
	result, err := p.call(ctx, callDefaultValues, c, render.Request{Values: values})
	if err != nil {
		return nil, err
	}
	return wire.ReadValues(result)
}

// call lets a worker answer. Errors of the chart come as package render gives them;
// those of the containment name the chart, too.
func (p *Pool) call(ctx context.Context, kind byte, source render.ChartSource, r render.Request) ([]byte, error) {
	c, err := source.Open(ctx)
	if err != nil {
		return nil, err
	}
	message, err := wire.Chart(c, r)
	if err != nil {
		return nil, inChart(c, fmt.Errorf("send it to a render worker: %w", err))
	}
	answer, result, err := p.send(ctx, kind, message)
	if err != nil {
		return nil, inChart(c, err)
	}
	if answer == answerError {
		return nil, wire.ReadError(result)
	}
	return result, nil
}

// send finds a free worker for one call. A chart is not blamed for the end of a worker
// that has rendered others before: then it is given a fresh one.
func (p *Pool) send(ctx context.Context, kind byte, message [][]byte) (answer byte, result []byte, err error) {
	var w *process
	select {
	case w = <-p.slots:
	case <-ctx.Done():
		return 0, nil, ctx.Err()
	}
	defer func() { p.slots <- w }()
	for {
		if w == nil {
			if w, err = p.start(); err != nil {
				return 0, nil, err
			}
		}
		answer, result, err = w.call(ctx, kind, message)
		used := w.calls
		if err != nil || used >= maxCalls {
			w.stop()
			w = nil
		}
		var death *deathError
		if used == 1 || !errors.As(err, &death) {
			return answer, result, err
		}
	}
}

func (p *Pool) start() (*process, error) {
	w, err := start(p.config.Limits)
	if err != nil {
		return nil, fmt.Errorf("start a render worker: %w", err)
	}
	if w.lacks != "" && p.config.Notice != nil {
		p.notice.Do(func() { p.config.Notice(w.lacks) })
	}
	return w, nil
}
