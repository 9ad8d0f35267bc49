package bot

import (
	"context"
	"encoding/json"
	"errors"

	"tokenward/analysis"
	"tokenward/analysis/render"
	"tokenward/analysis/render/wire"
	"tokenward/gitops/git"
)

const keptDiscovery = "discovery"

// discoverOnce is discover, or what it returned for the same commit and options before.
func (b *Bot) discoverOnce(ctx context.Context, umbrella *git.Snapshot, opts analysis.DiscoverOptions) (*analysis.Discovery, error) {
	key, err := discoveryKey(umbrella.Commit, opts)
	if err != nil {
		return b.discover(ctx, umbrella, opts) // which says what is wrong with the values
	}
	if d := b.keptDiscovery(key); d != nil {
		return d, nil
	}
	watch := &steadyRenderer{Renderer: opts.Renderer}
	opts.Renderer = watch
	d, err := b.discover(ctx, umbrella, opts)
	if err != nil || watch.unsteady.Load() {
		return d, err
	}
	if data, err := discoveryMessage(d); err == nil {
		b.cfg.Keeper.Put(keptDiscovery, key, data)
	}
	return d, nil
}

// keptDiscovery returns what discoverOnce kept under a key, nil where there is nothing.
func (b *Bot) keptDiscovery(key string) *analysis.Discovery {
	data, ok := b.cfg.Keeper.Get(keptDiscovery, key)
	if !ok {
		return nil
	}
	d, err := readDiscovery(data)
	if err != nil {
		return nil // damaged: it is found out again
	}
	return d
}

// discoveryKey names all that a discovery follows from.
func discoveryKey(commit string, o analysis.DiscoverOptions) (string, error) {
	key, err := json.Marshal([]any{commit, o.ChartDir, o.ValuesFiles, o.Values, o.KubeVersion, o.APIVersions, o.ReleaseName, o.ReleaseNamespace})
	return string(key), err
}

// discovered is what of a discovery has a form in JSON: values have numbers of more than one kind.
type discovered struct {
	Releases []discoveredRelease
	Problems []analysis.Problem
}

type discoveredRelease struct {
	analysis.Release
	Error string
}

// discoveryMessage is a discovery as one message; of errors the words are kept.
func discoveryMessage(d *analysis.Discovery) ([]byte, error) {
	plain := discovered{Problems: d.Problems}
	var given []any
	for _, r := range d.Releases {
		one := map[string]any{}
		if r.Values != nil {
			one["values"] = r.Values
		}
		if r.PostRenderers != nil {
			one["postRenderers"] = r.PostRenderers
		}
		given = append(given, one)
		text := errorText(r.Err)
		r.Values, r.PostRenderers, r.Err = nil, nil, nil
		plain.Releases = append(plain.Releases, discoveredRelease{r, text})
	}
	data, err := json.Marshal(plain)
	if err != nil {
		return nil, err
	}
	return wire.Output(&render.Output{Objects: d.Extra, ReadValues: func() map[string]any {
		return map[string]any{"discovered": string(data), "given": given}
	}})
}

func readDiscovery(message []byte) (*analysis.Discovery, error) {
	out, err := wire.ReadOutput(message)
	if err != nil {
		return nil, err
	}
	values := out.Values()
	text, _ := values["discovered"].(string)
	var plain discovered
	if err := json.Unmarshal([]byte(text), &plain); err != nil {
		return nil, err
	}
	given, _ := values["given"].([]any)
	if len(given) != len(plain.Releases) {
		return nil, errors.New("values are missing")
	}
	d := &analysis.Discovery{Extra: out.Objects, Problems: plain.Problems}
	for i, p := range plain.Releases {
		r := p.Release
		one, _ := given[i].(map[string]any)
		r.Values, _ = one["values"].(map[string]any)
		r.PostRenderers, _ = one["postRenderers"].([]any)
		if p.Error != "" {
			r.Err = errors.New(p.Error)
		}
		d.Releases = append(d.Releases, r)
	}
	return d, nil
}
