package analysis

import "testing"

// podWith is a Pod called web whose spec is given in flow style.
func podWith(spec string) string {
	return "kind: Pod\nmetadata: {name: web}\nspec: " + spec + "\n"
}

func TestTools(t *testing.T) {
	t.Parallel()
	script := func(volume, mount, text string) string {
		return podWith(`{volumes: [{name: v, `+volume+`}], containers: [{name: c, image: i, command: [sh, /opt/run.sh], volumeMounts: [{name: v, `+mount+`}]}]}`) + `---
kind: ConfigMap
metadata: {name: scripts}
data:
  run.sh: |
    ` + text + `
  notes.md: run kubectl get pods
  other.sh: "true"
---
kind: Secret
metadata: {name: scripts}
stringData: {run.sh: "` + text + `"}
---
kind: ConfigMap
metadata: {name: scripts, namespace: elsewhere}
data: {run.sh: kubectl get pods}`
	}
	runVerdicts(t, map[string]verdictCase{
		"command":                       {podWith(`{containers: [{name: c, image: i, command: [kubectl, get, pods]}]}`), "needs-token medium", "tool", "runs kubectl in container c"},
		"with its path":                 {podWith(`{containers: [{name: c, image: i, command: [/usr/local/bin/helm, ls]}]}`), "needs-token medium", "tool", "runs helm"},
		"shell argument":                {podWith(`{containers: [{name: c, image: i, command: [sh, -c], args: ["sleep 1; oc get pods"]}]}`), "needs-token medium", "tool", "runs oc"},
		"init container":                {podWith(`{initContainers: [{name: wait, image: i, args: [-c, "until kubectl get pod x; do sleep 1; done"]}], containers: [{name: c, image: i}]}`), "needs-token medium", "tool", "container wait"},
		"probe":                         {podWith(`{containers: [{name: c, image: i, livenessProbe: {exec: {command: [sh, -c, kubectl get pods]}}}]}`), "needs-token medium", "tool", ""},
		"behind an init":                {podWith(`{containers: [{name: c, image: i, command: [dumb-init, --, kubectl, get]}]}`), "needs-token medium", "tool", ""},
		"only named":                    {podWith(`{containers: [{name: c, image: i, command: [sh, -c, "echo run kubectl get pods"]}]}`), "no-token high", "!tool", ""},
		"a label":                       {podWith(`{containers: [{name: c, image: i, command: [app, --label=kubectl.kubernetes.io/x]}]}`), "no-token high", "!tool", ""},
		"options before the script":     {podWith(`{containers: [{name: c, image: i, command: [env, A=b, sh, -ceu, "true; oc get pods"]}]}`), "needs-token medium", "tool", "runs oc"},
		"for the image's own shell":     {podWith(`{containers: [{name: c, image: i, args: ["sleep 1; oc get pods"]}]}`), "needs-token medium", "tool", "runs oc"},
		"lines of a script":             {podWith(`{containers: [{name: c, image: i, command: [app, --init, "set -e\noc get pods"]}]}`), "needs-token medium", "tool", "runs oc"},
		"as another user":               {podWith(`{containers: [{name: c, image: i, command: [gosu, app, kubectl, get]}]}`), "needs-token medium", "tool", "runs kubectl"},
		"another program's argument":    {podWith(`{containers: [{name: c, image: i, command: [app, helm]}]}`), "no-token high", "!tool", ""},
		"script of a ConfigMap":         {script("configMap: {name: scripts}", "mountPath: /opt", "kubectl get pods"), "needs-token medium", "tool", "script run.sh of ConfigMap shop/scripts"},
		"script of a Secret":            {script("secret: {secretName: scripts}", "mountPath: /opt", "kubectl get pods"), "needs-token medium", "tool", "script run.sh of Secret shop/scripts"},
		"projected script":              {script("projected: {sources: [{configMap: {name: scripts}}]}", "mountPath: /opt", "kubectl get pods"), "needs-token medium", "tool", ""},
		"the subPath that is mounted":   {script("configMap: {name: scripts}", "mountPath: /opt/run.sh, subPath: run.sh", "kubectl get pods"), "needs-token medium", "tool", ""},
		"another subPath":               {script("configMap: {name: scripts}", "mountPath: /opt/other.sh, subPath: other.sh", "kubectl get pods"), "no-token high", "!tool", ""},
		"items":                         {script("configMap: {name: scripts, items: [{key: run.sh, path: a/run.sh}]}", "mountPath: /opt", "kubectl get pods"), "needs-token medium", "tool", "a/run.sh"},
		"other items":                   {script("configMap: {name: scripts, items: [{key: other.sh, path: run.sh}]}", "mountPath: /opt", "kubectl get pods"), "no-token high", "!tool", ""},
		"a comment in a script":         {script("configMap: {name: scripts}", "mountPath: /opt", "# kubectl get pods"), "no-token high", "!tool", ""},
		"a volume that is not mounted":  {podWith(`{volumes: [{name: v, configMap: {name: scripts}}], containers: [{name: c, image: i}]}`) + "---\nkind: ConfigMap\nmetadata: {name: scripts}\ndata: {run.sh: kubectl get pods}", "no-token high", "!tool", ""},
		"a ConfigMap that is not there": {podWith(`{volumes: [{name: v, configMap: {name: gone}}], containers: [{name: c, image: i, volumeMounts: [{name: v, mountPath: /a}]}]}`), "no-token high", "!tool", ""},
	})
}

