package analysis

import (
	"slices"

	"tokenward/analysis/rbac"
)

// effect is what a finding says about the need for a token.
type effect int

const (
	picture    effect = iota // belongs to the picture, says nothing by itself
	grants                   // the account may call the API
	maybe                    // the account may call it, so may all its neighbours
	asks                     // the pod says that it calls the API
	mayAsk                   // the pod may call the API: not enough by itself
	hint                     // tells one user of a shared account from another, no more
	turnedOff                // the pod's token is switched off on purpose
	ownToken                 // the pod brings a token for the API of its own
	idle                     // as far as is known it calls no API by itself
	needless                 // it is known not to call the API
	checked                  // the rights are looked at by somebody else on its behalf
	emptied                  // somebody thought of its rights and gave it none
	blanket                  // an explicit true that the chart sets on everything
	walled                   // its network policies leave no way to the API
	testOnly                 // a helm test
	alike                    // the account is shared by workloads that run the same program
	explained                // another user of the account explains its rights
	nothing                  // looked everywhere, found nothing
	partial                  // found nothing, but did not see everything
	unclear                  // the account is shared, and nothing tells whose rights they are
	seen                     // it was seen calling the API on a live platform
	silent                   // its account called nothing for as long as the logs reach
	unreadable               // the workload could not be read or judged
	hidden                   // a piece of its release could not be read: what is not found may be there
)

// finding is evidence with what it says.
type finding struct {
	Evidence
	says effect
}

// rule is one judging rule: a pure function of everything rendered and one workload.
type rule struct {
	name     string
	summary  string
	strength string
	// compares tells that the rule looks at the findings of other workloads, so that
	// it runs after the rules that do not.
	compares bool
	find     func(ix *index, s *subject) []finding
}

// RuleDoc describes one judging rule for the documentation.
type RuleDoc struct {
	Name     string
	Summary  string
	Strength string
}

// RuleTable lists the judging rules in the order in which their evidence is given.
func RuleTable() []RuleDoc {
	var out []RuleDoc
	for _, r := range rules() {
		out = append(out, RuleDoc{Name: r.name, Summary: r.summary, Strength: r.strength})
	}
	return out
}

const (
	ruleUnreadable = "unreadable"
	ruleNothing    = "no-evidence"
)

