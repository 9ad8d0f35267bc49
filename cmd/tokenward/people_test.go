package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tokenward/bot"
	"tokenward/gitops/forge/sandbox"
)

// TestPeopleInTheWay lets people and the bot act in turn on the same pair, in random
// sequences of fixed seeds, and holds after every run of the bot what game.bot and
// game.settle say. TOKENWARD_SEQUENCES sets how many sequences are played (or
// which, as 500-1000), and TOKENWARD_SEED plays one alone.
func TestPeopleInTheWay(t *testing.T) {
	t.Parallel()
	first, sequences := 0, 12
	if testing.Short() {
		sequences = 4
	}
	from, to, cut := strings.Cut(os.Getenv("TOKENWARD_SEQUENCES"), "-")
	if n, err := strconv.Atoi(from); err == nil && !cut {
		sequences = n
	} else if end, bad := strconv.Atoi(to); err == nil && bad == nil {
		first, sequences = n, end
	}
	if n, err := strconv.Atoi(os.Getenv("TOKENWARD_SEED")); err == nil {
		first, sequences = n, n+1
	}
	renderer := newRenderOnce()
	workers := runtime.GOMAXPROCS(0)
	var players sync.WaitGroup
	for worker := range workers {
		platforms := newSmallPlatforms(t, renderer)
		players.Go(func() {
			for seed := first + worker; seed < sequences; seed += workers {
				t.Run(strconv.Itoa(seed), func(t *testing.T) { play(t, platforms, seed) })
			}
		})
	}
	players.Wait()
	if n := renderer.changed(); n > 0 {
		t.Errorf("%d rendered outputs were changed by who read them", n)
	}
}

// play plays the sequence of a seed.
func play(t *testing.T, platforms *smallPlatforms, seed int) {
	g := newGame(t, platforms, seed)
	for _, flag := range []string{"TOKENWARD_ISSUES_TRACKING", "TOKENWARD_ISSUES_DASHBOARD", "TOKENWARD_VERSION_BUMP"} {
		if g.dice.IntN(4) == 0 {
			g.environment[flag] = "true"
		}
	}
	for range 3 {
		g.turn++
		g.bot()
		for range 1 + g.dice.IntN(3) {
			g.turn++
			g.person()
		}
	}
	g.settle()
}

func newGame(t *testing.T, platforms *smallPlatforms, seed int) *game {
	g := &game{platforms: platforms, dice: rand.New(rand.NewPCG(uint64(seed), 1)), commits: map[string][]string{}, closed: map[string]bool{}, titles: map[string]string{}}
	g.platform = platforms.start(t, func() time.Time { return time.Date(2026, 6, 1, 8, g.turn, 0, 0, time.UTC) })
	g.prepare()
	return g
}

// game is one sequence with what people did in it.
type game struct {
	*platform
	platforms *smallPlatforms
	dice      *rand.Rand
	turn      int
	moves     []string
	commits   map[string][]string // of people on the bot's branches, by project
	closed    map[string]bool     // references of requests that a person closed last
	titles    map[string]string   // that a person gave, by reference
	tags      int                 // releases of the package
}

func (g *game) fail(format string, args ...any) {
	g.t.Helper()
	g.t.Fatalf("after %s: %s", strings.Join(g.moves, "; "), fmt.Sprintf(format, args...))
}

// bot runs the bot and checks what must always hold: no commit of a person is lost,
// nothing that a person closed is open again, no byte outside the bot's marks in a
// description has changed, titles and labels of people stay, no branch but the bot's
// own moves, a project has at most one open request, and every note answers one.
func (g *game) bot() *bot.ProposeReport {
	g.t.Helper()
	g.moves = append(g.moves, "BOT")
	before, heads := g.requests(), g.heads()
	code, r := g.propose(developer)
	if code != exitOK {
		g.fail("exit code %d: %+v", code, r.Failed)
	}
	for _, m := range r.MergeRequests {
		if m.Action == bot.ActionClosed {
			delete(g.closed, reference(m))
			g.closed[reference(m)] = strings.Contains(m.Reason, "at the request of")
		}
	}
	g.checkBranches(heads)
	open, was := map[string]int{}, map[string]string{}
	for _, m := range before {
		was[name(m)] = m.State
	}
	opened := map[string]bool{} // projects in which the bot opened one
	after := map[string]sandbox.MergeRequest{}
	for _, m := range g.requests() {
		after[name(m)] = m
		if m.State == "opened" {
			open[m.Project]++
			opened[m.Project] = opened[m.Project] || was[name(m)] != "opened"
		}
		if m.State == "opened" && g.closed[name(m)] {
			g.fail("%s, which a person closed, is open again", name(m))
		}
		for _, n := range m.Notes {
			if !n.System && n.Author != maintainer && !strings.Contains(n.Body, "<!-- tokenward:note ") {
				g.fail("on %s stands a note that nobody asked for: %s", name(m), n.Body)
			}
		}
		if title, ok := g.titles[name(m)]; ok && m.Title != title {
			g.fail("%s is called %q, although a person called it %q", name(m), m.Title, title)
		}
	}
	for project, n := range open {
		if n > 1 && opened[project] { // people may, once they have chosen another target branch for one
			g.fail("%s has %d open requests", project, n)
		}
	}
	for _, m := range before {
		if was, is := outside(m.Description), outside(after[name(m)].Description); was != is {
			g.fail("%s: outside the marks stood %q, now %q", name(m), was, is)
		}
		if was, is := m.Labels, after[name(m)].Labels; !slices.Equal(was, is) {
			g.fail("%s: the labels were %q and are %q", name(m), was, is)
		}
	}
	return r
}

