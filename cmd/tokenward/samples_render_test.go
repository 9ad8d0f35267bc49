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
	type release struct{ Name, Namespace, Repository string }
	var got []release
	for _, object := range objectsOf(objects, "HelmRelease") {
		namespace := field(object, "spec", "targetNamespace").(string)
		got = append(got, release{fluxName(object), namespace, sourceOf(t, objects, object)})
	}
	want := []release{
		{"bulletin-bulletin", "bulletin", "platform/packages/bulletin"},
		{"certkeeper-certkeeper", "certkeeper", "platform/packages/certkeeper"},
		{"keepsake-keepsake", "keepsake", "platform/packages/keepsake"},
		{"kyverno-kyverno-policies", "kyverno", "platform/packages/kyverno-policies"},
		{"kyverno-kyverno", "kyverno", ""},
		{"logbook-logbook", "logbook", "platform/packages/logbook"},
		{"metrics-metrics", "metrics", "platform/packages/metrics"},
		{"courier", "courier", "platform/packages/courier"},
		{"tollbooth-tollbooth", "tollbooth", "platform/packages/tollbooth"},
		{"observability-watchtower", "observability", "platform/packages/watchtower"},
		{"observability-watchtower-exporters", "observability", "platform/packages/watchtower-exporters"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("releases (-want +got):\n%s", diff)
	}
	var namespaces []string
	for _, object := range objectsOf(objects, "Namespace") {
		namespaces = append(namespaces, nameOf(object))
	}
	wantNamespaces := []string{"bulletin", "certkeeper", "courier", "keepsake", "kyverno", "logbook", "metrics", "observability", "tollbooth"}
	if diff := cmp.Diff(wantNamespaces, namespaces); diff != "" {
		t.Errorf("namespaces (-want +got):\n%s", diff)
	}
}

// As it comes, with the addons off, the umbrella must render too.
func TestSampleUmbrellaDefaults(t *testing.T) {
	t.Parallel()
	objects := renderSample(t, "platform/umbrella", "platform", "flux-system", map[string]any{})
	if got := len(objectsOf(objects, "HelmRelease")); got != 8 {
		t.Errorf("%d releases, want 8", got)
	}
}

