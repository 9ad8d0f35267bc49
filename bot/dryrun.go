package bot

import (
	"errors"

	"tokenward/gitops/forge"
)

// dryReports shows what would be written.
func (w *writer) dryReports(proposals []*proposal) ([]MergeRequestReport, error) {
	var out []MergeRequestReport
	var errs []error
	for _, p := range proposals {
		if p.project.Path == "" {
			p.project.Path = w.projectPath(p.change.Base.URL)
		}
	}
	for _, p := range proposals {
		switch {
		case p.action == ActionSkipped:
		case w.forge == nil || p.decision.open == mustCreate:
			p.action = ActionCreated
		case p.decision.push || p.decision.open == mustReopen || p.decision.retarget:
			p.action = ActionUpdated
		}
		r := p.report()
		planned := plannedPartners(p, proposals)
		text, err := p.describe(planned, "")
		errs = append(errs, err)
		for _, o := range planned {
			r.Pairs = append(r.Pairs, o.request.Reference)
		}
		r.Description = text
		out = append(out, r)
	}
	return out, errors.Join(errs...)
}

// plannedPartners are the unit's other merge requests, those that are not open yet with a
// word in the place of their number.
func plannedPartners(p *proposal, all []*proposal) []*proposal {
	var out []*proposal
	for _, o := range all {
		if o == p {
			continue
		}
		planned := *o
		if planned.request == nil {
			project := planned.project.Path
			if project == "" {
				project = planned.change.Package
			}
			planned.request = &forge.MergeRequest{Reference: project + "!(to be opened)"}
		}
		out = append(out, &planned)
	}
	return out
}
