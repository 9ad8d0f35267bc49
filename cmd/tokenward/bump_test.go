package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"tokenward/bot"
	"tokenward/gitops/forge/sandbox"
)

const (
	bulletinChart = "chart/Chart.yaml"
	changelogFile = "CHANGELOG.md"
)

// bumping is a platform on which packages' versions are raised, with the requests of bulletin open.
func bumping(t *testing.T) *platform {
	t.Helper()
	p := newPlatform(t)
	p.environment = map[string]string{"TOKENWARD_VERSION_BUMP": "true"}
	if _, pkg := p.one(); pkg.Action != bot.ActionCreated {
		t.Fatalf("the package's request is %q (%s)", pkg.Action, pkg.Reason)
	}
	return p
}

// settled runs once more and fails if anything is written.
func (p *platform) settled() {
	p.t.Helper()
	p.box.box.ResetRequests()
	if _, pkg := p.one(); pkg.Action != bot.ActionUnchanged {
		p.t.Errorf("the package's request is %q (%s)", pkg.Action, pkg.Reason)
	}
	if w := p.writes(); len(w) > 0 {
		p.t.Errorf("it still writes: %v", w)
	}
}

// bumpOnMain merges another raise of bulletin's version.
func (p *platform) bumpOnMain(version string) {
	p.t.Helper()
	chart := p.git(bulletinProject, "show", "main:"+bulletinChart) + "\n"
	log := p.git(bulletinProject, "show", "main:"+changelogFile) + "\n"
	_, current, _ := strings.Cut(chart, "\nversion: ")
	current, _, _ = strings.Cut(current, "\n")
	chart = strings.Replace(chart, "\nversion: "+current+"\n", "\nversion: "+version+"\n", 1)
	log = strings.Replace(log, "## ["+current+"]", "## ["+version+"] (2026-02-01)\n\n- other work\n\n## ["+current+"]", 1)
	p.packageMain(map[string]string{bulletinChart: chart, changelogFile: log})
}

func (p *platform) packageMain(files map[string]string) {
	p.t.Helper()
	_, err := p.box.box.Commit(p.t.Context(), bulletinProject, sandbox.Commit{Branch: "main", Message: "Other work", Files: files})
	p.must(err)
}

// carries fails unless the branch is one commit ahead of main that raises the version,
// with one entry of that version in the changelog.
func (p *platform) carries(version string) {
	p.t.Helper()
	if n := p.git(bulletinProject, "rev-list", "--count", "main.."+bulletinBranch); n != "1" {
		p.t.Errorf("the branch is %s commits ahead, want 1", n)
	}
	if files := p.git(bulletinProject, "diff", "--name-only", "main..."+bulletinBranch); files != changelogFile+"\nREADME.md\n"+bulletinChart {
		p.t.Errorf("the commit changes\n%s", files)
	}
	removed := p.git(bulletinProject, "diff", "--numstat", "main..."+bulletinBranch, "--", bulletinChart, changelogFile)
	if want := "4\t0\t" + changelogFile + "\n1\t1\t" + bulletinChart; removed != want {
		p.t.Errorf("lines added and removed:\n%s\nwant\n%s", removed, want)
	}
	if chart := p.git(bulletinProject, "show", bulletinBranch+":"+bulletinChart); !strings.Contains(chart, "\nversion: "+version+"\n") {
		p.t.Errorf("the chart is not at %s:\n%s", version, chart)
	}
	log := p.git(bulletinProject, "show", bulletinBranch+":"+changelogFile)
	entry := fmt.Sprintf("## [%s] (%s)\n\n- Documented automountServiceAccountToken and its exceptions in README.md\n\n## [", version, time.Now().UTC().Format(time.DateOnly))
	if strings.Count(log, entry) != 1 || strings.Count(log, "## ["+version+"]") != 1 {
		p.t.Errorf("the changelog should hold once\n%s\nand is\n%s", entry, log)
	}
}

// TestVersionBump holds that a package's request raises the version in the same commit, once.
func TestVersionBump(t *testing.T) {
	t.Parallel()
	p := bumping(t)
	p.carries("1.8.0-pf.3")
	p.settled()
	_, pkg := p.one()
	if !strings.Contains(pkg.Description, "raised to `1.8.0-pf.3`") || !strings.Contains(pkg.Diff, "\n+version: 1.8.0-pf.3\n") {
		t.Errorf("the report does not show the version:\n%s\n%s", pkg.Description, pkg.Diff)
	}
}

