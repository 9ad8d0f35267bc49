// Package rbac answers what a ServiceAccount may do: it joins the roles and
// bindings of everything a platform renders, across releases, with the roles
// that every cluster brings, and says it in words. It reads manifests only; it
// asks no cluster, and it does not judge whether a pod makes use of its rights.
package rbac

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	rbacv1 "k8s.io/api/rbac/v1"

	"tokenward/analysis/render"
)

// Source is one rendered object and the name of the release that renders it.
type Source struct {
	Object  *render.Object
	Release string
}

// Problem is a role or binding that could not be read: whatever it grants is
// unknown.
type Problem struct {
	Source
	Err error
}

// Role is a Role or ClusterRole with the rules that are in force: those of an
// aggregated role are its parts' rules.
type Role struct {
	Source
	Kind      string // Role or ClusterRole
	Namespace string // "" for a ClusterRole
	Name      string
	Rules     []rbacv1.PolicyRule
	// Aggregated tells that the rules are gathered from other ClusterRoles by label.
	Aggregated bool

	labels      map[string]string
	aggregation *rbacv1.AggregationRule
	rights      *rights
}

// rights are what rules come to. Roles may share them.
type rights struct {
	rules []rbacv1.PolicyRule
	// useful are the rules without those that only serve admission, words what they allow; worked out where they are asked for.
	useful func() []rbacv1.PolicyRule
	words  func() string
}

func rightsOf(rules []rbacv1.PolicyRule) *rights {
	useful := sync.OnceValue(func() []rbacv1.PolicyRule { return withoutUse(rules) })
	return &rights{rules: rules, useful: useful, words: sync.OnceValue(func() string { return Words(useful()) })}
}

// Binding is a RoleBinding or ClusterRoleBinding.
type Binding struct {
	Source
	Kind      string
	Namespace string // "" for a ClusterRoleBinding
	Name      string
	Subjects  []rbacv1.Subject
	RoleRef   rbacv1.RoleRef
}

// Passes tells whether the binding exists only while Helm's hooks run.
func (b *Binding) Passes() bool { return b.Object != nil && b.Object.Passes() }

// IsRBAC tells whether New reads an object.
func IsRBAC(o *render.Object) bool { return strings.HasPrefix(o.APIVersion, rbacv1.GroupName+"/") }

// ReadAhead reads a role or binding as New wants it, before anybody else sees it.
func ReadAhead(o *render.Object) {
	switch o.Kind {
	case "Role", "ClusterRole":
		render.ReadAhead[rbacv1.ClusterRole](o, o.Fields)
	case "RoleBinding", "ClusterRoleBinding":
		render.ReadAhead[rbacv1.RoleBinding](o, o.Fields)
	}
}

func readRole(s Source) (*Role, error) {
	r, err := render.As[rbacv1.ClusterRole](s.Object, s.Object.Fields)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", s.Object.ID(), err)
	}
	return &Role{Source: s, Kind: s.Object.Kind, Namespace: s.Object.Namespace, Name: s.Object.Name,
		Rules: slices.Clip(r.Rules), labels: r.Labels, aggregation: r.AggregationRule}, nil
}

func readBinding(s Source) (*Binding, error) {
	b, err := render.As[rbacv1.RoleBinding](s.Object, s.Object.Fields)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", s.Object.ID(), err)
	}
	return &Binding{Source: s, Kind: s.Object.Kind, Namespace: s.Object.Namespace, Name: s.Object.Name,
		Subjects: b.Subjects, RoleRef: b.RoleRef}, nil
}
