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
			generated := strings.HasPrefix(r.name, "autogen-")
			if !generated && slices.ContainsFunc(filters, func(f filter) bool { return needsLabels(f.spec.NamespaceSelector) }) {
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

// warnAboutExceptionGate says when the engine's rendered arguments turn exceptions off:
// it then reports allowed pods although an exception covers them.
func (p *Policies) warnAboutExceptionGate(objects []*render.Object) {
	if len(p.exceptions) == 0 {
		return
	}
	var closed []string
	for _, o := range objects {
		if o.Kind == "Deployment" && runsWith(o, "--enablePolicyException=false") {
			closed = append(closed, o.ID())
		}
	}
	if len(closed) == 0 {
		return
	}
	slices.Sort(closed)
	p.warnings = append(p.warnings, fmt.Sprintf("%s run with --enablePolicyException=false: the engine then ignores "+
		"exceptions and reports allowed pods, which are evaluated here as if it took them", strings.Join(closed, ", ")))
}

func runsWith(deployment *render.Object, arg string) bool {
	containers, _ := dig(deployment.Fields(), "spec", "template", "spec", "containers").([]any)
	return slices.ContainsFunc(containers, func(c any) bool {
		args, _ := dig(c, "args").([]any)
		return slices.Contains(args, any(arg))
	})
}
