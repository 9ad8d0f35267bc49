package analysis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tokenward/analysis/render"
)

// chartInput is a release of a chart with the given templates.
func chartInput(t *testing.T, name string, templates map[string]string) Input {
	t.Helper()
	m := map[string]string{"chart/Chart.yaml": "apiVersion: v2\nname: " + name + "\nversion: 1.0.0\n"}
	for file, content := range templates {
		m["chart/"+file] = content
	}
	r := Release{HelmRelease: name, Name: name, Namespace: "ns-" + name, Chart: "chart"}
	chart, err := LoadReleaseChart(files(m), r)
	if err != nil {
		t.Fatal(err)
	}
	return Input{Release: r, Chart: chart, Commit: "commit-" + name}
}

const kindDefinition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.%[1]s}
spec:
  group: %[1]s
  scope: Cluster
  names: {kind: Thing}
  versions:
  - name: v1
    served: true
`

const podText = "apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\n"

func mustRenderAll(t *testing.T, inputs []Input, opts RenderOptions) *Set {
	t.Helper()
	s, err := RenderAll(context.Background(), inputs, opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// rendered lists the releases with the objects of each.
func rendered(s *Set) []string {
	var out []string
	for _, r := range s.Releases {
		line := r.Name + "@" + r.Commit
		for _, o := range r.Objects {
			line += " " + o.ID()
		}
		if r.Err != nil {
			line += " " + r.Err.Error()
		}
		out = append(out, line)
	}
	return out
}

func TestRenderAllSharesAPIVersions(t *testing.T) {
	t.Parallel()
	asks := func(group, then string) string {
		return fmt.Sprintf("{{ if .Capabilities.APIVersions.Has \"%s/v1/Thing\" }}\n%s\n{{ end }}", group, then)
	}
	inputs := []Input{
		chartInput(t, "plain", map[string]string{"templates/a.yaml": fmt.Sprintf(podText, "a")}),
		chartInput(t, "asks", map[string]string{
			"templates/a.yaml": asks("folder.example.com", fmt.Sprintf(podText, "folder")), "templates/b.yaml": asks("template.example.com", fmt.Sprintf(podText, "template")),
			"templates/c.yaml": asks("off.example.com", fmt.Sprintf(podText, "off")), "templates/d.yaml": asks("loop.example.com", fmt.Sprintf(podText, "loop")),
			"templates/e.yaml": "apiVersion: folder.example.com/v1\nkind: Thing\nmetadata: {name: thing}\n",
			"templates/f.yaml": asks("extra.example.com", fmt.Sprintf(podText, "extra")), "templates/g.yaml": asks("configured.example.com", fmt.Sprintf(podText, "configured")),
		}),
		chartInput(t, "brings", map[string]string{
			"crds/a.yaml": fmt.Sprintf(kindDefinition, "folder.example.com"), "templates/b.yaml": fmt.Sprintf(kindDefinition, "template.example.com"),
			"templates/c.yaml": "{{ if .Values.off }}\n" + fmt.Sprintf(kindDefinition, "off.example.com") + "{{ end }}",
		}),
		chartInput(t, "loops", map[string]string{
			"templates/a.yaml": asks("template.example.com", `{{ print "apiVersion: apiextensions.k8s.io/v1\nkind: Custom" "ResourceDefinition" }}
