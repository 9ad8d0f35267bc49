package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"tokenward/analysis"
	"tokenward/bot"
	"tokenward/gitops/git"
)

// BenchmarkSideBySide compares scans of a real platform with what a shell script does
// for the same releases over the same HTTP server: git clone --depth 1 and helm template,
// two at a time, and kyverno apply. The script is given the values of each release, for which a scan
// renders the umbrella; what that takes the script is measured apart. Rounds are interleaved;
// -benchtime 3x makes three.
// It runs where TOKENWARD_CORPUS names a folder of bare repositories with the umbrella
// at big-bang/bigbang.git, and git and helm are there; kyverno may be missing. "whole" has
// as many releases as the whole platform: those that have a repository in the folder, and copies
// of them that the umbrella deploys as further packages.
func BenchmarkSideBySide(b *testing.B) {
	if _, err := exec.LookPath("helm"); err != nil {
		b.Skip("there is no helm")
	}
	b.Run("development", func(b *testing.B) { newSideBySide(b).compare() })
	b.Run("whole", func(b *testing.B) {
		s := newSideBySide(b)
		s.copies(43 - len(s.releases))
		s.compare()
	})
}

func (s *sideBySide) compare() {
	var all costs
	for round := 0; s.b.Loop(); round++ {
		work := filepath.Join(s.dir, fmt.Sprint(round))
		all.note("clone and helm template", s.template(work))
		all.note(umbrellaAlone, s.templateUmbrella(work))
		if _, err := exec.LookPath("kyverno"); err == nil {
			all.note("kyverno apply", s.apply(work))
		}
		s.scans(&all, work)
	}
	s.b.Logf("%d releases with a repository; %s", len(s.releases), conditions())
	all.log(s.b)
	cold, reference := all.typical(coldScan), all.typical("clone and helm template")
	ratio(s.b, "cold/helm", cold, reference)
	whole := reference
	whole.add(all.typical(umbrellaAlone))
	ratio(s.b, "cold/helm+umbrella", cold, whole)
	if all.of["kyverno apply"] != nil {
		reference.add(all.typical("kyverno apply"))
		ratio(s.b, "cold/helm+kyverno", cold, reference)
	}
	ratio(s.b, "warm/cold", all.typical(unchangedScan), cold)
	ratio(s.b, "changed/cold", all.typical(changedScan), cold)
	ratio(s.b, "pinned/cold", all.typical(pinnedScan), cold)
	s.b.ReportMetric(float64(cold.peak>>20), "MiB-peak")
}

const umbrellaAlone = "the same for the umbrella"

const coldScan, unchangedScan = "scan, cold", "scan, nothing changed"

// After a changed scan one package's ref leads elsewhere; after a pinned one the umbrella names another, too.
const changedScan, pinnedScan = "scan, one package changed", "scan, one pin changed"

// costs are what different things took, each as often as it was done.
type costs struct {
	of    map[string][]cost
	order []string
}

func (c *costs) note(name string, one cost) {
	if c.of[name] == nil {
		c.order = append(c.order, name)
	}
	if c.of == nil {
		c.of = map[string][]cost{}
	}
	c.of[name] = append(c.of[name], one)
}

// typical is the median, but the mean of the scans after a change or a pin: every package has one.
func (c *costs) typical(name string) cost {
	if name == changedScan || name == pinnedScan {
		return mean(c.of[name])
	}
	return median(c.of[name])
}

func (c *costs) log(b *testing.B) {
	for _, name := range c.order {
		b.Logf("%-26s %s", name, c.typical(name))
	}
}

func ratio(b *testing.B, name string, a, c cost) {
	b.ReportMetric(a.wall.Seconds()/c.wall.Seconds(), name+"-wall")
	b.ReportMetric(a.cpu.Seconds()/c.cpu.Seconds(), name+"-cpu")
}

// sideBySide is the platform, served over HTTP.
type sideBySide struct {
	b                                  *testing.B
	dir, repositories, server, program string
	from                               string   // the begin of the URLs that the umbrella gives
	values                             []string // files of them in the umbrella
	releases                           []analysis.Release
	originals                          int // of the releases; the others are copies
}

// newSideBySide serves a copy of the platform.
func newSideBySide(b *testing.B) *sideBySide {
	b.Helper()
	corpus := os.Getenv("TOKENWARD_CORPUS")
	if corpus == "" {
		b.Skip("set TOKENWARD_CORPUS to measure on a real platform")
	}
	repositories := filepath.Join(b.TempDir(), "repositories")
	if err := os.CopyFS(repositories, os.DirFS(corpus)); err != nil {
		b.Fatal(err)
	}
	s := &sideBySide{b: b, dir: b.TempDir(), repositories: repositories, server: publicServer(b, repositories), program: builtProgram(b)}
	s.discover()
	return s
}

func (s *sideBySide) umbrella() string { return s.server + "/big-bang/bigbang.git" }

// discover finds the releases that have a repository.
func (s *sideBySide) discover() {
	store, err := git.New(git.Config{})
	s.must(err)
	tree, err := store.Fetch(s.b.Context(), s.umbrella(), git.Ref{})
	s.must(err)
	d, err := analysis.Discover(s.b.Context(), tree.FS(), analysis.DiscoverOptions{})
	s.must(err)
	for _, r := range d.Releases {
		u, err := url.Parse(r.Repository)
		if r.Err != nil || err != nil {
			continue
		}
		if _, err := os.Stat(s.bare(r)); err != nil {
			continue
		}
		s.from = u.Scheme + "://" + u.Host + "/"
		s.add(r)
	}
	s.originals = len(s.releases)
}

