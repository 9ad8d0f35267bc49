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
// when they are needed, one by Prepare before, and kept until Close.
type Pool struct {
	config Config
	// running holds the workers that wait for a call, unstarted one token for each that is still to be started.
	running   chan *process
	unstarted chan struct{}
	notice    sync.Once
}

// New returns a Pool. It starts nothing yet.
func New(c Config) *Pool {
	c.Limits = c.Limits.withDefaults()
	if c.Workers <= 0 {
		c.Workers = DefaultWorkers
	}
	p := &Pool{config: c, running: make(chan *process, c.Workers), unstarted: make(chan struct{}, c.Workers)}
	for range c.Workers {
		p.unstarted <- struct{}{}
	}
	return p
}

// Prepare starts a worker if none was started yet, and returns at once. If that
// fails, the first call tries again and says why.
func (p *Pool) Prepare() {
	if len(p.unstarted) < p.config.Workers {
		return
	}
	select {
	case <-p.unstarted:
	default:
		return
	}
	go func() {
		w, _ := p.start() // nil with an error: the first call starts one and says why
		p.give(w)
	}()
}

// Close waits for calls that are under way and ends the workers. Calls after it wait for
// their context.
func (p *Pool) Close() {
	for range p.config.Workers {
		select {
		case w := <-p.running:
			w.stop()
		case <-p.unstarted:
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
// that was there before: then it is given a fresh one.
func (p *Pool) send(ctx context.Context, kind byte, message [][]byte) (answer byte, result []byte, err error) {
	w, err := p.take(ctx)
	if err != nil {
		return 0, nil, err
	}
	defer func() { p.give(w) }()
	for {
		fresh := w == nil
		if fresh {
			if w, err = p.start(); err != nil {
				return 0, nil, err
			}
		}
		answer, result, err = w.call(ctx, kind, message)
		if err != nil || w.calls >= maxCalls {
			w.stop()
			w = nil
		}
		var death *deathError
		if fresh || !errors.As(err, &death) {
			return answer, result, err
		}
	}
}

// take returns a worker that waits, nil for one that the caller is to start: another is
// started only when all that run are busy, for a start costs more than many a chart.
func (p *Pool) take(ctx context.Context) (*process, error) {
	select {
	case w := <-p.running:
		return w, nil
	default:
	}
	select {
	case w := <-p.running:
		return w, nil
	case <-p.unstarted:
		return nil, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// give returns what take gave: a worker that can be called again, or nil.
func (p *Pool) give(w *process) {
	if w == nil {
		p.unstarted <- struct{}{}
		return
	}
	p.running <- w
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