metadata: {name: x}
spec: {group: loop.example.com, scope: Cluster, names: {kind: Thing}, versions: [{name: v1, served: true}]}
`),
		}),
	}
	extra := mustDiscover(t, fluxUmbrella(fmt.Sprintf(kindDefinition, "extra.example.com")), DiscoverOptions{}).Extra
	s := mustRenderAll(t, inputs, RenderOptions{Extra: extra, APIVersions: []string{"configured.example.com/v1/Thing"}})
	want := []string{
		"asks@commit-asks Pod ns-asks/folder Pod ns-asks/template Pod ns-asks/loop Thing thing Pod ns-asks/extra Pod ns-asks/configured",
		"brings@commit-brings CustomResourceDefinition things.template.example.com",
		"loops@commit-loops CustomResourceDefinition x",
		"plain@commit-plain Pod ns-plain/a",
	}
	if diff := cmp.Diff(want, rendered(s)); diff != "" {
		t.Error(diff)
	}
	if len(s.Extra) != 1 {
		t.Errorf("extra: %v", s.Extra)
	}
}

func TestRenderAllGoesOnAfterAFailure(t *testing.T) {
	t.Parallel()
	unfetched := Input{Release: Release{Name: "unfetched", Namespace: "z"}}
	refused := chartInput(t, "refused", nil)
	refused.Release.Err = errors.New("its source is a HelmRepository")
	s := mustRenderAll(t, []Input{
		unfetched, chartInput(t, "good", map[string]string{"templates/a.yaml": fmt.Sprintf(podText, "a") + "---\na: ["}), refused,
		chartInput(t, "bad", map[string]string{"templates/a.yaml": `{{ fail "no" }}`}),
	}, RenderOptions{Concurrency: 1})
	want := []string{
		"bad@commit-bad render release bad: render chart chart: chart/templates/a.yaml:1: no",
		"good@commit-good Pod ns-good/a",
		"refused@commit-refused its source is a HelmRepository",
		"unfetched@ its chart was not fetched",
	}
	if diff := cmp.Diff(want, rendered(s)); diff != "" {
		t.Error(diff)
	}
	if n := len(s.Releases[1].Invalid); n != 1 {
		t.Errorf("%d invalid documents", n)
	}
}

func TestRenderAllStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := RenderAll(ctx, []Input{chartInput(t, "a", nil)}, RenderOptions{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestLoadReleaseChartTakesValuesFiles(t *testing.T) {
	t.Parallel()
	tree := files(map[string]string{
		"deploy/Chart.yaml": "apiVersion: v2\nname: a\nversion: 1.0.0\n", "deploy/values.yaml": "name: own\n", "ci.yaml": "name: ci\n",
		"deploy/templates/a.yaml": fmt.Sprintf(podText, "{{ .Values.name }}"),
	})
	r := Release{Name: "a", Namespace: "n", Chart: "deploy", ValuesFiles: []string{"ci.yaml"}}
	chart, err := LoadReleaseChart(tree, r)
	if err != nil {
		t.Fatal(err)
	}
	s := mustRenderAll(t, []Input{{Release: r, Chart: chart}}, RenderOptions{})
	if got := strings.Join(rendered(s), ""); got != "a@ Pod n/ci" {
		t.Errorf("got %s", got)
	}
}

// countedCRDs counts how often it is asked for expected CRDs.
type countedCRDs struct {
	InProcess
	asked atomic.Int64
}

func (c *countedCRDs) ExpectedCRDs(ctx context.Context, chart render.ChartSource, values map[string]any) ([]render.CRD, error) {
	c.asked.Add(1)
	return c.InProcess.ExpectedCRDs(ctx, chart, values)
}

// A post-renderer that changes what a chart is loaded without has it.
func TestSchemasCanBePatched(t *testing.T) {
	t.Parallel()
	crd := "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: shops.example.com}\nspec:\n  group: example.com\n  scope: Cluster\n  names: {kind: Shop}\n" +
		"  versions:\n  - name: v1\n    served: true\n    schema:\n      openAPIV3Schema:\n        type: object\n"
	patch := func(path string) []any {
		return []any{map[string]any{"kustomize": map[string]any{"patches": []any{map[string]any{
			"target": map[string]any{"kind": "CustomResourceDefinition"}, "patch": "- {op: add, path: " + path + ", value: {x: y}}\n"}}}}}
	}
	for path, whole := range map[string]bool{"/metadata/labels": false, "/spec/versions/0/schema/openAPIV3Schema/x": true} {
		r := Release{Name: "shop", Namespace: "shop", Chart: "chart", PostRenderers: patch(path)}
		chart, err := LoadReleaseChart(files(map[string]string{"chart/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n", "chart/templates/crd.yaml": crd}), r)
		if err != nil {
			t.Fatal(err)
		}
		held := slices.ContainsFunc(chart.Files, func(f render.File) bool { return strings.Contains(string(f.Data), "type: object") })
		if held != whole {
			t.Errorf("patch of %s: the chart has the schema: %v", path, held)
		}
		if r := mustRenderAll(t, []Input{{Release: r, Chart: chart}}, RenderOptions{}).Releases[0]; r.Err != nil || len(r.Objects) != 1 {
			t.Errorf("patch of %s: %v", path, r.Err)
		}
	}
}

func TestWhatIsExpectedAheadIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	templates := map[string]string{"templates/a.yaml": "kind: ServiceAccount\napiVersion: v1\nmetadata: {name: {{ .Release.Name }}}\n"}
	inputs := []Input{chartInput(t, "a", templates), chartInput(t, "b", templates)}
	renderer := &countedCRDs{}
	opts := RenderOptions{Renderer: renderer}
	want := rendered(mustRenderAll(t, inputs, opts))
	before := renderer.asked.Load()
	inputs[0].Expect(t.Context(), opts)
	if diff := cmp.Diff(want, rendered(mustRenderAll(t, inputs, opts))); diff != "" {
		t.Error(diff)
	}
	if n := renderer.asked.Load() - before; before != 2 || n != 2 {
		t.Errorf("asked %d times, and then %d", before, n)
	}
}

// orderedRenderer notes in which order releases are rendered.
type orderedRenderer struct {
	InProcess
	mu    sync.Mutex
	order []string
}

func (o *orderedRenderer) Render(ctx context.Context, c render.ChartSource, r render.Request) (*render.Output, error) {
	o.mu.Lock()
	o.order = append(o.order, r.ReleaseName)
	o.mu.Unlock()
	return o.InProcess.Render(ctx, c, r)
}

func TestTheLongestIsRenderedFirst(t *testing.T) {
	t.Parallel()
	small := map[string]string{"templates/a.yaml": "kind: ServiceAccount\napiVersion: v1\nmetadata: {name: a}\n"}
	big := map[string]string{"templates/a.yaml": small["templates/a.yaml"] + strings.Repeat("# text\n", 10_000)}
	inputs := []Input{chartInput(t, "short", small), chartInput(t, "big", big), chartInput(t, "long", small), chartInput(t, "quick", big)}
	inputs[2].Took, inputs[3].Took = time.Minute, time.Nanosecond
	renderer := &orderedRenderer{}
	mustRenderAll(t, inputs, RenderOptions{Renderer: renderer, Concurrency: 1})
	if want := []string{"long", "big", "short", "quick"}; !slices.Equal(renderer.order, want) {
		t.Errorf("rendered in the order %v, want %v", renderer.order, want)
	}
}
