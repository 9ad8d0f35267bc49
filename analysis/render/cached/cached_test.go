package cached

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"tokenward/analysis"
	"tokenward/analysis/render"
)

// kept is a Keeper in memory.
type kept struct {
	mu sync.Mutex
	m  map[string][]byte
}

func (k *kept) Get(kind, key string) ([]byte, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	data, ok := k.m[kind+key]
	return data, ok
}

func (k *kept) Put(kind, key string, data ...[]byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.m[kind+key] = bytes.Join(data, nil)
}

// counted counts what is really rendered.
type counted struct {
	analysis.InProcess
	mu      sync.Mutex
	renders int
	hold    chan struct{} // closed once rendering may go on; nil for at once
}

func (c *counted) Render(ctx context.Context, chart render.ChartSource, q render.Request) (*render.Output, error) {
	c.mu.Lock()
	c.renders++
	c.mu.Unlock()
	if c.hold != nil {
		<-c.hold
	}
	return c.InProcess.Render(ctx, chart, q)
}

const template = `apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .Release.Name }}
  labels: {a: {{ .Values.a | quote }}, v: {{ .Capabilities.APIVersions.Has "example.com/v1" | quote }}}
---
apiVersion: example.com/v1
kind: Thing
metadata: {name: t}
`

func load(t *testing.T, files map[string]string) *render.Chart {
	t.Helper()
	tree := fstest.MapFS{"Chart.yaml": {Data: []byte("apiVersion: v2\nname: web\nversion: 1.0.0\n")}}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	c, err := render.LoadChart(tree, ".", "")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestOnlyWhatMattersIsRenderedAgain(t *testing.T) {
	t.Parallel()
	plain := map[string]string{"templates/a.yaml": template, "values.yaml": "a: 1\n"}
	base := render.Request{ReleaseName: "web", Namespace: "n", Values: map[string]any{"b": int64(1)}}
	crd := render.CRD{Group: "example.com", Kind: "Thing", Scope: "Cluster", Versions: []string{"v2"}}
	for name, tc := range map[string]struct {
		files map[string]string
		edit  func(*render.Request)
		again bool
	}{
		"the same":                 {plain, func(*render.Request) {}, false},
		"a CRD that is not asked":  {plain, func(q *render.Request) { q.CRDs = []render.CRD{crd} }, false},
		"the default version":      {plain, func(q *render.Request) { q.KubeVersion = render.DefaultKubeVersion }, false},
		"a version that is asked":  {plain, func(q *render.Request) { q.APIVersions = []string{"example.com/v1"} }, true},
		"another version":          {plain, func(q *render.Request) { q.KubeVersion = "v1.30.0" }, true},
		"another value":            {plain, func(q *render.Request) { q.Values = map[string]any{"b": int64(2)} }, true},
		"a value of another type":  {plain, func(q *render.Request) { q.Values = map[string]any{"b": float64(1)} }, true},
		"another name":             {plain, func(q *render.Request) { q.ReleaseName = "web2" }, true},
		"another namespace":        {plain, func(q *render.Request) { q.Namespace = "m" }, true},
		"labels":                   {plain, func(q *render.Request) { q.CommonLabels = map[string]string{"a": "b"} }, true},
		"annotations":              {plain, func(q *render.Request) { q.CommonAnnotations = map[string]string{"a": "b"} }, true},
		"no hooks":                 {plain, func(q *render.Request) { q.PostRenderStrategy = render.NoHooks }, true},
		"disabled hooks":           {plain, func(q *render.Request) { q.DisabledHooks = []string{"pre-install"} }, true},
		"hooks apart":              {plain, func(q *render.Request) { q.PostRenderStrategy = render.Separate }, true},
		"a post-renderer":          {plain, func(q *render.Request) { q.PostRenderers = []any{map[string]any{}} }, true},
		"another file":             {map[string]string{"templates/a.yaml": template, "values.yaml": "a: 2\n"}, func(*render.Request) {}, true},
		"another file's name":      {map[string]string{"templates/b.yaml": template, "values.yaml": "a: 1\n"}, func(*render.Request) {}, true},
		"values that ask anything": {plain, func(q *render.Request) { q.Values = map[string]any{"b": "{{ .Capabilities.APIVersions }}"} }, true},
	} {
		t.Run(name, func(t *testing.T) {
			next := &counted{}
			k := &kept{m: map[string][]byte{}}
			if _, err := New(next, k).Render(t.Context(), load(t, plain), base); err != nil {
				t.Fatal(err)
			}
			q := base
			tc.edit(&q)
			got, err := New(next, k).Render(t.Context(), load(t, tc.files), q)
			if err != nil {
				t.Fatal(err)
			}
			if again := next.renders == 2; again != tc.again {
				t.Errorf("rendered again: %v, want %v", again, tc.again)
			}
			want, err := render.Render(t.Context(), load(t, tc.files), q)
			if err != nil {
				t.Fatal(err)
			}
			fields := cmp.Transformer("Fields", func(read func() map[string]any) map[string]any { return read() })
			if diff := cmp.Diff(want.Objects, got.Objects, fields); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(want.CRDs, got.CRDs); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A proof compares two renderings of one umbrella to see what it draws at random: the
// second must not be the first, and must not take its place.
func TestAfreshIsDrawnAgain(t *testing.T) {
	t.Parallel()
	c := load(t, map[string]string{"templates/a.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {drawn: {{ randAlphaNum 20 | quote }}}\n"})
	r := New(&counted{}, &kept{m: map[string][]byte{}})
	drawn := func(ctx context.Context) string {
		out, err := r.Render(ctx, c, render.Request{ReleaseName: "web", Namespace: "web"})
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(out.Objects[0].Field("stringData"))
	}
	first := drawn(t.Context())
	if again := drawn(analysis.Afresh(t.Context())); again == first {
		t.Errorf("afresh is what was kept: %s", again)
	}
	if again := drawn(t.Context()); again != first {
		t.Errorf("kept %s, then given %s", first, again)
	}
}

func TestErrorsOfTemplatesAreKept(t *testing.T) {
	t.Parallel()
	next := &counted{}
	r := New(next, &kept{m: map[string][]byte{}})
	c := load(t, map[string]string{"templates/a.yaml": `{{ fail "give me a value" }}`})
	var want string
	for range 2 {
		_, err := r.Render(t.Context(), c, render.Request{ReleaseName: "web"})
		var template *render.TemplateError
		if !errors.As(err, &template) || template.Message != "give me a value" || template.Line != 1 {
			t.Fatalf("got %v", err)
		}
		if want == "" {
			want = err.Error()
		} else if err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if next.renders != 1 {
		t.Errorf("rendered %d times", next.renders)
	}
}

func TestDamageIsRenderedAgain(t *testing.T) {
	t.Parallel()
	next, k := &counted{}, &kept{m: map[string][]byte{}}
	c := load(t, map[string]string{"templates/a.yaml": template})
	for i, damage := range [][]byte{nil, {}, {'r'}, {'e'}, {'x'}, []byte("r\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")} {
		for key := range k.m {
			k.m[key] = damage
		}
		out, err := New(next, k).Render(t.Context(), c, render.Request{ReleaseName: "web"})
		if err != nil || len(out.Objects) != 2 || next.renders != i+1 {
			t.Errorf("%q: %v, %v, rendered %d times", damage, out, err, next.renders)
		}
	}
}

func TestTwoWhoAskAtOnceAreAnsweredByOne(t *testing.T) {
	t.Parallel()
	next := &counted{hold: make(chan struct{})}
	r := New(next, &kept{m: map[string][]byte{}})
	c := load(t, map[string]string{"templates/a.yaml": template})
	outputs := make([]*render.Output, 4)
	var group sync.WaitGroup
	for i := range outputs {
		group.Go(func() {
			var err error
			if outputs[i], err = r.Render(t.Context(), c, render.Request{ReleaseName: "web"}); err != nil {
				t.Error(err)
			}
		})
	}
	close(next.hold)
	group.Wait()
	if next.renders != 1 {
		t.Errorf("rendered %d times", next.renders)
	}
	seen := map[string]bool{}
	for _, out := range outputs {
		seen[fmt.Sprintf("%p", out.Objects[0])] = true
		if out.Objects[0].Name != "web" {
			t.Errorf("got %+v", out.Objects[0])
		}
	}
	if len(seen) != len(outputs) {
		t.Error("objects are shared")
	}
}
