// Package policy says what three policies of a policy engine do to a platform's
// ServiceAccounts and pods: a validating policy that finds tokens which are mounted
// without need, a mutating policy that takes tokens away and gives them to listed
// pods, and a second mutating policy for the ServiceAccounts called default.
//
// It owns the engine's semantics for what the policies chart renders (match and
// exclude blocks, wildcards, rule order, strategic merge of scalars, anchors,
// exceptions, rules generated for pod controllers) and agrees with the engine's own
// command line, whose recorded answers are kept in testdata. It refuses every
// construct that it does not understand, by an error that names the rule and the
// field: a guess would be worth less than no answer. It neither renders nor fetches.
package policy

import (
	"fmt"
	"slices"
	"strings"

	"tokenward/analysis/render"
)

// Names are the names of the three policies, as the policies chart gives them.
type Names struct {
	Validator      string // finds tokens that are mounted without need
	Mutator        string // hardens ServiceAccounts and flips the listed pods
	DefaultMutator string // hardens the ServiceAccount default in place
}

// DefaultNames returns the names that the policies chart uses.
func DefaultNames() Names {
	return Names{
		Validator:      "disallow-auto-mount-service-account-token",
		Mutator:        "update-automountserviceaccounttokens",
		DefaultMutator: "update-automountserviceaccounttokens-default",
	}
}

// Policies are the loaded policies and exceptions. They are immutable and safe for
// concurrent use. The zero value evaluates to nothing.
type Policies struct {
	names           Names
	policies        []*policy
	exceptions      []*exception
	namespaceLabels map[string]map[string]string
	warnings        []string
}

// policy is one ClusterPolicy, or a Policy of one namespace.
type policy struct {
	name      string
	namespace string // of a Policy; "" for a ClusterPolicy
	applyOne  bool   // stop after the first rule that applied
	rules     []*rule
}

// key is the name by which an exception refers to the policy.
func (p *policy) key() string {
	if p.namespace == "" {
		return p.name
	}
	return p.namespace + "/" + p.name
}

// Load picks the policies called names, and the exceptions that name them, out of
// everything that the platform renders. Policies that are absent evaluate to nothing.
// The error names the rule and the field that are not understood. A policy that the
// engine itself would not take, such as one with a bare boolean where a name is
// wanted, is left out as the engine leaves it out, and Warnings says so.
func Load(objects []*render.Object, names Names) (*Policies, error) {
	p := &Policies{names: names, namespaceLabels: map[string]map[string]string{}}
	for _, o := range objects {
		switch {
		case names.has(o.Name) && isOtherPolicy(o):
			return nil, fmt.Errorf("load %s: a %s of %s is not understood, only ClusterPolicy and Policy of kyverno.io/v1 and v2beta1",
				o.ID(), o.Kind, o.APIVersion)
		case isPolicy(o) && names.has(o.Name):
			if err := p.addPolicy(o); err != nil {
				return nil, err
			}
		case isException(o):
			if err := p.addException(o); err != nil {
				return nil, err
			}
		case o.Kind == "Namespace" && o.APIVersion == "v1":
			p.namespaceLabels[o.Name] = stringMap(dig(o.Fields(), "metadata", "labels"))
		}
	}
	p.warnAboutNamespaceSelectors()
	p.warnAboutExceptionGate(objects)
	p.warnAboutExcludedUsers(objects)
	return p, nil
}

// Warnings returns what a person should know about the policies before believing an
// evaluation: policies that the engine drops, selectors on labels that are not known,
// exceptions and users that the engine is configured to ignore. The list is in a fixed order.
func (p *Policies) Warnings() []string { return slices.Clone(p.warnings) }

// None tells whether there is none of the named policies.
func (p *Policies) None() bool { return len(p.policies) == 0 }

func (n Names) has(name string) bool {
	return name != "" && (name == n.Validator || name == n.Mutator || name == n.DefaultMutator)
}

func isPolicy(o *render.Object) bool {
	return (o.Kind == "ClusterPolicy" || o.Kind == "Policy") && isEngineAPI(o.APIVersion, "v1", "v2beta1")
}

// isOtherPolicy reports whether an object is a policy in a form that is not evaluated
// here, such as the newer kinds that are written in CEL.
func isOtherPolicy(o *render.Object) bool {
	group, _, _ := strings.Cut(o.APIVersion, "/")
	return strings.HasSuffix(o.Kind, "Policy") && (group == "policies.kyverno.io" || group == "kyverno.io" && !isPolicy(o))
}

func isException(o *render.Object) bool {
	return o.Kind == "PolicyException" && isEngineAPI(o.APIVersion, "v2alpha1", "v2beta1", "v2")
}

func isEngineAPI(apiVersion string, versions ...string) bool {
	version, ok := strings.CutPrefix(apiVersion, "kyverno.io/")
	return ok && slices.Contains(versions, version)
}

// dig walks nested maps and returns nil where a step is missing.
func dig(v any, path ...string) any {
	for _, step := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[step]
	}
	return v
}

// stringMap keeps the entries of a map whose values are text.
func stringMap(v any) map[string]string {
	m, _ := v.(map[string]any)
	out := make(map[string]string, len(m))
	for k, v := range m {
		if s, ok := v.(string); ok {
			out[k] = s
		}
	}
	return out
}
