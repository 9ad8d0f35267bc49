package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tokenward/gitops/forge"
	"tokenward/gitops/git"
)

// Levels of findings.
const (
	FindingMissing = "missing" // without it nothing is proposed there
	FindingWarning = "warning" // something is proposed, but not as well as it could be
	FindingUnknown = "unknown" // the token's user may not see it
	FindingOK      = "ok"
)

// CheckReport is the result of `tokenward config check`: for every umbrella the server's and the
// token's findings first, then those about the umbrella's project, then about the packages'.
type CheckReport struct {
	Findings []Finding `json:"findings"`
}

// Finding is one thing that was found out before anything is written. Project is ""
// for what concerns all of them.
type Finding struct {
	Level    string `json:"level"`
	Umbrella string `json:"umbrella"` // its name, as Take was told
	Project  string `json:"project"`
	Check    string `json:"check"` // one word for what was looked at
	Text     string `json:"text"`
}

// NewCheckReport returns one without findings.
func NewCheckReport() *CheckReport { return &CheckReport{Findings: []Finding{}} }

// Take adds what a check of the umbrella with this name found.
func (r *CheckReport) Take(umbrella string, found *CheckReport) {
	for _, f := range found.Findings {
		f.Umbrella = umbrella
		r.Findings = append(r.Findings, f)
	}
}

// Missing tells whether a finding stands in the way of a merge request.
func (r *CheckReport) Missing() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Level == FindingMissing })
}

func (r *CheckReport) add(level, project, check, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{Level: level, Project: project, Check: check, Text: fmt.Sprintf(format, args...)})
}

// rights is what is asked before anything is written; *forge.Client answers.
type rights interface {
	Token(ctx context.Context) (forge.TokenInfo, bool, error)
	PushRules(ctx context.Context, projectID int64) (forge.PushRules, bool, error)
	ProtectedBranches(ctx context.Context, projectID int64) ([]forge.ProtectedBranch, error)
}

// preflight is one check with what it found so far.
type preflight struct {
	*writer
	report *CheckReport
	looked map[int64]bool // users whose tokens were looked at
	errs   []error        // what kept it from looking
}

// place is a project that a run would write to, with what it would write.
type place struct {
	path      string
	umbrella  bool
	base      *git.Snapshot
	proposals []*proposal
}

// Check tells which right or setting is missing on which project that a run would
// write to. It goes the whole path up to the first write, and writes nothing. The
// error says what could not be looked at; the report holds the rest.
func (b *Bot) Check(ctx context.Context) (*CheckReport, error) {
	f := &preflight{writer: b.bareWriter(), looked: map[int64]bool{}, report: NewCheckReport()}
	if b.forge == nil {
		return f.report, errors.New("check the rights: there is no GitLab server or no token")
	}
	var ok bool
	if f.user, ok = f.token(ctx, f.projectPath(b.cfg.Umbrella.Repository), ""); !ok {
		return f.report, errors.Join(f.errs...)
	}
	if len(b.cfg.StateKey) == 0 {
		f.report.add(FindingWarning, "", "state key", "mergeRequests.stateKeyFile is not set: the signature of the hidden state shows damage, not forgery")
	}
	f.checkPeople(ctx)
	for _, p := range f.places(ctx) {
		f.project(ctx, p)
	}
	return f.report, errors.Join(f.errs...)
}

// expirySoon is how long before its end a token's expiry is worth a warning.
const expirySoon = 14 * 24 * time.Hour

// token looks at the token for a project, and returns its user; false means that
// nothing can be asked with it. where is what its findings are about.
func (f *preflight) token(ctx context.Context, path, where string) (forge.User, bool) {
	user, err := f.identity.UserFor(ctx, path)
	switch {
	case errors.Is(err, forge.ErrUnauthorized), errors.Is(err, forge.ErrForbidden), errors.Is(err, forge.ErrNoToken):
		f.report.add(FindingMissing, where, "token", "%v", err)
		return user, false
	case err != nil:
		f.errs = append(f.errs, fmt.Errorf("ask GitLab who the token belongs to: %w", err))
		return user, false
	case f.looked[user.ID]:
		return user, true
	}
	f.looked[user.ID] = true
	before := len(f.report.Findings)
	info, told, err := f.rights.Token(forge.ForProject(ctx, path))
	switch {
	case err != nil:
		f.errs = append(f.errs, fmt.Errorf("ask GitLab about the token: %w", err))
	case !told:
		f.report.add(FindingUnknown, where, "token", "it belongs to %s; GitLab does not tell its scopes and when it expires", user.Username)
	default:
		f.describeToken(info, user, where)
	}
	if len(f.report.Findings) == before {
		text := "it belongs to " + user.Username + " and has the scope api"
		if !info.Expires.IsZero() {
			text += "; it expires on " + info.Expires.Format(time.DateOnly)
		}
		f.report.add(FindingOK, where, "token", "%s", text)
	}
	return user, true
}

