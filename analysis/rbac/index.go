package rbac

import (
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// Index finds the bindings and roles of a platform. It is immutable after New
// and safe for concurrent use.
type Index struct {
	roles    map[roleKey]*Role
	bindings map[subjectKey][]*Binding
	grants   map[subjectKey][]Grant // what the bindings give
	problems []Problem
}

type roleKey struct{ kind, namespace, name string }

// subjectKey is a subject as RBAC compares it: a ServiceAccount by namespace and
// name, a group by name.
type subjectKey struct{ kind, namespace, name string }

// New indexes all roles and bindings among the objects; other kinds are passed
// over. Two roles with the same kind, namespace and name are taken for one with the
// rules of both, since either may be installed last. What cannot be read is a
// Problem.
func New(objects []Source) *Index {
	ix := &Index{roles: map[roleKey]*Role{}, bindings: map[subjectKey][]*Binding{}, grants: map[subjectKey][]Grant{}}
	for _, s := range objects {
		if !IsRBAC(s.Object) {
			continue
		}
		if err := ix.add(s); err != nil {
			ix.problems = append(ix.problems, Problem{Source: s, Err: err})
		}
	}
	ix.aggregate()
	for _, role := range ix.roles {
		if role.rights == nil {
			role.rights = rightsOf(role.Rules)
		}
	}
	for key, bindings := range ix.bindings {
		ix.grants[key] = ix.grantsOf(key, bindings)
	}
	return ix
}

// Problems are the roles and bindings that could not be read, in input order.
func (ix *Index) Problems() []Problem { return ix.problems }

func (ix *Index) add(s Source) error {
	switch s.Object.Kind {
	case "Role", "ClusterRole":
		r, err := readRole(s)
		if err != nil {
			return err
		}
		key := roleKey{r.Kind, r.Namespace, r.Name}
		if r.Kind == "ClusterRole" {
			key.namespace = ""
		}
		if twin, ok := ix.roles[key]; ok {
			twin.Rules = append(twin.Rules, r.Rules...)
			return nil
		}
		ix.roles[key] = r
	case "RoleBinding", "ClusterRoleBinding":
		b, err := readBinding(s)
		if err != nil {
			return err
		}
		for _, subject := range b.Subjects {
			key, ok := keyOf(b, subject)
			if !ok {
				continue
			}
			if before := ix.bindings[key]; len(before) > 0 && before[len(before)-1] == b {
				continue // it names the subject twice
			}
			ix.bindings[key] = append(ix.bindings[key], b)
		}
	}
	return nil
}

// keyOf normalises a subject as the API server's authorizer does: a
// ServiceAccount without a namespace is looked for in the RoleBinding's, and a
// user called system:serviceaccount:ns:name is that ServiceAccount.
func keyOf(b *Binding, s rbacv1.Subject) (subjectKey, bool) {
	switch s.Kind {
	case rbacv1.ServiceAccountKind:
		namespace := s.Namespace
		if namespace == "" {
			namespace = b.Namespace
		}
		return subjectKey{s.Kind, namespace, s.Name}, namespace != "" && s.Name != ""
	case rbacv1.UserKind:
		if rest, ok := strings.CutPrefix(s.Name, "system:serviceaccount:"); ok {
			namespace, name, ok := strings.Cut(rest, ":")
			return subjectKey{rbacv1.ServiceAccountKind, namespace, name}, ok
		}
	case rbacv1.GroupKind:
		return subjectKey{kind: s.Kind, name: s.Name}, true
	}
	return subjectKey{}, false
}

// role finds what a binding refers to: a Role in the binding's own namespace, or
// a ClusterRole.
func (ix *Index) role(b *Binding) *Role {
	key := roleKey{kind: b.RoleRef.Kind, name: b.RoleRef.Name}
	if key.kind == "Role" {
		key.namespace = b.Namespace
	}
	return ix.roles[key]
}
