package main

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"tokenward/analysis"
	"tokenward/gitops/git"
)

// BenchmarkSideBySide compares scans of a real platform with what a shell script does
// for the same releases over the same HTTP server: git clone --depth 1 and helm template,
// two at a time, and kyverno apply. Rounds are interleaved; -benchtime 3x makes three.
// It runs where TOKENWARD_CORPUS names a folder of bare repositories with the umbrella
// at big-bang/bigbang.git, and git and helm are there; kyverno may be missing.
func BenchmarkSideBySide(b *testing.B) {
	if _, err := exec.LookPath("helm"); err != nil {
		b.Skip("there is no helm")
	}
	s := newSideBySide(b)
	var all costs
	for round := 0; b.Loop(); round++ {
		work := filepath.Join(s.dir, fmt.Sprint(round))
		all.note("clone and helm template", s.template(work))
		if _, err := exec.LookPath("kyverno"); err == nil {
			all.note("kyverno apply", s.apply(work))
		}
		s.scans(&all, work)
	}
	all.log(b, len(s.releases))
	cold, reference := all.typical(coldScan), all.typical("clone and helm template")
	ratio(b, "cold/helm", cold, reference)
	if all.of["kyverno apply"] != nil {
		reference.add(all.typical("kyverno apply"))
		ratio(b, "cold/helm+kyverno", cold, reference)
	}
	all.ratios(b)
}

// BenchmarkWholePlatform measures scans of as many releases as the whole platform has:
// those of BenchmarkSideBySide, and copies of their repositories that the umbrella deploys
// as further packages, with the values of the originals.
func BenchmarkWholePlatform(b *testing.B) {
	const whole = 43
	s := newSideBySide(b)
	copies := s.copies(whole - len(s.releases))
	var all costs
	for round := 0; b.Loop(); round++ {
		s.scans(&all, filepath.Join(s.dir, fmt.Sprint(round)), "--umbrella-values", copies)
	}
	all.log(b, whole)
	all.ratios(b)
}

const coldScan, unchangedScan, changedScan = "scan, cold", "scan, nothing changed", "scan, one package changed"

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

// typical is the median, but the mean of the scans after a change: every package is changed once.
func (c *costs) typical(name string) cost {
	if name == changedScan {
		return mean(c.of[name])
	}
	return median(c.of[name])
}

func (c *costs) log(b *testing.B, releases int) {
	b.Logf("%d releases with a repository; %s", releases, conditions())
	for _, name := range c.order {
		b.Logf("%-26s %s", name, c.typical(name))
	}
}

// ratios reports how scans with a cache compare with one without.
func (c *costs) ratios(b *testing.B) {
	cold := c.typical(coldScan)
	ratio(b, "warm/cold", c.typical(unchangedScan), cold)
	ratio(b, "changed/cold", c.typical(changedScan), cold)
	b.ReportMetric(float64(cold.peak>>20), "MiB-peak")
}

func ratio(b *testing.B, name string, a, c cost) {
	b.ReportMetric(a.wall.Seconds()/c.wall.Seconds(), name+"-wall")
	b.ReportMetric(a.cpu.Seconds()/c.cpu.Seconds(), name+"-cpu")
}

// sideBySide is the platform, served over HTTP.
type sideBySide struct {
	b                                  *testing.B
	dir, repositories, server, program string
	from                               string // the begin of the URLs that the umbrella gives
	releases                           []analysis.Release
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

// discover lists the releases that have a repository, and writes their values to files.
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
		data, err := yaml.Marshal(r.Values)
		s.must(err)
		s.must(os.WriteFile(filepath.Join(s.dir, r.HelmRelease+".yaml"), data, 0o600))
		s.releases = append(s.releases, r)
	}
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
			out, err := os.Create(clone + ".yaml")
			s.must(err)
			defer out.Close()
			helm := exec.Command("helm", "template", r.Name, filepath.Join(clone, r.Chart), "--namespace", r.Namespace,
				"--values", filepath.Join(s.dir, r.HelmRelease+".yaml"), "--kube-version", "v1.33.0",
				"--api-versions", "kyverno.io/v1", "--api-versions", "monitoring.coreos.com/v1")
			helm.Stdout = out
			c.add(measured(s.b, helm))
			return c
		})
	}
	return together(todo)
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
	return together(todo)
}

