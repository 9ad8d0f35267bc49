package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokenward/bot"
)

const fleetProject = "platform/fleet"

// ofUmbrella proposes for the umbrella in a project, and returns its report.
func (g *game) ofUmbrella(project string) *bot.ProposeReport {
	g.t.Helper()
	g.turn++
	g.umbrella = project
	_, r := g.propose(developer)
	g.umbrella = ""
	return r
}

// newFleet is a game with a second umbrella, which deploys the same package into the same namespace.
func newFleet(t *testing.T) *game {
	t.Helper()
	platforms := newSmallPlatforms(t, sampleRenderer())
	if err := borrow(filepath.Join(platforms.pattern, umbrellaProject+".git"), filepath.Join(platforms.pattern, fleetProject+".git")); err != nil {
		t.Fatal(err)
	}
	platforms.projects = append(platforms.projects, fleetProject)
	return newGame(t, platforms, 0)
}

// TestTwoUmbrellasOfOnePackage holds that one section documents a package for two umbrellas that
// deploy it into one namespace: the second leaves the request, the branch and what was merged alone.
func TestTwoUmbrellasOfOnePackage(t *testing.T) {
	t.Parallel()
	g := newFleet(t)
	g.ofUmbrella(umbrellaProject)
	before, branch := g.request(bulletinProject, 1), g.heads()[bulletinProject+" "+bulletinBranch]
	rest := func(when string) {
		t.Helper()
		for _, project := range []string{fleetProject, umbrellaProject, fleetProject, umbrellaProject} {
			g.platforms.written()
			r := g.ofUmbrella(project)
			if w := g.platforms.written(); len(w) > 0 || len(r.Failed) > 0 {
				t.Errorf("%s, the run of %s writes %v, fails %v", when, project, w, r.Failed)
			}
		}
	}
	var skipped string
	for _, m := range g.ofUmbrella(fleetProject).MergeRequests {
		if m.Project == bulletinProject && m.Action == bot.ActionSkipped {
			skipped = m.Reason
		}
	}
	if want := "platform/packages/bulletin!1 has it for umbrella platform/umbrella: one section documents the package for both"; skipped != want {
		t.Errorf("the package's half is skipped for %q, want %q", skipped, want)
	}
	if g.request(fleetProject, 1).State != "opened" {
		t.Error("the second umbrella has no request of its own")
	}
	rest("with both open")
	if got := g.request(bulletinProject, 1); got.Description != before.Description || g.heads()[bulletinProject+" "+bulletinBranch] != branch {
		t.Error("the second umbrella changed the first one's request")
	}
	g.must(g.box.box.Merge(t.Context(), umbrellaProject, 1))
	g.must(g.box.box.Merge(t.Context(), bulletinProject, 1))
	g.ofUmbrella(umbrellaProject)
	g.ofUmbrella(fleetProject) // its description says that the package is documented
	rest("with the section merged")
	if text := g.file(bulletinProject, "README.md"); !strings.Contains(text, "/platform/umbrella/-/blob/main/") {
		t.Errorf("the section does not link to the first umbrella:\n%s", text)
	}
}

// TestUmbrellaThatMoves holds that an umbrella is no other one after its project was moved, or
// when it is read with other values: it goes on with its requests, and its section follows.
func TestUmbrellaThatMoves(t *testing.T) {
	t.Parallel()
	g := newFleet(t)
	g.ofUmbrella(umbrellaProject)
	const moved = "platform/moved"
	g.must(g.box.box.Move(t.Context(), umbrellaProject, moved))
	values := filepath.Join(t.TempDir(), "values.yaml")
	g.must(os.WriteFile(values, []byte("bulletin: {more: true}\n"), 0o600))
	g.environment["TOKENWARD_UMBRELLA_VALUES_FILES"] = values
	for _, m := range g.ofUmbrella(moved).MergeRequests {
		if m.IID != 1 || m.State != "opened" || m.Action == bot.ActionSkipped {
			t.Errorf("%s!%d is %s, %s (%s)", m.Project, m.IID, m.State, m.Action, m.Reason)
		}
	}
	if text := g.fileAt(bulletinProject, g.heads()[bulletinProject+" "+bulletinBranch], "README.md"); !strings.Contains(text, "/platform/moved/-/blob/main/") {
		t.Errorf("the section does not follow the umbrella:\n%s", text)
	}
}

// TestTwoUmbrellasOfOneProject holds that the second of two umbrellas that are branches of one
// project is refused what the first has, instead of making the same branch anew in turn.
func TestTwoUmbrellasOfOneProject(t *testing.T) {
	t.Parallel()
	g := newFleet(t)
	run := func(ref string) *bot.ProposeReport {
		t.Helper()
		g.turn++
		around := &surroundings{stdout: &strings.Builder{}, stderr: &strings.Builder{}, now: g.now, renderer: g.renderer,
			environ: func(key string) string {
				return map[string]string{"TOKENWARD_GITLAB_TOKEN": developer, "TOKENWARD_GITLAB_URL": g.box.url}[key]
			},
			sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
		c, err := (&inputs{umbrella: sampleHost + umbrellaProject + ".git", ref: ref, insteadOf: []string{sampleHost + "=" + g.box.url + "/"}}).serviceConfig(around)
		g.must(err)
		for _, ref := range []string{"", "release"} {
			u := c.Umbrella
			u.Ref = ref
			c.beside = append(c.beside, u)
		}
		a, err := newApp(t.Context(), around, c, newProgress(nil), func(*bot.Config) {})
		g.must(err)
		defer a.close()
		_, r, err := a.bot.Propose(t.Context())
		g.must(err)
		return r
	}
	run("")
	for range 3 { // three, since two that agree close what is not needed
		g.platforms.written()
		r := run("release")
		if len(r.Failed) != 1 || !strings.Contains(r.Failed[0].Reason, "another umbrella's: platform/umbrella!1 has it for umbrella platform/umbrella; run one of the two by itself, with another mergeRequests.branchPrefix") {
			t.Errorf("the second fails with %+v", r.Failed)
		}
		if w := append(g.platforms.written(), changedBy(run(""))...); len(w) > 0 {
			t.Errorf("in turn, they write %v", w)
		}
	}
}

// changedBy lists the requests that a run changed.
func changedBy(r *bot.ProposeReport) []string {
	var out []string
	for _, m := range r.MergeRequests {
		if m.Action != bot.ActionUnchanged {
			out = append(out, reference(m)+" "+m.Action+" "+m.Reason)
		}
	}
	return out
}
