package main

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"tokenward/analysis"
	"tokenward/analysis/render/cached"
	"tokenward/analysis/render/worker"
	"tokenward/bot/cache"
)

// The least that a chart can be rendered and a repository read with: below, everything would fail.
const (
	minMemory     = 128 << 20
	minTime       = time.Second
	minOutput     = 1 << 20
	minRepository = 1 << 20
)

// pool reads what a chart may cost. Its error names the key.
func (c renderingConfig) pool() (worker.Config, error) {
	out := worker.Config{Workers: c.Workers}
	if c.Workers < 1 {
		return out, fmt.Errorf("rendering.workers: must be at least 1 (got %d)", c.Workers)
	}
	var err error
	if out.Limits.Memory, err = byteCount("rendering.memory", c.Memory, minMemory); err != nil {
		return out, err
	}
	if out.Limits.Output, err = byteCount("rendering.output", c.Output, minOutput); err != nil {
		return out, err
	}
	if out.Limits.Time, err = time.ParseDuration(c.Time); err != nil || out.Limits.Time < minTime {
		return out, fmt.Errorf("rendering.time: must be a duration of at least %s, as 30s (got %q)", minTime, c.Time)
	}
	return out, nil
}

// newRenderer makes what renders charts: workers, of which none is started yet, behind the
// cache, nil for none. Whoever called it closes the pool. notice is told once what the
// system cannot confine.
func newRenderer(c config, kept *cache.Dir, notice func(string)) (analysis.Renderer, *worker.Pool, error) {
	cfg, err := c.Rendering.pool()
	if err != nil {
		return nil, nil, usageError{fmt.Errorf("config: %w", err)}
	}
	cfg.Notice = notice
	pool := worker.New(cfg)
	if kept == nil {
		return pool, pool, nil
	}
	return cached.New(pool, kept), pool, nil
}

// byteCount reads a quantity as Kubernetes writes them.
func byteCount(key, text string, least int64) (int64, error) {
	q, err := resource.ParseQuantity(text)
	if err != nil || q.Value() < least {
		return 0, fmt.Errorf("%s: must be at least %s, as 512Mi (got %q)", key, resource.NewQuantity(least, resource.BinarySI), text)
	}
	return q.Value(), nil
}
