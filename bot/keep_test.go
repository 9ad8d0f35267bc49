package bot

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"tokenward/analysis"
	"tokenward/analysis/render"
	"tokenward/gitops/git"
)

// keptInMemory is a Keeper that forgets what it is told to.
type keptInMemory struct {
	mu     sync.Mutex
	m      map[string][]byte
	forget string // results of this kind, at once; "*" for all
}

func (k *keptInMemory) Get(kind, key string) ([]byte, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	data, ok := k.m[kind+" "+key]
	return data, ok && kind != k.forget
}

func (k *keptInMemory) Put(kind, key string, data ...[]byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.forget != "*" && kind != k.forget {
		k.m[kind+" "+key] = bytes.Join(data, nil)
	}
}

// chartRepository is a repository with a chart in its root.
type chartRepository struct{ dir string }

func newChartRepository(t *testing.T) chartRepository {
	r := chartRepository{filepath.Join(t.TempDir(), "web")}
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	r.git(t, "init", "-q", "-b", "main")
	r.commit(t, "a: 1\n")
	return r
}

func (r chartRepository) git(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = r.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.dir, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.org", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.org"}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func (r chartRepository) commit(t *testing.T, values string) {
	t.Helper()
	for name, text := range map[string]string{"Chart.yaml": "{apiVersion: v2, name: web, version: 1.0.0}\n", "values.yaml": values} {
		if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r.git(t, "add", "-A")
	r.git(t, "commit", "-q", "-m", "Change the values")
}

func (r chartRepository) release() analysis.Release {
	return analysis.Release{Name: "web", Chart: ".", Repository: "file://" + r.dir, Ref: analysis.SourceRef{Branch: "main"}}
}

func keepingBot(t *testing.T, k Keeper) *Bot {
	t.Helper()
	s, err := git.New(git.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return &Bot{cfg: Config{Keeper: k}.withDefaults(), store: s}
}

// fetched is the release's chart as a scan fetches it.
func (b *Bot) fetched(t *testing.T, r analysis.Release, s *shelf) render.ChartSource {
	t.Helper()
	c := &checkout{source: analysis.PackageSource{Repository: r.Repository, Ref: r.Ref}}
	source, err := b.fetchChart(t.Context(), newFetcher(b.store, 1), c, r, s)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func valuesOf(t *testing.T, source render.ChartSource) string {
	t.Helper()
	opened, err := source.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range opened.Files {
		if f.Name == "values.yaml" {
			return string(f.Data)
		}
	}
	return ""
}

// A scan is of the commits that it began with, also where a chart has to be fetched again.
func TestForgottenChartIsFetchedAgain(t *testing.T) {
	t.Parallel()
	r := newChartRepository(t)
	k := &keptInMemory{m: map[string][]byte{}}
	b := keepingBot(t, k)
	b.fetched(t, r.release(), &shelf{})
	k.forget = keptChart
	source := b.fetched(t, r.release(), &shelf{})
	if got := valuesOf(t, source); got != "a: 1\n" {
		t.Errorf("the commit that the ref leads to: %q", got)
	}
	source = b.fetched(t, r.release(), &shelf{})
	r.commit(t, "a: 2\n")
	if got := valuesOf(t, source); got != "a: 1\n" {
		t.Errorf("after the ref moved on: %q", got)
	}
}

// countingStore counts what is fetched, and fails to fetch all files where it is told to.
type countingStore struct {
	store
	lean, whole int
	fail        error
}

func (s *countingStore) FetchUnless(ctx context.Context, url string, ref git.Ref, files git.Files, known func(string) bool) (*git.Snapshot, git.Resolved, error) {
	if files == git.Lean {
		s.lean++
	} else if s.whole++; s.fail != nil {
		return nil, git.Resolved{}, s.fail
	}
	return s.store.FetchUnless(ctx, url, ref, files, known)
}

// A file of a chart that is so large that it is not fetched with the others is fetched all the same, once for
// all releases of the commit; where that fails, the commit does not stand for the failure.
func TestChartWithALargeFileIsWhole(t *testing.T) {
	t.Parallel()
	r := newChartRepository(t)
	r.git(t, "config", "uploadpack.allowFilter", "true")
	large := "a: " + strings.Repeat("large", 1<<18) + "\n"
	r.commit(t, large)
	b := keepingBot(t, noKeeper{})
	s := &countingStore{store: b.store, fail: errors.New("the network is away")}
	b.store = s
	c := &checkout{source: analysis.PackageSource{Repository: r.release().Repository, Ref: r.release().Ref}}
	fetch := func() (render.ChartSource, error) {
		return b.fetchChart(t.Context(), newFetcher(s, 1), c, r.release(), &shelf{})
	}
	if _, err := fetch(); !errors.Is(err, s.fail) || c.found.Commit != "" {
		t.Errorf("got %v at commit %q", err, c.found.Commit)
	}
	s.fail = nil
	for range 2 {
		source, err := fetch()
		if err != nil {
			t.Fatal(err)
		}
		if got := valuesOf(t, source); got != large {
			t.Errorf("it has %d bytes, want %d", len(got), len(large))
		}
	}
	if s.lean != 2 || s.whole != 2 {
		t.Errorf("fetched %d times without large files and %d times with them, want 2 and 2", s.lean, s.whole)
	}
}

// Where nothing can be kept, as in a folder that cannot be written, charts must not be
// fetched anew by everybody who needs them.
func TestChartThatCannotBeKeptStaysInMemory(t *testing.T) {
	t.Parallel()
	r := newChartRepository(t)
	b := keepingBot(t, &keptInMemory{m: map[string][]byte{}, forget: "*"})
	shelf := &shelf{}
	source := b.fetched(t, r.release(), shelf)
	shelf.books = nil
	if err := os.RemoveAll(r.dir); err != nil {
		t.Fatal(err)
	}
	if got := valuesOf(t, source); got != "a: 1\n" {
		t.Errorf("got %q", got)
	}
}

// What could not be said because a chart could not be read may be said next time.
func TestReportWithoutAChartIsNotKept(t *testing.T) {
	t.Parallel()
	r := newChartRepository(t)
	k := &keptInMemory{m: map[string][]byte{}}
	b := keepingBot(t, k)
	s := &Scan{Umbrella: &git.Snapshot{Commit: "c"}, Discovery: &analysis.Discovery{}, shelf: &shelf{}}
	remembered := func() bool {
		b.remember("q", s, &ScanReport{})
		_, ok := k.Get(keptReport, reportKey("q", "c"))
		return ok
	}
	b.fetched(t, r.release(), s.shelf)
	k.forget = keptChart
	s.shelf = &shelf{}
	source := b.fetched(t, r.release(), s.shelf)
	if err := os.RemoveAll(r.dir); err != nil {
		t.Fatal(err)
	}
	if _, err := source.Open(t.Context()); err == nil {
		t.Error("a chart is opened that is nowhere")
	}
	if remembered() {
		t.Error("the report is kept")
	}
	if s.shelf = (&shelf{}); !remembered() {
		t.Error("a report that lacks nothing is not kept")
	}
}

// Releases of one ref share what is fetched of it, and nothing else.
func TestReleasesOfOneRefHaveTheirOwnCharts(t *testing.T) {
	t.Parallel()
	r := newChartRepository(t)
	if err := os.WriteFile(filepath.Join(r.dir, "other.yaml"), []byte("b: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.commit(t, "a: 1\n")
	plain, other, broken, missing := r.release(), r.release(), r.release(), r.release()
	other.ValuesFiles, broken.Err, missing.Chart = []string{"values.yaml", "other.yaml"}, errors.New("it is broken"), "nowhere"
	b := keepingBot(t, &keptInMemory{m: map[string][]byte{}})
	for _, state := range []string{"cold", "warm"} {
		s := &Scan{fetcher: newFetcher(b.store, 2), shelf: &shelf{}, Discovery: &analysis.Discovery{Releases: []analysis.Release{broken, missing, plain, other}}}
		inputs, err := b.fetchCharts(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		if inputs[0].Release.Err != broken.Err || inputs[1].Release.Err == nil || inputs[0].Chart != nil || inputs[1].Chart != nil {
			t.Errorf("%s: errors %v, %v", state, inputs[0].Release.Err, inputs[1].Release.Err)
		}
		if got := valuesOf(t, inputs[2].Chart); got != "a: 1\n" {
			t.Errorf("%s: values %q", state, got)
		}
		if got := valuesOf(t, inputs[3].Chart); got != "a: 1\nb: 1\n" {
			t.Errorf("%s: values of two files %q", state, got)
		}
		if want := []string{"", s.commits[1], s.commits[1], s.commits[1]}; !slices.Equal(s.commits, want) || s.commits[1] == "" {
			t.Errorf("%s: commits %v", state, s.commits)
		}
	}
}

// countingKeeper counts what is put, by its kind.
type countingKeeper struct {
	keptInMemory
	puts map[string]int
}

func (k *countingKeeper) Put(kind, key string, data ...[]byte) {
	k.mu.Lock()
	k.puts[kind]++
	k.mu.Unlock()
	k.keptInMemory.Put(kind, key, data...)
}

// A chart that is fetched before anybody knows its release is loaded then, and no second time; where the release
// turns out to be another, it gets its own chart.
func TestChartThatIsFetchedAheadIsLoadedOnce(t *testing.T) {
	t.Parallel()
	r := newChartRepository(t)
	for name, c := range map[string]struct {
		likely     []analysis.Release
		ahead, all int // charts that are kept
	}{
		"as expected":    {[]analysis.Release{r.release()}, 1, 1},
		"expected twice": {[]analysis.Release{r.release(), r.release()}, 1, 1},
		"another ignore": {[]analysis.Release{{Repository: r.release().Repository, Ref: r.release().Ref, Chart: ".", Ignore: "values.yaml\n"}}, 1, 2},
		"fewer folders":  {[]analysis.Release{{Repository: r.release().Repository, Ref: r.release().Ref, Chart: ".", SparseCheckout: []string{"Chart.yaml"}}}, 1, 2},
		"another folder": {[]analysis.Release{{Repository: r.release().Repository, Ref: r.release().Ref, Chart: "chart"}}, 0, 1},
	} {
		k := &countingKeeper{keptInMemory{m: map[string][]byte{}}, map[string]int{}}
		b := keepingBot(t, k)
		scan := &Scan{fetcher: newFetcher(b.store, 1), shelf: &shelf{}}
		b.fetchAhead(t.Context(), scan, c.likely)
		scan.fetcher.group.Wait()
		ahead := k.puts[keptChart]
		source, err := b.fetchChart(t.Context(), scan.fetcher, &checkout{source: analysis.PackageSource{Repository: r.release().Repository, Ref: r.release().Ref}}, r.release(), scan.shelf)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := valuesOf(t, source); got != "a: 1\n" || ahead != c.ahead || k.puts[keptChart] != c.all {
			t.Errorf("%s: values %q, %d charts kept ahead and %d in all, want %d and %d", name, got, ahead, k.puts[keptChart], c.ahead, c.all)
		}
		scan.fetcher.close()
	}
}

// A chart that is kept for one release is another's only if Flux would load the same for it, or refuse both.
func TestKeyOfAChartNamesAllThatItIsLoadedFrom(t *testing.T) {
	t.Parallel()
	keys := map[string]string{}
	for name, r := range map[string]analysis.Release{
		"plain":      {},
		"chart":      {Chart: "chart"},
		"ignore":     {Ignore: "/docs"},
		"sparse":     {SparseCheckout: []string{"chart"}},
		"submodules": {Submodules: true},
		"values":     {ValuesFiles: []string{"ci.yaml"}},
		"any values": {AnyValues: true},
		"missing":    {IgnoreMissingValuesFiles: true},
	} {
		key := chartKey("commit", r)
		if other, ok := keys[key]; ok {
			t.Errorf("%s and %s have the key %s", name, other, key)
		}
		keys[key] = name
	}
}

// A scan that is given up does not wait for all charts of what is fetched ahead.
func TestChartsAreNotLoadedForAScanThatIsGivenUp(t *testing.T) {
	t.Parallel()
	r := newChartRepository(t)
	inFolder := chartRepository{filepath.Join(r.dir, "other")}
	if err := os.Mkdir(inFolder.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	inFolder.commit(t, "b: 1\n")
	other := r.release()
	other.Chart = "other"
	k := &countingKeeper{keptInMemory{m: map[string][]byte{}}, map[string]int{}}
	b := keepingBot(t, k)
	ctx, cancel := context.WithCancel(t.Context())
	b.cfg.Keeper = cancellingKeeper{k, cancel}
	scan := &Scan{fetcher: newFetcher(b.store, 1), shelf: &shelf{}}
	b.fetchAhead(ctx, scan, []analysis.Release{r.release(), other})
	scan.fetcher.group.Wait()
	scan.fetcher.close()
	if k.puts[keptChart] != 1 {
		t.Errorf("%d charts are loaded, want 1", k.puts[keptChart])
	}
}

// cancellingKeeper gives the scan up as soon as a chart is kept.
type cancellingKeeper struct {
	Keeper
	cancel context.CancelFunc
}

func (k cancellingKeeper) Put(kind, key string, data ...[]byte) {
	k.Keeper.Put(kind, key, data...)
	if kind == keptChart {
		k.cancel()
	}
}
