package bot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenward/analysis"
	"tokenward/analysis/render"
	"tokenward/gitops/git"
)

// What is kept of a discovery is all of it: renders are found again by every value and its type.
func TestDiscoveryArrivesWhole(t *testing.T) {
	t.Parallel()
	want := &analysis.Discovery{
		Releases: []analysis.Release{
			{Name: "web", HelmRelease: "web", Namespace: "n", Repository: "https://git.example.org/web", Ref: analysis.SourceRef{Tag: "1"},
				Chart: "chart", Ignore: "/docs", DisabledHooks: []string{"pre-install"}, SparseCheckout: []string{"chart"}, ValuesFiles: []string{}, CommonLabels: map[string]string{}, PostRenderStrategy: render.Separate,
				Values:        map[string]any{"whole": int64(1), "float": 1.0, "large": 1e21, "no": nil, "list": []any{}, "map": map[string]any{}, "text": "a\x00b"},
				PostRenderers: []any{map[string]any{"kustomize": map[string]any{"patches": []any{2.0}}}}},
			{Name: "plain", Values: map[string]any{}, PostRenderers: []any{}, Submodules: true, AnyValues: true, IgnoreMissingValuesFiles: true, CommonAnnotations: map[string]string{"a": "b"}},
			{Name: "broken", Err: errors.New("it is broken")},
		},
		Extra:    []*render.Object{{APIVersion: "v1", Kind: "Namespace", Own: "own", Name: "n", Source: "templates/n.yaml", ReadFields: render.Held(map[string]any{"kind": "Namespace", "n": int64(2)})}},
		Problems: []analysis.Problem{{Package: "a", Reason: "b", Apart: true}},
	}
	words := cmp.Comparer(func(a, b error) bool { return fmt.Sprint(a) == fmt.Sprint(b) })
	fields := cmp.Transformer("Fields", func(read func() map[string]any) map[string]any { return read() })
	message, err := discoveryMessage(want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := readDiscovery(message); err != nil || !cmp.Equal(want, got, words, fields) {
		t.Error(err, cmp.Diff(want, got, words, fields))
	}
	if got, err := readDiscovery(message[:len(message)-1]); err == nil {
		t.Errorf("a damaged message is read: %v", got)
	}
	if message, err = discoveryMessage(&analysis.Discovery{}); err != nil {
		t.Fatal(err)
	}
	if got, err := readDiscovery(message); err != nil || got == nil || len(got.Releases)+len(got.Extra)+len(got.Problems) > 0 {
		t.Errorf("of nothing: %v, %v", got, err)
	}
}

// countedRenderer counts renders, and fails as a killed worker does where it is told to.
type countedRenderer struct {
	analysis.InProcess
	n    int
	fail error
}

func (r *countedRenderer) Render(ctx context.Context, c render.ChartSource, q render.Request) (*render.Output, error) {
	if r.n++; r.fail != nil {
		return nil, r.fail
	}
	return r.InProcess.Render(ctx, c, q)
}

func TestUmbrellaIsDiscoveredOnce(t *testing.T) {
	t.Parallel()
	r := newChartRepository(t)
	renderer := &countedRenderer{}
	discover := func(b *Bot) error {
		s := &Scan{}
		return b.discoverStep(t.Context(), s)
	}
	b := keepingBot(t, &keptInMemory{m: map[string][]byte{}})
	b.cfg.Umbrella.Repository, b.cfg.Renderer = "file://"+r.dir, renderer
	for _, step := range []struct {
		what    string
		prepare func()
		renders int
		fails   bool
	}{
		{"at first", func() {}, 1, false},
		{"once more", func() {}, 0, false},
		{"with other values", func() { b.cfg.Umbrella.Values = []map[string]any{{"a": 2}} }, 1, false},
		{"at another commit", func() { r.commit(t, "a: 2\n") }, 1, false},
		{"where the worker is killed", func() { r.commit(t, "a: 3\n"); renderer.fail = errors.New("killed") }, 1, true},
		{"after it was", func() { renderer.fail = nil }, 1, false},
		{"with what is kept damaged", func() {
			k := b.cfg.Keeper.(*keptInMemory)
			for key := range k.m {
				k.m[key] = []byte("damaged")
			}
		}, 1, false},
	} {
		step.prepare()
		renderer.n = 0
		if err := discover(b); (err != nil) != step.fails || renderer.n != step.renders {
			t.Errorf("%s: %d renders, %v", step.what, renderer.n, err)
		}
	}
}

// An umbrella that cannot be read any more is said to be so as one that is looked for, not planned with.
func TestUmbrellaThatIsGoneMeanwhile(t *testing.T) {
	t.Parallel()
	r := newChartRepository(t)
	b := keepingBot(t, &keptInMemory{m: map[string][]byte{}})
	b.cfg.Umbrella.Repository = "file://" + r.dir
	first, err := b.Scan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(r.dir); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	ended := map[string]error{}
	b.cfg.Step = func(ctx context.Context, step, _ string) (context.Context, func(error)) {
		return ctx, func(err error) {
			mu.Lock()
			defer mu.Unlock()
			ended[step] = err
		}
	}
	if s, err := b.scan(t.Context(), newFetcher(b.store, 1), first.Umbrella.Commit); err == nil || s != nil {
		t.Errorf("there is a scan: %v, %v", s, err)
	}
	if len(ended) != 4 || ended[StepDiscover] == nil || ended[StepFetch] != nil || ended[StepRender] != nil || ended[StepJudge] != nil {
		t.Errorf("what ended, and how: %v", ended)
	}
}

// The umbrella is one of so many repositories as are fetched at once.
func TestUmbrellaWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	s := &askedStore{}
	b := &Bot{cfg: Config{}.withDefaults(), store: s}
	f := newFetcher(s, 1)
	if err := f.slots.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	reading := b.readUmbrella(t.Context(), f)
	reading.end()
	if _, err := reading.wait(); !errors.Is(err, context.Canceled) || s.asked != 0 {
		t.Errorf("asked %d times while another is fetched: %v", s.asked, err)
	}
	f.slots.leave()
	reading = b.readUmbrella(t.Context(), f)
	defer reading.end()
	if _, err := reading.wait(); err != nil || s.asked != 1 {
		t.Errorf("asked %d times: %v", s.asked, err)
	}
}