func TestAddress(t *testing.T) {
	t.Parallel()
	runVerdicts(t, map[string]verdictCase{
		"token":                {podWith(`{containers: [{name: c, image: i, args: [-c, "curl -H \"$(cat /var/run/secrets/kubernetes.io/serviceaccount/token)\" x"]}]}`), "needs-token medium", "api-address", "ServiceAccount's token"},
		"host":                 {podWith(`{containers: [{name: c, image: i, args: ["--url=https://kubernetes.default.svc"]}]}`), "needs-token medium", "api-address", "calls the API"},
		"environment":          {podWith(`{containers: [{name: c, image: i, env: [{name: TOKEN_FILE, value: /run/secrets/kubernetes.io/serviceaccount/token}]}]}`), "needs-token medium", "api-address", "variable TOKEN_FILE"},
		"no proxy":             {podWith(`{containers: [{name: c, image: i, env: [{name: NO_PROXY, value: "kubernetes.default,.local"}]}]}`), "no-token high", "!api-address", ""},
		"no proxy in a script": {podWith(`{containers: [{name: c, image: i, args: ["export no_proxy=kubernetes.default.svc"]}]}`), "no-token high", "!api-address", ""},
		"mounted configuration": {podWith(`{volumes: [{name: v, configMap: {name: conf}}], containers: [{name: c, image: i, volumeMounts: [{name: v, mountPath: /a}]}]}`) +
			"---\nkind: ConfigMap\nmetadata: {name: conf}\ndata: {app.yaml: \"bearer_token_file: /var/run/secrets/kubernetes.io/serviceaccount/token\"}", "needs-token medium", "api-address", "file app.yaml"},
		"commented out": {podWith(`{volumes: [{name: v, configMap: {name: conf}}], containers: [{name: c, image: i, volumeMounts: [{name: v, mountPath: /a}]}]}`) +
			"---\nkind: ConfigMap\nmetadata: {name: conf}\ndata: {app.yaml: \"# host: kubernetes.default.svc\"}", "no-token high", "!api-address", ""},
		"no proxy of Java":        {podWith(`{containers: [{name: c, image: i, env: [{name: JAVA_OPTS, value: "-Xmx1g -Dhttp.nonProxyHosts=localhost|kubernetes.default.svc|*.local"}]}]}`), "no-token high", "!api-address", ""},
		"no proxy of an agent":    {podWith(`{containers: [{name: c, image: i, env: [{name: GLOBAL_AGENT_NO_PROXY, value: kubernetes.default.svc}]}]}`), "no-token high", "!api-address", ""},
		"no proxy in a flag":      {podWith(`{containers: [{name: c, image: i, args: ["--no-proxy=kubernetes.default.svc"]}]}`), "no-token high", "!api-address", ""},
		"behind a no proxy":       {podWith(`{containers: [{name: c, image: i, args: [-c, "export NO_PROXY=x; curl https://kubernetes.default.svc.cluster.local:443/api"]}]}`), "needs-token medium", "api-address", "calls the API"},
		"a switch for no proxy":   {podWith(`{containers: [{name: c, image: i, args: [-c, "wget --no-proxy https://kubernetes.default.svc/api"]}]}`), "needs-token medium", "api-address", "calls the API"},
		"beside a no proxy":       {podWith(`{containers: [{name: c, image: i, env: [{name: JAVA_OPTS, value: "-Dhttp.nonProxyHosts=localhost -Dapi=https://kubernetes.default.svc"}]}]}`), "needs-token medium", "api-address", "calls the API"},
		"a list for no proxy":     {podWith(`{containers: [{name: c, image: i, args: ["no_proxy: localhost, kubernetes.default.svc, .local", "export NO_PROXY=localhost,::1,kubernetes.default.svc", "NO_PROXY=\"${NO_PROXY} kubernetes.default\"", "noProxy: ['a', 'kubernetes.default.svc']", "ENV NO_PROXY kubernetes.default"]}]}`), "no-token high", "!api-address", ""},
		"a domain of its own":     {podWith(`{containers: [{name: c, image: i, args: ["https://kubernetes.default.svc.$(DOMAIN):443"]}]}`), "needs-token medium", "api-address", "calls the API"},
		"in one line with a list": {podWith(`{containers: [{name: c, image: i, args: ['{"my_no_proxy":"x","url":"https://kubernetes.default.svc"}']}]}`), "needs-token medium", "api-address", "calls the API"},
		"behind a list":           {podWith(`{containers: [{name: c, image: i, args: ["NO_PROXY=x;TOKEN=/var/run/secrets/kubernetes.io/serviceaccount/token"]}]}`), "needs-token medium", "api-address", "ServiceAccount's token"},
		"by default":              {podWith(`{containers: [{name: c, image: i, args: [-c, "curl ${K8S:-kubernetes.default.svc}"]}]}`), "needs-token medium", "api-address", "calls the API"},
		"with its last dot":       {podWith(`{containers: [{name: c, image: i, args: ["--url=https://kubernetes.default.svc.:443"]}]}`), "needs-token medium", "api-address", "calls the API"},
		"an address like it":      {podWith(`{containers: [{name: c, image: i, args: ["--url=https://my-kubernetes.default.example.com", "--ns=spring.kubernetes.default-namespace"]}]}`), "no-token high", "!api-address", ""},
		"a folder like it":        {podWith(`{containers: [{name: c, image: i, args: ["--file=/var/run/secrets/kubernetes.io/serviceaccount-other/token"]}]}`), "no-token high", "!api-address", ""},
		"another service":         {podWith(`{containers: [{name: c, image: i, args: ["--url=https://web.default.svc"]}]}`), "no-token high", "!api-address", ""},
	})
}

