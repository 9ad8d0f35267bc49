package render

import (
	"fmt"
	"slices"

	"helm.sh/helm/v3/pkg/chartutil"
)

// DefaultKubeVersion is the Kubernetes version that charts are rendered for where none is configured.
const DefaultKubeVersion = "v1.33.0"

// capabilities says what the cluster can do: the API versions that Helm's
// library knows, those of the given CRDs, and extra ones.
func capabilities(kubeVersion string, crds []CRD, extra []string) (*chartutil.Capabilities, error) {
	if kubeVersion == "" {
		kubeVersion = DefaultKubeVersion
	}
	kv, err := chartutil.ParseKubeVersion(kubeVersion)
	if err != nil {
		return nil, fmt.Errorf("read the Kubernetes version %q: %w", kubeVersion, err)
	}
	caps := chartutil.DefaultCapabilities.Copy()
	caps.KubeVersion = *kv
	caps.APIVersions = slices.Concat(caps.APIVersions, APIVersions(crds), extra)
	return caps, nil
}

func compatible(constraint, version string) bool {
	return chartutil.IsCompatibleRange(constraint, version)
}
