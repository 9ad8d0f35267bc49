package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"

	"tokenward/gitops/forge/sandbox"
)

// prepare gives both projects a second branch to which requests may go.
func (g *game) prepare() {
	for _, project := range []string{umbrellaProject, bulletinProject} {
		g.ref(project, "heads/release", g.heads()[project+" main"])
	}
}

// ref points a ref at a commit.
func (g *game) ref(project, ref, commit string) {
	g.t.Helper()
	g.must(os.WriteFile(filepath.Join(g.dir, project+".git", "refs", ref), []byte(commit+"\n"), 0o600))
}

// move is something that a person with rights can do. Those about a request answer
// false if it cannot be done now.
type move struct {
	name  string
	often int
	about func(g *game, m sandbox.MergeRequest, tip string) bool
	at    func(g *game) bool // about no request
}

// person does one random thing.
func (g *game) person() {
	g.t.Helper()
	for {
		all := g.requests()
		move := g.choose()
		if move.at != nil {
			if move.at(g) {
				g.moves = append(g.moves, move.name)
				return
			}
			continue
		}
		if len(all) == 0 {
			continue
		}
		m := all[g.dice.IntN(len(all))]
		before := len(g.moves)
		if move.about(g, m, g.heads()[m.Project+" "+m.SourceBranch]) {
			g.moves = append(g.moves[:before], strings.Join(append([]string{move.name}, g.moves[before:]...), " ")+" "+name(m))
			return
		}
	}
}

func (g *game) choose() move {
	all := 0
	for _, m := range moves {
		all += m.often
	}
	n := g.dice.IntN(all)
	for _, m := range moves {
		if n -= m.often; n < 0 {
			return m
		}
	}
	panic("the moves are exhausted")
}

