package analysis_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"sigs.k8s.io/yaml"

	"tokenward/analysis"
	"tokenward/analysis/render"
)

// expected is one line of an expert's answer.
type expected struct {
	Namespace      string   `json:"namespace"`
	Kind           string   `json:"kind"`
	Name           string   `json:"name"`
	ServiceAccount string   `json:"serviceAccount"`
	Need           string   `json:"need"`
	AlsoAcceptable string   `json:"also_acceptable"`
	Rendered       *bool    `json:"rendered"`
	PodPattern     []string `json:"pod_pattern"`
	Reason         string   `json:"reason"`
}

// TestCorpus compares the verdicts on a real platform with an expert's answer. It
// runs where TOKENWARD_CORPUS names a folder of bare repositories (the umbrella
// at big-bang/bigbang.git) and TOKENWARD_TRUTH the answer.
func TestCorpus(t *testing.T) {
	corpus, truth := os.Getenv("TOKENWARD_CORPUS"), os.Getenv("TOKENWARD_TRUTH")
	if corpus == "" || truth == "" {
		t.Skip("set TOKENWARD_CORPUS and TOKENWARD_TRUTH to measure the verdicts on a real platform")
	}
	set := corpusSet(t, corpus)
	start := time.Now()
	judgements := analysis.Judge(set, analysis.JudgeOptions{})
	t.Logf("judged %d workloads in %s", len(judgements), time.Since(start))
	judged := map[string]analysis.Judgement{}
	for _, j := range judgements {
		w := j.Workload
		judged[w.Kind+" "+w.Namespace+"/"+w.Name] = j
	}
	want := readTruth(t, truth)
	var hit, wrong, missed, open int
	for _, e := range want {
		id := e.Kind + " " + e.Namespace + "/" + e.Name
		j, ok := judged[id]
		delete(judged, id)
		switch {
		case !ok:
			if e.Rendered == nil || *e.Rendered {
				t.Errorf("%s: not found", id)
			}
			continue
		case j.Verdict == analysis.Review:
			open++
			t.Logf("review %s: need %s (%s)\n%s", id, e.Need, e.Reason, evidence(j))
			if e.Need == "yes" && e.AlsoAcceptable == "" {
				missed++
			}
		case j.Verdict == analysis.NeedsToken && (e.Need == "yes" || e.AlsoAcceptable == "yes"):
			hit++
		case j.Verdict == analysis.NeedsToken:
			wrong++
			t.Errorf("%s: needs-token, expert says no: %s\n%s", id, e.Reason, evidence(j))
		case e.Need == "yes" && e.AlsoAcceptable != "no":
			missed++
			t.Errorf("%s: no-token, expert says yes: %s\n%s", id, e.Reason, evidence(j))
		}
		if e.ServiceAccount != "" && j.Workload.ServiceAccount != e.ServiceAccount {
			t.Errorf("%s: ServiceAccount %s, want %s", id, j.Workload.ServiceAccount, e.ServiceAccount)
		}
		if got := analysis.PodPatterns(j.Workload); !slices.Equal(got, e.PodPattern) {
			t.Logf("%s: patterns %v, expert has %v", id, got, e.PodPattern)
		}
		if os.Getenv("TOKENWARD_VERBOSE") != "" {
			t.Logf("%s: %s (%s)\n%s", id, j.Verdict, j.Confidence, evidence(j))
		}
	}
	for id, j := range judged {
		t.Logf("beyond the answer: %s: %s (%s)\n%s", id, j.Verdict, j.Confidence, evidence(j))
	}
	t.Logf("needs-token: %d right, %d wrong, %d missed (precision %.3f, recall %.3f); %d for review", hit, wrong, missed,
		float64(hit)/float64(hit+wrong), float64(hit)/float64(hit+missed), open)
}

func evidence(j analysis.Judgement) string {
	var lines []string
	for _, e := range j.Evidence {
		lines = append(lines, fmt.Sprintf("    %s: %s [%s %s:%d %s]", e.Kind, e.Summary, e.Object, e.Source, e.Line, e.Release))
	}
	return strings.Join(lines, "\n")
}

func readTruth(t *testing.T, name string) []expected {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var truth struct {
		Workloads []expected `json:"workloads"`
	}
	if err := yaml.Unmarshal(data, &truth); err != nil {
		t.Fatal(err)
	}
	return truth.Workloads
}

// corpusSet discovers and renders everything that the folder has a repository for.
func corpusSet(t testing.TB, corpus string) *analysis.Set {
	t.Helper()
	ctx := context.Background()
	d, err := analysis.Discover(ctx, repository(t, filepath.Join(corpus, "big-bang", "bigbang.git"), "HEAD"), analysis.DiscoverOptions{KubeVersion: "1.33.0"})
	if err != nil {
		t.Fatal(err)
	}
	set := &analysis.Set{Extra: d.Extra}
	for _, r := range d.Releases {
		rr := &analysis.RenderedRelease{Release: r}
		set.Releases = append(set.Releases, rr)
		if r.Err != nil {
			continue
		}
		_, path, _ := strings.Cut(strings.TrimSuffix(r.Repository, ".git"), "/big-bang/")
		dir := filepath.Join(corpus, "big-bang", path+".git")
		if _, err := os.Stat(dir); err != nil {
			rr.Err = errors.New("no repository")
			continue
		}
		chart, err := render.LoadChart(repository(t, dir, r.Ref.Tag), r.Chart, r.Ignore)
		if err != nil {
			t.Errorf("load %s: %v", r.Name, err)
			continue
		}
		out, err := render.Render(ctx, chart, render.Request{ReleaseName: r.Name, Namespace: r.Namespace, Values: r.Values, PostRenderers: r.PostRenderers,
			KubeVersion: "1.33.0", APIVersions: []string{"kyverno.io/v1", "kyverno.io/v2", "monitoring.coreos.com/v1", "networking.istio.io/v1", "security.istio.io/v1"}})
		if err != nil {
			t.Errorf("render %s: %v", r.Name, err)
			continue
		}
		rr.Objects, rr.Invalid = out.Objects, out.Invalid
	}
	sort.SliceStable(set.Releases, func(i, j int) bool { return set.Releases[i].Name < set.Releases[j].Name })
	return set
}

// repository reads a bare repository's files at a revision.
func repository(t testing.TB, dir, revision string) fstest.MapFS {
	t.Helper()
	archive, err := exec.Command("git", "--git-dir", dir, "archive", revision).Output()
	if err != nil {
		t.Fatalf("read %s at %s: %v", dir, revision, err)
	}
	files := fstest.MapFS{}
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			data, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			files[h.Name] = &fstest.MapFile{Data: data}
		}
	}
}