// scans scans the platform with nothing in the cache, once more, and after each package
// that has a repository was changed, one after the other.
func (s *sideBySide) scans(all *costs, work string, args ...string) {
	s.must(os.MkdirAll(work, 0o700))
	scan := func(out *bytes.Buffer) cost {
		return measured(s.b, scanCommand(s.program, filepath.Join(work, "cache"), out,
			append([]string{"--umbrella", s.umbrella(), "--git-instead-of", s.from + "=" + s.server + "/"}, args...)...))
	}
	var cold, warm bytes.Buffer
	all.note(coldScan, scan(&cold))
	all.note(unchangedScan, scan(&warm))
	if !bytes.Equal(cold.Bytes(), warm.Bytes()) {
		s.b.Error("the second scan prints something else than the first")
	}
	for _, r := range s.releases {
		s.change(s.bare(r), r, work)
		all.note(changedScan, scan(&bytes.Buffer{}))
	}
}

// copies lays out n copies of packages' repositories, each with a commit of its own, and
// returns the path of values in the umbrella that make it deploy them.
func (s *sideBySide) copies(n int) string {
	packages := map[string]any{}
	for i := range n {
		r := s.releases[i%len(s.releases)]
		name := fmt.Sprintf("copy-%02d", i)
		bare := filepath.Join(s.repositories, "copies", name+".git")
		s.must(os.CopyFS(bare, os.DirFS(s.bare(r))))
		s.change(bare, r, name)
		packages[name] = map[string]any{"enabled": true, "passBigBangValues": false, "sourceType": "git", "values": r.Values, "postRenderers": r.PostRenderers,
			"git": map[string]any{"repo": s.from + "copies/" + name + ".git", "tag": r.Ref.Tag, "path": "./" + r.Chart}}
	}
	data, err := yaml.Marshal(map[string]any{"packages": packages})
	s.must(err)
	const file = "copies.yaml"
	umbrella := filepath.Join(s.repositories, "big-bang", "bigbang.git")
	s.commit(umbrella, "HEAD", file, string(data))
	return file
}

// change moves the tag of a package to a commit in which a further comment stands in its values.
func (s *sideBySide) change(bare string, r analysis.Release, text string) {
	values := filepath.ToSlash(filepath.Clean(filepath.Join(r.Chart, "values.yaml")))
	was := s.git(bare, "", "show", r.Ref.Tag+":"+values)
	s.commit(bare, "refs/tags/"+r.Ref.Tag, values, was+"\n# "+text+"\n")
}

// commit moves a ref to a commit in which one file has another text.
func (s *sideBySide) commit(bare, ref, file, text string) {
	s.git(bare, "", "read-tree", ref)
	blob := s.git(bare, text, "hash-object", "-w", "--stdin")
	s.git(bare, "", "update-index", "--add", "--cacheinfo", "100644,"+blob+","+file)
	commit := s.git(bare, "", "commit-tree", "-m", "Change "+file, s.git(bare, "", "write-tree"))
	s.git(bare, "", "update-ref", ref, commit)
}

func (s *sideBySide) git(bare, stdin string, args ...string) string {
	cmd := exec.Command("git", append([]string{"--git-dir", bare}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "GIT_INDEX_FILE="+filepath.Join(s.dir, "index"), "GIT_AUTHOR_NAME=Mara Lind", "GIT_AUTHOR_EMAIL=mara.lind@example.com",
		"GIT_COMMITTER_NAME=Mara Lind", "GIT_COMMITTER_EMAIL=mara.lind@example.com")
	out, err := cmd.Output()
	if err != nil {
		s.b.Fatalf("git %s: %v", args[0], err)
	}
	return strings.TrimSuffix(string(out), "\n")
}