var moves = []move{
	{name: "commit to", often: 3, about: func(g *game, m sandbox.MergeRequest, tip string) bool { return g.commitTo(m, tip, false) }},
	{name: "amend", often: 2, about: func(g *game, m sandbox.MergeRequest, tip string) bool { return g.commitTo(m, tip, true) }},
	{name: "undo the lines of", often: 1, about: (*game).undo},
	{name: "close", often: 3, about: func(g *game, m sandbox.MergeRequest, _ string) bool {
		if m.State != "opened" {
			return false
		}
		g.closed[name(m)] = true
		return g.change(m, map[string]any{"state_event": "close"})
	}},
	{name: "reopen", often: 3, about: func(g *game, m sandbox.MergeRequest, _ string) bool {
		if m.State != "closed" || !g.change(m, map[string]any{"state_event": "reopen"}) {
			return false
		}
		delete(g.closed, name(m))
		return true
	}},
	{name: "merge", often: 3, about: func(g *game, m sandbox.MergeRequest, _ string) bool {
		if m.State != "opened" || g.box.box.Merge(g.t.Context(), m.Project, m.IID) != nil {
			return false
		}
		delete(g.commits, m.Project)
		return true
	}},
	{name: "rebase", often: 2, about: (*game).rebase},
	{name: "delete the branch of", often: 1, about: (*game).deleteBranch},
	{name: "edit the title of", often: 1, about: func(g *game, m sandbox.MergeRequest, _ string) bool {
		g.titles[name(m)] = fmt.Sprintf("A person's title %d", g.turn)
		return g.change(m, map[string]any{"title": g.titles[name(m)]})
	}},
	{name: "label", often: 1, about: func(g *game, m sandbox.MergeRequest, _ string) bool {
		return g.change(m, map[string]any{"add_labels": "team::web"})
	}},
	{name: "hold", often: 1, about: func(g *game, m sandbox.MergeRequest, _ string) bool {
		return g.change(m, map[string]any{"add_labels": "tokenward::hold"})
	}},
	{name: "unhold", often: 2, about: func(g *game, m sandbox.MergeRequest, _ string) bool {
		return strings.Contains(strings.Join(m.Labels, ","), "tokenward::hold") && g.change(m, map[string]any{"remove_labels": "tokenward::hold"})
	}},
	{name: "retarget", often: 1, about: func(g *game, m sandbox.MergeRequest, _ string) bool {
		to := map[string]string{"release": g.defaultBranch(m.Project)}[m.TargetBranch]
		if to == "" {
			to = "release"
		}
		return m.State == "opened" && g.change(m, map[string]any{"target_branch": to})
	}},
	{name: "write around the description of", often: 2, about: func(g *game, m sandbox.MergeRequest, _ string) bool {
		return g.change(m, map[string]any{"description": fmt.Sprintf("Above %d\n%s\nBelow %d", g.turn, m.Description, g.turn)})
	}},
	{name: "write into the description of", often: 1, about: func(g *game, m sandbox.MergeRequest, _ string) bool {
		return g.change(m, map[string]any{"description": strings.Replace(m.Description, "\n\n", "\n\nIn the middle\n\n", 1)})
	}},
	{name: "empty the description of", often: 1, about: func(g *game, m sandbox.MergeRequest, _ string) bool {
		return g.change(m, map[string]any{"description": "Nothing of yours"})
	}},
	{name: "move the default branch elsewhere", often: 2, at: func(g *game) bool {
		g.work(g.anyProject(), map[string]string{"OTHER.md": fmt.Sprint(g.turn)})
		return true
	}},
	{name: "move the umbrella's default branch nearby", often: 2, at: func(g *game) bool {
		text := g.file(umbrellaProject, valuesFile)
		g.work(umbrellaProject, map[string]string{valuesFile: strings.Replace(text, "{{- end }}\n", fmt.Sprintf("      - namespace: courier-%d\n{{- end }}\n", g.turn), 1)})
		return true
	}},
	{name: "move the package's default branch nearby", often: 2, at: func(g *game) bool {
		text := g.file(bulletinProject, "README.md")
		g.work(bulletinProject, map[string]string{"README.md": strings.Replace(text, "## License", fmt.Sprintf("## News %d\n\nNone.\n\n## License", g.turn), 1)})
		return true
	}},
	{name: "list the namespace by hand", often: 1, at: (*game).listByHand},
	{name: "unlist the namespace", often: 1, at: (*game).unlist},
	{name: "take the package out of the umbrella or back", often: 1, at: func(g *game) bool {
		g.leave()
		return true
	}},
	{name: "release the package", often: 2, at: (*game).release},
	{name: "rename the default branch", often: 1, at: (*game).rename},
	{name: "note on", often: 4, about: (*game).note},
}

func (g *game) anyProject() string {
	return []string{umbrellaProject, bulletinProject}[g.dice.IntN(2)]
}

// change edits a request as a maintainer; false if the server refuses.
func (g *game) change(m sandbox.MergeRequest, what map[string]any) bool {
	g.t.Helper()
	raw, err := json.Marshal(what)
	g.must(err)
	return g.tryAs(maintainer, "PUT", fmt.Sprintf("projects/%s/merge_requests/%d", strings.ReplaceAll(m.Project, "/", "%2F"), m.IID), string(raw)) < 300
}

// work is a commit of a person to the default branch.
func (g *game) work(project string, files map[string]string) string {
	g.t.Helper()
	sha, err := g.box.box.Commit(g.t.Context(), project, sandbox.Commit{Branch: g.defaultBranch(project), Message: "Other work", Files: files})
	g.must(err)
	return sha
}

func (g *game) defaultBranch(project string) string {
	g.t.Helper()
	raw, err := os.ReadFile(filepath.Join(g.dir, project+".git", "HEAD"))
	g.must(err)
	return strings.TrimPrefix(strings.TrimSpace(string(raw)), "ref: refs/heads/")
}

// file reads a file of the default branch.
func (g *game) file(project, path string) string {
	g.t.Helper()
	return g.fileAt(project, g.heads()[project+" "+g.defaultBranch(project)], path)
}