func (f *preflight) describeToken(info forge.TokenInfo, user forge.User, where string) {
	if !slices.Contains(info.Scopes, "api") { // which lets push, too
		f.report.add(FindingMissing, where, "token", "the token of %s has the scopes %s: it needs api to open merge requests", user.Username, strings.Join(info.Scopes, ", "))
	}
	if left := info.Expires.Sub(f.cfg.Now()); !info.Expires.IsZero() && left < expirySoon {
		f.report.add(FindingWarning, where, "token", "the token of %s expires on %s: renew it", user.Username, info.Expires.Format(time.DateOnly))
	}
}

// checkPeople looks the people up that the configuration names.
func (f *preflight) checkPeople(ctx context.Context) {
	for _, name := range slices.Concat(f.cfg.Reviewing.Usernames, f.cfg.Reviewing.Assignees) {
		_, ok, err := f.people.UserByName(forge.ForProject(ctx, f.projectPath(f.cfg.Umbrella.Repository)), name)
		switch {
		case err != nil:
			f.errs = append(f.errs, fmt.Errorf("look up user %s: %w", name, err))
		case !ok:
			f.report.add(FindingWarning, "", "people", "%s of the configuration's review is nobody whom the token's user can see", name)
		}
	}
}

// places lists the projects that a run would write to, the umbrella's first: it scans
// and prepares every unit as a run does. What cannot be prepared is told, since its
// projects are not known then.
func (f *preflight) places(ctx context.Context) []*place {
	umbrella := &place{path: f.projectPath(f.cfg.Umbrella.Repository), umbrella: true}
	if umbrella.path == "" {
		f.report.add(FindingMissing, "", "umbrella", "%s is not on the GitLab server %s: no merge request can be opened for it", f.cfg.Umbrella.Repository, f.cfg.GitLabURL)
		return nil
	}
	all := []*place{umbrella}
	scan, err := f.Scan(ctx)
	if errors.Is(err, ErrNotDeployed) && len(f.cfg.Beside) > 1 {
		f.report.add(FindingWarning, umbrella.path, "namespaces", "%v: nothing is proposed for this umbrella", err)
		return all
	}
	if err != nil {
		f.errs = append(f.errs, fmt.Errorf("find out which projects a run would write to: %w", err))
		return all
	}
	if umbrella.base = scan.Umbrella; scan.Umbrella.Branch == "" {
		f.report.add(FindingMissing, umbrella.path, "branch", "a merge request needs a branch to go to, and %s is none: set umbrella.ref", scan.Umbrella.Ref)
	}
	units, refusals, err := f.prepareAll(ctx, scan)
	if err != nil {
		f.errs = append(f.errs, err)
		return all
	}
	for i, u := range units {
		if refusals[i] != nil {
			f.notPrepared(scan.Plans[i].Namespace, refusals[i])
			all = f.placesIn(scan, scan.Plans[i].Namespace, all)
			continue
		}
		all = f.place(scan, u, all)
	}
	for _, plan := range scan.Plans {
		if !f.cfg.RemoveStale || plan.Blocked != "" || len(plan.Removals()) == 0 {
			continue
		}
		u, err := f.prepareRemoval(ctx, scan, plan)
		if err != nil {
			f.notPrepared(u.name(), err)
			continue
		}
		all = f.place(scan, u, all)
	}
	return all
}

func (f *preflight) notPrepared(unit string, err error) {
	reason, _, _ := strings.Cut(err.Error(), "\n")
	f.report.add(FindingUnknown, "", "unit", "what would be written for %s is not known: %s", unit, reason)
}

// placesIn adds the projects of a namespace's packages, of which it is not known what
// would be written there.
func (f *preflight) placesIn(s *Scan, namespace string, all []*place) []*place {
	for _, r := range s.Set.Releases {
		path := f.projectPath(r.Repository)
		if r.Namespace == namespace && path != "" && !slices.ContainsFunc(all, func(o *place) bool { return o.path == path }) {
			all = append(all, &place{path: path})
		}
	}
	return all
}

// place sorts what a unit would propose by project.
func (f *preflight) place(s *Scan, u *Unit, all []*place) []*place {
	proposals, err := f.proposals(s, u)
	if err != nil {
		f.errs = append(f.errs, err)
		return all
	}
	for _, p := range proposals {
		path := f.projectPath(p.change.Base.URL)
		if path == "" {
			f.report.add(FindingMissing, "", "server", "%s is not on the GitLab server %s: no merge request can be opened for it", p.change.Base.URL, f.cfg.GitLabURL)
			continue
		}
		i := slices.IndexFunc(all, func(o *place) bool { return o.path == path })
		if i < 0 {
			i, all = len(all), append(all, &place{path: path, base: p.change.Base})
		}
		all[i].proposals = append(all[i].proposals, p)
	}
	return all
}