// rules are all judging rules, from strong to weak evidence.
func rules() []rule {
	return []rule{
		{name: ruleUnreadable, strength: "review", find: findUnreadable,
			summary: "The pod, a manifest of its release or a role could not be read: it is never taken for a pod without need."},
		{name: "unknown-kind", strength: "review", find: findUnknown,
			summary: "A custom resource that the operator table does not know carries containers or a ServiceAccount's name: not judged."},
		{name: "own-token", strength: "against, decisive", find: findOwnToken,
			summary: "A projected volume brings a token of the API server's audience, so that the automounted one is not needed."},
		{name: "observed", strength: "for, decisive; or weakening", find: findObserved,
			summary: "The audit logs given with `--audit-log` show the pod's ServiceAccount calling the API, or silent for as long as they reach."},
		{name: "bound-role", strength: "for, strong", find: findGrants,
			summary: "A role with rules is bound to the pod's ServiceAccount, by any release; in words, with the role's template. A role that is rendered nowhere counts with less confidence."},
		{name: "auth-delegator", strength: "for, strong", find: findDelegation,
			summary: "system:auth-delegator is bound to the pod's ServiceAccount: it asks the API to review tokens."},
		{name: "group-role", strength: "for, medium", find: findGroups,
			summary: "A role is bound to a group that the ServiceAccount is in; one that holds every account of the platform counts only within its own release or namespace."},
		{name: "operator", strength: "for or against, strong", find: findOperator,
			summary: "The pods come from a custom resource, and the operator table says whether they call the API."},
		{name: "tool", strength: "for, strong", find: findTools,
			summary: "kubectl, oc, helm or the like is called in a command, an argument, a probe or a script that is mounted from a ConfigMap or Secret."},
		{name: "api-address", strength: "for, strong", find: findAddress,
			summary: "A command, an environment variable or a mounted file names the token's path or the API's address."},
		{name: "image", strength: "for, strong to weak", find: findImages,
			summary: "An image exists to call the API (kubectl, k8s-sidecar, kube-rbac-proxy, certgen...)."},
		{name: "flag", strength: "for, strong to weak", find: findFlags,
			summary: "An argument elects a leader through the API or asks for in-cluster configuration."},
		{name: "environment", strength: "for, strong to weak", find: findEnvironment,
			summary: "An environment variable points at the API; values from the downward API alone are no evidence."},
		{name: "configuration", strength: "for, strong", find: findConfiguration,
			summary: "A mounted file or the custom resource configures discovery, metadata or leader election through the API."},
		{name: "injected", strength: "for, strong", find: findInjected,
			summary: "An annotation has a container injected that logs in with the pod's token."},
		{name: "network-policy", strength: "for, weak", find: findNetwork,
			summary: "A network policy made for these pods opens the way to the API; or none lets them reach it."},
		{name: "explicit-true", strength: "for, weak", find: findExplicitTrue,
			summary: "The pod template sets automountServiceAccountToken to true: trusted, but for a person to verify where nothing stands behind it. One that a chart sets on all its pods alike says little."},
		{name: "explicit-false", strength: "against, strong", find: findExplicitFalse,
			summary: "The pod template switches the token off: with a bound role it is a contradiction for a person to look at."},
		{name: "checked-elsewhere", strength: "weakening", find: findChecked,
			summary: "The pod is a proxy of a mesh, whose control plane looks at its rights on its behalf, or its only projected token has another audience."},
		{name: "empty-role", strength: "against, weak", find: findEmpty,
			summary: "A role is bound to the ServiceAccount that has no rules, or only lets a pod security policy be used: admission reads these, the pod does not."},
		{name: "helm-test", strength: "against, weak", find: findTest,
			summary: "The pod is a Helm test: without evidence of its own it needs nothing."},
		{name: "shared-account", strength: "weakening", compares: true, find: findShared,
			summary: "Other pods run as the same ServiceAccount: a pod without a hint of its own does not inherit their need."},
		{name: ruleNothing, strength: "against", compares: true, find: findNothing,
			summary: "Nothing of the above was found."},
	}
}

// alone runs the rules that look at a subject alone.
func (ix *index) alone(s *subject) (out []finding) {
	for _, r := range rules() {
		if !r.compares {
			out = r.add(out, r.find(ix, s))
		}
	}
	return out
}

// add appends what the rule found, which may be shared and stays as it is.
func (r rule) add(to, found []finding) []finding {
	to = slices.Grow(to, len(found))
	for _, f := range found {
		if f.Kind == "" {
			f.Kind = r.name
		}
		to = append(to, f)
	}
	return to
}

// all adds to what was found on a subject alone what comparing it with others says.
func (ix *index) all(s *subject) []finding {
	out := slices.Clip(s.own)
	for _, r := range rules() {
		if r.compares {
			out = r.add(out, r.find(ix, s))
		}
	}
	return out
}

// at makes a finding whose evidence stands in an object.
func at(source rbac.Source, says effect, summary string) finding {
	return finding{says: says, Evidence: Evidence{Summary: summary, Object: source.Object.ID(),
		Source: source.Object.Source, Line: source.Object.Line, Release: source.Release}}
}

// here makes a finding whose evidence stands in the workload itself.
func here(s *subject, says effect, summary string) finding {
	return at(rbac.Source{Object: s.Object, Release: s.Release}, says, summary)
}

// says tells whether any of the findings has one of the effects.
func says(found []finding, effects ...effect) bool {
	return slices.ContainsFunc(found, func(f finding) bool { return slices.Contains(effects, f.says) })
}