// fileAt reads a file of a commit, without a process of its own.
func (g *game) fileAt(project, commit, path string) string {
	g.t.Helper()
	repo, err := git.PlainOpen(filepath.Join(g.dir, project+".git"))
	g.must(err)
	c, err := repo.CommitObject(plumbing.NewHash(commit))
	g.must(err)
	f, err := c.File(path)
	g.must(err)
	text, err := f.Contents()
	g.must(err)
	return text
}

// commitTo commits to a request's branch: another file, or the one that the bot edits.
func (g *game) commitTo(m sandbox.MergeRequest, tip string, amend bool) bool {
	if tip == "" || m.State != "opened" {
		return false
	}
	files := map[string]string{"PERSON.md": fmt.Sprint(g.turn)}
	if g.dice.IntN(3) == 0 {
		path := map[string]string{umbrellaProject: valuesFile, bulletinProject: "README.md"}[m.Project]
		text := g.fileAt(m.Project, tip, path)
		files = map[string]string{path: strings.Replace(text, "\n\n", fmt.Sprintf("\n\n# by a person %d\n", g.turn), 1)}
	}
	sha, err := g.box.box.Commit(g.t.Context(), m.Project, sandbox.Commit{Branch: m.SourceBranch, Message: "By a person", Files: files, Amend: amend})
	g.must(err)
	if amend {
		g.forget(m.Project, tip)
	}
	g.commits[m.Project] = append(g.commits[m.Project], sha)
	return true
}

// forget drops a commit that people themselves replaced.
func (g *game) forget(project, commit string) {
	var left []string
	for _, c := range g.commits[project] {
		if c != commit {
			left = append(left, c)
		}
	}
	g.commits[project] = left
}

// undo takes the bot's lines out again, in a commit of its own.
func (g *game) undo(m sandbox.MergeRequest, tip string) bool {
	if tip == "" || m.State != "opened" {
		return false
	}
	path := map[string]string{umbrellaProject: valuesFile, bulletinProject: "README.md"}[m.Project]
	sha, err := g.box.box.Commit(g.t.Context(), m.Project, sandbox.Commit{Branch: m.SourceBranch, Message: "Not so", Files: map[string]string{path: g.file(m.Project, path)}})
	g.must(err)
	g.commits[m.Project] = append(g.commits[m.Project], sha)
	return true
}

// rebase rebases as a person does: their commits get other names.
func (g *game) rebase(m sandbox.MergeRequest, tip string) bool {
	if m.State != "opened" || tip == "" {
		return false
	}
	g.tryAs(maintainer, "PUT", fmt.Sprintf("projects/%s/merge_requests/%d/rebase", strings.ReplaceAll(m.Project, "/", "%2F"), m.IID), "")
	if now := g.heads()[m.Project+" "+m.SourceBranch]; now != tip && len(g.commits[m.Project]) > 0 {
		g.commits[m.Project] = []string{now}
	}
	return true
}

func (g *game) deleteBranch(m sandbox.MergeRequest, tip string) bool {
	if tip == "" {
		return false
	}
	path := fmt.Sprintf("projects/%s/repository/branches/%s", strings.ReplaceAll(m.Project, "/", "%2F"), strings.ReplaceAll(m.SourceBranch, "/", "%2F"))
	if g.tryAs(maintainer, "DELETE", path, "") >= 300 {
		return false
	}
	delete(g.commits, m.Project)
	for _, other := range g.requests() {
		if other.Project == m.Project && other.State == "closed" {
			g.closed[name(other)] = g.closed[name(other)] || m.State == "opened" && other.IID == m.IID
		}
	}
	return true
}

