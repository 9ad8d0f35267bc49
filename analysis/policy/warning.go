package policy

import (
	"fmt"
	"maps"
	"regexp"
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

// warnAboutExceptionGate says when the engine's rendered arguments turn exceptions off,
// or those of a namespace: it then reports allowed pods although an exception covers them.
func (p *Policies) warnAboutExceptionGate(objects []*render.Object) {
	var closed, unnamed []string
	accepted := map[string][]string{} // by the namespace of exceptions, who takes no other
	for _, o := range objects {
		if o.Kind != "Deployment" {
			continue
		}
		enabled, isEngine := argument(o, "--enablePolicyException=")
		namespace, _ := argument(o, "--exceptionNamespace=")
		switch {
		case enabled == "false":
			closed = append(closed, o.ID())
		case namespace == "" && isEngine && !takesAllExceptions(o):
			unnamed = append(unnamed, o.ID())
		case namespace != "" && namespace != "*":
			accepted[namespace] = append(accepted[namespace], o.ID())
		}
	}
	if len(closed) > 0 && len(p.exceptions) > 0 {
		slices.Sort(closed)
		p.warnings = append(p.warnings, fmt.Sprintf("%s run with --enablePolicyException=false: the engine then ignores "+
			"exceptions and reports allowed pods, which are evaluated here as if it took them", strings.Join(closed, ", ")))
	}
	if len(unnamed) > 0 && len(p.exceptions) > 0 {
		slices.Sort(unnamed)
		p.warnings = append(p.warnings, fmt.Sprintf("%s run without --exceptionNamespace: from its version 1.13 on the engine then ignores "+
			"exceptions and reports allowed pods, which are evaluated here as if it took them", strings.Join(unnamed, ", ")))
	}
	for _, namespace := range slices.Sorted(maps.Keys(accepted)) {
		var ignored []string
		for _, e := range p.exceptions {
			if e.namespace != namespace {
				ignored = append(ignored, e.id)
			}
		}
		if len(ignored) > 0 {
			slices.Sort(ignored)
			slices.Sort(accepted[namespace])
			p.warnings = append(p.warnings, fmt.Sprintf("%s run with --exceptionNamespace=%s: the engine then ignores %s, "+
				"which is evaluated here as if it took it", strings.Join(accepted[namespace], ", "), namespace, strings.Join(ignored, ", ")))
		}
	}
}

// warnAboutExcludedUsers says when the engine's configuration passes over what the
// controllers of Kubernetes ask for: pods are then as their template is.
func (p *Policies) warnAboutExcludedUsers(objects []*render.Object) {
	if len(p.policies) == 0 {
		return
	}
	var excluding []string
	for _, o := range objects {
		if o.Kind != "ConfigMap" || o.APIVersion != "v1" {
			continue
		}
		if _, isEngine := o.Text("data", "resourceFilters"); !isEngine {
			continue
		}
		groups, _ := o.Text("data", "excludeGroups")
		users, _ := o.Text("data", "excludeUsernames")
		if excludesControllers(groups, users) {
			excluding = append(excluding, o.ID())
		}
	}
	if len(excluding) > 0 {
		slices.Sort(excluding)
		p.warnings = append(p.warnings, fmt.Sprintf("%s excludes the controllers of Kubernetes by group or user name: the engine then "+
			"does not mutate the pods that they make, which are evaluated here as if it did", strings.Join(excluding, ", ")))
	}
}

// excludesControllers reports whether the engine's lists of groups and users take out one of
// the controllers that make pods. An item with ! keeps in whom it names, whatever the others say.
func excludesControllers(groups, users string) bool {
	return slices.ContainsFunc([]string{"replicaset", "statefulset", "daemon-set", "job"}, func(name string) bool {
		out, in := named(groups, "system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated")
		userOut, userIn := named(users, "system:serviceaccount:kube-system:"+name+"-controller")
		return (out || userOut) && !in && !userIn
	})
}

// named reports whether a list names one of the names to exclude it, and to include it, with !.
func named(list string, names ...string) (excluded, included bool) {
	for _, item := range strings.Split(list, ",") {
		pattern, include := strings.CutPrefix(strings.TrimSpace(item), "!")
		if slices.ContainsFunc(names, func(name string) bool { return matches(strings.TrimSpace(pattern), name) }) {
			excluded, included = excluded || !include, included || include
		}
	}
	return excluded, included
}

// argument returns what follows the prefix in the last argument of a deployment's containers
// that has it, as the last of a flag counts; ok is false where none has it.
func argument(deployment *render.Object, prefix string) (value string, ok bool) {
	containers, _ := dig(deployment.Fields(), "spec", "template", "spec", "containers").([]any)
	for _, c := range containers {
		args, _ := dig(c, "args").([]any)
		for _, arg := range args {
			text, _ := arg.(string)
			if v, has := strings.CutPrefix(text, prefix); has {
				value, ok = v, true
			}
		}
	}
	return value, ok
}

// olderTag is the tag of an image of the engine before 1.13, which takes the exceptions of
// all namespaces where it is told none.
var olderTag = regexp.MustCompile(`:v?1\.(\d|1[0-2])\.\d+[^/:]*(@.*)?$`)

// takesAllExceptions reports whether an image of a deployment is of the engine before 1.13.
func takesAllExceptions(deployment *render.Object) bool {
	containers, _ := dig(deployment.Fields(), "spec", "template", "spec", "containers").([]any)
	return slices.ContainsFunc(containers, func(c any) bool {
		image, _ := dig(c, "image").(string)
		return olderTag.MatchString(image)
	})
}
