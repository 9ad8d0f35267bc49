// Package analysis finds out which pods of a platform need the Kubernetes API:
// it discovers what an umbrella chart deploys, renders it, joins RBAC across
// releases, judges every workload with evidence and plans what the mutating
// policy's values should say. It reads file trees that are handed to it; it
// fetches nothing and writes nothing.
package analysis

import "tokenward/analysis/render"

// SourceRef says which revision of a source Flux would take. The fields are
// those of a GitRepository's spec.ref; at most one is followed, in Flux's order
// of precedence: Commit, Name, Tag, Semver, Branch. A release
// whose source gives none has Flux's default, the branch master.
type SourceRef struct {
	Branch string `json:"branch"`
	Tag    string `json:"tag"`
	Semver string `json:"semver"`
	Name   string `json:"name"`
	Commit string `json:"commit"`
}

// orDefault returns what Flux follows where a source gives the ref.
func (r SourceRef) orDefault() SourceRef {
	if r == (SourceRef{}) {
		r.Branch = "master"
	}
	return r
}

// Release is one chart that the umbrella deploys, as its HelmRelease says.
type Release struct {
	// HelmRelease is the name of the Flux object; Name is the Helm release's
	// name by Flux's rule (releaseName, else targetNamespace-name).
	HelmRelease string
	Name        string
	Namespace   string // target namespace
	Repository  string // the source's URL as the umbrella gives it; never with credentials
	Ref         SourceRef
	Chart       string // path of the chart inside the repository
	// Ignore is the GitRepository's spec.ignore: gitignore patterns of files
	// that Flux leaves out of the artifact.
	Ignore string
	// SparseCheckout is the GitRepository's spec.sparseCheckout: the folders that Flux checks out, empty for all.
	SparseCheckout []string
	// Submodules is true where Flux checks out the repository's submodules, too: spec.recurseSubmodules.
	Submodules bool
	// Values is everything that valuesFrom and values give, merged in Flux's order.
	Values        map[string]any
	PostRenderers []any
	// PostRenderStrategy says how hooks and tests go through the post-renderers.
	PostRenderStrategy render.PostRenderStrategy
	// AnyValues is true where Flux installs the release whatever the schemas of the chart's values say
	// (install.disableSchemaValidation).
	AnyValues bool
	// DisabledHooks are the hooks that Flux does not run, as Helm calls them.
	DisabledHooks []string
	// CommonLabels and CommonAnnotations are set on everything that the release deploys, but on no hook where these do not
	// go through the post-renderers.
	CommonLabels, CommonAnnotations map[string]string
	// ValuesFiles are paths inside the repository that take the place of the
	// chart's values.yaml; a missing one is no error if IgnoreMissingValuesFiles is true.
	ValuesFiles              []string
	IgnoreMissingValuesFiles bool
	// Err says why the release cannot be analysed, nil if it can.
	Err error
}

// RenderedRelease is a release with what its chart renders.
type RenderedRelease struct {
	Release
	Commit  string // the commit that the ref resolved to
	Objects []*render.Object
	Invalid []render.Invalid
}

// Set is everything that the platform deploys: the scope in which bindings,
// roles and ServiceAccounts of different releases meet.
type Set struct {
	Releases []*RenderedRelease
	// Extra are objects of the umbrella itself that are no release's (its
	// Namespaces, RBAC, Secrets).
	Extra []*render.Object
}
