package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"tokenward/bot"
)

// TestHostileCharts scans one platform that deploys every hostile chart beside an
// honest one: each costs its own release, with its sentence, and nothing else. How much
// memory and processor time a worker had is bounded by its limits, which the sentences name.
func TestHostileCharts(t *testing.T) {
	cases := hostileCases(t)
	dir := t.TempDir()
	layoutHostile(t, dir, cases)
	out, errs, code := scanApart(t, dir)
	if code != exitFailed {
		t.Errorf("exit code %d\n%s", code, errs)
	}
	got := hostileErrors(t, out, errs)
	for _, c := range cases {
		said, there := got[c.name]
		late := c.slowly && (strings.Contains(said, stopped) || strings.Contains(said, "of memory (rendering.memory)"))
		checkSentence(t, c.name, said, there, c.want, late)
	}
	t.Logf("%d cases", len(cases))
	if raceEnabled {
		return
	}
	peak, own := peakOf(t, errs, peakMark), peakOf(t, errs, ownMark)
	t.Logf("the largest worker had %d MiB in memory, the program %d", peak, own)
	checkWorkers(t, peak, own)
}

// checkWorkers holds the largest worker to the 256 MiB that scanApart allows it, and to the 256 MiB by which
// its last allocation may pass them. What the program has when it starts a worker in the place of one
// counts as that worker's, too, and so does what of the program's own file is in memory, which no limit counts.
func checkWorkers(t *testing.T, peak, own int) {
	t.Helper()
	file, err := os.Stat("/proc/self/exe")
	if err != nil {
		t.Skip("the size of the program's file is not known here")
	}
	if allowed := 256 + 256 + int(file.Size()>>20); peak > allowed && peak > own {
		t.Errorf("a worker had %d MiB in memory, and no more than 512 MiB of its own are allowed", peak)
	}
}

const (
	ownMark  = "peak of the program in MiB: "
	peakMark = "peak of children in MiB: "
)

// peakOf reads what runAndMeasure said after a mark.
func peakOf(t *testing.T, errs, mark string) int {
	t.Helper()
	_, said, _ := strings.Cut(errs, mark)
	said, _, _ = strings.Cut(said, "\n")
	peak, err := strconv.Atoi(said)
	if err != nil {
		t.Fatalf("no peak: %v\n%s", err, errs)
	}
	return peak
}

// runAndMeasure is the program, which says at its end how much memory it and the largest
// of its children had.
func runAndMeasure() int {
	code := run(os.Args[1:], os.Stdout, os.Stderr, os.Getenv)
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &usage); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitUsage
	}
	var own syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitUsage
	}
	fmt.Fprintf(os.Stderr, "%s%d\n%s%d\n", ownMark, own.Maxrss>>10, peakMark, usage.Maxrss>>10)
	return code
}

// scanApart scans what layoutHostile wrote in a process that is a grandchild of this one:
// the kernel counts a parent's memory as its child's until the child executes something, and the tests' is large.
func scanApart(t *testing.T, dir string, environment ...string) (out []byte, errs string, code int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "tokenward-peak")
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", `"$0" "$@"; exit $?`, program,
		"scan", "--format", "json", "--umbrella", "file://"+dir+"/umbrella.git", "--git-instead-of", "https://git.example.com/=file://"+dir+"/")
	cmd.Env = append(os.Environ(), "TOKENWARD_RENDERING_TIME=1s", "TOKENWARD_RENDERING_MEMORY=256Mi", "TOKENWARD_RENDERING_OUTPUT=2Mi", "TOKENWARD_CACHE_DIR="+noCache)
	cmd.Env = append(cmd.Env, environment...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return stdout.Bytes(), stderr.String(), cmd.ProcessState.ExitCode()
}

// hostileErrors reads what a scan says of each release, and wants the honest one judged.
func hostileErrors(t *testing.T, out []byte, errs string) map[string]string {
	t.Helper()
	var report bot.ScanReport
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, errs)
	}
	got := map[string]string{}
	for _, r := range report.Releases {
		got[r.Name] = r.Error
	}
	for _, w := range report.Workloads {
		if w.Release == "honest" && w.Name == "web" {
			return got
		}
	}
	t.Error("the honest release was not judged")
	return got
}

// checkSentence holds that a release is in the report with one sentence that says what is
// wanted, or fails in another way that is fine; with none where nothing is wanted.
func checkSentence(t *testing.T, name, said string, there bool, want string, fine bool) {
	t.Helper()
	switch {
	case !there:
		t.Errorf("%s: the release is not in the report", name)
	case want == "" && said != "":
		t.Errorf("%s: failed, and should not: %s", name, said)
	case (!strings.Contains(said, want) || want != "" && said == "") && !fine:
		t.Errorf("%s:\n got %.500q\nwant %q", name, said, want)
	case strings.ContainsAny(said, "\r\n\x00\x1b") || len(said) > 1500:
		t.Errorf("%s: that is not one sentence: %.500q", name, said)
	}
}

// layoutHostile writes an umbrella with a release per case, and one repository with their charts.
func layoutHostile(t *testing.T, dir string, cases []hostileCase) {
	t.Helper()
	charts := map[string][]byte{}
	var flux strings.Builder
	flux.WriteString("apiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: charts, namespace: umbrella}\nspec: {url: 'https://git.example.com/charts.git', ref: {branch: main}}\n")
	for _, c := range cases {
		files := map[string]string{"Chart.yaml": "apiVersion: v2\nname: sample\nversion: 1.0.0\n"}
		if c.template != "" {
			files["templates/a.yaml"] = c.template
		}
		maps.Copy(files, c.files)
		for name, text := range files {
			charts[c.name+"/"+name] = []byte(text)
		}
		spec, err := json.Marshal(map[string]any{
			"releaseName": c.name, "targetNamespace": c.name, "values": c.values, "postRenderers": c.postRenderers, "interval": "1m",
			"chart": map[string]any{"spec": map[string]any{"chart": c.name, "sourceRef": map[string]any{"kind": "GitRepository", "name": "charts"}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&flux, "---\napiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: %s, namespace: umbrella}\nspec: %s\n", c.name, spec)
	}
	layoutCommit(t, filepath.Join(dir, "charts.git"), charts)
	layoutFlux(t, dir, flux.String())
}

// layoutFlux writes an umbrella that renders the given objects.
func layoutFlux(t *testing.T, dir, objects string) {
	t.Helper()
	layoutCommit(t, filepath.Join(dir, "umbrella.git"), map[string][]byte{
		"chart/Chart.yaml":          []byte("apiVersion: v2\nname: umbrella\nversion: 1.0.0\n"),
		"chart/templates/flux.yaml": []byte("{{ .Files.Get \"flux.yaml\" }}\n"),
		"chart/flux.yaml":           []byte(objects),
	})
}

// layoutCommit writes a repository with one commit.
func layoutCommit(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	repo, err := initSample(dir)
	if err != nil {
		t.Fatal(err)
	}
	commit, err := commitSample(repo.Storer, files, sampleSignature(0), "Everything")
	if err != nil {
		t.Fatal(err)
	}
	if err := repo.Storer.SetReference(plumbing.NewHashReference(sampleBranch, commit)); err != nil {
		t.Fatal(err)
	}
}
