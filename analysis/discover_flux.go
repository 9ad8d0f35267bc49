package analysis

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	kjson "k8s.io/apimachinery/pkg/util/json"

	"tokenward/analysis/render"
)

// The API groups of Flux's controllers.
const (
	helmGroup      = "helm.toolkit.fluxcd.io"
	sourceGroup    = "source.toolkit.fluxcd.io"
	kustomizeGroup = "kustomize.toolkit.fluxcd.io"
)

// flux is the umbrella's rendered objects, sorted by what Flux makes of them.
type flux struct {
	helmReleases []*render.Object
	extra        []*render.Object
	sources      map[string]chartSource         // by kind namespace/name
	values       map[string]render.ValuesSource // of Secrets and ConfigMaps that HelmReleases name, likewise
}

// helmReleaseSpec is what is read of a HelmRelease's spec: the fields of API versions v2beta1 to v2.
type helmReleaseSpec struct {
	ReleaseName        string                    `json:"releaseName"`
	TargetNamespace    string                    `json:"targetNamespace"`
	Chart              *chartTemplate            `json:"chart"`
	ChartRef           *sourceName               `json:"chartRef"`
	ValuesFrom         []render.ValuesReference  `json:"valuesFrom"`
	Values             map[string]any            `json:"values"`
	PostRenderers      []any                     `json:"postRenderers"`
	PostRenderStrategy render.PostRenderStrategy `json:"postRenderStrategy"`
	Install            helmAction                `json:"install"`
	Upgrade            helmAction                `json:"upgrade"`
	Rollback           helmAction                `json:"rollback"`
	Uninstall          helmAction                `json:"uninstall"`
	CommonMetadata     struct {
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	} `json:"commonMetadata"`
}

// unknown says why nobody can tell from the umbrella what the HelmRelease deploys, nil if one can.
func (s helmReleaseSpec) unknown() error {
	if s.Upgrade.PreserveValues {
		return errors.New("its upgrades keep the values of what was deployed before, as its upgrade.preserveValues says: not analysable yet")
	}
	switch s.PostRenderStrategy {
	case "", "combined", render.NoHooks, render.Separate:
		return nil
	}
	return fmt.Errorf("its postRenderStrategy is %q, which is neither combined, nohooks nor separate", s.PostRenderStrategy)
}

type chartTemplate struct {
	Spec chartSpec `json:"spec"`
}

// chartSpec is the spec of a HelmChart, in a HelmRelease or an object of its own.
type chartSpec struct {
	Chart                    string     `json:"chart"`
	SourceRef                sourceName `json:"sourceRef"`
	ValuesFiles              []string   `json:"valuesFiles"`
	ValuesFile               string     `json:"valuesFile"` // v2beta1
	IgnoreMissingValuesFiles bool       `json:"ignoreMissingValuesFiles"`
}

// valuesFiles lists the values files; the one of the older field is the first.
func (c chartSpec) valuesFiles() []string {
	if c.ValuesFile == "" {
		return c.ValuesFiles
	}
	return append([]string{c.ValuesFile}, c.ValuesFiles...)
}

