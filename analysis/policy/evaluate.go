package policy

import (
	"maps"
	"slices"

	"tokenward/analysis/render"
	"tokenward/analysis/wildcard"
)

// Violation is one object that a rule of a policy finds fault with.
type Violation struct {
	Policy, Rule          string // of a Policy, its name is namespace/name
	Kind, Namespace, Name string // Name is generateName where there is no name
}

// Manifest returns an object as admission sees it: with the namespace that it is
// installed into, where the manifest names none. The object itself stays as it is.
func Manifest(o *render.Object) map[string]any {
	fields := o.Whole()
	if o.Namespace == "" || dig(fields, "metadata", "namespace") != nil {
		return fields
	}
	out := make(map[string]any, len(fields))
	maps.Copy(out, fields)
	metadata := map[string]any{"namespace": o.Namespace}
	old, _ := fields["metadata"].(map[string]any)
	for k, v := range old {
		if k != "namespace" {
			metadata[k] = v
		}
	}
	out["metadata"] = metadata
	return out
}

// Admit returns what admission makes of a manifest: the mutating rules are applied in order,
// so that a later rule wins. The manifest stays as it is, and the result shares with it what no
// rule changes: neither may be changed. Rules that patch existing objects do nothing here; see HardensDefault.
func (p *Policies) Admit(obj map[string]any) map[string]any {
	res := p.resource(obj)
	for _, pol := range p.policies {
		for _, r := range pol.rules {
			if r.patch == nil || r.existing || !pol.covers(res) || !r.applies(res) || p.excepted(pol, r, res) {
				continue
			}
			out, changed := patched(res.object, r.patch)
			if !changed {
				continue
			}
			res = p.resource(out)
			if pol.applyOne {
				break
			}
		}
	}
	return res.object
}

// Validate returns what the validating rules find wrong with a manifest, which must
// have gone through Admit. A manifest that no rule matches, or that an exclude block or
// an exception takes out, yields nothing.
func (p *Policies) Validate(obj map[string]any) []Violation {
	var out []Violation
	res := p.resource(obj)
	for _, pol := range p.policies {
		if !pol.covers(res) {
			continue
		}
		for _, r := range pol.rules {
			if !r.looksAt(res) || !r.applies(res) || p.excepted(pol, r, res) {
				continue
			}
			if !r.satisfied(obj) {
				out = append(out, Violation{pol.key(), r.name, res.kind, res.namespace, res.name})
			}
			if pol.applyOne {
				break
			}
		}
	}
	return out
}

// HardensDefault reports whether the default mutator sets the field to false on the
// ServiceAccount default of the namespace, in place. Exceptions count where a rule patches
// what triggers it: targets are patched for whichever account triggers the rule.
func (p *Policies) HardensDefault(namespace string) bool {
	account := func() map[string]any {
		return map[string]any{
			"apiVersion": "v1", "kind": "ServiceAccount",
			"metadata": map[string]any{"name": "default", "namespace": namespace},
		}
	}
	for _, pol := range p.policies {
		for _, r := range pol.rules {
			if pol.name != p.names.DefaultMutator || r.patch == nil {
				continue
			}
			obj := account()
			res := p.resource(obj)
			if r.existing && !r.targeted(pol, res) || !r.existing && (!pol.covers(res) || !r.applies(res) || p.excepted(pol, r, res)) {
				continue
			}
			if obj, _ = patched(obj, r.patch); obj["automountServiceAccountToken"] == false {
				return true
			}
		}
	}
	return false
}

// targeted reports whether one of the targets is the resource. A Policy reaches its own
// namespace only.
func (r *rule) targeted(pol *policy, res *resource) bool {
	return slices.ContainsFunc(r.targets, func(t target) bool {
		namespace := t.namespace
		if pol.namespace != "" {
			namespace = pol.namespace
		}
		return t.kind.matches(res) && (namespace == "" || wildcard.Match(namespace, res.namespace)) &&
			(t.name == "" || wildcard.Match(t.name, res.name))
	})
}

// covers reports whether a policy looks at the resource at all.
func (p *policy) covers(res *resource) bool {
	return p.namespace == "" || p.namespace == res.namespace
}

// looksAt reports whether the rule validates resources of the kind.
func (r *rule) looksAt(res *resource) bool {
	return len(r.patterns) > 0 && (r.validates == nil || r.validates(res.kind))
}

func (r *rule) satisfied(obj map[string]any) bool {
	return slices.ContainsFunc(r.patterns, func(pattern any) bool { return fits(obj, pattern) })
}
