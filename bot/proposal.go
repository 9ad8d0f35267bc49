package bot

import (
	"strings"
	"time"

	"tokenward/analysis"
	"tokenward/analysis/policy"
	"tokenward/analysis/wildcard"
	"tokenward/gitops/forge"
	"tokenward/templates"
)

// proposal is one wanted merge request on its way.
type proposal struct {
	unit, role string
	change     *FileChange
	digest     string // of what people decide on
	content    string // digest of all that the commit adds
	branch     string
	title      string
	message    string
	draft      bool // a person must look first
	// describe renders the description with the partners that are known and the hidden state.
	describe func(partners []*proposal, marker string) (string, error)

	project  forge.Project
	requests []forge.MergeRequest // of the branch, newest first; nil if they were not read yet
	taken    string               // says which other umbrella has the branch, "" for none
	asked    asked
	decision decision
	tip      string    // of the source branch before the run, "" if there was none
	foreign  bool      // people had a hand in the branch
	pushed   string    // the commit that this run pushed
	openedAt time.Time // of the branch's newest request, zero without one
	request  *forge.MergeRequest
	state    state // what the description should say
	action   string
	reason   string
	held     bool   // a limit keeps it from being opened or pushed now
	lifted   bool   // a person asks to propose again what people declined
	issue    string // reference of the unit's tracking issue, "" without one
	// members are the namespaces that are proposed together, each with the digest of
	// its part; nil for other units.
	members map[string]string
}

// proposals turns the unit into wanted merge requests, the umbrella's first.
func (b *Bot) proposals(s *Scan, u *Unit) ([]*proposal, error) {
	switch {
	case u.Members != nil:
		p, err := b.groupProposal(s, u)
		return []*proposal{p}, err
	case u.Removes:
		p, err := b.removalProposal(s, u)
		return []*proposal{p}, err
	}
	var out []*proposal
	if u.Umbrella != nil {
		p, err := b.umbrellaProposal(s, u)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	for _, c := range u.Packages {
		p, err := b.packageProposal(u, c)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// umbrellaProposal words the umbrella's merge request from the plan, the verdicts
// and the proof.
func (b *Bot) umbrellaProposal(s *Scan, u *Unit) (*proposal, error) {
	text := b.umbrellaText(s, u)
	message, err := text.CommitMessage()
	if err != nil {
		return nil, err
	}
	p := b.newProposal(u, RoleUmbrella, u.Umbrella, text.Title(), message)
	p.draft = policy.IsSkipped(s.skipped, u.Plan.Namespace)
	for _, e := range text.Added {
		p.draft = p.draft || e.Review
	}
	p.describe = func(partners []*proposal, marker string) (string, error) {
		text.Partners, text.Marker, text.Issue = partnersOf(partners), marker, p.issue
		return text.Description()
	}
	return p, nil
}

func (b *Bot) packageProposal(u *Unit, c *FileChange) (*proposal, error) {
	text := templates.Package{Namespace: u.Plan.Namespace, Package: c.Package, File: c.Path, Why: c.Why, Version: c.bump.version, NotRaised: c.bump.why}
	message, err := text.CommitMessage()
	if err != nil {
		return nil, err
	}
	p := b.newProposal(u, RolePackage, c, text.Title(), message)
	p.describe = func(partners []*proposal, marker string) (string, error) {
		text.Partners, text.Marker, text.Issue = partnersOf(partners), marker, p.issue
		text.Blocked = p.state.Order == orderByDependency
		return text.Description()
	}
	return p, nil
}

func (b *Bot) newProposal(u *Unit, role string, c *FileChange, title, message string) *proposal {
	name := u.name()
	all, asked := c.lines()
	return &proposal{unit: name, role: role, change: c, branch: b.cfg.BranchPrefix + u.branch(),
		digest: digest(name, role, asked...), content: digest(name, role, all...), title: title, message: message, action: ActionUnchanged}
}

func (p *proposal) report() MergeRequestReport {
	r := MergeRequestReport{
		Project: p.project.Path, Unit: p.unit, Role: p.role, Title: p.title, SourceBranch: p.branch, TargetBranch: p.change.Base.Branch,
		State: forge.Opened, Action: p.action, Reason: p.reason, Pairs: []string{}, Diff: p.change.diff(), Held: p.held, Uncounted: p.held && p.reason == uncountedReason,
	}
	if p.request != nil {
		r.IID, r.URL, r.State, r.Title, r.Description = p.request.IID, p.request.WebURL, p.request.State, p.request.Title, p.request.Description
	}
	return r
}

// partners are the unit's other merge requests.
func partners(p *proposal, all []*proposal) []*proposal {
	var out []*proposal
	for _, o := range all {
		if o != p && o.request != nil {
			out = append(out, o)
		}
	}
	return out
}

func partnersOf(proposals []*proposal) []templates.Partner {
	var out []templates.Partner
	for _, p := range proposals {
		out = append(out, templates.Partner{Reference: p.request.Reference, URL: p.request.WebURL, Role: p.role})
	}
	return out
}

func reports(proposals []*proposal) []MergeRequestReport {
	var out []MergeRequestReport
	for _, p := range proposals {
		if p.request == nil && p.action != ActionSkipped {
			continue // not reached before the unit failed
		}
		r := p.report()
		for _, o := range partners(p, proposals) {
			r.Pairs = append(r.Pairs, o.request.Reference)
		}
		out = append(out, r)
	}
	return out
}

// allowing are the patterns that give tokens in the plan's namespace, by the list or by the plan.
type allowing struct {
	patterns []string
	list     *wildcard.List // the same
}

func newAllowing(s *Scan, plan analysis.NamespacePlan) allowing {
	entry, _ := s.Listing.Find(plan.Namespace)
	patterns := entry.Allow
	for _, c := range plan.Edits() {
		if c.Kind == analysis.Allow {
			patterns = append(patterns, c.Pattern)
		}
	}
	return allowing{patterns, wildcard.NewList(patterns)}
}

// of finds the pattern that gives a workload its token; without one, the pattern that would.
func (a allowing) of(w *analysis.Workload) string {
	for _, at := range analysis.HitsOf(a.list, w) {
		if analysis.Covers(a.patterns[at], w) {
			return a.patterns[at]
		}
	}
	return strings.Join(analysis.PodPatterns(w), ", ")
}
