package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"tokenward/bot"
	"tokenward/gitops/forge/sandbox"
)

// TestPeopleInTheWay lets people and the bot act in turn on the same pair, in random
// sequences of fixed seeds, and holds after every run of the bot: no commit of a
// person is lost, nothing that a person closed is open again, no byte outside the
// bot's marks in a description has changed, and there is at most one open request per
// project. TOKENWARD_SEQUENCES sets how many sequences are played.
func TestPeopleInTheWay(t *testing.T) {
	t.Parallel()
	sequences := 6
	if testing.Short() {
		sequences = 2
	}
	if n, err := strconv.Atoi(os.Getenv("TOKENWARD_SEQUENCES")); err == nil {
		sequences = n
	}
	for seed := range sequences {
		t.Run(strconv.Itoa(seed), func(t *testing.T) {
			t.Parallel()
			g := &game{platform: newPlatform(t), dice: rand.New(rand.NewPCG(uint64(seed), 1)), closed: map[string]bool{}, outside: map[string]string{}}
			for turn := range 8 {
				g.turn = turn
				g.bot()
				g.person()
			}
			g.bot()
		})
	}
}

// game is one sequence with what people did in it.
type game struct {
	*platform
	dice    *rand.Rand
	turn    int
	moves   []string
	commits []string          // "project commit" of people on the bot's branches
	closed  map[string]bool   // references of requests that a person closed last
	outside map[string]string // what people wrote around the marks, by reference
}

func (g *game) fail(format string, args ...any) {
	g.t.Fatalf("after %s: %s", strings.Join(g.moves, ", "), fmt.Sprintf(format, args...))
}

// bot runs the bot and checks what must always hold.
func (g *game) bot() {
	before := g.requests()
	code, r := g.propose(developer, "--namespace", "bulletin")
	if code != exitOK {
		g.fail("exit code %d: %+v", code, r.Failed)
	}
	for _, m := range r.MergeRequests {
		if m.Action == bot.ActionClosed {
			delete(g.closed, reference(m))
		}
	}
	open := map[string]int{}
	for _, m := range g.requests() {
		name := fmt.Sprintf("%s!%d", m.Project, m.IID)
		if m.State == "opened" {
			open[m.Project]++
		}
		if m.State == "opened" && g.closed[name] {
			g.fail("%s, which a person closed, is open again", name)
		}
		if words := g.outside[name]; !strings.HasSuffix(m.Description, words) {
			g.fail("%s lost what a person wrote below the marks: %q", name, m.Description)
		}
	}
	for project, n := range open {
		if n > 1 {
			g.fail("%s has %d open requests", project, n)
		}
	}
	for _, c := range g.commits {
		project, commit, _ := strings.Cut(c, " ")
		if g.git(project, "for-each-ref", "--contains", commit) == "" {
			g.fail("commit %s of a person on %s is on no branch any more; %d requests before", commit, project, len(before))
		}
	}
}

func (g *game) requests() []sandbox.MergeRequest { return g.box.box.MergeRequests() }

// person does one random thing that a person with rights can do.
func (g *game) person() {
	all := g.requests()
	if len(all) == 0 {
		return
	}
	m := all[g.dice.IntN(len(all))]
	name := fmt.Sprintf("%s!%d", m.Project, m.IID)
	tip := g.git(m.Project, "for-each-ref", "--format=%(objectname)", "refs/heads/"+m.SourceBranch)
	moves := []struct {
		name string
		do   func() bool // false if it cannot be done now
	}{
		{"commit", func() bool {
			if tip == "" || m.State != "opened" {
				return false
			}
			sha, err := g.box.box.Commit(g.t.Context(), m.Project, sandbox.Commit{Branch: m.SourceBranch, Message: "By a person", Files: map[string]string{"PERSON.md": fmt.Sprint(g.turn)}})
			g.must(err)
			g.commits = append(g.commits, m.Project+" "+sha)
			return true
		}},
		{"close", func() bool {
			if m.State != "opened" {
				return false
			}
			g.must(g.box.box.Close(g.t.Context(), m.Project, m.IID))
			g.closed[name] = true
			return true
		}},
		{"reopen", func() bool {
			if m.State != "closed" || g.box.box.Reopen(g.t.Context(), m.Project, m.IID) != nil {
				return false
			}
			delete(g.closed, name)
			return true
		}},
		{"merge", func() bool { return m.State == "opened" && g.box.box.Merge(g.t.Context(), m.Project, m.IID) == nil }},
		{"edit the title of", func() bool {
			g.api("PUT", fmt.Sprintf("projects/%s/merge_requests/%d", strings.ReplaceAll(m.Project, "/", "%2F"), m.IID), fmt.Sprintf(`{"title":"A person's title %d"}`, g.turn))
			return true
		}},
		{"write below the description of", func() bool {
			g.outside[name] += fmt.Sprintf("\nA person's words %d", g.turn)
			text := m.Description + fmt.Sprintf("\nA person's words %d", g.turn)
			g.api("PUT", fmt.Sprintf("projects/%s/merge_requests/%d", strings.ReplaceAll(m.Project, "/", "%2F"), m.IID), fmt.Sprintf(`{"description":%q}`, text))
			return true
		}},
		{"move the default branch of", func() bool {
			_, err := g.box.box.Commit(g.t.Context(), m.Project, sandbox.Commit{Branch: "main", Message: "Other work", Files: map[string]string{"OTHER.md": fmt.Sprint(g.turn)}})
			g.must(err)
			return true
		}},
		{"rebase", func() bool {
			if m.State != "opened" || tip == "" || len(g.commits) > 0 {
				return false // a rebase gives people's commits other names
			}
			g.api("PUT", fmt.Sprintf("projects/%s/merge_requests/%d/rebase", strings.ReplaceAll(m.Project, "/", "%2F"), m.IID), "")
			return true
		}},
	}
	for {
		move := moves[g.dice.IntN(len(moves))]
		if move.do() {
			g.moves = append(g.moves, move.name+" "+name)
			return
		}
	}
}