// settle runs the bot until it has nothing to do: the second run writes nothing, and
// so does every later one, but for what is not needed any more: to close that takes
// two runs that agree, and what belongs to it comes after it.
func (g *game) settle() {
	g.t.Helper()
	owing, follows := "", false
	for run := 1; ; run++ {
		g.turn++
		open := len(g.open())
		g.platforms.written()
		g.bot()
		w := g.platforms.written()
		switch closed := len(g.open()) < open; {
		case run == 1, follows && len(w) > 0 && !closed:
			follows = closed
		case owing != "" && !closed:
			g.fail("nobody did anything, and yet %s", owing)
		case len(w) == 0:
			return
		case closed:
			owing, follows = "", true
		default:
			owing = fmt.Sprintf("run %d writes %v", run, w)
		}
	}
}

// open lists what is open on the server.
func (g *game) open() []string {
	var out []string
	for _, m := range g.requests() {
		if m.State == "opened" {
			out = append(out, name(m))
		}
	}
	for _, i := range g.box.box.Issues() {
		if i.State == "opened" {
			out = append(out, fmt.Sprintf("%s#%d", i.Project, i.IID))
		}
	}
	return out
}

// checkBranches compares the branches of all projects with what they were before the
// bot ran.
func (g *game) checkBranches(before map[string]string) {
	g.t.Helper()
	after := g.heads()
	for branch, was := range before {
		project, short, _ := strings.Cut(branch, " ")
		is := after[branch]
		switch {
		case is == was:
		case short != bulletinBranch:
			g.fail("the bot moved branch %s from %s to %q", branch, was, is)
		default:
			for _, commit := range g.commits[project] {
				if is == "" || g.git(project, "merge-base", commit, is) != commit {
					g.fail("commit %s of a person is not on %s any more, which went from %s to %q", commit, branch, was, is)
				}
			}
		}
	}
	for branch := range after {
		if _, ok := before[branch]; !ok && !strings.HasSuffix(branch, " "+bulletinBranch) {
			g.fail("the bot made branch %s", branch)
		}
	}
}

// heads reads the branches that stand in files of their own, which all do: by project and name.
func (g *game) heads() map[string]string {
	g.t.Helper()
	out := map[string]string{}
	for _, project := range []string{umbrellaProject, bulletinProject, policiesProject} {
		root := filepath.Join(g.dir, project+".git", "refs", "heads")
		for _, pattern := range []string{"*", "tokenward/*"} {
			found, err := filepath.Glob(filepath.Join(root, pattern))
			g.must(err)
			for _, path := range found {
				raw, err := os.ReadFile(path)
				if err == nil {
					out[project+" "+strings.TrimPrefix(path, root+"/")] = strings.TrimSpace(string(raw))
				}
			}
		}
	}
	return out
}

func (g *game) requests() []sandbox.MergeRequest { return g.box.box.MergeRequests() }

func name(m sandbox.MergeRequest) string { return fmt.Sprintf("%s!%d", m.Project, m.IID) }

var hiddenState = regexp.MustCompile(`\s*<!-- tokenward:v1 [^>]* -->`)

// outside is what a description says around the bot's marks, without hidden state,
// which may stand alone where people took everything else away.
func outside(description string) string {
	begin, end := strings.Index(description, "<!-- tokenward:begin -->"), strings.LastIndex(description, "<!-- tokenward:end -->")
	if begin >= 0 && end > begin {
		description = description[:begin] + "\x00" + description[end:]
	}
	return hiddenState.ReplaceAllString(description, "")
}
