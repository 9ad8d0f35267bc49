package analysis

import "testing"

func TestSharedAccount(t *testing.T) {
	t.Parallel()
	user := func(kind, name, account, container string) string {
		return `---
kind: ` + kind + `
metadata: {name: ` + name + `}
spec: {template: {metadata: {labels: {app: ` + name + `}}, spec: {serviceAccountName: ` + account + `, containers: [` + container + `]}}}
`
	}
	test := func(account, container string) string {
		return `---
kind: Pod
metadata: {name: probe, annotations: {helm.sh/hook: test-success}}
spec: {serviceAccountName: ` + account + `, containers: [` + container + `]}
`
	}
	const (
		app     = "{name: c, image: r/app:1}"
		worker  = "{name: c, image: r/worker:1}"
		sidecar = "{name: c, image: r/worker:1}, {name: s, image: r/k8s-sidecar:1}"
		wall    = "---\nkind: NetworkPolicy\nmetadata: {name: deny}\nspec: {podSelector: {}, policyTypes: [Egress]}\n"
		binding = `---
kind: RoleBinding
metadata: {name: b}
subjects: [{kind: ServiceAccount, name: common}, {kind: ServiceAccount, name: web}, {kind: ServiceAccount, name: default}]
roleRef: {kind: ClusterRole, name: view}
`
	)
	web := user("Deployment", "web", "common", app)[4:]
	runVerdicts(t, map[string]verdictCase{
		"nobody shows a sign": {web + user("Deployment", "other", "common", worker) + binding, "review low", "shared-account", "nothing tells"},
		"the same program":    {web + user("Deployment", "other", "common", app) + binding, "needs-token medium", "shared-account", "its image"},
		"a hook that runs the same program": {`
kind: Job
metadata: {name: web, annotations: {helm.sh/hook: pre-upgrade}}
spec: {template: {spec: {serviceAccountName: common, containers: [` + app + `]}}}
` + user("Deployment", "other", "common", app) + binding, "review low", "shared-account", "nothing tells"},
		"the other has the sidecar":   {web + user("Deployment", "other", "common", sidecar) + binding, "review low", "shared-account", "no sign of its own"},
		"... and there is no way out": {web + user("Deployment", "other", "common", sidecar) + binding + wall, "no-token medium", "shared-account", "Deployment other"},
		"both have a sign":            {user("Deployment", "web", "common", sidecar)[4:] + user("Deployment", "other", "common", sidecar) + binding, "needs-token high", "!shared-account", ""},
		"the account bears its name":  {user("Deployment", "web", "web", app)[4:] + user("Deployment", "other", "web", worker) + binding, "needs-token high", "shared-account", "shares"},
		"it bears the other's name":   {user("Deployment", "web", "common", app)[4:] + user("Deployment", "common", "common", worker) + binding, "review low", "shared-account", "Deployment common"},
		"with a test only":            {web + test("common", app) + binding, "needs-token high", "!shared-account", ""},
		"with a hook only": {web + `---
kind: Job
metadata: {name: hook, annotations: {helm.sh/hook: pre-install}}
spec: {template: {spec: {serviceAccountName: common, containers: [{name: c, image: r/kubectl}]}}}
` + binding, "needs-token high", "!shared-account", ""},
		"switched off, and the other has the sidecar": {`
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {serviceAccountName: common, automountServiceAccountToken: false, containers: [{name: c, image: i}]}}}
` + user("Deployment", "other", "common", sidecar) + binding, "no-token medium", "shared-account", ""},
		"the default account of several releases": {"kind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: c, image: i}]}\n" + "---\n# release: other\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: c, image: j, command: [kubectl]}]}\n" + binding, "review low", "shared-account", "Pod x"},
		"an account of that name elsewhere": {web + `---
kind: Pod
metadata: {name: x, namespace: elsewhere}
spec: {serviceAccountName: common, containers: [{name: c, image: j}]}
` + binding, "needs-token high", "!shared-account", ""},
		"no rights to share": {web + user("Deployment", "other", "common", sidecar), "no-token medium", "!shared-account", ""},
	})
}

func TestTestOnTheAccountOfItsChart(t *testing.T) {
	t.Parallel()
	j := judgeOne(t, setOf(t, plain+bound+`---
kind: Pod
metadata: {name: probe, annotations: {helm.sh/hook: test}}
spec: {serviceAccountName: web, containers: [{name: c, image: busybox, command: [wget, web]}]}`), "probe")
	if j.Verdict != NoToken || j.Evidence[0].Kind != "shared-account" {
		t.Errorf("%s\n%s", j.Verdict, inWords(j))
	}
}
