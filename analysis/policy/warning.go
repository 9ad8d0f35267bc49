package policy

import (
	"fmt"
	"slices"
	"strings"

	"tokenward/analysis/render"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// warnAboutNamespaceSelectors says which rules choose namespaces by labels that may be
// set where nothing rendered shows them.
func (p *Policies) warnAboutNamespaceSelectors() {
	for _, pol := range p.policies {
		for _, r := range pol.rules {
			filters := slices.Clone(r.match.filters)
			if r.exclude != nil {
				filters = append(filters, r.exclude.filters...)
			}
			if slices.ContainsFunc(filters, func(f filter) bool { return needsLabels(f.spec.NamespaceSelector) }) {
				p.warnings = append(p.warnings, fmt.Sprintf("rule %s of policy %s chooses namespaces by label: "+
					"namespaces have the labels that are rendered for them, and no others", r.name, pol.name))
			}
		}
	}
}

// needsLabels reports whether a selector asks for more than the namespace's name.
func needsLabels(sel *metav1.LabelSelector) bool {
	if sel == nil {
		return false
	}
	for k := range sel.MatchLabels {
		if k != nameLabel {
			return true
		}
	}
	return slices.ContainsFunc(sel.MatchExpressions, func(e metav1.LabelSelectorRequirement) bool {
		return e.Key != nameLabel
	})
}

// warnAboutExceptionGate says when the engine's rendered arguments turn exceptions off,
// or take them from another namespace: allowed pods would then be reported.
func (p *Policies) warnAboutExceptionGate(objects []*render.Object) {
	if len(p.exceptions) == 0 {
		return
	}
	for _, o := range objects {
		if o.Kind != "Deployment" {
			continue
		}
		containers, _ := dig(o.Fields, "spec", "template", "spec", "containers").([]any)
		for _, c := range containers {
			args, _ := dig(c, "args").([]any)
			if slices.Contains(args, any("--enablePolicyException=false")) {
				p.warnings = append(p.warnings, fmt.Sprintf("%s runs with --enablePolicyException=false: "+
					"the engine ignores exceptions, so it reports allowed pods", o.ID()))
			}
		}
	}
	slices.SortFunc(p.warnings, strings.Compare)
	p.warnings = slices.Compact(p.warnings)
}
