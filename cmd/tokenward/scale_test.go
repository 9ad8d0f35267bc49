package main

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
)

// scaleSeed makes the generated platforms the same everywhere.
const scaleSeed = 43

// BenchmarkScale scans generated platforms of 50, 200 and 1,000 packages with nothing
// in the cache, and compares what one package costs. With -short, of 20 and 50.
func BenchmarkScale(b *testing.B) {
	sizes := []int{50, 200, 1000}
	if testing.Short() {
		sizes = []int{20, 50}
	}
	program := builtProgram(b)
	var umbrellas []string
	for _, n := range sizes {
		dir := b.TempDir()
		if err := generatePlatform(dir, n); err != nil {
			b.Fatal(err)
		}
		umbrellas = append(umbrellas, publicServer(b, dir)+"/")
	}
	costs := make([][]cost, len(sizes))
	for b.Loop() {
		for i, server := range umbrellas {
			var out bytes.Buffer
			settle(b)
			c := measured(b, scanCommand(program, b.TempDir(), &out, "--umbrella", server+"platform/umbrella.git", "--git-instead-of", sampleHost+"="+server))
			if n := bytes.Count(out.Bytes(), []byte(`packages/gen-`)); n < sizes[i] {
				b.Fatalf("of %d generated packages the report names %d", sizes[i], n)
			}
			if bytes.Contains(out.Bytes(), []byte("render release gen-")) {
				b.Fatal("a generated package cannot be rendered")
			}
			costs[i] = append(costs[i], c)
		}
	}
	b.Log(conditions())
	first := median(costs[0])
	for i, n := range sizes {
		c := median(costs[i])
		b.Logf("%5d packages %s: %.1f ms of CPU each", n, c, float64(c.cpu.Milliseconds())/float64(n))
		if i > 0 {
			per := float64(n) / float64(sizes[0])
			b.ReportMetric(c.cpu.Seconds()/first.cpu.Seconds()/per, fmt.Sprintf("cpu/package-%d:%d", n, sizes[0]))
			b.ReportMetric(c.wall.Seconds()/first.wall.Seconds()/per, fmt.Sprintf("wall/package-%d:%d", n, sizes[0]))
			b.ReportMetric(float64(c.peak)/float64(first.peak), fmt.Sprintf("peak-%d:%d", n, sizes[0]))
		}
	}
}

// generatePlatform lays out the sample platform with further packages below dir, each
// a sample's chart with something of its own, in a namespace of its own.
func generatePlatform(dir string, packages int) error {
	if err := layoutSamples(dir); err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(scaleSeed, uint64(packages)))
	models := []string{"bulletin", "courier", "keepsake", "logbook", "watchtower"}
	trees := map[string]map[string][]byte{}
	for _, m := range models {
		tree, err := sampleTree("platform/packages/"+m, false)
		if err != nil {
			return err
		}
		trees[m] = tree
	}
	var values strings.Builder
	for i := range packages {
		name := fmt.Sprintf("gen-%04d", i)
		tree := maps.Clone(trees[models[random.IntN(len(models))]])
		tree["chart/values.yaml"] = fmt.Appendf(slices.Clone(tree["chart/values.yaml"]), "\ngenerated: %d\n", random.Int64())
		tree["chart/templates/generated.yaml"] = generatedTemplate(random)
		if err := layoutPackage(filepath.Join(dir, "platform", "packages", name+".git"), tree); err != nil {
			return fmt.Errorf("lay out %s: %w", name, err)
		}
		fmt.Fprintf(&values, "  %s:\n    enabled: false\n    namespace: %s\n    sourceType: git\n    git:\n      repo: %splatform/packages/%s.git\n      path: ./chart\n      tag: 1.0.0\n    flux: {}\n    values: {relay: {smarthost: mail.example.com}}\n    postRenderers: []\n",
			name, name, sampleHost, name)
	}
	return addToUmbrella(filepath.Join(dir, "platform", "umbrella.git"), values.String())
}

// generatedTemplate is a few ConfigMaps, of the size that dashboards have.
func generatedTemplate(random *rand.Rand) []byte {
	var b bytes.Buffer
	for i := range 1 + random.IntN(4) {
		fmt.Fprintf(&b, "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-generated-%d\ndata:\n", i)
		for k := range 20 + random.IntN(200) {
			fmt.Fprintf(&b, "  key-%d: \"{{ .Values.generated }} %016x\"\n", k, random.Uint64())
		}
	}
	return b.Bytes()
}

func layoutPackage(dir string, tree map[string][]byte) error {
	repo, err := initSample(dir)
	if err != nil {
		return err
	}
	commit, err := commitSample(repo.Storer, tree, sampleSignature(0), "Release 1.0.0")
	if err != nil {
		return err
	}
	for _, ref := range []plumbing.ReferenceName{sampleBranch, "refs/tags/1.0.0"} {
		if err := repo.Storer.SetReference(plumbing.NewHashReference(ref, commit)); err != nil {
			return err
		}
	}
	return nil
}

// addToUmbrella appends to the packages at the end of the umbrella's values.
func addToUmbrella(dir, values string) error {
	repo, err := git.PlainOpen(dir)
	if err != nil {
		return err
	}
	head, err := repo.Head()
	if err != nil {
		return err
	}
	tree, err := sampleTree("platform/umbrella", true)
	if err != nil {
		return err
	}
	tree["chart/values.yaml"] = append(slices.Clone(tree["chart/values.yaml"]), values...)
	commit, err := commitSample(repo.Storer, tree, sampleSignature(8*24*time.Hour), "Add packages", head.Hash())
	if err != nil {
		return err
	}
	return repo.Storer.SetReference(plumbing.NewHashReference(sampleBranch, commit))
}
