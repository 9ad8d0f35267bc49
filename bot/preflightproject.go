package bot

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tokenward/gitops/codeowners"
	"tokenward/gitops/forge"
)

// project looks at one project.
func (f *preflight) project(ctx context.Context, p *place) {
	before := len(f.report.Findings)
	me, ok := f.token(ctx, p.path, p.path)
	if !ok {
		return
	}
	project, err := f.forge.Project(ctx, p.path)
	switch {
	case errors.Is(err, forge.ErrNotFound), errors.Is(err, forge.ErrForbidden):
		f.report.add(FindingMissing, p.path, "access", "%v", err)
		return
	case err != nil:
		f.errs = append(f.errs, fmt.Errorf("look up project %s: %w", p.path, err))
		return
	}
	f.users[project.ID] = me
	if project.Path != p.path {
		f.report.add(FindingWarning, p.path, "path", "the project was moved to %s", project.Path)
	}
	if reason := unfit(project); reason != "" {
		f.report.add(FindingMissing, p.path, "project", "the project %s", reason)
	}
	level, err := f.level(ctx, project)
	if err != nil {
		f.errs = append(f.errs, err)
		return
	}
	if level < forge.Developer {
		f.report.add(FindingMissing, p.path, "role", "%s has the role %s and needs Developer to push a branch and open a merge request", me.Username, roleName(level))
	}
	f.issuesOn(p, project)
	f.owners(p)
	if title := f.cfg.Reviewing.Milestone; title != "" {
		_, ok, err := f.people.Milestone(ctx, project.ID, title)
		switch {
		case err != nil:
			f.errs = append(f.errs, err)
		case !ok:
			f.report.add(FindingWarning, p.path, "milestone", "there is no active milestone %s: requests are opened without", title)
		}
	}
	f.pushing(ctx, p, project, me, level)
	if !slices.ContainsFunc(f.report.Findings[before:], func(g Finding) bool { return g.Level != FindingUnknown }) {
		f.report.add(FindingOK, p.path, "project", "%s has the role %s, and merge requests can be opened", me.Username, roleName(level))
	}
}

func roleName(level int) string {
	switch {
	case level >= 50:
		return "Owner"
	case level >= forge.Maintainer:
		return "Maintainer"
	case level >= forge.Developer:
		return "Developer"
	case level >= forge.Reporter:
		return "Reporter"
	case level > 0:
		return "Guest"
	}
	return "none"
}

func (f *preflight) issuesOn(p *place, project forge.Project) {
	if p.umbrella && (f.cfg.Issues.Tracking || f.cfg.Issues.Dashboard) && !project.IssuesEnabled {
		f.report.add(FindingWarning, p.path, "issues", "issues are turned off: there will be no tracking issue and no dashboard")
	}
}

// owners looks at the file that names the code owners.
func (f *preflight) owners(p *place) {
	r := f.cfg.Reviewing
	if p.base == nil || len(r.Usernames) > 0 || !r.CodeOwners || r.Count == 0 {
		return
	}
	name, content, ok, err := codeowners.Find(p.base.FS())
	switch {
	case err != nil:
		f.report.add(FindingWarning, p.path, "code owners", "%v", err)
		return
	case !ok:
		f.report.add(FindingWarning, p.path, "code owners", "there is no CODEOWNERS file and review.reviewers is empty: nobody is asked to review")
		return
	}
	if _, problems := codeowners.Parse(content); len(problems) > 0 {
		f.report.add(FindingWarning, p.path, "code owners", "%s: %s", name, problems[0])
	}
}

