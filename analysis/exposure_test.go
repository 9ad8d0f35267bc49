package analysis

import "testing"

func TestExposures(t *testing.T) {
	t.Parallel()
	bound := func(binding, kind, rules string) string {
		return `apiVersion: rbac.authorization.k8s.io/v1
kind: ` + kind + `
metadata: {name: web}
rules: [` + rules + `]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ` + binding + `
metadata: {name: web}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ` + kind + `, name: web}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
`
	}
	builtIn := func(name string) string {
		return `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: web}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: ` + name + `}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
`
	}
	const (
		pods    = `{apiGroups: [""], resources: [pods], verbs: [get]}`
		secrets = `{apiGroups: [""], resources: [pods, secrets], verbs: [list]}`
		one     = `{apiGroups: [""], resources: [secrets], resourceNames: [tls], verbs: [get]}`
		writes  = `{apiGroups: [""], resources: [secrets], verbs: [create]}`
		account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web}\n---\n"
		all     = `{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}`
		foreign = `{apiGroups: [example.com], resources: ["*"], verbs: ["*"]}`
	)
	for name, tc := range map[string]struct {
		manifests string
		want      Exposure
	}{
		"no role":                        {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n", OpensNothing},
		"a role without rules":           {bound("RoleBinding", "Role", ""), OpensNothing},
		"pods of a namespace":            {bound("RoleBinding", "Role", pods), OpensNamespace},
		"one secret":                     {bound("RoleBinding", "Role", one), OpensNamespace},
		"secrets that it cannot read":    {bound("RoleBinding", "Role", writes), OpensNamespace},
		"secrets of a namespace":         {bound("RoleBinding", "Role", pods+", "+secrets), OpensSecrets},
		"a cluster role in a namespace":  {bound("RoleBinding", "ClusterRole", all), OpensSecrets},
		"pods of the cluster":            {bound("ClusterRoleBinding", "ClusterRole", pods), OpensCluster},
		"all of somebody else's objects": {bound("ClusterRoleBinding", "ClusterRole", foreign), OpensCluster},
		"secrets of the cluster":         {bound("ClusterRoleBinding", "ClusterRole", secrets), OpensClusterSecrets},
		"everything":                     {bound("ClusterRoleBinding", "ClusterRole", all), OpensClusterSecrets},
		"the built-in view":              {builtIn("view"), OpensCluster},
		"the built-in cluster-admin":     {builtIn("cluster-admin"), OpensClusterSecrets},
		"a role from elsewhere":          {builtIn("elsewhere"), OpensCluster},
		"what anybody may do":            {builtIn("system:basic-user"), OpensNothing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			of := Exposures(setOf(t, account+tc.manifests))
			if got := of("shop", "web"); got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
			if got := of("shop", "other"); got != OpensNothing {
				t.Errorf("another account: %d", got)
			}
		})
	}
}
