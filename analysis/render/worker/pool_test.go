package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tokenward/analysis"
	"tokenward/analysis/render"
)

// asFields compares manifests by what they hold.
var asFields = cmp.Transformer("Fields", func(read func() map[string]any) map[string]any { return read() })

func TestMain(m *testing.M) {
	RunIfWorker()
	runIfProbe()
	os.Exit(m.Run())
}

// chart is a chart with one template.
func chart(template string) *render.Chart {
	return &render.Chart{Dir: "chart", Name: "sample", Files: []render.File{
		{Name: "Chart.yaml", Data: []byte("apiVersion: v2\nname: sample\nversion: 1.0.0\n"), Source: "chart/Chart.yaml"},
		{Name: "templates/all.yaml", Data: []byte(template), Source: "chart/templates/all.yaml"},
		{Name: "values.yaml", Data: []byte("image: {tag: 1, ratio: 0.5, empty: null, on: true, list: [a, 2]}\n"), Source: "chart/values.yaml"},
	}}
}

const (
	plainTemplate = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\n  annotations: {helm.sh/hook: post-install}\ndata:\n  tag: {{ .Values.image.tag | quote }}\n  n: {{ .Values.n }}\n" +
		"---\nkind: {}\n---\napiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.com}\n" +
		"spec: {group: example.com, scope: Cluster, names: {kind: Thing}, versions: [{name: v1, served: true}]}\n"
	loopTemplate   = "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}"
	memoryTemplate = `{{ $x := list "0123456789abcdef" }}{{ range until 40 }}{{ $x = concat $x $x }}{{ end }}`
)

func newPool(t *testing.T, c Config) *Pool {
	t.Helper()
	p := New(c)
	t.Cleanup(p.Close)
	return p
}

// hooksTemplate has an object that is a hook, too, and one that is a hook alone.
const hooksTemplate = `apiVersion: v1
kind: ServiceAccount
metadata: {name: a, annotations: {helm.sh/hook: post-install}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: a}
---
apiVersion: v1
kind: Pod
metadata: {name: b, annotations: {helm.sh/hook: pre-install}}
`

func TestAnswersAsInProcess(t *testing.T) {
	t.Parallel()
	p := newPool(t, Config{Workers: 1})
	request := render.Request{
		ReleaseName: "demo", Namespace: "space", Values: map[string]any{"n": int64(12345678), "when": time.Unix(0, 0).UTC()},
		PostRenderStrategy: render.Separate, DisabledHooks: []string{"pre-install"}, CommonLabels: map[string]string{"a": "b"}, APIVersions: []string{"x/v1"}, CRDs: []render.CRD{{Group: "g", Kind: "K", Scope: "Cluster", Versions: []string{"v1"}}},
		PostRenderers: []any{map[string]any{"kustomize": map[string]any{"images": []any{map[string]any{"name": "x", "newTag": "1"}}}}},
	}
	for _, template := range []string{plainTemplate, hooksTemplate, "{{ fail \"no\" }}", "{{ .Values.a.b }}", "a: [", "{{"} {
		c := chart(template)
		got, gotErr := p.Render(t.Context(), c, request)
		want, wantErr := analysis.InProcess{}.Render(t.Context(), c, request)
		if diff := cmp.Diff(fmt.Sprint(wantErr), fmt.Sprint(gotErr)); diff != "" {
			t.Errorf("%s: %s", template, diff)
		}
		var a, b *render.TemplateError
		if errors.As(wantErr, &a) != errors.As(gotErr, &b) || a != nil && (a.Source != b.Source || a.Line != b.Line || a.Message != b.Message) {
			t.Errorf("%s: %#v became %#v", template, a, b)
		}
		words := cmp.Comparer(func(a, b error) bool { return a.Error() == b.Error() })
		apart := cmpopts.IgnoreFields(render.Output{}, "Message", "ReadValues")
		if diff := cmp.Diff(want, got, words, asFields, apart); diff != "" {
			t.Errorf("%s: %s", template, diff)
		}
		if want == nil || got == nil {
			continue
		}
		if diff := cmp.Diff(want.Values(), got.Values()); diff != "" {
			t.Errorf("%s: %s", template, diff)
		}
	}
	c := chart(plainTemplate)
	crds, err := p.ExpectedCRDs(t.Context(), c, request.Values)
	if diff := cmp.Diff(c.ExpectedCRDs(request.Values), crds); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	want, _ := c.DefaultValues(request.Values)
	values, err := p.DefaultValues(t.Context(), c, request.Values)
	if diff := cmp.Diff(want, values); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

// TestCostsOnlyItself: what one chart does to its worker, the next one does not notice.
func TestCostsOnlyItself(t *testing.T) {
	t.Parallel()
	p := newPool(t, Config{Workers: 2, Limits: Limits{Time: 10 * time.Second, Memory: 256 << 20, Output: 1 << 20}})
	cases := map[string]struct{ template, want string }{
		"loop":   {loopTemplate, "render chart chart: it was stopped after "},
		"output": {"{{ range $i := until 2000 }}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c{{ $i }}}\ndata: {x: {{ repeat 1000 \"x\" }}}\n{{ end }}", "render chart chart: it renders more than 1 MiB (rendering.output)"},
		"many":   {"{{ range $i := until 10001 }}\n---\napiVersion: v1\nkind: A\nmetadata: {name: c{{ $i }}}\n{{ end }}", "render chart chart: it renders 10001 objects, and more than 10000 are not looked at"},
	}
	if memoryLimited {
		cases["memory"] = struct{ template, want string }{memoryTemplate, "render chart chart: it needs more than 256 MiB of memory (rendering.memory)"}
	}
	var group sync.WaitGroup
	for name, c := range cases {
		group.Go(func() {
			if _, err := p.Render(t.Context(), chart(c.template), render.Request{ReleaseName: "r"}); err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("%s: %v", name, err)
			}
			out, err := p.Render(t.Context(), chart(plainTemplate), render.Request{ReleaseName: "r"})
			if err != nil || len(out.Objects) != 2 {
				t.Errorf("after %s: %v", name, err)
			}
		})
	}
	group.Wait()
}