func TestImages(t *testing.T) {
	t.Parallel()
	image := func(name, more string) string {
		return podWith(`{containers: [{name: c, image: "` + name + `"` + more + `}]}`)
	}
	runVerdicts(t, map[string]verdictCase{
		"kubectl":                           {image("registry.example.com:5000/a/kubectl:v1@sha256:abc", ", args: [get, pods]"), "needs-token medium", "image", "made for kubectl"},
		"kubectl for something else":        {image("r/kubectl:1", ", command: [sleep, '1']"), "review low", "image", ""},
		"sidecar":                           {image("quay.io/kiwigrid/k8s-sidecar:1.28", ""), "needs-token medium", "image", "k8s-sidecar"},
		"rbac proxy":                        {image("r/kube-rbac-proxy", ""), "needs-token medium", "image", "review"},
		"certgen":                           {image("r/ingress-nginx/kube-webhook-certgen:v1", ""), "needs-token medium", "image", "certificate"},
		"an operator's name is a hint only": {image("r/some-operator:1", ""), "no-token high", "image", "named like"},
		"waits for a port":                  {image("docker.io/eficode/wait-for:v2", ""), "no-token high", "!image", ""},
		"waits for a Job":                   {image("ghcr.io/groundnuty/k8s-wait-for:v2", ""), "needs-token medium", "image", "waits for objects"},
		"an ordinary image":                 {image("r/kubernetes/nginx:1", ""), "no-token high", "!image", ""},
	})
}

