package policy

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// rule is one rule of a policy, ready to be evaluated. It either mutates (patch) or
// validates (patterns).
type rule struct {
	name          string
	match         block
	exclude       *block
	preconditions *preconditions
	patch         map[string]any
	existing      bool                   // patches the targets, not the resource that triggers it
	targets       []target               // of existing
	patterns      []any                  // a resource passes if it fits one of them
	validates     func(kind string) bool // nil: whatever the kind
}

// target is what a rule of existing resources patches.
type target struct {
	kind            block // by kind only
	namespace, name string
}

// check finds what makes the engine refuse a whole policy, although every field has
// the right type. A namespaced policy is one of the kind Policy.
func (s *ruleSpec) check(onUpdate, namespaced bool) error {
	wrap := func(err error) error { return fmt.Errorf("rule %s: %w", s.Name, err) }
	if s.Mutate != nil && len(s.Mutate.Targets) == 0 && (onUpdate || s.Mutate.MutateExistingOnPolicyUpdate) {
		return wrap(droppedf("mutateExistingOnPolicyUpdate is set, but mutate.targets is empty"))
	}
	if err := s.Match.check("match"); err != nil {
		return wrap(err)
	}
	for _, f := range s.Match.filters() {
		if len(f.Kinds) == 0 {
			return wrap(droppedf("match names no kinds"))
		}
	}
	if s.Exclude != nil {
		if err := s.Exclude.check("exclude"); err != nil {
			return wrap(err)
		}
	}
	for _, f := range s.everyFilter() {
		if namespaced && len(f.Namespaces) > 0 {
			return wrap(droppedf("a Policy may not filter by namespaces"))
		}
	}
	if s.matchesNothing() {
		return wrap(droppedf("exclude takes out what match takes in"))
	}
	return nil
}

func (m *matchSpec) check(field string) error {
	if len(m.Any)+len(m.All) > 0 && !m.Resources.empty() {
		return droppedf("%s has any or all beside resources", field)
	}
	for _, f := range m.filters() {
		if f.Name != "" && len(f.Names) > 0 {
			return droppedf("%s has both name and names", field)
		}
		if slices.Contains(f.Kinds, "*") {
			return droppedf("%s names the kind *, which the engine takes only where a rule is about metadata", field)
		}
		if err := checkSelector(f.Selector); err != nil {
			return droppedf("%s has a selector that is not valid: %s", field, err)
		}
	}
	return nil
}

// checkSelector refuses what the engine refuses of a selector of objects. It takes every
// selector of namespaces, and one with a wildcard in a label; where such a one is not
// valid, it matches nothing.
func checkSelector(sel *metav1.LabelSelector) error {
	if sel == nil {
		return nil
	}
	for k, v := range sel.MatchLabels {
		if strings.ContainsAny(k+v, "*?") {
			return nil
		}
	}
	if len(sel.MatchLabels)+len(sel.MatchExpressions) == 0 {
		return fmt.Errorf("it is empty")
	}
	_, err := metav1.LabelSelectorAsSelector(sel)
	return err
}

// filters returns the resource filters that the engine reads: any, else all, else
// the plain resources.
func (m *matchSpec) filters() []resourcesSpec {
	list := m.Any
	if len(list) == 0 {
		list = m.All
	}
	if len(list) == 0 {
		return []resourcesSpec{m.Resources}
	}
	out := make([]resourcesSpec, len(list))
	for i, f := range list {
		out[i] = f.Resources
	}
	return out
}

// compile turns the decoded rule into one that can be evaluated. Its errors name the
// field that is not understood.
func (s *ruleSpec) compile() (*rule, error) {
	r := &rule{name: s.Name, match: s.Match.compile(), validates: s.validates}
	if s.Exclude != nil {
		b := s.Exclude.compile()
		r.exclude = &b
	}
	var err error
	if r.preconditions, err = compilePreconditions(s.Preconditions); err != nil {
		return nil, err
	}
	switch {
	case s.Mutate != nil && s.Validate == nil:
		if err := checkPatch("mutate.patchStrategicMerge", s.Mutate.PatchStrategicMerge); err != nil {
			return nil, err
		}
		r.patch = s.Mutate.PatchStrategicMerge
		r.existing = s.Mutate.Targets != nil
		for _, t := range s.Mutate.Targets {
			r.targets = append(r.targets, t.compile())
		}
	case s.Validate != nil && s.Mutate == nil:
		r.patterns = slices.Clone(s.Validate.AnyPattern)
		if s.Validate.Pattern != nil {
			r.patterns = []any{s.Validate.Pattern}
		}
		if len(r.patterns) == 0 {
			return nil, fmt.Errorf("field validate without pattern is not understood")
		}
		for _, pattern := range r.patterns {
			if err := checkPattern("validate.pattern", pattern); err != nil {
				return nil, err
			}
		}
	default:
		return nil, fmt.Errorf("it must either mutate or validate")
	}
	return r, nil
}

func (t targetSpec) compile() target {
	kind := t.Kind
	if t.APIVersion != "" {
		kind = t.APIVersion + "/" + t.Kind
	}
	return target{
		kind:      newBlock(false, resourcesSpec{Kinds: []string{kind}}),
		namespace: t.Namespace,
		name:      t.Name,
	}
}

// applies reports whether the engine would run the rule on the resource: it matches,
// is not excluded, and the preconditions hold. To mutate, the engine resolves the
// variables of all of them, also where it need not compare them.
func (r *rule) applies(res *resource) bool {
	return r.match.matches(res) && !r.excludes(res) && r.preconditions.hold(res) &&
		(r.patch == nil || r.preconditions.resolve(res))
}

func (r *rule) excludes(res *resource) bool {
	return r.exclude != nil && !r.exclude.empty() && r.exclude.matches(res)
}