// TestVersionBumpStaysAhead merges other raises first: the branch is made anew with the next version each time.
func TestVersionBumpStaysAhead(t *testing.T) {
	t.Parallel()
	p := bumping(t)
	for _, step := range []struct{ merged, want string }{
		{"1.8.0-pf.3", "1.8.0-pf.4"},
		{"1.8.0-pf.9", "1.8.0-pf.10"},
		{"1.9.0-pf.0", "1.9.0-pf.1"},
	} {
		p.bumpOnMain(step.merged)
		if _, pkg := p.one(); pkg.Action != bot.ActionUpdated || pkg.IID != 1 {
			t.Fatalf("after %s was merged: %s is %q (%s)", step.merged, reference(pkg), pkg.Action, pkg.Reason)
		}
		p.carries(step.want)
		p.settled()
	}
	p.must(p.box.box.Merge(t.Context(), umbrellaProject, 1))
	p.one()
	p.must(p.box.box.Merge(t.Context(), bulletinProject, 1))
	if chart := p.git(bulletinProject, "show", "main:"+bulletinChart); !strings.Contains(chart, "\nversion: 1.9.0-pf.1\n") {
		t.Errorf("merged:\n%s", chart)
	}
}

// TestVersionBumpAndPeople lets people act on the package's request and its target.
func TestVersionBumpAndPeople(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		people func(p *platform)
		want   string
		tip    bool // the branch is to be made anew
	}{
		"the target moved on elsewhere": {
			func(p *platform) { p.packageMain(map[string]string{"NOTES.md": "x\n"}) }, bot.ActionUnchanged, false},
		"a person chose a higher version and other words": {func(p *platform) {
			log := p.git(bulletinProject, "show", bulletinBranch+":"+changelogFile) + "\n"
			p.onPackage(map[string]string{
				bulletinChart: strings.Replace(p.git(bulletinProject, "show", bulletinBranch+":"+bulletinChart)+"\n", "1.8.0-pf.3", "1.8.0-pf.7", 1),
				changelogFile: strings.Replace(log, "[1.8.0-pf.3]", "[1.8.0-pf.7]", 1),
			})
		}, bot.ActionUnchanged, false},
		"a person gave the entry another day": {func(p *platform) {
			log := p.git(bulletinProject, "show", bulletinBranch+":"+changelogFile) + "\n"
			p.onPackage(map[string]string{changelogFile: strings.Replace(log, "[1.8.0-pf.3] (20", "[1.8.0-pf.3] (19", 1)})
		}, bot.ActionUnchanged, false},
		"a person took the version back": {func(p *platform) {
			p.onPackage(map[string]string{bulletinChart: p.git(bulletinProject, "show", "main:"+bulletinChart) + "\n"})
		}, bot.ActionSkipped, false},
		"a person's fix, and then the target passed the version": {func(p *platform) {
			p.onPackage(map[string]string{"NOTES.md": "mine\n"})
			p.bumpOnMain("1.8.0-pf.3")
		}, bot.ActionSkipped, false},
		"a person closed the request: another version is no other content": {func(p *platform) {
			p.must(p.box.box.Close(p.t.Context(), bulletinProject, 1))
			p.bumpOnMain("1.8.0-pf.3")
		}, bot.ActionSkipped, false},
		"the target's version went down, which is a conflict": {func(p *platform) {
			chart := p.git(bulletinProject, "show", "main:"+bulletinChart) + "\n"
			p.packageMain(map[string]string{bulletinChart: strings.Replace(chart, "1.8.0-pf.2", "1.8.0-pf.1", 1)})
		}, bot.ActionUpdated, true},
		"raising was turned off": {func(p *platform) { p.environment = nil }, bot.ActionUpdated, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := bumping(t)
			tc.people(p)
			before := p.git(bulletinProject, "rev-parse", bulletinBranch)
			_, pkg := p.one()
			if pkg.Action != tc.want {
				t.Errorf("the package's request is %q (%s), want %q", pkg.Action, pkg.Reason, tc.want)
			}
			if after := p.git(bulletinProject, "rev-parse", bulletinBranch); (after != before) != tc.tip {
				t.Errorf("the branch was at %s and is at %s", before, after)
			}
			p.one()
			p.box.box.ResetRequests()
			p.one()
			if w := p.writes(); len(w) > 0 {
				t.Errorf("it still writes: %v", w)
			}
		})
	}
}