func TestFlagsAndEnvironment(t *testing.T) {
	t.Parallel()
	arg := func(flag string) string {
		return podWith(`{containers: [{name: c, image: i, args: ["` + flag + `"]}]}`)
	}
	env := func(e string) string {
		return podWith(`{containers: [{name: c, image: i, env: [` + e + `]}]}`)
	}
	runVerdicts(t, map[string]verdictCase{
		"leader election":         {arg("--leader-elect"), "needs-token medium", "flag", "elects its leader"},
		"enabled":                 {arg("--enable-leader-election=true"), "needs-token medium", "flag", ""},
		"its namespace":           {arg("--leader-election-namespace=x"), "needs-token medium", "flag", ""},
		"its time, switched off":  {arg("--leader-elect=false --leader-elect-lease-duration=15s"), "no-token high", "!flag", ""},
		"its time, switched on":   {arg("--leader-elect=true --leader-elect-lease-duration=15s"), "needs-token medium", "flag", ""},
		"switched off":            {arg("--leader-elect=false"), "no-token high", "!flag", ""},
		"in a shell command":      {arg("exec /manager --leader-elect"), "needs-token medium", "flag", ""},
		"in-cluster":              {arg("--in-cluster"), "needs-token medium", "flag", "own token"},
		"not in-cluster":          {arg("--in-cluster=false"), "no-token high", "!flag", ""},
		"empty kubeconfig":        {arg("--kubeconfig="), "needs-token medium", "flag", "own token"},
		"a kubeconfig":            {arg("--kubeconfig=/etc/k"), "no-token high", "!flag", ""},
		"another flag":            {arg("--elect"), "no-token high", "!flag", ""},
		"in-cluster variable":     {env("{name: APP_IN_CLUSTER, value: 'true'}"), "needs-token medium", "environment", "own token"},
		"not in-cluster variable": {env("{name: APP_IN_CLUSTER, value: 'false'}"), "no-token high", "!environment", ""},
		"host override":           {env("{name: KUBERNETES_SERVICE_HOST, value: api.example.com}"), "needs-token medium", "environment", "where the API is"},
		"variable from a ConfigMap": {env("{name: MODE, valueFrom: {configMapKeyRef: {name: conf, key: IN_CLUSTER}}}, {name: IN_CLUSTER, valueFrom: {configMapKeyRef: {name: conf, key: IN_CLUSTER}}}") +
			"---\nkind: ConfigMap\nmetadata: {name: conf}\ndata: {IN_CLUSTER: 'true'}", "needs-token medium", "environment", "(IN_CLUSTER)"},
		"variables of a whole ConfigMap": {podWith(`{containers: [{name: c, image: i, envFrom: [{prefix: APP_, configMapRef: {name: conf}}]}]}`) +
			"---\nkind: ConfigMap\nmetadata: {name: conf}\ndata: {IN_CLUSTER: 'true'}", "needs-token medium", "environment", "(APP_IN_CLUSTER)"},
		"variables of a whole ConfigMap, given otherwise": {podWith(`{containers: [{name: c, image: i, envFrom: [{configMapRef: {name: conf}}], env: [{name: IN_CLUSTER, value: 'false'}]}]}`) +
			"---\nkind: ConfigMap\nmetadata: {name: conf}\ndata: {IN_CLUSTER: 'true'}", "no-token high", "!environment", ""},
		"variables of a whole ConfigMap, beside one that may be missing": {podWith(`{containers: [{name: c, image: i, envFrom: [{configMapRef: {name: conf}}], env: [{name: IN_CLUSTER, valueFrom: {configMapKeyRef: {name: gone, key: k, optional: true}}}]}]}`) +
			"---\nkind: ConfigMap\nmetadata: {name: conf}\ndata: {IN_CLUSTER: 'true'}", "needs-token medium", "environment", "(IN_CLUSTER)"},
		"variables of a whole ConfigMap, beside one that must be there": {podWith(`{containers: [{name: c, image: i, envFrom: [{configMapRef: {name: conf}}], env: [{name: IN_CLUSTER, valueFrom: {configMapKeyRef: {name: conf, key: OTHER}}}]}]}`) +
			"---\nkind: ConfigMap\nmetadata: {name: conf}\ndata: {IN_CLUSTER: 'true', OTHER: 'false'}", "no-token high", "!environment", ""},
		"a provider of something else": {arg("--cloud-provider=k8s-like --auth-provider=k8s"), "no-token high", "!configuration", ""},
		"a secret variable":            {env("{name: IN_CLUSTER, valueFrom: {secretKeyRef: {name: conf, key: IN_CLUSTER}}}"), "no-token high", "!environment", ""},
		"downward API alone":           {env("{name: POD_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}, {name: WATCH_NAMESPACE, valueFrom: {fieldRef: {fieldPath: metadata.namespace}}}"), "no-token high", "!environment", ""},
	})
}

