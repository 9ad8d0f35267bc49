package bot

import (
	"fmt"
	"slices"

	"tokenward/gitops/forge"
)

// holder is a request of the unit that people hold by the label, nil if they hold none.
func holder(proposals []*proposal) *forge.MergeRequest {
	for _, p := range proposals {
		if r := p.decision.request; r != nil && !p.decision.decline && slices.Contains(r.Labels, holdLabel) {
			return r
		}
	}
	return nil
}

// hold leaves all of a unit as it is while people hold one of its requests.
func hold(proposals []*proposal) {
	r := holder(proposals)
	for _, p := range proposals {
		if r != nil && p.action != ActionSkipped {
			p.action, p.reason = ActionSkipped, fmt.Sprintf("%s has the label %s", r.Reference, holdLabel)
		}
	}
}

// decline keeps a unit of which people closed one request from getting others, and
// makes drafts of those that are open: half a pair is worse than none.
func decline(proposals []*proposal) {
	for _, d := range proposals {
		if !d.decision.decline {
			continue
		}
		for _, p := range proposals {
			switch {
			case p.action == ActionSkipped:
			case p.decision.open != isOpen:
				p.action, p.reason = ActionSkipped, fmt.Sprintf("not opened, since its other half %s was declined", d.request.Reference)
			default:
				p.draft, p.reason = true, fmt.Sprintf("a draft, since its other half %s was declined", d.request.Reference)
			}
		}
		return
	}
}

// declinedHalf is the proposal of a unit that people said no to, nil without one.
func declinedHalf(all []*proposal) *proposal {
	for _, p := range all {
		if p.decision.decline && p.request != nil {
			return p
		}
	}
	return nil
}
