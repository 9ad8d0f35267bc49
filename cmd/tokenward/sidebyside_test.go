package main

import (
	"bytes"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
	corpus := os.Getenv("TOKENWARD_CORPUS")
	if corpus == "" {
		b.Skip("set TOKENWARD_CORPUS to measure on a real platform")
	}
	if _, err := exec.LookPath("helm"); err != nil {
		b.Skip("there is no helm")
	}
	repositories := filepath.Join(b.TempDir(), "repositories")
	if err := os.CopyFS(repositories, os.DirFS(corpus)); err != nil {
		b.Fatal(err)
	}
	s := &sideBySide{b: b, dir: b.TempDir(), repositories: repositories, server: publicServer(b, repositories), program: builtProgram(b)}
	s.discover()
	all := map[string][]cost{}
	var order []string
	note := func(name string, c cost) {
		if all[name] == nil {
			order = append(order, name)
		}
		all[name] = append(all[name], c)
	}
	round := 0
	for b.Loop() {
		round++
		work := filepath.Join(s.dir, fmt.Sprint(round))
		note("clone and helm template", s.template(work))
		if _, err := exec.LookPath("kyverno"); err == nil {
			note("kyverno apply", s.apply(work))
		}
		cache := filepath.Join(work, "cache")
		var cold, warm bytes.Buffer
		note("scan, cold", measured(b, s.scan(cache, &cold)))
		note("scan, nothing changed", measured(b, s.scan(cache, &warm)))
		if !bytes.Equal(cold.Bytes(), warm.Bytes()) {
			b.Error("the second scan prints something else than the first")
		}
		s.change(fmt.Sprint(round))
		note("scan, one package changed", measured(b, s.scan(cache, &bytes.Buffer{})))
	}
	b.Logf("%d releases with a repository; %s", len(s.releases), conditions())
	for _, name := range order {
		b.Logf("%-26s %s", name, median(all[name]))
	}
	cold, reference := median(all["scan, cold"]), median(all["clone and helm template"])
	ratio := func(name string, a, c cost) {
		b.ReportMetric(a.wall.Seconds()/c.wall.Seconds(), name+"-wall")
		b.ReportMetric(a.cpu.Seconds()/c.cpu.Seconds(), name+"-cpu")
	}
	ratio("cold/helm", cold, reference)
	if k := all["kyverno apply"]; k != nil {
		reference.add(median(k))
		ratio("cold/helm+kyverno", cold, reference)
	}
	ratio("warm/cold", median(all["scan, nothing changed"]), cold)
	ratio("changed/cold", median(all["scan, one package changed"]), cold)
	b.ReportMetric(float64(cold.peak>>20), "MiB-peak")
}

// sideBySide is the platform, served over HTTP.
type sideBySide struct {
	b                                  *testing.B
	dir, repositories, server, program string
	from                               string // the begin of the URLs that the umbrella gives
	releases                           []analysis.Release
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

func (s *sideBySide) scan(cache string, out *bytes.Buffer) *exec.Cmd {
	return scanCommand(s.program, cache, out, "--umbrella", s.umbrella(), "--git-instead-of", s.from+"="+s.server+"/")
}

// change moves the tag of the package of middling size to a commit in which its values say something more.
func (s *sideBySide) change(text string) {
	sizes := map[string]int{}
	for _, r := range s.releases {
		out, err := exec.Command("git", "--git-dir", s.bare(r), "ls-tree", "-r", r.Ref.Tag).Output()
		s.must(err)
		sizes[r.HelmRelease] = len(out)
	}
	names := slices.SortedFunc(maps.Keys(sizes), func(a, c string) int { return sizes[a] - sizes[c] })
	r := s.releases[slices.IndexFunc(s.releases, func(r analysis.Release) bool { return r.HelmRelease == names[len(names)/2] })]
	values := filepath.ToSlash(filepath.Clean(filepath.Join(r.Chart, "values.yaml")))
	index := "GIT_INDEX_FILE=" + filepath.Join(s.dir, "index")
	run := func(stdin string, args ...string) string {
		cmd := exec.Command("git", append([]string{"--git-dir", s.bare(r)}, args...)...)
		cmd.Stdin = strings.NewReader(stdin)
		cmd.Env = append(os.Environ(), index, "GIT_AUTHOR_NAME=Mara Lind", "GIT_AUTHOR_EMAIL=mara.lind@example.com",
			"GIT_COMMITTER_NAME=Mara Lind", "GIT_COMMITTER_EMAIL=mara.lind@example.com")
		out, err := cmd.Output()
		if err != nil {
			s.b.Fatalf("git %s: %v", args[0], err)
		}
		return strings.TrimSuffix(string(out), "\n")
	}
	was := run("", "show", r.Ref.Tag+":"+values)
	run("", "read-tree", r.Ref.Tag)
	blob := run(was+"\nbenchmark: \""+text+"\"\n", "hash-object", "-w", "--stdin")
	run("", "update-index", "--cacheinfo", "100644,"+blob+","+values)
	commit := run("", "commit-tree", "-m", "Change the values", run("", "write-tree"))
	run("", "update-ref", "refs/tags/"+r.Ref.Tag, commit)
}