// askedStore counts how often it was asked for a repository, and has an empty one.
type askedStore struct {
	store
	asked int
}

func (s *askedStore) Fetch(context.Context, string, git.Ref) (*git.Snapshot, error) {
	s.asked++
	return &git.Snapshot{}, nil
}

// The umbrella may move after its ref was asked for: then what is kept of the commit before is not taken.
func TestUmbrellaThatMovesMeanwhile(t *testing.T) {
	t.Parallel()
	r := newChartRepository(t)
	renderer := &countedRenderer{}
	b := keepingBot(t, &keptInMemory{m: map[string][]byte{}})
	b.cfg.Umbrella.Repository, b.cfg.Renderer = "file://"+r.dir, renderer
	first, err := b.Scan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		what    string
		renders int
	}{{"at the same commit", 0}, {"at another", 1}} {
		renderer.n = 0
		s, err := b.scan(t.Context(), newFetcher(b.store, 1), first.Umbrella.Commit)
		if err != nil {
			t.Fatal(err)
		}
		if renderer.n != step.renders || (s.Umbrella.Commit == first.Umbrella.Commit) != (step.renders == 0) {
			t.Errorf("%s: %d renders, at %s", step.what, renderer.n, s.Umbrella.Commit)
		}
		r.commit(t, "moved: "+step.what+"\n")
	}
}

// sickRenderer fails as a killed worker does while package one is enabled.
type sickRenderer struct {
	analysis.InProcess
	sick bool
}

func (r *sickRenderer) Render(ctx context.Context, c render.ChartSource, q render.Request) (*render.Output, error) {
	packages, _ := q.Values["packages"].(map[string]any)
	one, _ := packages["one"].(map[string]any)
	if r.sick && one["enabled"] == true {
		return nil, errors.New("killed")
	}
	return r.InProcess.Render(ctx, c, q)
}

// A package that could not be enabled for a reason of the machine's may be next time.
func TestDiscoveryOfASickWorkerIsNotKept(t *testing.T) {
	t.Parallel()
	r := newChartRepository(t)
	r.commit(t, "packages: {one: {enabled: false, git: {repo: https://git.example.org/one}}}\n")
	renderer := &sickRenderer{sick: true}
	b := keepingBot(t, &keptInMemory{m: map[string][]byte{}})
	b.cfg.Umbrella.Repository, b.cfg.Renderer = "file://"+r.dir, renderer
	for _, problems := range []int{1, 0} {
		s := &Scan{}
		if err := b.discoverStep(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if got := len(s.Discovery.Problems); got != problems {
			t.Errorf("%d problems, want %d: %v", got, problems, s.Discovery.Problems)
		}
		renderer.sick = false
	}
}
