package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

func TestSampleUmbrella(t *testing.T) {
	t.Parallel()
	objects := renderUmbrella(t, nil)
	t.Log(strings.Join(labelsOf(objects), "\n"))
	for _, release := range objectsOf(objects, "HelmRelease") {
		t.Log(nameOf(release), composed(t, objects, release))
	}
	_ = cmp.Diff
}

// manifest is one rendered object.
type manifest = map[string]any

func field(object manifest, path ...string) any {
	var value any = object
	for _, key := range path {
		fields, _ := value.(map[string]any)
		value = fields[key]
	}
	return value
}

func nameOf(object manifest) string { return field(object, "metadata", "name").(string) }

func objectsOf(objects []manifest, kind string) []manifest {
	return slices.DeleteFunc(slices.Clone(objects), func(o manifest) bool { return o["kind"] != kind })
}

// labelsOf names objects as Kind/name, sorted.
func labelsOf(objects []manifest) []string {
	var labels []string
	for _, object := range objects {
		labels = append(labels, object["kind"].(string)+"/"+nameOf(object))
	}
	slices.Sort(labels)
	return labels
}

// renderSample renders a repository's chart as Helm would install it, hooks and
// tests included.
func renderSample(t *testing.T, repository, release, namespace string, values map[string]any) []manifest {
	t.Helper()
	objects, err := tryRenderSample(t, repository, release, namespace, values)
	if err != nil {
		t.Fatalf("render %s: %v", repository, err)
	}
	return objects
}

func tryRenderSample(t *testing.T, repository, release, namespace string, values map[string]any) ([]manifest, error) {
	t.Helper()
	loaded := loadSample(t, repository)
	capabilities := chartutil.DefaultCapabilities.Copy()
	capabilities.APIVersions = append(capabilities.APIVersions, "monitoring.coreos.com/v1", "monitoring.coreos.com/v1/ServiceMonitor")
	if !chartutil.IsCompatibleRange(loaded.Metadata.KubeVersion, "v1.29.0") {
		t.Errorf("%s does not take Kubernetes 1.29: %s", repository, loaded.Metadata.KubeVersion)
	}
	if err := chartutil.ProcessDependenciesWithMerge(loaded, values); err != nil {
		return nil, err
	}
	options := chartutil.ReleaseOptions{Name: release, Namespace: namespace, IsInstall: true}
	top, err := chartutil.ToRenderValues(loaded, values, options, capabilities)
	if err != nil {
		return nil, err
	}
	rendered, err := engine.Render(loaded, top)
	if err != nil {
		return nil, err
	}
	var objects []manifest
	for _, template := range slices.Sorted(maps.Keys(rendered)) {
		if strings.Contains(rendered[template], "<no value>") {
			t.Errorf("%s writes a value that is not set:\n%s", template, rendered[template])
		}
		objects = append(objects, decodeAll(t, template, rendered[template])...)
	}
	return objects, nil
}

func loadSample(t *testing.T, repository string) *chart.Chart {
	t.Helper()
	files, err := sampleTree(repository, false)
	if err != nil {
		t.Fatal(err)
	}
	var buffered []*loader.BufferedFile
	for name, content := range files {
		if inside, ok := strings.CutPrefix(name, "chart/"); ok {
			buffered = append(buffered, &loader.BufferedFile{Name: inside, Data: content})
		}
	}
	loaded, err := loader.LoadFiles(buffered)
	if err != nil {
		t.Fatalf("load %s: %v", repository, err)
	}
	if err := loaded.Validate(); err != nil {
		t.Errorf("%s: %v", repository, err)
	}
	return loaded
}

func decodeAll(t *testing.T, template, text string) []manifest {
	t.Helper()
	var objects []manifest
	for document := range strings.SplitSeq("\n"+text, "\n---") {
		var object manifest
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			t.Fatalf("%s: %v\n%s", template, err, document)
		}
		if object != nil {
			objects = append(objects, object)
		}
	}
	return objects
}

// composed merges the layers of a release's Secret in the order that its
// valuesFrom gives.
func composed(t *testing.T, objects []manifest, release manifest) map[string]any {
	t.Helper()
	values := map[string]any{}
	for _, from := range field(release, "spec", "valuesFrom").([]any) {
		source := from.(map[string]any)
		secrets := objectsOf(objects, "Secret")
		at := slices.IndexFunc(secrets, func(o manifest) bool { return nameOf(o) == source["name"] })
		if at < 0 {
			t.Fatalf("%s takes values from the Secret %v, which is not there", nameOf(release), source["name"])
		}
		text, ok := field(secrets[at], "stringData", source["valuesKey"].(string)).(string)
		if !ok {
			t.Fatalf("Secret %v has no key %v", source["name"], source["valuesKey"])
		}
		layer := map[string]any{}
		if err := yaml.Unmarshal([]byte(text), &layer); err != nil {
			t.Fatalf("Secret %v, %v: %v", source["name"], source["valuesKey"], err)
		}
		values = chartutil.CoalesceTables(layer, values)
	}
	return values
}

// renderUmbrella renders the umbrella with everything enabled and values on top.
func renderUmbrella(t *testing.T, values map[string]any) []manifest {
	t.Helper()
	on := map[string]any{"enabled": true}
	all := map[string]any{
		"addons":   map[string]any{"bulletin": on, "keepsake": on},
		"packages": map[string]any{"courier": on},
	}
	return renderSample(t, "platform/umbrella", "platform", "flux-system", chartutil.CoalesceTables(all, values))
}