// pushing looks at what the project demands of branches and commits.
func (f *preflight) pushing(ctx context.Context, p *place, project forge.Project, me forge.User, level int) {
	var hidden []string
	protected, err := f.rights.ProtectedBranches(ctx, project.ID)
	switch {
	case errors.Is(err, forge.ErrForbidden):
		hidden = append(hidden, "protected branches")
	case err != nil:
		f.errs = append(f.errs, err)
	}
	rules, _, err := f.rights.PushRules(ctx, project.ID)
	switch {
	case errors.Is(err, forge.ErrForbidden):
		hidden = append(hidden, "push rules")
	case err != nil:
		f.errs = append(f.errs, err)
	}
	if len(hidden) > 0 {
		f.report.add(FindingUnknown, p.path, "push", "%s does not see the project's %s: these were not checked", me.Username, strings.Join(hidden, " and "))
	}
	said := map[string]bool{} // a rule is told once, not for every branch
	tell := func(finding, check, text string) {
		if text != "" && !said[text] {
			said[text] = true
			f.report.add(finding, p.path, check, "%s", text)
		}
	}
	for _, q := range p.proposals {
		tell(pushable(protected, q.branch, level, me.ID))
		for _, text := range f.broken(rules, q, me) {
			tell(FindingMissing, "push rules", text)
		}
	}
}

// pushable says what the protected branches mean for the bot's branch; an empty text
// says that they do not stand in its way. Of several rules the most generous one counts.
func pushable(rules []forge.ProtectedBranch, branch string, level int, userID int64) (finding, check, text string) {
	var patterns []string
	push, force, groups := false, false, false
	for _, r := range rules {
		if r.Protects(branch) {
			patterns = append(patterns, r.Pattern)
			push, force, groups = push || r.LetsPush(level, userID), force || r.ForcePush, groups || len(r.PushGroups) > 0
		}
	}
	names := strings.Join(patterns, ", ")
	switch {
	case len(patterns) == 0 || push && force:
		return "", "", ""
	case push:
		return FindingWarning, "protected branches", fmt.Sprintf("%s is protected as %s from force pushes: the bot cannot bring a branch up to date", branch, names)
	case groups:
		return FindingUnknown, "protected branches", fmt.Sprintf("%s is protected as %s: only certain groups may push there", branch, names)
	default:
		return FindingMissing, "protected branches", fmt.Sprintf("%s is protected as %s: the token's user may not push there", branch, names)
	}
}

// broken says which push rules the proposal's branch and commit would break.
func (f *preflight) broken(r forge.PushRules, p *proposal, me forge.User) []string {
	var out []string
	message := p.commitMessage()
	follows := func(pattern, text string) bool {
		e, err := regexp.Compile("(?m)" + pattern)
		return err != nil || e.MatchString(text) // GitLab passes over what it cannot read, too
	}
	if r.BranchName != "" && !follows(r.BranchName, p.branch) {
		out = append(out, fmt.Sprintf("branch names must follow %q, and %s does not: set mergeRequests.branchPrefix", r.BranchName, p.branch))
	}
	if r.CommitMessage != "" && !follows(r.CommitMessage, message) {
		out = append(out, fmt.Sprintf("commit messages must follow %q, and %q does not", r.CommitMessage, firstLine(message)))
	}
	if r.CommitMessageNegative != "" && follows(r.CommitMessageNegative, message) {
		out = append(out, fmt.Sprintf("commit messages must not match %q, and %q does", r.CommitMessageNegative, firstLine(message)))
	}
	if r.AuthorEmail != "" && !follows(r.AuthorEmail, me.Email) {
		out = append(out, fmt.Sprintf("authors' addresses must follow %q, and %s does not", r.AuthorEmail, me.Email))
	}
	for _, file := range p.change.files() {
		if r.FileName != "" && follows(r.FileName, file.Path) {
			out = append(out, fmt.Sprintf("files must not match %q, and %s does", r.FileName, file.Path))
		}
	}
	if r.RejectUnsigned && f.cfg.Signer == nil {
		out = append(out, "commits must be signed: set commits.signingKeyFile")
	}
	if r.RejectNonDCO {
		out = append(out, "commits must be signed off, which is for people to do")
	}
	return out
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