type sourceName struct {
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

type gitRepositorySpec struct {
	URL               string    `json:"url"`
	Ref               SourceRef `json:"ref"`
	Ignore            string    `json:"ignore"`
	Include           []any     `json:"include"`
	RecurseSubmodules bool      `json:"recurseSubmodules"`
	SparseCheckout    []string  `json:"sparseCheckout"`
}

// chartSource is where charts come from, or a HelmChart that says so.
type chartSource struct {
	git   gitRepositorySpec // what other kinds share with it of those
	chart chartSpec         // of a HelmChart
	err   error             // it cannot be read
}

func isFlux(o *render.Object, group, kind string) bool {
	return o.Kind == kind && strings.HasPrefix(o.APIVersion, group+"/")
}

func isSource(o *render.Object) bool {
	return slices.ContainsFunc([]string{"GitRepository", "HelmRepository", "OCIRepository", "Bucket", "HelmChart"},
		func(kind string) bool { return isFlux(o, sourceGroup, kind) })
}

// holdsValues tells whether a HelmRelease may have values from the object.
func holdsValues(o *render.Object) bool {
	return o.APIVersion == "v1" && (o.Kind == "Secret" || o.Kind == "ConfigMap")
}

func objectKey(kind, namespace, name string) string { return kind + " " + namespace + "/" + name }

// readFlux sorts the umbrella's objects. Secrets and ConfigMaps that hold a release's values are not among extra.
func readFlux(objects []*render.Object) *flux {
	f := &flux{sources: map[string]chartSource{}, values: map[string]render.ValuesSource{}}
	used := map[string]bool{}
	for _, o := range objects {
		switch {
		case isFlux(o, helmGroup, "HelmRelease"):
			f.helmReleases = append(f.helmReleases, o)
			var spec helmReleaseSpec
			if decodeSpec(o, &spec) == nil {
				for _, ref := range spec.ValuesFrom {
					used[objectKey(ref.Kind, o.Namespace, ref.Name)] = true
				}
			}
		case isSource(o):
			f.sources[objectKey(o.Kind, o.Namespace, o.Name)] = readSource(o)
		}
	}
	for _, o := range objects {
		key := objectKey(o.Kind, o.Namespace, o.Name)
		switch {
		case isFlux(o, helmGroup, "HelmRelease"), isSource(o):
		case holdsValues(o) && used[key]:
			f.values[key] = valuesSource(o)
		default:
			f.extra = append(f.extra, o)
		}
	}
	return f
}

func readSource(o *render.Object) chartSource {
	var s chartSource
	if o.Kind == "HelmChart" {
		s.err = decodeSpec(o, &s.chart)
		s.chart.ValuesFiles, s.chart.ValuesFile = s.chart.valuesFiles(), "" // once, as releases share the list
	} else {
		s.err = decodeSpec(o, &s.git)
	}
	return s
}

// decodeSpec fills into from an object's spec. Names of fields differ by case, as they do for Kubernetes.
func decodeSpec(o *render.Object, into any) error {
	data, err := json.Marshal(o.Fields()["spec"])
	if err != nil {
		return fmt.Errorf("read %s: %w", o.ID(), err)
	}
	if err := kjson.Unmarshal(data, into); err != nil {
		return fmt.Errorf("read %s: %w", o.ID(), err)
	}
	return nil
}

// release reads one HelmRelease. What cannot be analysed of it is in Err; the rest is filled all the same.
func (f *flux) release(o *render.Object, composer *render.Composer) Release {
	r := Release{HelmRelease: o.Name}
	var spec helmReleaseSpec
	if r.Err = decodeSpec(o, &spec); r.Err != nil {
		r.Name = shortName(o.Name) // the namespace that it is deployed into is not known
		return r
	}
	r.Name, r.Namespace = releaseName(o, spec), spec.TargetNamespace
	if r.Namespace == "" {
		r.Namespace = o.Namespace
	}
	r.PostRenderers, r.PostRenderStrategy = spec.PostRenderers, spec.PostRenderStrategy
	r.DisabledHooks, r.AnyValues = spec.disabledHooks(), spec.Install.DisableSchemaValidation
	r.CommonLabels, r.CommonAnnotations = spec.CommonMetadata.Labels, spec.CommonMetadata.Annotations
	sourceErr := f.source(&r, o, spec)
	var valuesErr error
	r.Values, valuesErr = composer.Compose(spec.ValuesFrom, func(kind, name string) (render.ValuesSource, bool) {
		source, ok := f.values[objectKey(kind, o.Namespace, name)]
		return source, ok
	}, spec.Values)
	if valuesErr != nil {
		valuesErr = fmt.Errorf("compose the values of %s: %w", o.ID(), valuesErr)
	}
	r.Err = cmp.Or(spec.unknown(), sourceErr, valuesErr)
	if r.Namespace == "" && r.Err == nil {
		r.Err = fmt.Errorf("%s is in no namespace, and its targetNamespace says none: what it deploys cannot be placed", o.ID())
	}
	return r
}

// releaseName is Flux's rule: the name given, else [targetNamespace-]name, cut
// to Helm's 53 characters with a hash at its end.
func releaseName(o *render.Object, spec helmReleaseSpec) string {
	switch {
	case spec.ReleaseName != "":
		return shortName(spec.ReleaseName)
	case spec.TargetNamespace != "":
		return shortName(spec.TargetNamespace + "-" + o.Name)
	}
	return shortName(o.Name)
}

func shortName(name string) string {
	const limit, hash = 53, 12
	if len(name) <= limit {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return name[:limit-hash-1] + "-" + hex.EncodeToString(sum[:])[:hash]
}

// valuesSource decodes a Secret or ConfigMap as far as Flux reads it. A key whose value the API server
// would refuse is not there.
func valuesSource(o *render.Object) render.ValuesSource {
	fields := []string{"data"}
	if o.Kind == "Secret" {
		fields = append(fields, "stringData")
	}
	source := render.ValuesSource{}
	for _, field := range fields {
		entries, _ := o.Field(field).(map[string]any)
		for key, v := range entries {
			value, ok := v.(string)
			if !ok && v != nil {
				continue
			}
			if field == "data" && o.Kind == "Secret" {
				decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value))
				if err != nil {
					continue
				}
				value = string(decoded)
			}
			source[key] = value
		}
	}
	return source
}
