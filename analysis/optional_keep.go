package analysis

import (
	"context"
	"encoding/json"
	"errors"

	"tokenward/analysis/render"
)

// FeatureKeeper keeps what was found under keys that name everything that it follows
// from. It may forget any of it at any time.
type FeatureKeeper interface {
	Get(kind, key string) ([]byte, bool)
	Put(kind, key string, data ...[]byte)
}

const keptFeatures = "features"

// keptOrFound is FindFeatures, of which the result may be kept.
func keptOrFound(ctx context.Context, namespace string, patterns []string, inputs []Input, opts FeatureOptions) (map[string]Feature, error) {
	key, ok := featuresKey(namespace, patterns, inputs, opts)
	if !ok {
		found, _ := FindFeatures(ctx, namespace, patterns, inputs, opts) // a chart that cannot be opened explains nothing
		return found, ctx.Err()
	}
	if data, there := opts.Keeper.Get(keptFeatures, key); there {
		var found map[string]Feature
		if json.Unmarshal(data, &found) == nil && found != nil { // else it is damaged, and looked for anew
			return found, nil
		}
	}
	watch := &failureWatch{Renderer: orInProcess(opts.Render.Renderer)}
	opts.Render.Renderer = watch
	found, err := FindFeatures(ctx, namespace, patterns, inputs, opts)
	if err != nil || watch.failed {
		return found, ctx.Err()
	}
	if data, err := json.Marshal(found); err == nil {
		opts.Keeper.Put(keptFeatures, key, data)
	}
	return found, nil
}

// featuresKey names all that the features of a namespace follow from; it is false where
// nothing can be kept: without a keeper, or for a chart of no commit.
func featuresKey(namespace string, patterns []string, inputs []Input, opts FeatureOptions) (string, bool) {
	if opts.Keeper == nil {
		return "", false
	}
	parts := []any{namespace, patterns, opts.Render.KubeVersion, opts.Render.APIVersions, opts.CRDs, opts.Operators, opts.MaxRenders}
	for _, in := range inputs {
		if in.Release.Namespace != namespace || in.Chart == nil || in.Release.Err != nil {
			continue
		}
		if in.Commit == "" {
			return "", false
		}
		parts = append(parts, in.Commit, in.Release)
	}
	data, err := json.Marshal(parts)
	return string(data), err == nil
}

// failureWatch notes renders that fail for another reason than the chart, such as their
// time: the next may not. One search uses it, in one goroutine.
type failureWatch struct {
	Renderer
	failed bool
}

// Render is render.Render.
func (w *failureWatch) Render(ctx context.Context, c render.ChartSource, r render.Request) (*render.Output, error) {
	out, err := w.Renderer.Render(ctx, c, r)
	var template *render.TemplateError
	if err != nil && !errors.As(err, &template) {
		w.failed = true
	}
	return out, err
}
