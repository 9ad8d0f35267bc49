package bot

import (
	"tokenward/analysis"
	"tokenward/analysis/render"
)

// featureOptions say what platform the charts' optional features are rendered for.
func (b *Bot) featureOptions(s *Scan) analysis.FeatureOptions {
	return analysis.FeatureOptions{
		Render: b.renderOptions(s), CRDs: render.CRDs(allObjects(s.Set)),
		Operators: b.cfg.Operators, Keeper: b.cfg.Keeper,
	}
}
