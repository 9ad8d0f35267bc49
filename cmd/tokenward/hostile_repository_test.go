package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// TestHostileRepositories scans one platform with every hostile repository, and every
// hostile word of an umbrella about where one is, beside an honest one.
func TestHostileRepositories(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(inner.Close)
	cases := hostileRepositories(t)
	dir := t.TempDir()
	var flux strings.Builder
	for _, c := range cases {
		c.layout(t, dir)
		flux.WriteString(c.flux(inner.URL))
	}
	layoutFlux(t, dir, flux.String())
	out, errs, code := scanApart(t, dir, "TOKENWARD_GIT_MAX_BYTES=8Mi", "TOKENWARD_WORKERS=2")
	if code != exitFailed {
		t.Errorf("exit code %d\n%s", code, errs)
	}
	got := hostileErrors(t, out, errs)
	for _, c := range cases {
		said, there := got[c.name]
		checkSentence(t, c.name, said, there, c.want, false)
	}
	if strings.ContainsAny(errs, "\x00\x1b") {
		t.Errorf("control characters are written: %q", errs)
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("the inner network was asked %d times", n)
	}
	if n := peakOf(t, errs, ownMark); n > 512 && !raceEnabled {
		t.Errorf("the program had %d MiB in memory", n)
	}
	t.Logf("%d cases, %s", len(cases), errs[strings.LastIndex(errs, ownMark):])
}

// layout writes the repository, unless the umbrella says that it is elsewhere.
func (c hostileRepository) layout(t *testing.T, dir string) {
	t.Helper()
	if c.url != "" {
		return
	}
	repo, err := initSample(filepath.Join(dir, c.name+".git"))
	if err != nil {
		t.Fatal(err)
	}
	var root plumbing.Hash
	if c.tree != nil {
		w := &rawTree{t: t, store: repo.Storer}
		entries := c.tree(w)
		for name, text := range c.files {
			entries = append(entries, w.file(name, text))
		}
		root = w.tree(entries...)
	} else {
		files := map[string][]byte{"chart/Chart.yaml": []byte(sampleChart), "chart/templates/a.yaml": []byte(deployment)}
		for name, text := range c.files {
			files[name] = []byte(text)
		}
		if root, err = storeTree(repo.Storer, files); err != nil {
			t.Fatal(err)
		}
	}
	by := sampleSignature(0)
	commit, err := storeObject(repo.Storer, &object.Commit{Author: by, Committer: by, Message: "All\n", TreeHash: root})
	if err == nil {
		err = repo.Storer.SetReference(plumbing.NewHashReference(sampleBranch, commit))
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(c.packedRefs) == 0 {
		return
	}
	refs := commit.String() + " " + strings.Join(c.packedRefs, "\n"+commit.String()+" ") + "\n"
	if err := os.WriteFile(filepath.Join(dir, c.name+".git", "packed-refs"), []byte(refs), 0o600); err != nil {
		t.Fatal(err)
	}
}

// flux is what the umbrella says of the repository and the release.
func (c hostileRepository) flux(inner string) string {
	url, ref, chart := "https://git.example.com/"+c.name+".git", "{branch: main}", "chart"
	if c.url != "" {
		url = strings.Replace(c.url, "INNER", inner, 1)
	}
	if c.ref != "" {
		ref = c.ref
	}
	if c.chart != "" {
		chart = c.chart
	}
	files, err := json.Marshal(c.valuesFiles)
	if err != nil {
		return ""
	}
	return fmt.Sprintf(`---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: %[1]s, namespace: umbrella}
spec: {url: "%[2]s", ref: %[3]s}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: %[1]s, namespace: umbrella}
spec:
  releaseName: %[1]s
  targetNamespace: %[1]s
  chart: {spec: {chart: "%[4]s", valuesFiles: %[5]s, sourceRef: {kind: GitRepository, name: %[1]s}}}
`, c.name, url, ref, chart, files)
}

// tgzLink packs one link.
func tgzLink(t *testing.T, name, to string) string {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	if err := w.WriteHeader(&tar.Header{Name: name, Linkname: to, Typeflag: tar.TypeSymlink, Mode: 0o777}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
