package analysis

import "testing"

func TestRoles(t *testing.T) {
	t.Parallel()
	runVerdicts(t, map[string]verdictCase{
		"no role":                     {plain, "no-token high", "no-evidence", "ServiceAccount web is bound to no role"},
		"role":                        {plain + bound, "needs-token high", "bound-role", "reads Secrets"},
		"the binding is evidence too": {plain + bound, "needs-token high", "binding", "ServiceAccount web is bound to Role shop/reader"},
		"role and binding of other releases": {plain + `---
# release: roles
kind: ClusterRole
metadata: {name: watcher}
rules: [{apiGroups: [""], resources: [pods], verbs: [watch]}]
---
# release: bindings
kind: ClusterRoleBinding
metadata: {name: b}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
roleRef: {kind: ClusterRole, name: watcher}`, "needs-token high", "binding", "by release bindings"},
		"the umbrella's own binding": {plain + `---
# release: ""
kind: ClusterRoleBinding
metadata: {name: b}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
roleRef: {kind: ClusterRole, name: view}`, "needs-token high", "bound-role", "reads most objects"},
		"a role that is rendered nowhere": {plain + `---
kind: RoleBinding
metadata: {name: b}
subjects: [{kind: ServiceAccount, name: web}]
roleRef: {kind: Role, name: gone}`, "needs-token medium", "outside-role", "no release renders"},
		"an account that is rendered nowhere": {`
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {serviceAccountName: ghost, containers: [{name: c, image: i}]}}}`, "no-token medium", "no-evidence", "no release renders the account"},
		"auth-delegator": {plain + `---
kind: ClusterRoleBinding
metadata: {name: b}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
roleRef: {kind: ClusterRole, name: "system:auth-delegator"}`, "needs-token high", "auth-delegator", "review tokens"},
		"aggregated": {plain + `---
kind: ClusterRole
metadata: {name: sum}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}}]}
---
kind: ClusterRole
metadata: {name: part, labels: {a: b}}
rules: [{apiGroups: [""], resources: [nodes], verbs: [list]}]
---
kind: ClusterRoleBinding
metadata: {name: b}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
roleRef: {kind: ClusterRole, name: sum}`, "needs-token high", "aggregated-role", "reads Nodes"},
		"aggregated from nothing": {plain + `---
kind: ClusterRole
metadata: {name: sum}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}}]}
---
kind: ClusterRoleBinding
metadata: {name: b}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
roleRef: {kind: ClusterRole, name: sum}`, "no-token high", "empty-role", "no rules"},
		"aggregated from what every cluster brings": {plain + `---
kind: ClusterRole
metadata: {name: sum}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {rbac.authorization.k8s.io/aggregate-to-view: "true"}}]}
---
kind: ClusterRoleBinding
metadata: {name: b}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
roleRef: {kind: ClusterRole, name: sum}`, "needs-token high", "aggregated-role", "reads and watches Pods"},
		"aggregated from everything": {plain + `---
kind: ClusterRole
metadata: {name: sum}
aggregationRule: {clusterRoleSelectors: [{}]}
---
kind: ClusterRoleBinding
metadata: {name: b}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
roleRef: {kind: ClusterRole, name: sum}`, "needs-token high", "aggregated-role", "anything"},
		"use only": {plain + `---
kind: Role
metadata: {name: psp}
rules: [{apiGroups: [policy], resources: [podsecuritypolicies], verbs: [use]}]
---
kind: RoleBinding
metadata: {name: b}
subjects: [{kind: ServiceAccount, name: web}]
roleRef: {kind: Role, name: psp}`, "no-token high", "empty-role", "only admission reads"},
		"a hook's binding is not there for pods that stay": {plain + `---
kind: RoleBinding
metadata: {name: b, annotations: {helm.sh/hook: pre-install, helm.sh/hook-delete-policy: "before-hook-creation,hook-succeeded"}}
subjects: [{kind: ServiceAccount, name: web}]
roleRef: {kind: ClusterRole, name: edit}`, "no-token high", "!bound-role", ""},
		"a test's binding is not there for pods that stay": {plain + `---
kind: RoleBinding
metadata: {name: b, annotations: {helm.sh/hook: "test,pre-delete"}}
subjects: [{kind: ServiceAccount, name: web}]
roleRef: {kind: ClusterRole, name: edit}`, "no-token high", "!bound-role", ""},
		"what an upgrade's hook made stays, too": {plain + `---
kind: RoleBinding
metadata: {name: b, annotations: {helm.sh/hook: "test , post-upgrade "}}
subjects: [{kind: ServiceAccount, name: web}]
roleRef: {kind: ClusterRole, name: edit}`, "needs-token high", "bound-role", "reads and writes"},
		"what a hook made stays where nothing takes it away": {plain + `---
kind: RoleBinding
metadata: {name: b, annotations: {helm.sh/hook: "pre-install, pre-upgrade", helm.sh/hook-delete-policy: hook-failed}}
subjects: [{kind: ServiceAccount, name: web}]
roleRef: {kind: ClusterRole, name: edit}`, "needs-token high", "bound-role", "reads and writes"},
	})
}

func TestGroups(t *testing.T) {
	t.Parallel()
	group := func(release, group string) string {
		return plain + `---
# release: ` + release + `
kind: ClusterRoleBinding
metadata: {name: b}
subjects: [{kind: Group, name: "` + group + `"}]
roleRef: {kind: ClusterRole, name: view}`
	}
	runVerdicts(t, map[string]verdictCase{
		"the namespace's accounts":   {group("other", "system:serviceaccounts:shop"), "needs-token medium", "group-role", "reads most objects"},
		"another namespace's":        {group("other", "system:serviceaccounts:else"), "no-token high", "!group-role", ""},
		"all, by its own release":    {group("app", "system:serviceaccounts"), "needs-token medium", "group-role", ""},
		"all, by the umbrella":       {group(`""`, "system:authenticated"), "needs-token medium", "group-role", ""},
		"all, by some other release": {group("other", "system:authenticated"), "no-token high", "group-role", "reads most objects"},
		"what everybody has is none": {plain + `---
kind: ClusterRoleBinding
metadata: {name: b}
subjects: [{kind: Group, name: "system:authenticated"}]
roleRef: {kind: ClusterRole, name: "system:discovery"}`, "no-token high", "!group-role", ""},
	})
}