func (p *platform) onPackage(files map[string]string) {
	p.t.Helper()
	_, err := p.box.box.Commit(p.t.Context(), bulletinProject, sandbox.Commit{Branch: bulletinBranch, Message: "A person's fix", Files: files})
	p.must(err)
}

// TestVersionBumpIsLeftToPeople holds that what cannot be raised keeps nothing from
// being documented, and that the description says why.
func TestVersionBumpIsLeftToPeople(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		file, content, why string
		files              string
	}{
		"a version of two numbers":    {bulletinChart, "apiVersion: v2\nname: bulletin\nversion: \"1.8\"\n", "1.8", "README.md"},
		"a changelog without release": {changelogFile, "# Changelog\n\nSee the releases page.\n", "no release", "README.md"},
		"a changelog that is ahead":   {changelogFile, "# Changelog\n\n## [2.0.0]\n\n- a\n", "higher", "README.md"},
		"a changelog that has the next version": {changelogFile, "# Changelog\n\n## [1.8.0-pf.3]\n\n- to come\n\n## [1.8.0-pf.2]\n\n- a\n", "",
			changelogFile + "\nREADME.md\n" + bulletinChart},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t)
			p.environment = map[string]string{"TOKENWARD_VERSION_BUMP": "true"}
			p.packageMain(map[string]string{tc.file: tc.content})
			_, pkg := p.one()
			if files := p.git(bulletinProject, "diff", "--name-only", "main..."+bulletinBranch); files != tc.files {
				t.Errorf("the commit changes\n%s\nwant\n%s", files, tc.files)
			}
			if says := strings.Contains(pkg.Description, "The chart's version is not raised: "); says != (tc.why != "") || !strings.Contains(pkg.Description, tc.why) {
				t.Errorf("the description does not say %q:\n%s", tc.why, pkg.Description)
			}
			p.settled()
		})
	}
}

// TestVersionBumpOnAnotherDay runs the bot on two days: after a run that could push but
// not open a request, so that the branch alone says what is there, and again.
func TestVersionBumpOnAnotherDay(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	first := time.Now()
	p.box.box.SetFault(func(r sandbox.Request) sandbox.Fault {
		if r.Method == "POST" && strings.HasSuffix(r.Path, "/merge_requests") {
			return sandbox.Fault{Status: 403}
		}
		return sandbox.Fault{}
	})
	p.proposeAt(first)
	p.box.box.SetFault(nil)
	p.carries("1.8.0-pf.3")
	tip := p.git(bulletinProject, "rev-parse", bulletinBranch)
	for i := range 3 {
		p.box.box.ResetRequests()
		p.proposeAt(first.AddDate(0, 1+i, 3))
		if w := p.writes(); i > 0 && len(w) > 0 {
			t.Errorf("on another day it writes: %v", w)
		}
	}
	if now := p.git(bulletinProject, "rev-parse", bulletinBranch); now != tip {
		t.Errorf("months later the branch is at %s, it was at %s", now, tip)
	}
}

// proposeAt runs the bot for bulletin at some time, with versions raised.
func (p *platform) proposeAt(now time.Time) {
	p.t.Helper()
	c := defaultConfig()
	c.GitLab.URL, c.Umbrella.URL = p.box.url, sampleHost+"platform/umbrella.git"
	c.Git.InsteadOf, c.Namespaces = []string{sampleHost + "=" + p.box.url + "/"}, []string{"bulletin"}
	c.VersionBump = true
	s := &surroundings{stdout: io.Discard, stderr: io.Discard, environ: func(key string) string {
		return map[string]string{"TOKENWARD_GITLAB_TOKEN": developer}[key]
	}}
	a, err := newApp(context.Background(), s, c, newProgress(io.Discard), func(b *bot.Config) { b.Now = func() time.Time { return now } })
	p.must(err)
	defer a.close()
	_, _, err = a.bot.Propose(p.t.Context())
	p.must(err)
}
