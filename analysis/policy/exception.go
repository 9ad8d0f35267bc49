package policy

import (
	"errors"
	"fmt"
	"path"
	"slices"

	"tokenward/analysis/wildcard"

	"tokenward/analysis/render"
)

// exception is a PolicyException that names at least one of the three policies.
type exception struct {
	id        string // names the object for people
	namespace string
	rules     []exceptedRules
	match     block
}

type exceptedRules struct {
	policy string // name, or namespace/name of a Policy
	rules  []string
}

// addException loads an exception, unless it is about other policies only.
func (p *Policies) addException(o *render.Object) error {
	e, err := decodeException(o, p.names)
	var dropped *droppedError
	if errors.As(err, &dropped) {
		p.warnings = append(p.warnings, fmt.Sprintf("%s is not taken by the policy engine and has no effect: %s", o.ID(), err))
		return nil
	}
	if err != nil {
		return fmt.Errorf("load %s: %w", o.ID(), err)
	}
	if e != nil {
		p.exceptions = append(p.exceptions, e)
	}
	return nil
}

func decodeException(o *render.Object, names Names) (*exception, error) {
	fields := o.Fields()
	if !namesPolicy(fields, names) {
		return nil, nil
	}
	var spec exceptionSpec
	if err := decodeStrict(fields["spec"], &spec); err != nil {
		return nil, err
	}
	if err := spec.Match.check("match"); err != nil {
		return nil, err
	}
	if !spec.Match.Resources.empty() {
		return nil, fmt.Errorf("field match.resources is not understood: an exception has any or all")
	}
	if len(spec.Match.Any) > 0 && len(spec.Match.All) > 0 {
		return nil, droppedf("match has both any and all")
	}
	for _, r := range spec.Match.pointers() {
		if len(r.Operations) > 0 {
			r.Operations = []string{"CREATE"} // the engine excepts whatever the operation is
		}
	}
	e := &exception{id: o.ID(), namespace: o.Namespace, match: spec.Match.compile()}
	for _, x := range spec.Exceptions {
		e.rules = append(e.rules, exceptedRules{x.PolicyName, x.RuleNames})
	}
	return e, nil
}

// namesPolicy looks before decoding, so that an exception for another policy may hold
// whatever the engine knows.
func namesPolicy(fields map[string]any, names Names) bool {
	list, _ := dig(fields, "spec", "exceptions").([]any)
	return slices.ContainsFunc(list, func(x any) bool {
		name, _ := dig(x, "policyName").(string)
		return names.has(path.Base(name))
	})
}

// excepted reports whether an exception takes the resource out of a rule.
func (p *Policies) excepted(pol *policy, r *rule, res *resource) bool {
	return slices.ContainsFunc(p.exceptions, func(e *exception) bool {
		covered := slices.ContainsFunc(e.rules, func(x exceptedRules) bool {
			return x.policy == pol.key() && slices.ContainsFunc(x.rules, func(name string) bool {
				return wildcard.Match(name, r.name)
			})
		})
		return covered && e.match.matches(res)
	})
}