// listByHand adds what the bot proposes for a package without needs.
func (g *game) listByHand() bool {
	text := g.file(umbrellaProject, valuesFile)
	if strings.Contains(text, "bulletin") {
		return false
	}
	text = strings.Replace(text, "      - logbook\n", "      - logbook\n      - bulletin\n", 1)
	text = strings.Replace(text, "      - namespace: logbook\n", "      - namespace: bulletin\n      - namespace: logbook\n", 1)
	g.work(umbrellaProject, map[string]string{valuesFile: text})
	return true
}

// unlist takes the namespace out of all lists.
func (g *game) unlist() bool {
	text := g.file(umbrellaProject, valuesFile)
	if !strings.Contains(text, "bulletin") {
		return false
	}
	var out strings.Builder
	inside := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "      - ") || !strings.HasPrefix(line, "      ") {
			inside = strings.TrimSpace(line) == "- bulletin" || strings.TrimSpace(line) == "- namespace: bulletin"
		}
		if !inside {
			out.WriteString(line)
		}
	}
	g.work(umbrellaProject, map[string]string{valuesFile: out.String()})
	return true
}

// bulletinRole binds a role to the pods of the package, or to none.
var bulletinRole = map[bool]string{
	false: "# no role\n",
	true: `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: bulletin
rules:
  - apiGroups: [""]
    resources: [configmaps]
    verbs: [get, list, watch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: bulletin
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: bulletin
subjects:
  - kind: ServiceAccount
    name: {{ include "bulletin.fullname" . }}
`,
}

// release tags the package, whose pods then need more or less than before, and deploys it.
func (g *game) release() bool {
	g.tags++
	version := fmt.Sprintf("1.9.0-pf.%d", g.tags)
	chart := strings.Replace(g.file(bulletinProject, "chart/Chart.yaml"), "version: 1.", "version: 1.", 1)
	lines := strings.Split(chart, "\n")
	for i := range lines {
		if strings.HasPrefix(lines[i], "version:") {
			lines[i] = "version: " + version
		}
	}
	sha := g.work(bulletinProject, map[string]string{"chart/templates/rbac.yaml": bulletinRole[g.tags%2 == 1], "chart/Chart.yaml": strings.Join(lines, "\n")})
	g.ref(bulletinProject, "tags/"+version, sha)
	values := strings.Split(g.file(umbrellaProject, "chart/values.yaml"), "\n")
	for i := range values {
		if strings.HasPrefix(values[i], "  tag:") {
			values[i] = "  tag: " + version
		}
	}
	g.work(umbrellaProject, map[string]string{"chart/values.yaml": strings.Join(values, "\n")})
	return true
}

// leave takes the package out of the umbrella, or back into it.
func (g *game) leave() {
	const releases, in, out = "chart/templates/releases.yaml", "{{- if .Values.bulletin.enabled }}", "{{- if false }}"
	text := g.file(umbrellaProject, releases)
	other := strings.Replace(text, in, out, 1)
	if other == text {
		other = strings.Replace(text, out, in, 1)
	}
	g.work(umbrellaProject, map[string]string{releases: other})
}

// rename gives a project's default branch another name; the old one stays.
func (g *game) rename() bool {
	project := g.anyProject()
	to := fmt.Sprintf("trunk-%d", g.turn)
	g.ref(project, "heads/"+to, g.heads()[project+" "+g.defaultBranch(project)])
	g.must(g.box.box.SetDefaultBranch(g.t.Context(), project, to))
	return true
}

// note writes a command.
func (g *game) note(m sandbox.MergeRequest, _ string) bool {
	commands := []string{"rescan", "rebase", "rebase discard", "ignore bulletin-bulletin-database-*", "allow bulletin-bulletin-database-*", "deny bulletin-bulletin-*", "explain bulletin-bulletin", "close"}
	command := commands[g.dice.IntN(len(commands))]
	g.must(g.box.box.AddNote(g.t.Context(), m.Project, m.IID, maintainer, "/tokenward "+command))
	if command == "rebase discard" {
		delete(g.commits, m.Project)
	}
	g.moves = append(g.moves, command)
	return true
}
