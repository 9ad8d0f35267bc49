package analysis

import "testing"

// The lessons here are what charts of many kinds have in common, in the smallest form
// that shows it: each case is called after what is to be learned.

func mounting(name, path, text string) string {
	return "kind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {serviceAccountName: " + name + ", volumes: [{name: v, configMap: {name: conf}}], containers: [{name: c, image: r/web:1, volumeMounts: [{name: v, mountPath: /etc/web}]}]}}}\n" +
		"---\nkind: ConfigMap\nmetadata: {name: conf}\ndata:\n  " + path + ": |\n    " + text + "\n"
}

func TestLessonsOfCharts(t *testing.T) {
	t.Parallel()
	runVerdicts(t, map[string]verdictCase{
		"a dashboard whose role has no rules": {plain + "---\nkind: Role\nmetadata: {name: r}\nrules: []\n---\nkind: RoleBinding\nmetadata: {name: b}\nsubjects: [{kind: ServiceAccount, name: web}]\nroleRef: {kind: Role, name: r}\n",
			"no-token high", "empty-role", "no rules"},
		"a role that is left with the use of a security policy": {plain + "---\nkind: Role\nmetadata: {name: r}\nrules: [{apiGroups: [extensions], resources: [podsecuritypolicies], verbs: [use], resourceNames: [web]}]\n---\nkind: RoleBinding\nmetadata: {name: b}\nsubjects: [{kind: ServiceAccount, name: web}]\nroleRef: {kind: Role, name: r}\n",
			"no-token high", "empty-role", "only admission reads"},
		"an extension of the API, bound in another namespace": {plain + "---\nkind: RoleBinding\nmetadata: {name: b, namespace: kube-system}\nsubjects: [{kind: ServiceAccount, name: web, namespace: shop}]\nroleRef: {kind: Role, name: extension-apiserver-authentication-reader}\n---\nkind: ClusterRoleBinding\nmetadata: {name: d}\nsubjects: [{kind: ServiceAccount, name: web, namespace: shop}]\nroleRef: {kind: ClusterRole, name: system:auth-delegator}\n",
			"needs-token high", "auth-delegator", ""},
		"a user interface with the rights of an administrator": {plain + "---\nkind: ClusterRoleBinding\nmetadata: {name: b}\nsubjects: [{kind: ServiceAccount, name: web, namespace: shop}]\nroleRef: {kind: ClusterRole, name: cluster-admin}\n",
			"needs-token high", "bound-role", "may do anything"},
		"members that find each other by gossip":         {mounting("web", "config.yaml", "memberlist: {join_members: [web-gossip]}\n    ring: {kvstore: {store: memberlist}}"), "no-token medium", "!configuration", ""},
		"members that find each other by DNS":            {podWith(`{containers: [{name: c, image: i, env: [{name: JAVA_OPTS, value: "-Djgroups.dns.query=web-headless"}, {name: KC_CACHE_STACK, value: kubernetes}]}]}`), "no-token high", "!environment", ""},
		"members that find each other through the API":   {mounting("web", "rabbitmq.conf", "cluster_formation.peer_discovery_backend = k8s"), "review low", "configuration", "members"},
		"log records with the metadata of pods":          {mounting("web", "filter.conf", "[FILTER]\n        Name kubernetes\n        Match kube.*"), "needs-token medium", "configuration", ""},
		"log records without":                            {mounting("web", "filter.conf", "[INPUT]\n        Name tail\n        Path /var/log/containers/*.log"), "no-token medium", "!configuration", ""},
		"metrics of the cluster's objects":               {mounting("web", "telegraf.conf", "[[inputs.kube_inventory]]\n      url = \"\""), "needs-token medium", "configuration", ""},
		"routes from the API, in a file":                 {mounting("web", "traefik.yaml", "providers:\n      kubernetesCRD: {}"), "needs-token medium", "configuration", ""},
		"names from the API":                             {mounting("web", "Corefile", ".:53 {\n      kubernetes cluster.local in-addr.arpa\n    }"), "needs-token medium", "configuration", ""},
		"tasks as pods, by the environment":              {podWith(`{containers: [{name: c, image: i, env: [{name: AIRFLOW__CORE__EXECUTOR, value: KubernetesExecutor}]}]}`), "needs-token medium", "environment", ""},
		"a leader kept in the cluster":                   {podWith(`{containers: [{name: c, image: i, env: [{name: PATRONI_KUBERNETES_SCOPE_LABEL, value: cluster}]}]}`), "needs-token medium", "environment", ""},
		"a store kept in the cluster":                    {podWith(`{containers: [{name: c, image: i, args: [--store-backend=kubernetes]}]}`), "needs-token medium", "flag", ""},
		"a sysctl of an init container":                  {podWith(`{initContainers: [{name: s, image: i, securityContext: {privileged: true}, command: [sysctl, -w, vm.max_map_count=262144]}], containers: [{name: c, image: i}]}`), "no-token high", "", ""},
		"a test that asks the service":                   {"kind: Pod\nmetadata: {name: web, annotations: {helm.sh/hook: test}}\nspec: {containers: [{name: c, image: curl, command: [curl, 'http://web/health']}]}", "no-token high", "helm-test", ""},
		"a test whose script waits with kubectl":         {"kind: Pod\nmetadata: {name: web, annotations: {helm.sh/hook: test}}\nspec: {containers: [{name: c, image: i, command: [sh, -c, 'kubectl wait --for=condition=Ready pod -l app=web']}]}", "needs-token medium", "tool", ""},
		"a hook that deletes resources":                  {hookJob("web", "cleaner", "pre-delete", "{name: c, image: r/k8s, args: [sh, -c, 'kubectl delete things --all']}")[4:], "needs-token medium", "tool", ""},
		"an image made for talking to the cluster":       {podWith(`{containers: [{name: c, image: r/alpine/k8s:1, args: [/run]}]}`), "needs-token medium", "image", ""},
		"a certificate's challenge is not the Issuer's":  {plain + "---\napiVersion: cert-manager.io/v1\nkind: Issuer\nmetadata: {name: i}\nspec: {acme: {solvers: [{http01: {ingress: {podTemplate: {spec: {serviceAccountName: web}}}}}]}}\n", "no-token high", "", ""},
		"a webhook of three, with an account of its own": {plain + "---\nkind: ServiceAccount\nmetadata: {name: controller}\n" + runningAs("controller", "controller", "{name: c, image: r/web:1, args: [--enable-leader-election=true]}"), "no-token high", "", ""},
	})
}