func TestConfiguration(t *testing.T) {
	t.Parallel()
	conf := func(text string) string {
		return podWith(`{volumes: [{name: v, configMap: {name: conf}}], containers: [{name: c, image: i, volumeMounts: [{name: v, mountPath: /a}]}]}`) +
			"---\nkind: ConfigMap\nmetadata: {name: conf}\ndata:\n  conf: |\n    " + text
	}
	for name, text := range map[string]string{
		"scraping": "- kubernetes_sd_configs: [{role: pod}]", "discovery": `discovery.kubernetes "pods" {`, "attributes": "k8sattributes:", "filter": "Name  kubernetes",
		"fluentd": "@type kubernetes_metadata", "registration": `service_registration "kubernetes" {}`, "python": "from kubernetes import client", "in cluster": "in_cluster: true", "runner": "[runners.kubernetes]", "filter in YAML": "kube_tag_prefix: kube.", "gossip": "retry_join: [provider=k8s namespace=x]", "pods of telegraf": "monitor_kubernetes_pods = true", "logs in TOML": `type = "kubernetes_logs"`, "in cluster with a hyphen": "in-cluster: true", "autodiscover": "filebeat.autodiscover: {providers: [{type: kubernetes}]}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if j := judgeOne(t, setOf(t, conf(text)), "web"); j.Verdict != NeedsToken || j.Evidence[0].Kind != "configuration" {
				t.Errorf("%s\n%s", j.Verdict, inWords(j))
			}
		})
	}
	for name, text := range map[string]string{
		"agent": `auto_auth { method "kubernetes" { mount_path = "auth/k" } }`, "agent with a type": `auto_auth { method { type = "kubernetes" } }`, "Spring": "spring.cloud.vault.authentication=KUBERNETES",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if j := judgeOne(t, setOf(t, conf(text)), "web"); j.Verdict != Review || j.Evidence[0].Kind != "configuration" {
				t.Errorf("%s\n%s", j.Verdict, inWords(j))
			}
		})
	}
	for name, text := range map[string]string{
		"prose": "the name of kubernetes is long", "static": "- static_configs: []", "commented": "# kubernetes_sd_configs: []", "off": "in_cluster: false", "a filter of another name": "Name  kube", "a name": "name: kubernetes", "a type": "type: kubernetes",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if j := judgeOne(t, setOf(t, conf(text)), "web"); j.Verdict != NoToken {
				t.Errorf("%s\n%s", j.Verdict, inWords(j))
			}
		})
	}
}

func TestInjected(t *testing.T) {
	t.Parallel()
	annotated := func(annotations string) string {
		return `
kind: Deployment
metadata: {name: web}
spec: {template: {metadata: {annotations: {` + annotations + `}}, spec: {containers: [{name: c, image: i}]}}}`
	}
	runVerdicts(t, map[string]verdictCase{
		"agent":              {annotated(`vault.hashicorp.com/agent-inject: "true"`), "needs-token medium", "injected", "Vault agent"},
		"agent, in short":    {annotated(`vault.hashicorp.com/agent-inject: "t"`), "needs-token medium", "injected", "Vault agent"},
		"another webhook":    {annotated(`vault.security.banzaicloud.io/vault-addr: "https://vault:8200"`), "needs-token medium", "injected", "logs in to Vault"},
		"agent, not now":     {annotated(`vault.hashicorp.com/agent-inject: "false"`), "no-token high", "!injected", ""},
		"with its own token": {annotated(`vault.hashicorp.com/agent-inject: "true", vault.hashicorp.com/agent-service-account-token-volume-name: t`), "no-token high", "!injected", ""},
	})
}
