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
` + binding, "review low", "shared-account", "Job hook"},
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

func hookJob(name, account, hook, container string) string {
	return "---\nkind: Job\nmetadata: {name: " + name + ", annotations: {helm.sh/hook: " + hook + "}}\nspec: {template: {spec: {serviceAccountName: " + account + ", containers: [" + container + "]}}}\n"
}

func runningAs(name, account, container string) string {
	return "---\nkind: Deployment\nmetadata: {name: " + name + "}\nspec: {template: {spec: {serviceAccountName: " + account + ", containers: [" + container + "]}}}\n"
}

func TestHooksAndTestsOnSharedAccounts(t *testing.T) {
	t.Parallel()
	const (
		app     = "{name: c, image: r/app:1}"
		worker  = "{name: c, image: r/worker:1}"
		kubectl = "{name: c, image: r/tools:1, command: [sh, -c, kubectl get secret x]}"
		browser = "{name: c, image: r/browser:1}"
		binding = `---
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [secrets], verbs: [get, create, patch]}]
---
kind: RoleBinding
metadata: {name: b}
subjects: [{kind: ServiceAccount, name: web}, {kind: ServiceAccount, name: shared}, {kind: ServiceAccount, name: default}]
roleRef: {kind: Role, name: reader}
`
		siblings = "review low"
	)
	web := func(account, container string) string { return runningAs("web", account, container)[4:] }
	test := func(name, container string) string {
		return "---\nkind: Pod\nmetadata: {name: " + name + ", annotations: {helm.sh/hook: test}}\nspec: {serviceAccountName: shared, containers: [" + container + "]}\n"
	}
	runVerdicts(t, map[string]verdictCase{
		"a hook runs kubectl, two programs that stay do not":   {web("shared", app) + runningAs("other", "shared", worker) + hookJob("init", "shared", "pre-install", kubectl) + binding, siblings, "shared-account", "Job init"},
		"a hook runs kubectl, on the default account":          {web("default", app) + runningAs("other", "default", worker) + hookJob("init", "default", "pre-install", kubectl) + binding, siblings, "shared-account", "Job init"},
		"a hook runs kubectl beside the account's own program": {web("web", app) + hookJob("init", "web", "post-install", kubectl) + binding, "needs-token high", "shared-account", "shares"},
		"a hook that only migrates explains no rights":         {web("shared", app) + hookJob("migrate", "shared", "pre-upgrade", worker) + binding, "needs-token high", "!shared-account", ""},
		"the hook itself":                                        {hookJob("web", "shared", "pre-install", kubectl)[4:] + runningAs("other", "shared", app) + binding, "needs-token high", "!shared-account", ""},
		"a Job that is no hook":                                  {web("shared", app) + "---\nkind: Job\nmetadata: {name: once}\nspec: {template: {spec: {serviceAccountName: shared, containers: [" + kubectl + "]}}}\n" + binding, siblings, "shared-account", "Job once"},
		"a role that only the hooks have":                        {web("shared", app) + hookJob("init", "shared", "pre-install", kubectl) + "---\nkind: RoleBinding\nmetadata: {name: b, annotations: {helm.sh/hook: pre-install, helm.sh/hook-delete-policy: hook-succeeded}}\nsubjects: [{kind: ServiceAccount, name: shared}]\nroleRef: {kind: ClusterRole, name: view}\n", "no-token medium", "!bound-role", ""},
		"shared by many, no role at all":                         {web("default", app) + runningAs("other", "default", worker) + hookJob("init", "default", "pre-install", "{name: c, image: r/tools}"), "no-token high", "!shared-account", ""},
		"a browser test beside a test that runs kubectl":         {test("web", browser)[4:] + test("script", kubectl) + binding, "no-token medium", "shared-account", "Pod script"},
		"the test that runs kubectl":                             {test("web", kubectl)[4:] + test("browser", browser) + binding, "needs-token high", "tool", ""},
		"two tests of which none shows a sign keep their rights": {test("web", browser)[4:] + test("other", browser) + binding, "needs-token high", "bound-role", ""},
	})
}