func TestSamplePackages(t *testing.T) {
	t.Parallel()
	objects := renderUmbrella(t, nil)
	want := map[string][]string{
		"certkeeper": {
			"ClusterRole/certkeeper-certkeeper-controller",
			"ClusterRole/certkeeper-certkeeper-hooks",
			"ClusterRoleBinding/certkeeper-certkeeper-controller",
			"ClusterRoleBinding/certkeeper-certkeeper-hooks",
			"Deployment/certkeeper-certkeeper-controller",
			"Deployment/certkeeper-certkeeper-webhook",
			"Job/certkeeper-certkeeper-storage-migration",
			"Pod/certkeeper-certkeeper-test-order",
			"PodMonitor/certkeeper-certkeeper-controller",
			"Role/certkeeper-certkeeper-leader-election",
			"RoleBinding/certkeeper-certkeeper-leader-election",
			"Service/certkeeper-certkeeper-webhook",
			"ServiceAccount/certkeeper-certkeeper-controller",
			"ServiceAccount/certkeeper-certkeeper-hooks",
			"ServiceAccount/certkeeper-certkeeper-webhook",
		},
		"bulletin": {
			"Deployment/bulletin-bulletin",
			"Pod/bulletin-bulletin-test-front-page",
			"Service/bulletin-bulletin",
			"Service/bulletin-bulletin-database",
			"ServiceAccount/bulletin-bulletin",
			"StatefulSet/bulletin-bulletin-database",
		},
		"keepsake": {
			"ClusterRoleBinding/keepsake-keepsake-export",
			"ConfigMap/keepsake-keepsake-scripts",
			"CronJob/keepsake-keepsake-export",
			"Deployment/keepsake-keepsake-catalog",
			"ServiceAccount/keepsake-keepsake-export",
		},
		"logbook": {
			"ClusterRole/logbook-logbook-collector",
			"ClusterRoleBinding/logbook-logbook-collector",
			"CronJob/logbook-logbook-retention",
			"DaemonSet/logbook-logbook-collector",
			"Role/logbook-logbook-retention",
			"RoleBinding/logbook-logbook-retention",
			"Service/logbook-logbook-index",
			"ServiceAccount/logbook-logbook-collector",
			"ServiceAccount/logbook-logbook-index",
			"ServiceAccount/logbook-logbook-retention",
			"ServiceMonitor/logbook-logbook-index",
			"StatefulSet/logbook-logbook-index",
		},
		"courier": {
			"ConfigMap/courier-relay",
			"Deployment/courier-relay",
			"Service/courier-relay",
			"ServiceAccount/courier",
		},
		"watchtower": {
			"ClusterRole/observability-watchtower-collector",
			"ClusterRoleBinding/observability-watchtower-collector",
			"Deployment/observability-watchtower-collector",
			"Deployment/observability-watchtower-dashboard",
			"Service/observability-watchtower-collector",
			"ServiceAccount/observability-watchtower-collector",
			"ServiceAccount/observability-watchtower-dashboard",
		},
		"watchtower-exporters": {
			"ClusterRole/observability-watchtower-exporters-discovery",
			"ConfigMap/observability-watchtower-exporters-targets",
			"DaemonSet/observability-watchtower-exporters-node",
			"Deployment/observability-watchtower-exporters-state",
			"Role/observability-watchtower-exporters-targets",
			"RoleBinding/observability-watchtower-exporters-targets",
			"ServiceAccount/observability-watchtower-exporters-node",
			"ServiceAccount/observability-watchtower-exporters-state",
		},
		"metrics": {
			"Alertmanager/metrics-metrics",
			"ClusterRole/metrics-metrics-operator",
			"ClusterRole/metrics-metrics-prometheus",
			"ClusterRoleBinding/metrics-metrics-operator",
			"ClusterRoleBinding/metrics-metrics-prometheus",
			"Deployment/metrics-metrics-operator",
			"Prometheus/metrics-metrics",
			"Secret/metrics-metrics-alertmanager",
			"ServiceAccount/metrics-metrics-alertmanager",
			"ServiceAccount/metrics-metrics-operator",
			"ServiceAccount/metrics-metrics-prometheus",
		},
		"tollbooth": {
			"ClusterRole/tollbooth-tollbooth-gateway",
			"ClusterRoleBinding/tollbooth-tollbooth-gateway",
			"ConfigMap/tollbooth-tollbooth-pages",
			"Deployment/tollbooth-tollbooth-gateway",
			"Deployment/tollbooth-tollbooth-pages",
			"ServiceAccount/tollbooth-tollbooth",
		},
		"kyverno-policies": {
			"ClusterPolicy/disallow-auto-mount-service-account-token",
			"ClusterPolicy/restrict-host-path-mount",
			"ClusterPolicy/update-automountserviceaccounttokens",
			"ClusterPolicy/update-automountserviceaccounttokens-default",
			"PolicyException/update-automountserviceaccounttokens-exception",
		},
	}
	for _, release := range objectsOf(objects, "HelmRelease") {
		repository := sourceOf(t, objects, release)
		if repository == "" {
			continue
		}
		namespace := field(release, "spec", "targetNamespace").(string)
		rendered := renderSample(t, repository, fluxName(release), namespace, composed(t, objects, release))
		if diff := cmp.Diff(want[nameOf(release)], labelsOf(rendered)); diff != "" {
			t.Errorf("objects of %s (-want +got):\n%s", nameOf(release), diff)
		}
		delete(want, nameOf(release))
	}
	for name := range want {
		t.Errorf("no release %s", name)
	}
}

// fluxName is Helm's name of a release by Flux's rule.
func fluxName(release manifest) string {
	if name, ok := field(release, "spec", "releaseName").(string); ok {
		return name
	}
	return field(release, "spec", "targetNamespace").(string) + "-" + nameOf(release)
}

// sourceOf is the sample repository that a HelmRelease takes its chart from, ""
// where it takes it from elsewhere.
func sourceOf(t *testing.T, objects []manifest, release manifest) string {
	t.Helper()
	ref := field(release, "spec", "chart", "spec", "sourceRef").(map[string]any)
	for _, source := range objectsOf(objects, ref["kind"].(string)) {
		if nameOf(source) != ref["name"] {
			continue
		}
		url := field(source, "spec", "url").(string)
		repository, ok := strings.CutPrefix(url, "https://gitlab.example.com/")
		if !ok {
			return ""
		}
		return strings.TrimSuffix(repository, ".git")
	}
	t.Fatalf("%s: no %v %v", nameOf(release), ref["kind"], ref["name"])
	return ""
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