func TestEndsWithTheContext(t *testing.T) {
	t.Parallel()
	p := newPool(t, Config{Workers: 1})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := p.Render(ctx, chart(loopTemplate), render.Request{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if out, err := p.Render(t.Context(), chart(plainTemplate), render.Request{ReleaseName: "r"}); err != nil || len(out.Objects) != 2 {
		t.Errorf("the next chart: %v", err)
	}
}

// TestFreshWorker: the chart is not blamed if its worker had been killed before.
func TestFreshWorker(t *testing.T) {
	t.Parallel()
	p := newPool(t, Config{Workers: 1})
	for range 3 {
		if _, err := p.Render(t.Context(), chart(plainTemplate), render.Request{ReleaseName: "r"}); err != nil {
			t.Fatal(err)
		}
		w := <-p.running
		w.kill()
		p.running <- w
	}
}

// TestPrepare: a worker that was started before waits for the first call, which does not take the blame for its end.
func TestPrepare(t *testing.T) {
	t.Parallel()
	for _, killed := range []bool{false, true} {
		p := newPool(t, Config{Workers: 2})
		p.Prepare()
		p.Prepare()
		w := <-p.running
		if w.calls != 0 || len(p.unstarted) != 1 {
			t.Errorf("the worker had %d calls, %d were not started", w.calls, len(p.unstarted))
		}
		if killed {
			w.kill()
		}
		p.running <- w
		if _, err := p.Render(t.Context(), chart(plainTemplate), render.Request{ReleaseName: "r"}); err != nil {
			t.Errorf("killed %t: %v", killed, err)
		}
		if w.calls != 1 {
			t.Errorf("it had %d calls after the first", w.calls)
		}
	}
}

// TestStartsNoMoreThanNeeded: one call after the other needs one worker.
func TestStartsNoMoreThanNeeded(t *testing.T) {
	t.Parallel()
	p := newPool(t, Config{Workers: 2})
	for range 3 {
		if _, err := p.Render(t.Context(), chart(plainTemplate), render.Request{ReleaseName: "r"}); err != nil {
			t.Fatal(err)
		}
	}
	if len(p.running) != 1 || len(p.unstarted) != 1 {
		t.Errorf("%d workers run, %d were not started", len(p.running), len(p.unstarted))
	}
}

// A worker reads every request into the same memory: nothing of one shows in the next.
func TestRequestsFollowEachOtherInOneMemory(t *testing.T) {
	t.Parallel()
	p := newPool(t, Config{Workers: 1})
	for i := range 12 {
		c := chart(strings.Repeat("# "+fmt.Sprint(i)+"\n", 1+(i*7%5)*5000) + plainTemplate)
		c.Files = append(c.Files, render.File{Name: "values.schema.json", Data: fmt.Appendf(nil, `{"properties": {"n": {"enum": [%d]}}}`, i)})
		r := render.Request{ReleaseName: fmt.Sprintf("release-%d", i), Namespace: "n", Values: map[string]any{"n": int64(i)}, APIVersions: []string{fmt.Sprintf("v%d", i)}}
		want, err := analysis.InProcess{}.Render(t.Context(), c, r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Render(t.Context(), c, r)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.Objects, got.Objects, asFields); diff != "" {
			t.Errorf("request %d: %s", i, diff)
		}
	}
}
