package rbac

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"tokenward/analysis/render"
)

// sources decodes YAML documents; a comment "# release: x" names who renders the next ones.
func sources(t testing.TB, text string) []Source {
	t.Helper()
	var out []Source
	release := "one"
	for doc := range strings.SplitSeq(text, "\n---\n") {
		if _, name, ok := strings.Cut(doc, "# release: "); ok {
			release, _, _ = strings.Cut(name, "\n")
		}
		var fields map[string]any
		if err := yaml.Unmarshal([]byte(doc), &fields); err != nil {
			t.Fatalf("decode %s: %v", doc, err)
		}
		meta, _ := fields["metadata"].(map[string]any)
		str := func(m map[string]any, key string) string { s, _ := m[key].(string); return s }
		o := &render.Object{APIVersion: str(fields, "apiVersion"), Kind: str(fields, "kind"), Name: str(meta, "name"), Namespace: str(meta, "namespace"), ReadFields: render.Held(fields)}
		if o.APIVersion == "" {
			o.APIVersion = "rbac.authorization.k8s.io/v1"
		}
		out = append(out, Source{Object: o, Release: release})
	}
	return out
}

// held says in short what an account holds: binding, group, role's origin and words.
func held(ix *Index, namespace, name string) []string {
	var out []string
	for g := range ix.Account(namespace, name) {
		s := g.Binding.Name + " -> " + g.RoleID() + ": " + g.Words()
		if g.Group != "" {
			s += " (group " + g.Group + ")"
		}
		if !g.Real() {
			s += " (not real)"
		}
		out = append(out, s)
	}
	return out
}

