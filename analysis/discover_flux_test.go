package analysis

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenward/analysis/render"
)

// fluxUmbrella is an umbrella that renders the given text.
func fluxUmbrella(text string) map[string]string {
	return map[string]string{
		"chart/Chart.yaml":         "apiVersion: v2\nname: platform\nversion: 1.0.0\n",
		"chart/templates/all.yaml": text,
	}
}

const gitSource = `
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: app, namespace: flux}
spec: {url: "ssh://git:secret@git.example.com:22/app.git", ref: {branch: main, tag: "1", semver: ">=1", name: refs/tags/x, commit: abc}}
---
`

func helmRelease(spec string) string {
	return gitSource + "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: app, namespace: flux}\nspec:\n" + spec
}

const appChart = "  chart: {spec: {chart: ./deploy/../chart/, sourceRef: {kind: GitRepository, name: app}}}\n"

func TestReleaseNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", 50)
	for _, tc := range []struct{ spec, name, namespace string }{
		{"", "app", "flux"},
		{"  targetNamespace: web\n", "web-app", "web"},
		{"  targetNamespace: flux\n", "flux-app", "flux"},
		{"  targetNamespace: web\n  releaseName: mine\n", "mine", "web"},
		// the hash is the SHA-256 of the whole name, as printf %s nnn…-app | sha256sum gives it
		{"  targetNamespace: " + long + "\n", strings.Repeat("n", 40) + "-b85b045c943f", long},
	} {
		d := mustDiscover(t, fluxUmbrella(helmRelease(appChart+tc.spec)), DiscoverOptions{})
		r := d.Releases[0]
		if r.Name != tc.name || r.Namespace != tc.namespace || r.Err != nil {
			t.Errorf("%q: %s in %s, %v; want %s in %s", tc.spec, r.Name, r.Namespace, r.Err, tc.name, tc.namespace)
		}
	}
}

func TestReleaseSource(t *testing.T) {
	t.Parallel()
	d := mustDiscover(t, fluxUmbrella(helmRelease(`  suspend: true
  chart: {spec: {chart: ./deploy/../chart/, sourceRef: {kind: GitRepository, name: app}, valuesFiles: [a.yaml], valuesFile: b.yaml, ignoreMissingValuesFiles: true}}
  postRenderers: [{kustomize: {patches: [{patch: x}]}}]
  postRenderStrategy: nohooks
  commonMetadata: {labels: {team: web}, annotations: {a: b}}
  values: {replicas: 2}
`)), DiscoverOptions{})
	want := []Release{{
		HelmRelease: "app", Name: "app", Namespace: "flux", Repository: "ssh://git@git.example.com:22/app.git",
		Ref:   SourceRef{Branch: "main", Tag: "1", Semver: ">=1", Name: "refs/tags/x", Commit: "abc"},
		Chart: "chart", Values: map[string]any{"replicas": 2.0}, PostRenderStrategy: render.NoHooks,
		PostRenderers: []any{map[string]any{"kustomize": map[string]any{"patches": []any{map[string]any{"patch": "x"}}}}},
		CommonLabels:  map[string]string{"team": "web"}, CommonAnnotations: map[string]string{"a": "b"},
		ValuesFiles: []string{"b.yaml", "a.yaml"}, IgnoreMissingValuesFiles: true,
	}}
	if diff := cmp.Diff(want, d.Releases); diff != "" {
		t.Error(diff)
	}
}

// Kubernetes drops what a schema does not name, and names differ by case.
func TestReleaseOfFieldsInAnotherCase(t *testing.T) {
	t.Parallel()
	const spec = `  TargetNamespace: other
  Values: {hidden: true}
  VALUESFROM: [{kind: Secret, name: none}]
  PostRenderers: [{kustomize: {patches: [{patch: x}]}}]
  values: {shown: true, many: 1000000}
`
	text := strings.Replace(helmRelease(appChart+spec), "semver:", "Semver:", 1)
	r := mustDiscover(t, fluxUmbrella(text), DiscoverOptions{}).Releases[0]
	want := Release{
		HelmRelease: "app", Name: "app", Namespace: "flux", Repository: "ssh://git@git.example.com:22/app.git",
		Ref:   SourceRef{Branch: "main", Tag: "1", Name: "refs/tags/x", Commit: "abc"},
		Chart: "chart", Values: map[string]any{"shown": true, "many": float64(1000000)}, // the number as Flux has it
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Error(diff)
	}
}

