package bot

import (
	"math/rand/v2"
	"slices"
	"testing"

	"tokenward/analysis"
	"tokenward/analysis/live"
	"tokenward/analysis/render"
)

// TestReleasesAsEachWorkload compares the releases of found objects with what each workload and object says by itself.
func TestReleasesAsEachWorkload(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(15, 5))
	one := func(words ...string) string { return words[random.IntN(len(words))] }
	for range 3000 {
		s := &Scan{Set: &analysis.Set{}}
		for range random.IntN(6) {
			name := one("a", "b", "a-b")
			s.Judgements = append(s.Judgements, analysis.Judgement{Workload: &analysis.Workload{Release: one("x", "y", "z"), Namespace: one("shop", "other"),
				Kind: one("Deployment", "Pod"), Name: name, Pods: []analysis.PodName{{Admission: name + "-", Full: name + "-x"}}}})
		}
		for range random.IntN(4) {
			r := &analysis.RenderedRelease{Release: analysis.Release{Name: one("x", "y", "z")}}
			for range random.IntN(3) {
				r.Objects = append(r.Objects, &render.Object{Kind: one("ServiceAccount", "Pod"), Namespace: one("shop", "other"), Name: one("a", "b")})
			}
			s.Set.Releases = append(s.Set.Releases, r)
		}
		g := live.Group{Kind: one("Deployment", "Pod", "ServiceAccount"), Namespace: one("shop", "other")}
		for range 1 + random.IntN(3) {
			g.Names = append(g.Names, one("a", "b", "a-x", "a-b-x", "b-y", "c"))
		}
		if got, want := newDeployed(s).releases(g), releasesByEach(s, g); !slices.Equal(got, want) {
			t.Fatalf("%+v: %q, want %q", g, got, want)
		}
	}
}

// releasesByEach asks each workload and each object about each name.
func releasesByEach(s *Scan, g live.Group) []string {
	var out []string
	add := func(release string) {
		if !slices.Contains(out, release) {
			out = append(out, release)
		}
	}
	for _, j := range s.Judgements {
		w := j.Workload
		hit := func(name string) bool {
			return w.Kind == g.Kind && w.Name == name || g.Kind == "Pod" && slices.ContainsFunc(analysis.PodPatterns(w), func(p string) bool { return analysis.MatchesName(p, name) })
		}
		if w.Namespace == g.Namespace && slices.ContainsFunc(g.Names, hit) {
			add(w.Release)
		}
	}
	for _, r := range s.Set.Releases {
		for _, o := range r.Objects {
			if o.Kind == g.Kind && o.Namespace == g.Namespace && slices.Contains(g.Names, o.Name) {
				add(r.Name)
			}
		}
	}
	return out
}