func TestAccount(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		objects string
		want    []string // of ServiceAccount web in namespace shop
	}{
		"role and binding of the namespace": {`
kind: Role
metadata: {name: reader, namespace: shop}
rules: [{apiGroups: [""], resources: [secrets], verbs: [get]}]
---
kind: RoleBinding
metadata: {name: b, namespace: shop}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
roleRef: {kind: Role, name: reader}`, []string{"b -> Role shop/reader: reads Secrets"}},
		"subject without a namespace is the binding's": {`
kind: RoleBinding
metadata: {name: b, namespace: shop}
subjects: [{kind: ServiceAccount, name: web}]
roleRef: {kind: ClusterRole, name: view}`, []string{"b -> ClusterRole view: reads most objects but Secrets"}},
		"another namespace's account": {`
kind: RoleBinding
metadata: {name: b, namespace: shop}
subjects: [{kind: ServiceAccount, name: web, namespace: other}]
roleRef: {kind: ClusterRole, name: view}`, nil},
		"a role of another namespace is not the one": {`
kind: Role
metadata: {name: reader, namespace: other}
rules: [{apiGroups: [""], resources: [secrets], verbs: [get]}]
---
kind: RoleBinding
metadata: {name: b, namespace: shop}
subjects: [{kind: ServiceAccount, name: web}]
roleRef: {kind: Role, name: reader}`, []string{"b -> Role shop/reader: holds a role that no release renders"}},
		"role from one release, binding from another": {`
# release: one
kind: ClusterRole
metadata: {name: watcher}
rules: [{apiGroups: [""], resources: [pods], verbs: [watch]}]
---
# release: two
kind: ClusterRoleBinding
metadata: {name: b}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
roleRef: {kind: ClusterRole, name: watcher}`, []string{"b -> ClusterRole watcher: watches Pods"}},
		"user spelling of an account": {`
kind: ClusterRoleBinding
metadata: {name: b}
subjects: [{kind: User, name: "system:serviceaccount:shop:web"}, {kind: User, name: jane}]
roleRef: {kind: ClusterRole, name: cluster-admin}`, []string{"b -> ClusterRole cluster-admin: may do anything"}},
		"groups": {`
kind: ClusterRoleBinding
metadata: {name: a}
subjects: [{kind: Group, name: "system:serviceaccounts"}]
roleRef: {kind: ClusterRole, name: view}
---
kind: ClusterRoleBinding
metadata: {name: b}
subjects: [{kind: Group, name: "system:serviceaccounts:shop"}, {kind: Group, name: "system:serviceaccounts:other"}]
roleRef: {kind: ClusterRole, name: edit}
---
kind: ClusterRoleBinding
metadata: {name: c}
subjects: [{kind: Group, name: "system:authenticated"}]
roleRef: {kind: ClusterRole, name: "system:basic-user"}`, []string{
			"b -> ClusterRole edit: reads and writes most objects (group system:serviceaccounts:shop)",
			"a -> ClusterRole view: reads most objects but Secrets (group system:serviceaccounts)",
			"c -> ClusterRole system:basic-user: holds the built-in role system:basic-user (group system:authenticated) (not real)"}},
		"empty rules and use-only": {`
kind: Role
metadata: {name: empty, namespace: shop}
rules: []
---
kind: Role
metadata: {name: nothing, namespace: shop}
rules:
---
kind: Role
metadata: {name: psp, namespace: shop}
rules: [{apiGroups: [policy], resources: [podsecuritypolicies], verbs: [use], resourceNames: [x]},
  {apiGroups: [security.openshift.io], resources: [securitycontextconstraints], verbs: [use]}]
---
kind: RoleBinding
metadata: {name: a, namespace: shop}
subjects: [{kind: ServiceAccount, name: web}]
roleRef: {kind: Role, name: empty}
---
kind: RoleBinding
metadata: {name: b, namespace: shop}
subjects: [{kind: ServiceAccount, name: web}]
roleRef: {kind: Role, name: nothing}
---
kind: RoleBinding
metadata: {name: c, namespace: shop}
subjects: [{kind: ServiceAccount, name: web}]
roleRef: {kind: Role, name: psp}`, []string{"a -> Role shop/empty:  (not real)", "b -> Role shop/nothing:  (not real)", "c -> Role shop/psp:  (not real)"}},
		"use beside a real rule": {`
kind: ClusterRole
metadata: {name: psp}
rules: [{apiGroups: [policy], resources: [podsecuritypolicies], verbs: [use]}, {apiGroups: [""], resources: [pods], verbs: [get]}]
---
kind: RoleBinding
metadata: {name: c, namespace: shop}
subjects: [{kind: ServiceAccount, name: web}]
roleRef: {kind: ClusterRole, name: psp}`, []string{"c -> ClusterRole psp: reads Pods of namespace shop"}},
		"use of something else is real": {`
kind: ClusterRole
metadata: {name: u}
rules: [{apiGroups: [x], resources: [podsecuritypolicies, widgets], verbs: [use]}]
---
kind: ClusterRoleBinding
metadata: {name: c}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
roleRef: {kind: ClusterRole, name: u}`, []string{"c -> ClusterRole u: uses PodSecurityPolicies and Widgets"}},
		"a role that is known by its name to serve admission": {`
kind: RoleBinding
metadata: {name: b, namespace: shop}
subjects: [{kind: ServiceAccount, name: web}]
roleRef: {kind: ClusterRole, name: restricted-psp}`, []string{"b -> ClusterRole restricted-psp: holds a role that no release renders (not real)"}},
		"two roles of one name": {`
kind: ClusterRole
metadata: {name: twin}
---
kind: ClusterRole
metadata: {name: twin}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
kind: ClusterRoleBinding
metadata: {name: b}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
roleRef: {kind: ClusterRole, name: twin}`, []string{"b -> ClusterRole twin: reads Pods"}},
		"another API group's kinds are passed over": {`
apiVersion: example.com/v1
kind: RoleBinding
metadata: {name: b, namespace: shop}
subjects: [{kind: ServiceAccount, name: web}]
roleRef: {kind: ClusterRole, name: view}`, nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ix := New(sources(t, c.objects))
			if p := ix.Problems(); p != nil {
				t.Fatalf("problems: %v", p)
			}
			if diff := cmp.Diff(c.want, held(ix, "shop", "web")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// What an account holds is asked for again and again.
func TestAccountLeavesRulesAlone(t *testing.T) {
	t.Parallel()
	ix := New(sources(t, `kind: Role
metadata: {name: r, namespace: shop}
rules:
- {apiGroups: [policy], resources: [podsecuritypolicies], verbs: [use]}
- {apiGroups: [""], resources: [pods], verbs: [get]}
- {apiGroups: [""], resources: [secrets], verbs: [get]}
---
kind: RoleBinding
metadata: {name: b, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]`))
	for range 2 {
		if diff := cmp.Diff([]string{"b -> Role shop/r: reads Secrets and Pods"}, held(ix, "shop", "web")); diff != "" {
			t.Error(diff)
		}
	}
	if rules := slices.Collect(ix.Account("shop", "web"))[0].Role.Rules; len(rules) != 3 || rules[0].Verbs[0] != "use" || rules[2].Resources[0] != "secrets" {
		t.Errorf("the role's rules are %v", rules)
	}
}

func TestAggregation(t *testing.T) {
	t.Parallel()
	ix := New(sources(t, `
kind: ClusterRole
metadata: {name: all}
aggregationRule:
  clusterRoleSelectors:
  - matchLabels: {part: "yes"}
  - matchExpressions: [{key: tier, operator: In, values: [a, b]}]
rules: [{apiGroups: [""], resources: [overwritten], verbs: [get]}]
---
# release: two
kind: ClusterRole
metadata: {name: p1, labels: {part: "yes"}}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
kind: ClusterRole
metadata: {name: p2, labels: {tier: b}}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {deep: "yes"}}]}
---
kind: ClusterRole
metadata: {name: p3, labels: {deep: "yes", part: "yes"}}
rules: [{apiGroups: [""], resources: [nodes], verbs: [watch]}]
---
kind: ClusterRole
metadata: {name: p4, labels: {tier: c}}
rules: [{apiGroups: [""], resources: [secrets], verbs: [get]}]
---
kind: ClusterRoleBinding
metadata: {name: b}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
roleRef: {kind: ClusterRole, name: all}`))
	if diff := cmp.Diff([]string{"b -> ClusterRole all: reads Pods, watches Nodes"}, held(ix, "shop", "web")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAggregationOfEachOtherEnds(t *testing.T) {
	t.Parallel()
	ix := New(sources(t, `
kind: ClusterRole
metadata: {name: a, labels: {x: "1"}}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {x: "1"}}]}
---
kind: ClusterRole
metadata: {name: b, labels: {x: "1"}}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {x: "1"}}]}
---
kind: ClusterRole
metadata: {name: c, labels: {x: "1"}}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]`))
	for _, name := range []string{"a", "b"} {
		if got := Words(ix.roles[roleKey{"ClusterRole", "", name}].Rules); got != "reads Pods" {
			t.Errorf("role %s: %q", name, got)
		}
	}
}

func TestUnreadableIsAProblem(t *testing.T) {
	t.Parallel()
	ix := New(sources(t, `
kind: Role
metadata: {name: broken, namespace: shop}
rules: {verbs: get}
---
kind: RoleBinding
metadata: {name: torn, namespace: shop}
subjects: web
---
kind: ClusterRole
metadata: {name: odd}
aggregationRule: {clusterRoleSelectors: [{matchExpressions: [{key: a, operator: Sideways}]}]}`))
	var got []string
	for _, p := range ix.Problems() {
		got = append(got, p.Object.Name)
	}
	if diff := cmp.Diff([]string{"broken", "torn", "odd"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// A binding that names an account again and again gives it its role once.
func TestAccountThatABindingNamesTwice(t *testing.T) {
	t.Parallel()
	objects := `
kind: RoleBinding
metadata: {name: b, namespace: shop}
roleRef: {kind: ClusterRole, name: view}
subjects:` + strings.Repeat(`
- {kind: ServiceAccount, name: web}
- {kind: User, name: "system:serviceaccount:shop:web"}
- {kind: ServiceAccount, name: other, namespace: shop}`, 300) + `
---
kind: RoleBinding
metadata: {name: b2, namespace: shop}
roleRef: {kind: ClusterRole, name: edit}
subjects: [{kind: ServiceAccount, name: web}]`
	ix := New(sources(t, objects))
	want := []string{"b -> ClusterRole view: reads most objects but Secrets", "b2 -> ClusterRole edit: reads and writes most objects"}
	if diff := cmp.Diff(want, held(ix, "shop", "web")); diff != "" {
		t.Errorf("web (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(want[:1], held(ix, "shop", "other")); diff != "" {
		t.Errorf("other (-want +got)\n%s", diff)
	}
}
