package analysis

import (
	"fmt"
	"slices"
	"strings"

	"tokenward/analysis/render"
)

// abandoned lists the namespaces that the mutator's list names and that nothing is
// deployed into: no release's target, and no object of any stands in one. One that is
// listed for its default ServiceAccount alone is none of them: such entries often are
// for what was there before the platform, as the namespace of what deploys it.
// Namespaces that Kubernetes makes itself, those that the umbrella or a release creates, and patterns are never
// among them.
func abandoned(in PlanInput, seen map[string]*planner) []string {
	used := map[string]bool{"default": true, "kube-system": true, "kube-public": true, "kube-node-lease": true}
	note := func(objects []*render.Object) {
		for _, o := range objects {
			used[o.Namespace] = true
			if o.Kind == "Namespace" {
				used[o.Name] = true
			}
		}
	}
	note(in.Set.Extra)
	for _, r := range in.Set.Releases {
		note(r.Objects)
	}
	var listed []string
	for _, n := range in.Listing.Namespaces {
		listed = append(listed, n.Namespace)
	}
	return slices.DeleteFunc(uniq(listed), func(ns string) bool {
		return used[ns] || seen[ns] != nil || strings.ContainsAny(ns, "*?")
	})
}

// staleNamespace reports the entries of a namespace that nothing is deployed into.
// They are for a person to take out: a platform may have namespaces that its umbrella
// does not know.
func (p *planner) staleNamespace() {
	reason := "no release of this platform is deployed into the namespace, and none renders an object in it"
	if n := p.notAnalysed(); n > 0 {
		reason += fmt.Sprintf(" (what %d releases that are not analysed render is not known)", n)
	}
	const held = "whether something else uses it is for a person to say"
	p.addStale(Change{Kind: Stale, In: Harden, Reason: reason, Held: held})
	if p.in.Listing.HardensDefault(p.plan.Namespace) {
		p.addStale(Change{Kind: Stale, In: HardenDefault, Reason: "listed for its default ServiceAccount: " + reason, Held: held})
	}
}

func (p *planner) notAnalysed() int {
	n := 0
	for _, r := range p.in.Set.Releases {
		if r.Err != nil {
			n++
		}
	}
	return n
}