// Whatever branch a repository's HEAD is: Flux's is master.
func TestReleaseOfASourceWithoutRef(t *testing.T) {
	t.Parallel()
	const given = `, ref: {branch: main, tag: "1", semver: ">=1", name: refs/tags/x, commit: abc}`
	for _, ref := range []string{"", ", ref: {}", ", ref: null"} {
		text := strings.Replace(helmRelease(appChart), given, ref, 1)
		r := mustDiscover(t, fluxUmbrella(text), DiscoverOptions{}).Releases[0]
		if want := (SourceRef{Branch: "master"}); r.Ref != want || r.Err != nil {
			t.Errorf("%q: %+v, %v", ref, r.Ref, r.Err)
		}
	}
}

func TestReleasesThatCannotBeAnalysedSayWhy(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, spec, more, want string }{
		{"no chart", "  interval: 1m\n", "", "it names no chart"},
		{"no source", "  chart: {spec: {chart: a, sourceRef: {kind: GitRepository, name: none}}}\n", "", "its source is GitRepository flux/none, which the umbrella does not render"},
		{"source elsewhere", "  chart: {spec: {chart: a, sourceRef: {kind: GitRepository, name: app, namespace: other}}}\n", "", "GitRepository other/app, which the umbrella does not render"},
		{
			"chartRef", "  chartRef: {kind: OCIRepository, name: oci}\n",
			"---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: oci, namespace: flux}\nspec: {url: \"oci://registry.example.com/app\"}\n",
			"its source is OCIRepository flux/oci (oci://registry.example.com/app): not analysable yet",
		},
		{"chartRef to a chart that is not there", "  chartRef: {kind: HelmChart, name: c}\n", "", "its chart is HelmChart flux/c, which the umbrella does not render"},
		{
			"bucket", "  chart: {spec: {chart: a, sourceRef: {kind: Bucket, name: b}}}\n",
			"---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: Bucket\nmetadata: {name: b, namespace: flux}\nspec: {bucketName: b}\n",
			"its source is Bucket flux/b (): not analysable yet",
		},
		{
			"includes", "  chart: {spec: {chart: a, sourceRef: {kind: GitRepository, name: two}}}\n",
			"---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: two, namespace: flux}\nspec: {url: \"https://git.example.com/a\", include: [{repository: {name: app}}]}\n",
			"includes other repositories: not analysable yet",
		},
		{"values of before", appChart + "  upgrade: {preserveValues: true}\n", "", "its upgrades keep the values of what was deployed before"},
		{"another strategy", appChart + "  postRenderStrategy: later\n", "", `its postRenderStrategy is "later"`},
		{"values", appChart + "  valuesFrom: [{kind: Secret, name: none}]\n", "", "compose the values of HelmRelease flux/app: valuesFrom names the Secret none, which the umbrella does not render"},
		{"spec", "  valuesFrom: 7\n", "", "read HelmRelease flux/app"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := mustDiscover(t, fluxUmbrella(helmRelease(tc.spec+tc.more)), DiscoverOptions{})
			if len(d.Releases) != 1 || d.Releases[0].Err == nil || !strings.Contains(d.Releases[0].Err.Error(), tc.want) {
				t.Fatalf("got %+v, want an error that says %q", d.Releases, tc.want)
			}
			namespace, unseen := "flux", []string(nil)
			if tc.name == "spec" { // it could say another
				namespace, unseen = "", []string{"HelmRelease flux/app"}
			}
			if r := d.Releases[0]; r.Name != "app" || r.Namespace != namespace {
				t.Errorf("release %s in %q", r.Name, r.Namespace)
			}
			if diff := cmp.Diff(unseen, d.Unseen()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A release is on another cluster where its kubeConfig is not that of all. An umbrella may deploy all of its releases from
// elsewhere.
func TestReleasesOnAnotherClusterAreRefused(t *testing.T) {
	t.Parallel()
	const edge, west = "  kubeConfig: {secretRef: {name: edge}}\n", "  kubeConfig: {secretRef: {name: west}}\n"
	for name, tc := range map[string]struct {
		specs   [2]string
		refused [2]bool
	}{
		"this one alone": {[2]string{"", "  kubeConfig: null\n"}, [2]bool{}},
		"one elsewhere":  {[2]string{"", edge}, [2]bool{false, true}},
		"all elsewhere":  {[2]string{edge, edge}, [2]bool{}},
		"here and there": {[2]string{edge, west}, [2]bool{true, true}},
		"one unreadable": {[2]string{edge, "  targetNamespace: 7\n"}, [2]bool{}},
	} {
		second := strings.Replace(strings.TrimPrefix(helmRelease(appChart+tc.specs[1]), gitSource), "name: app", "name: app2", 1)
		d := mustDiscover(t, fluxUmbrella(helmRelease(appChart+tc.specs[0])+"---\n"+second), DiscoverOptions{})
		if len(d.Releases) != 2 {
			t.Fatalf("%s: got %+v", name, d.Releases)
		}
		for i, r := range d.Releases {
			refused := r.Err != nil && strings.Contains(r.Err.Error(), "it is deployed to another cluster than others")
			if refused != tc.refused[i] || !refused && r.Err != nil && r.Namespace != "" {
				t.Errorf("%s: release %s has the error %v", name, r.Name, r.Err)
			}
		}
	}
}

// A template may have many documents that cannot be read.
func TestWhatIsUnseenIsNamedOnce(t *testing.T) {
	t.Parallel()
	d := Discovery{Problems: []Problem{{Package: "b"}, {Package: "a"}, {Package: "b"}, {Package: "c", Apart: true}}}
	if diff := cmp.Diff([]string{"a", "b"}, d.Unseen()); diff != "" {
		t.Error(diff)
	}
}

// A chart may bring a definition of HelmRelease that says so.
func TestReleaseInNoNamespaceIsUnseen(t *testing.T) {
	t.Parallel()
	chart := strings.Replace(appChart, "name: app", "name: app, namespace: flux", 1)
	d := mustDiscover(t, fluxUmbrella(helmRelease(chart)+`
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: helmreleases.helm.toolkit.fluxcd.io}
spec: {group: helm.toolkit.fluxcd.io, scope: Cluster, names: {kind: HelmRelease}, versions: [{name: v2, served: true}]}
`), DiscoverOptions{})
	const want = "HelmRelease app is in no namespace"
	if r := d.Releases[0]; r.Namespace != "" || r.Err == nil || !strings.Contains(r.Err.Error(), want) {
		t.Errorf("release in %q, %v, want %q", r.Namespace, r.Err, want)
	}
	if diff := cmp.Diff([]string{"HelmRelease app"}, d.Unseen()); diff != "" {
		t.Error(diff)
	}
}

func TestReleaseWithHelmChartObject(t *testing.T) {
	t.Parallel()
	d := mustDiscover(t, fluxUmbrella(helmRelease(`  chartRef: {kind: HelmChart, name: c}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmChart
metadata: {name: c, namespace: flux}
spec: {chart: deploy, valuesFiles: [a.yaml], valuesFile: b.yaml, sourceRef: {kind: GitRepository, name: app}}
`)), DiscoverOptions{})
	if r := d.Releases[0]; r.Err != nil || r.Chart != "deploy" || r.Ref.Commit != "abc" || strings.Join(r.ValuesFiles, " ") != "b.yaml a.yaml" {
		t.Errorf("got %+v", r)
	}
}

func TestReleaseValues(t *testing.T) {
	t.Parallel()
	d := mustDiscover(t, fluxUmbrella(helmRelease(appChart+`  valuesFrom:
  - {kind: Secret, name: s}
  - {kind: Secret, name: s, valuesKey: more}
  - {kind: ConfigMap, name: c}
  - {kind: Secret, name: none, optional: true}
  - {kind: Secret, name: s, valuesKey: word, targetPath: a.b}
  values: {last: inline}
---
apiVersion: v1
kind: Secret
metadata: {name: s, namespace: flux}
data: {values.yaml: `+"{{ `x: data\nlast: data\nover: data` | b64enc }}"+`, word: aGVsbG8=, more: "not base64"}
stringData: {more: "over: string"}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c, namespace: flux}
data: {values.yaml: "config: true"}
---
apiVersion: v1
kind: Secret
metadata: {name: s, namespace: other}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: k, namespace: flux}
`)), DiscoverOptions{})
	want := map[string]any{"x": "data", "last": "inline", "over": "string", "config": true, "a": map[string]any{"b": "hello"}}
	if diff := cmp.Diff(want, d.Releases[0].Values); diff != "" || d.Releases[0].Err != nil {
		t.Error(diff, d.Releases[0].Err)
	}
	var extra []string
	for _, o := range d.Extra {
		extra = append(extra, o.ID())
	}
	if diff := cmp.Diff([]string{"Secret other/s", "Kustomization flux/k"}, extra); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"Kustomization flux/k: what a Kustomization deploys is not analysable yet"}, problems(d)); diff != "" {
		t.Error(diff)
	}
}

// What Flux reads of an object is what the API server has of it: of a ConfigMap no binary data, and no
// key at all whose value it would refuse. A null is an empty text.
func TestReleaseValuesThatAreNotThere(t *testing.T) {
	t.Parallel()
	const objects = `
---
apiVersion: v1
kind: ConfigMap
metadata: {name: v, namespace: flux}
data: {number: 7, none: null, list: [a]}
binaryData: {binary: YTogYg==}
---
apiVersion: v1
kind: Secret
metadata: {name: v, namespace: flux}
data: {number: 7, none: null, broken: "not base64"}
stringData: {list: [a]}
binaryData: {binary: YTogYg==}
`
	for _, tc := range []struct {
		kind, key string
		found     bool
	}{
		{"ConfigMap", "number", false}, {"ConfigMap", "list", false}, {"ConfigMap", "binary", false}, {"ConfigMap", "none", true},
		{"Secret", "number", false}, {"Secret", "list", false}, {"Secret", "binary", false}, {"Secret", "broken", false}, {"Secret", "none", true},
	} {
		spec := "  valuesFrom: [{kind: " + tc.kind + ", name: v, valuesKey: " + tc.key + "}]\n"
		r := mustDiscover(t, fluxUmbrella(helmRelease(appChart+spec+objects)), DiscoverOptions{}).Releases[0]
		if found := r.Err == nil; found != tc.found || !found && !strings.Contains(r.Err.Error(), "no such key") {
			t.Errorf("%s of a %s: %v %v", tc.key, tc.kind, r.Values, r.Err)
		}
	}
}

// Only what may hold values is taken out of what the umbrella deploys itself.
func TestValuesFromHidesNothing(t *testing.T) {
	t.Parallel()
	d := mustDiscover(t, fluxUmbrella(helmRelease(appChart+`  valuesFrom: [{kind: RoleBinding, name: admin}, {kind: Secret, name: own}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: admin, namespace: flux}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
---
apiVersion: example.com/v1
kind: Secret
metadata: {name: own, namespace: flux}
`)), DiscoverOptions{})
	var extra []string
	for _, o := range d.Extra {
		extra = append(extra, o.ID())
	}
	if diff := cmp.Diff([]string{"RoleBinding flux/admin", "Secret flux/own"}, extra); diff != "" {
		t.Error(diff)
	}
}

func TestWithoutCredentials(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://git.example.com/a.git":                "https://git.example.com/a.git",
		"https://user:secret@git.example.com/a.git":    "https://git.example.com/a.git",
		"https://token@git.example.com/a.git":          "https://git.example.com/a.git",
		"ssh://git@git.example.com/a.git":              "ssh://git@git.example.com/a.git",
		"ssh://git:secret@git.example.com/a.git":       "ssh://git@git.example.com/a.git",
		"git@git.example.com:a.git":                    "git@git.example.com:a.git",
		"https://user:a@b@git.example.com/a@b":         "https://git.example.com/a@b",
		"file:///srv/git/a.git":                        "file:///srv/git/a.git",
		"https://user:s%zzecret@git.example.com/a.git": "https://git.example.com/a.git",
	} {
		if got := withoutCredentials(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// A large Secret that many references name is decoded once. It does not run beside others, to count what it allocates.
func TestSharedSecretIsReadOnce(t *testing.T) {
	const keys, refs = 2000, 1000
	data, from := map[string]any{"v": "YTogYg=="}, make([]any, refs)
	for i := range keys {
		data[fmt.Sprint("k", i)] = "YTogYg=="
	}
	for i := range from {
		from[i] = map[string]any{"kind": "Secret", "name": "s", "valuesKey": "none", "optional": true}
	}
	objects := []*render.Object{
		{APIVersion: "helm.toolkit.fluxcd.io/v2", Kind: "HelmRelease", Name: "app", ReadFields: render.Held(map[string]any{"spec": map[string]any{"valuesFrom": from}})},
		{APIVersion: "v1", Kind: "Secret", Name: "s", ReadFields: render.Held(map[string]any{"data": data})},
	}
	allocations := testing.AllocsPerRun(1, func() {
		f := readFlux(objects)
		f.release(f.helmReleases[0], new(render.Composer))
	})
	if allocations > 100*refs+10*keys {
		t.Errorf("%.0f allocations for %d references to a Secret of %d keys", allocations, refs, keys)
	}
}

// A large source that many releases name is decoded once.
func TestSharedSourceIsReadOnce(t *testing.T) {
	const size, releases = 5000, 500
	include := make([]any, size)
	for i := range include {
		include[i] = fmt.Sprint("other", i)
	}
	name := map[string]any{"kind": "GitRepository", "name": "app"}
	spec := map[string]any{"chart": map[string]any{"spec": map[string]any{"chart": "c", "sourceRef": name}}}
	objects := []*render.Object{{
		APIVersion: "source.toolkit.fluxcd.io/v1", Kind: "GitRepository", Name: "app",
		ReadFields: render.Held(map[string]any{"spec": map[string]any{"url": "https://git.example.com/app.git", "include": include}}),
	}}
	for i := range releases {
		objects = append(objects, &render.Object{
			APIVersion: "helm.toolkit.fluxcd.io/v2", Kind: "HelmRelease", Name: fmt.Sprint("app", i), ReadFields: render.Held(map[string]any{"spec": spec}),
		})
	}
	allocations := testing.AllocsPerRun(1, func() { newMerger(&Discovery{}).add(&render.Output{Objects: objects}) })
	if allocations > 200*releases+10*size {
		t.Errorf("%.0f allocations for %d releases of a source of %d entries", allocations, releases, size)
	}
}
