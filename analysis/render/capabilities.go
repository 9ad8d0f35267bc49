package render

import (
	"fmt"
	"regexp"
	"slices"
	"sync"

	"helm.sh/helm/v3/pkg/chartutil"
	"k8s.io/client-go/kubernetes/scheme"
)

// DefaultKubeVersion is the Kubernetes version that charts are rendered for where none is configured.
// The umbrella of Big Bang asks for no less today.
const DefaultKubeVersion = "v1.34.0"

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
	caps.APIVersions = slices.Concat(caps.APIVersions, stableKinds(), APIVersions(crds), extra)
	return caps, nil
}

// stableKinds are the kinds of Kubernetes' stable APIs, as
// "group/version/Kind". A cluster offers them to Helm beside the bare versions
// of Helm's own list, and charts ask for both forms.
var stableKinds = sync.OnceValue(func() []string {
	var out []string
	for gvk := range scheme.Scheme.AllKnownTypes() {
		if !stableVersion.MatchString(gvk.Version) || notAnObject.MatchString(gvk.Kind) {
			continue
		}
		out = append(out, gvk.GroupVersion().String()+"/"+gvk.Kind)
	}
	slices.Sort(out)
	return out
})

var (
	stableVersion = regexp.MustCompile(`^v[0-9]+$`)
	notAnObject   = regexp.MustCompile(`(List|Options|^WatchEvent|^Status|^APIGroup|^APIVersions)$`)
)

func compatible(constraint, version string) bool {
	return chartutil.IsCompatibleRange(constraint, version)
}