// add adds a release, and writes its values to a file.
func (s *sideBySide) add(r analysis.Release) {
	data, err := yaml.Marshal(r.Values)
	s.must(err)
	s.must(os.WriteFile(filepath.Join(s.dir, r.HelmRelease+".yaml"), data, 0o600))
	s.releases = append(s.releases, r)
}

func (s *sideBySide) must(err error) {
	if err != nil {
		s.b.Helper()
		s.b.Fatal(err)
	}
}

func (s *sideBySide) repository(r analysis.Release) string {
	u, err := url.Parse(r.Repository)
	s.must(err)
	return strings.TrimSuffix(u.Path, ".git") + ".git"
}

func (s *sideBySide) bare(r analysis.Release) string {
	return filepath.Join(s.repositories, filepath.FromSlash(s.repository(r)))
}

// template clones and renders every release, two at a time.
func (s *sideBySide) template(work string) cost {
	s.must(os.MkdirAll(work, 0o700))
	var todo []func() cost
	for _, r := range s.releases {
		todo = append(todo, func() cost {
			clone := filepath.Join(work, r.HelmRelease)
			c := measured(s.b, exec.Command("git", "clone", "-q", "--depth", "1", "--branch", r.Ref.Tag, s.server+s.repository(r), clone))
			c.add(s.helm(clone+".yaml", "template", r.Name, filepath.Join(clone, r.Chart), "--namespace", r.Namespace,
				"--values", filepath.Join(s.dir, r.HelmRelease+".yaml"), "--kube-version", "v1.33.0",
				"--api-versions", "kyverno.io/v1", "--api-versions", "monitoring.coreos.com/v1"))
			return c
		})
	}
	settle(s.b)
	return together(todo)
}

// templateUmbrella clones and renders the umbrella.
func (s *sideBySide) templateUmbrella(work string) cost {
	s.must(os.MkdirAll(work, 0o700))
	clone := filepath.Join(work, "umbrella")
	settle(s.b)
	c := measured(s.b, exec.Command("git", "clone", "-q", "--depth", "1", s.umbrella(), clone))
	args := []string{"template", "bigbang", filepath.Join(clone, "chart"), "--kube-version", "v1.34.0"}
	for _, file := range s.values {
		args = append(args, "--values", filepath.Join(clone, file))
	}
	c.add(s.helm(clone+".yaml", args...))
	if info, err := os.Stat(clone + ".yaml"); err != nil || info.Size() == 0 {
		s.b.Fatalf("helm renders nothing of the umbrella: %v", err)
	}
	return c
}

// helm runs helm, which prints into a file.
func (s *sideBySide) helm(file string, args ...string) cost {
	out, err := os.Create(file)
	s.must(err)
	defer out.Close()
	cmd := exec.Command("helm", args...)
	cmd.Stdout = out
	return measured(s.b, cmd)
}

// apply evaluates the policies that the platform renders on every release, two at a time.
func (s *sideBySide) apply(work string) cost {
	rendered := filepath.Join(work, "kyverno-policies.yaml")
	for _, r := range s.releases {
		if strings.HasSuffix(r.Repository, "kyverno-policies.git") {
			rendered = filepath.Join(work, r.HelmRelease+".yaml")
		}
	}
	text, err := os.ReadFile(rendered)
	s.must(err)
	policies := filepath.Join(work, "policies.yaml")
	var kept []string
	for doc := range strings.SplitSeq(string(text), "\n---") {
		for _, name := range []string{"disallow-auto-mount-service-account-token", "update-automountserviceaccounttokens", "update-automountserviceaccounttokens-default"} {
			if strings.Contains(doc, "kind: ClusterPolicy") && strings.Contains(doc, "\n  name: "+name+"\n") {
				kept = append(kept, doc)
			}
		}
	}
	if len(kept) == 0 {
		s.b.Fatal("the platform renders none of the policies")
	}
	s.must(os.WriteFile(policies, []byte(strings.Join(kept, "\n---")), 0o600))
	var todo []func() cost
	for _, r := range s.releases {
		todo = append(todo, func() cost {
			return measured(s.b, exec.Command("kyverno", "apply", policies, "--resource", filepath.Join(work, r.HelmRelease+".yaml")))
		})
	}
	settle(s.b)
	return together(todo)
}

// scans scans the platform with nothing in the cache, once more, after each package
// that is no copy was changed, one after the other, and after the pin of each was.
func (s *sideBySide) scans(all *costs, work string) {
	s.must(os.MkdirAll(work, 0o700))
	args := []string{"--umbrella", s.umbrella(), "--git-instead-of", s.from + "=" + s.server + "/"}
	for _, file := range s.values {
		args = append(args, "--umbrella-values", file)
	}
	scan := func(name string) []byte {
		var out bytes.Buffer
		settle(s.b)
		all.note(name, measured(s.b, scanCommand(s.program, filepath.Join(work, "cache"), &out, args...)))
		s.analysed(out.Bytes())
		return out.Bytes()
	}
	if !bytes.Equal(scan(coldScan), scan(unchangedScan)) {
		s.b.Error("the second scan prints something else than the first")
	}
	for _, r := range s.releases[:s.originals] {
		s.change(s.bare(r), r, work)
		scan(changedScan)
	}
	for _, r := range s.releases[:s.originals] {
		undo := s.pin(r)
		scan(pinnedScan)
		undo()
	}
}

// analysed checks that a report has every release, analysed: a scan that fails is fast.
func (s *sideBySide) analysed(report []byte) {
	var r bot.ScanReport
	s.must(json.Unmarshal(report, &r))
	done := map[string]bool{}
	for _, rel := range r.Releases {
		done[rel.Repository] = done[rel.Repository] || rel.Error == ""
	}
	for _, rel := range s.releases {
		if !done[rel.Repository] {
			s.b.Errorf("release %s is not analysed", rel.HelmRelease)
		}
	}
}
