package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tokenward/bot/cache"
)

// fetches counts how often the server was asked for refs of a repository, and for a pack.
func (p *platform) fetches() (refs map[string]int, packs int) {
	refs = map[string]int{}
	for _, r := range p.box.box.Requests() {
		switch {
		case strings.HasSuffix(r.Path, "/git-upload-pack"):
			packs++
		case strings.HasSuffix(r.Path, "/info/refs"):
			refs[r.Path]++
		}
	}
	return refs, packs
}

func TestUnchangedIsOnlyAskedForItsRefs(t *testing.T) {
	t.Parallel()
	p := newRenderingPlatform(t)
	_, want, _ := p.run(developer, "scan", "--format", "json")
	p.environment = map[string]string{"TOKENWARD_CACHE_DIR": t.TempDir()}
	if _, got, _ := p.run(developer, "scan", "--format", "json"); got != want {
		t.Error("the first scan with a cache prints something else")
	}
	p.box.box.ResetRequests()
	code, got, _ := p.run(developer, "scan", "--format", "json")
	if got != want || code != exitFailed {
		t.Errorf("the second scan prints something else, exit code %d", code)
	}
	refs, packs := p.fetches()
	if len(refs) < 3 || packs != 0 {
		t.Errorf("asked for the refs of %v and for %d packs", refs, packs)
	}
	for path, n := range refs {
		if n > 1 {
			t.Errorf("%s: asked %d times", path, n)
		}
	}
	// The same scan in another form is another result of the same report, and explain needs all of it.
	_, explained, _ := p.run(developer, "explain", "argocd")
	p.environment = nil
	if _, want, _ := p.run(developer, "explain", "argocd"); explained != want {
		t.Errorf("explain prints %s, want %s", explained, want)
	}
}

// A chart that renders too much under one limit may render under another.
func TestOtherLimitsHaveOtherResults(t *testing.T) {
	t.Parallel()
	c := config{Cache: cacheConfig{Dir: t.TempDir(), MaxBytes: "64Mi"}, Rendering: renderingConfig{Output: "1Mi"}}
	open := func() *cache.Dir {
		d, err := openCache(&surroundings{}, c)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	open().Put("report", "key", []byte("it renders too much"))
	if _, there := open().Get("report", "key"); !there {
		t.Error("under the same limits it is gone")
	}
	c.Rendering.Output = "2Mi"
	if data, there := open().Get("report", "key"); there {
		t.Errorf("under another limit there is %q", data)
	}
}

func TestDamagedCacheChangesNothing(t *testing.T) {
	t.Parallel()
	p := newRenderingPlatform(t)
	dir := t.TempDir()
	p.environment = map[string]string{"TOKENWARD_CACHE_DIR": dir}
	_, want, _ := p.run(developer, "scan", "--format", "json")
	files := 0
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		files++
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		data[len(data)/2] ^= 1
		return os.WriteFile(name, data, 0o600)
	})
	if err != nil || files == 0 {
		t.Fatalf("%d files, %v", files, err)
	}
	if _, got, errs := p.run(developer, "scan", "--format", "json"); got != want {
		t.Errorf("prints something else\n%s", errs)
	}
}

// What is kept of a chart that did not change stands in for its files: these are read by
// whoever renders it anew, and fetched again where they are gone.
func TestOnlyTheChartThatChangedIsRead(t *testing.T) {
	t.Parallel()
	p := newRenderingPlatform(t)
	dir := t.TempDir()
	p.environment = map[string]string{"TOKENWARD_CACHE_DIR": dir}
	p.run(developer, "scan", "--format", "json")
	values := p.read(bulletinProject, "chart/values.yaml")
	p.packageMain(map[string]string{"chart/values.yaml": values + "\nchanged: true\n"})
	p.git(bulletinProject, "tag", "-f", "1.8.0-pf.2", "main")
	scans := func(change string, least, most int, args ...string) {
		if err := os.RemoveAll(filepath.Join(dir, "chart")); err != nil {
			t.Fatal(err)
		}
		p.box.box.ResetRequests()
		_, got, errs := p.run(developer, append([]string{"scan", "--format", "json"}, args...)...)
		refs, packs := p.fetches()
		if packs < least || packs > most {
			t.Errorf("%s: fetched %d packs, want %d to %d", change, packs, least, most)
		}
		for path, n := range refs {
			if n > 2 || n > 1 && packs <= 1 && !strings.Contains(path, umbrellaProject) {
				t.Errorf("%s: asked %d times for the refs of %s", change, n, path)
			}
		}
		p.environment["TOKENWARD_CACHE_DIR"] = "off"
		if _, want, _ := p.run(developer, append([]string{"scan", "--format", "json"}, args...)...); got != want {
			t.Errorf("%s: prints something else than without a cache\n%s", change, errs)
		}
		p.environment["TOKENWARD_CACHE_DIR"] = dir
	}
	scans("one package changed", 1, 1)
	scans("another version of Kubernetes", 5, 100, "--kube-version", "v1.31.0")
}

// The proof compares two renders of the umbrella as it is: the second must not come out of the cache.
func TestWhatTheUmbrellaDrawsIsProvenWithACache(t *testing.T) {
	t.Parallel()
	p := newRenderingPlatform(t)
	const drawing = "chart/templates/metrics.yaml"
	p.onMain(drawing, strings.Replace(p.read(umbrellaProject, drawing), "\nprometheus:", "\nadminPassword: {{ randAlphaNum 20 | quote }}\nprometheus:", 1))
	p.environment = map[string]string{"TOKENWARD_CACHE_DIR": t.TempDir(), "TOKENWARD_NAMESPACES": "bulletin"}
	for range 2 { // the second run begins with what the first has kept
		code, r := p.propose(developer, "--dry-run")
		if code != exitOK || len(r.MergeRequests) != 2 || len(r.Failed) > 0 {
			t.Errorf("exit code %d, %d merge requests, failed: %v", code, len(r.MergeRequests), r.Failed)
		}
	}
}
