package analysis

import (
	"encoding/json"
	"errors"

	"tokenward/analysis/render"
)

// clusters are where Flux deploys releases, each with their indices: its key is the kubeConfig of their HelmReleases in
// JSON, null for the cluster that Flux is on.
type clusters map[string][]int

const fluxCluster = "null"

func (c clusters) add(helmRelease *render.Object, index int) {
	spec, _ := helmRelease.Field("spec").(map[string]any)
	kubeConfig, err := json.Marshal(spec["kubeConfig"])
	if err != nil {
		return // nor can the spec be read, which the release says
	}
	c[string(kubeConfig)] = append(c[string(kubeConfig)], index)
}

// refuse gives an error to releases that have a kubeConfig, unless all of the umbrella have the same: then the policies
// are on that cluster, too, and nothing is said of any other.
func (c clusters) refuse(releases []Release) {
	if len(c) < 2 {
		return
	}
	for kubeConfig, indices := range c {
		for _, i := range indices {
			if kubeConfig != fluxCluster {
				releases[i].Err = errors.New("it is deployed to another cluster than others, as its kubeConfig says: not analysable yet")
			}
		}
	}
}
