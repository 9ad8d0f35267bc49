package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tokenward/bot"
)

// TestReleaseAfterRelease follows a real platform through its releases: what is proposed is merged, and soon nothing is
// left to propose, and every pod that needs a token has one or is allowed one. It runs where TOKENWARD_RELEASES names folders of bare
// repositories, one for each release, the oldest first, as PATH names folders.
func TestReleaseAfterRelease(t *testing.T) {
	folders := filepath.SplitList(os.Getenv("TOKENWARD_RELEASES"))
	if len(folders) == 0 {
		t.Skip("set TOKENWARD_RELEASES to the folders of a real platform's releases")
	}
	w := newReleaseWalk(t, folders)
	for i, folder := range folders {
		if i > 0 {
			w.deploy(folder)
		}
		merged := 0
		for range 4 { // what conflicts with another is merged the next time
			_, r := w.propose(maintainer)
			merged += w.merge(r)
		}
		_, r := w.propose(maintainer)
		for _, m := range r.MergeRequests {
			t.Errorf("%s: %s is left: %s", filepath.Base(folder), reference(m), m.Title)
		}
		t.Logf("%s: %d merge requests were merged; %s", filepath.Base(folder), merged, w.tokens())
	}
}

// releaseWalk is a platform whose releases come from folders.
type releaseWalk struct {
	*platform
	projects []string
}

const (
	realUmbrella = "big-bang/bigbang"
	lastReleased = "refs/released/last"
	nextReleased = "refs/released/next"
)

func newReleaseWalk(t *testing.T, folders []string) *releaseWalk {
	t.Helper()
	w := &releaseWalk{platform: &platform{t: t, dir: t.TempDir(), umbrella: realUmbrella, environment: map[string]string{"TOKENWARD_DRIFT_REMOVE": "propose"}}}
	for _, folder := range folders { // what comes later is there from the beginning
		for _, project := range projectsIn(t, folder) {
			if !slices.Contains(w.projects, project) {
				w.projects = append(w.projects, project)
				w.must(os.CopyFS(filepath.Join(w.dir, project+".git"), os.DirFS(filepath.Join(folder, project+".git"))))
				w.git(project, "update-ref", "refs/heads/main", w.released(project))
				w.git(project, "update-ref", lastReleased, "refs/heads/main")
			}
		}
	}
	values := w.git(realUmbrella, "show", "main:chart/values.yaml")
	w.host = regexp.MustCompile(`repo: *"?(https://[^/\s]+/)`).FindStringSubmatch(values)[1]
	w.serve(nil)
	return w
}

// projectsIn lists the repositories of a folder, as their projects are called.
func projectsIn(t *testing.T, folder string) []string {
	t.Helper()
	var out []string
	for _, pattern := range []string{"*/*.git", "*/*/*/*.git"} {
		found, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, dir := range found {
			project, err := filepath.Rel(folder, strings.TrimSuffix(dir, ".git"))
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, filepath.ToSlash(project))
		}
	}
	return out
}

// released is the ref of a repository that a release deploys: a package's tag, the umbrella's branch.
func (w *releaseWalk) released(project string) string {
	if tags := w.git(project, "for-each-ref", "--format=%(refname)", "refs/tags"); tags != "" && project != realUmbrella {
		return strings.Fields(tags)[0]
	}
	return "refs/heads/main"
}

// deploy merges a release into every repository's branch, as people do, and tags the packages.
func (w *releaseWalk) deploy(folder string) {
	w.t.Helper()
	for _, project := range projectsIn(w.t, folder) {
		from := &releaseWalk{platform: &platform{t: w.t, dir: folder}}
		ref := from.released(project)
		w.git(project, "fetch", "-q", filepath.Join(folder, project+".git"), "+"+ref+":"+nextReleased)
		next := w.commit(project, "commit-tree", "-p", lastReleased, "-m", "Release", nextReleased+"^{tree}")
		w.git(project, "update-ref", lastReleased, next)
		tree := &releaseWalk{platform: &platform{t: w.t, dir: w.t.TempDir()}}
		w.git(project, "worktree", "add", "-q", "--detach", filepath.Join(tree.dir, "tree.git"), "main")
		tree.commit("tree", "merge", "-q", "-X", "theirs", "-m", "Merge the release", next)
		w.git(project, "update-ref", "refs/heads/main", tree.git("tree", "rev-parse", "HEAD"))
		w.git(project, "worktree", "remove", "--force", filepath.Join(tree.dir, "tree.git"))
		if ref != "refs/heads/main" {
			w.git(project, "update-ref", ref, "refs/heads/main")
		}
	}
}

// commit runs a command of git that commits.
func (w *releaseWalk) commit(project string, args ...string) string {
	w.t.Helper()
	return w.git(project, append([]string{"-c", "user.name=Mara Lind", "-c", "user.email=mara.lind@example.com"}, args...)...)
}

// merge merges requests as a maintainer, those of the umbrella first, and tells how many. One that conflicts with another
// that was merged is left for the next run, which rebases it.
func (w *releaseWalk) merge(r *bot.ProposeReport) int {
	w.t.Helper()
	requests := slices.Clone(r.MergeRequests)
	slices.SortStableFunc(requests, func(a, b bot.MergeRequestReport) int {
		return strings.Compare(strings.TrimPrefix(a.Project, realUmbrella), strings.TrimPrefix(b.Project, realUmbrella))
	})
	merged := 0
	for _, m := range requests {
		request := fmt.Sprintf("projects/%s/merge_requests/%d", strings.ReplaceAll(m.Project, "/", "%2F"), m.IID)
		title, err := json.Marshal(map[string]string{"title": strings.TrimPrefix(m.Title, "Draft: ")})
		w.must(err)
		w.apiAs(maintainer, "PUT", request, string(title))
		if w.tryAs(maintainer, "PUT", request+"/merge", "{}") < 300 {
			merged++
		}
	}
	return merged
}

// tokens counts the workloads with a token. It is an error that one needs a token, and neither has one nor is allowed one, in
// a namespace that was analysed whole.
func (w *releaseWalk) tokens() string {
	w.t.Helper()
	_, out, errs := w.run(maintainer, "scan", "--format", "json")
	var r bot.ScanReport
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		w.t.Fatalf("scan: %v\n%s", err, errs)
	}
	if len(r.Workloads) == 0 {
		w.t.Fatal("no workload was analysed")
	}
	unseen := map[string]bool{}
	for _, release := range r.Releases {
		unseen[release.Namespace] = unseen[release.Namespace] || release.Error != ""
	}
	count := map[string]int{}
	for _, v := range r.Workloads {
		if v.Verdict == "needs-token" && !v.TokenBefore && v.Listed != "allowed" && !unseen[v.Namespace] {
			w.t.Errorf("%s %s/%s needs a token and has none: %s", v.Kind, v.Namespace, v.Name, v.Evidence[0].Summary)
		}
		if v.TokenBefore {
			count[v.Verdict]++
		}
	}
	return fmt.Sprintf("%d of %d workloads need a token and have one, %d have one without need", count["needs-token"], len(r.Workloads), count["no-token"]+count["review"])
}
