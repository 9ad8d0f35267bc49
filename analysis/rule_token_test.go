package analysis

import "testing"

func TestProjectedTokens(t *testing.T) {
	t.Parallel()
	projected := func(automount, audience, path string) string {
		return `
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      serviceAccountName: web
      ` + automount + `
      containers: [{name: c, image: i, volumeMounts: [{name: t, mountPath: ` + path + `}]}]
      volumes: [{name: t, projected: {sources: [{serviceAccountToken: {path: token` + audience + `}}, {configMap: {name: kube-root-ca.crt}}]}}]
` + bound
	}
	const off, standard = "automountServiceAccountToken: false", "/var/run/secrets/kubernetes.io/serviceaccount"
	runVerdicts(t, map[string]verdictCase{
		"own token, automount off":             {projected(off, "", standard), "no-token high", "own-token", "brings its own token"},
		"own token where clients look":         {projected("", "", standard+"/"), "no-token medium", "own-token", ""},
		"own token of one container":           {projected("", "", standard+"}]}, {name: d, image: j, volumeMounts: [{name: t, mountPath: /tokens"), "needs-token high", "own-token", "not in all containers"},
		"own token, but of a sidecar":          {projected("", "", standard+"}]}]\n      initContainers: [{name: d, image: j, restartPolicy: Always, volumeMounts: [{name: t, mountPath: /tokens"), "needs-token high", "own-token", "not in all containers"},
		"own token of all containers":          {projected("", "", standard+"}]}, {name: d, image: j, volumeMounts: [{name: t, mountPath: /run/secrets/kubernetes.io/serviceaccount"), "no-token medium", "own-token", ""},
		"own token elsewhere, automount off":   {projected(off, "", "/tokens"), "no-token high", "own-token", "switches the automounted one off"},
		"own token elsewhere":                  {projected("", "", "/tokens"), "needs-token high", "own-token", "not where clients look"},
		"the API's audience by name":           {projected(off, ", audience: https://kubernetes.default.svc.cluster.local", standard), "no-token high", "own-token", ""},
		"a mesh's audience":                    {projected("", ", audience: istio-ca", "/tokens"), "needs-token high", "own-token", "no access to the API"},
		"another audience does not replace it": {projected(off, ", audience: vault", standard), "review medium", "explicit-false", ""},
	})
}

func TestExplicit(t *testing.T) {
	t.Parallel()
	with := func(automount string) string {
		return `
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {serviceAccountName: web, automountServiceAccountToken: ` + automount + `, containers: [{name: c, image: i}]}}}
---
kind: ServiceAccount
metadata: {name: web}
`
	}
	other := func(automount string) string {
		return `---
kind: Deployment
metadata: {name: other}
spec: {template: {spec: {serviceAccountName: other` + automount + `, containers: [{name: c, image: j}]}}}
`
	}
	const emptyRole = `---
kind: Role
metadata: {name: empty}
rules: []
---
kind: RoleBinding
metadata: {name: b}
subjects: [{kind: ServiceAccount, name: web}]
roleRef: {kind: Role, name: empty}`
	runVerdicts(t, map[string]verdictCase{
		"true with nothing behind it":       {with("true"), "review low", "explicit-true", "sets automountServiceAccountToken to true"},
		"true, unlike its neighbours":       {with("true") + other(""), "review low", "explicit-true", ""},
		"true on everything of the chart":   {with("true") + other(", automountServiceAccountToken: true"), "no-token medium", "explicit-true", "on all its 2 workloads"},
		"true on everything, of two charts": {with("true") + "---\n# source: chart/charts/sub/templates/x.yaml" + other(", automountServiceAccountToken: true")[3:], "review low", "explicit-true", ""},
		"true and a role without rules":     {with("true") + emptyRole, "no-token low", "empty-role", "no rules"},
		"true with a role":                  {with("true") + bound, "needs-token high", "bound-role", ""},
		"true on a test of the default account": {`
kind: Pod
metadata: {name: web, annotations: {helm.sh/hook: test}}
spec: {automountServiceAccountToken: true, containers: [{name: c, image: i}]}`, "no-token high", "helm-test", "Helm test"},
		"a test with a role of its own": {`
kind: Pod
metadata: {name: web, annotations: {helm.sh/hook: test}}
spec: {serviceAccountName: web, containers: [{name: c, image: i}]}
` + bound, "needs-token high", "bound-role", ""},
		"a test that calls the API": {`
kind: Pod
metadata: {name: web, annotations: {helm.sh/hook: test}}
spec: {containers: [{name: c, image: i, command: [kubectl, get, pods]}]}`, "needs-token medium", "tool", ""},
		"false":               {with("false"), "no-token medium", "explicit-false", "to false"},
		"false with a role":   {with("false") + bound, "review medium", "explicit-false", ""},
		"false, yet a script": {podWith(`{automountServiceAccountToken: false, containers: [{name: c, image: i, command: [kubectl, get]}]}`), "review medium", "explicit-false", ""},
		"false on the account only": {`
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {serviceAccountName: web, containers: [{name: c, image: i}]}}}
---
kind: ServiceAccount
metadata: {name: web}
automountServiceAccountToken: false
` + bound, "needs-token high", "!explicit-false", ""},
	})
}

func TestProxyOfAMesh(t *testing.T) {
	t.Parallel()
	gateway := func(containers string) string {
		return `
kind: Deployment
metadata: {name: web}
spec: {template: {metadata: {labels: {app: web}, annotations: {inject.istio.io/templates: gateway}}, spec: {serviceAccountName: web, containers: [` + containers + `]}}}
` + bound
	}
	runVerdicts(t, map[string]verdictCase{
		"gateway":                     {gateway("{name: istio-proxy, image: auto}"), "review low", "checked-elsewhere", "control plane"},
		"with no way to the API":      {gateway("{name: istio-proxy, image: auto}") + "---\nkind: NetworkPolicy\nmetadata: {name: deny}\nspec: {podSelector: {}, policyTypes: [Egress]}", "no-token medium", "checked-elsewhere", ""},
		"with a container of its own": {gateway("{name: istio-proxy, image: auto}, {name: c, image: i}"), "needs-token high", "!checked-elsewhere", ""},
	})
}
