package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

const sampleMutator = "update-automountserviceaccounttokens"

// policyValues are the values that the umbrella gives to the policies' chart when
// a user sets theirs.
func policyValues(t *testing.T, theirs string) map[string]any {
	t.Helper()
	values := map[string]any{}
	if err := yaml.Unmarshal([]byte(theirs), &values); err != nil {
		t.Fatal(err)
	}
	objects := renderUmbrella(t, map[string]any{"kyvernoPolicies": map[string]any{"values": values}})
	for _, release := range objectsOf(objects, "HelmRelease") {
		if nameOf(release) == "kyverno-policies" {
			return composed(t, objects, release)
		}
	}
	t.Fatal("no release kyverno-policies")
	return nil
}

func rulesOf(objects []manifest, policy string) []string {
	var rules []string
	for _, object := range objects {
		if nameOf(object) != policy {
			continue
		}
		for _, rule := range field(object, "spec", "rules").([]any) {
			rules = append(rules, rule.(map[string]any)["name"].(string))
		}
	}
	return rules
}

func TestSamplePolicyRules(t *testing.T) {
	t.Parallel()
	all := []string{
		"disables-serviceaccounts", "enable-pods", "disable-pods",
		"enable-statefulset-and-deployments", "disable-statefulsets-and-deployments",
	}
	for _, test := range []struct {
		name, namespaces string
		rules            []string
		exception        bool
	}{
		{"both lists", `[{namespace: a, pods: {allow: [x-*]}}, {namespace: b, pods: {deny: [y-*]}}]`, all, true},
		{"allow alone", `[{namespace: a, pods: {allow: [x-*]}}]`, []string{all[0], all[1], all[3]}, true},
		{"deny alone", `[{namespace: a, pods: {deny: [x-*]}}]`, []string{all[0], all[2], all[4]}, false},
		{"no pods", `[{namespace: a}, {namespace: b, pods: {}}]`, all[:1], false},
		{"no namespaces", `[]`, nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			objects := renderSample(t, "platform/packages/kyverno-policies", "policies", "kyverno", mutatorValues(t, test.namespaces))
			if diff := cmp.Diff(test.rules, rulesOf(objects, sampleMutator)); diff != "" {
				t.Errorf("rules (-want +got):\n%s", diff)
			}
			if got := len(objectsOf(objects, "PolicyException")) == 1; got != test.exception {
				t.Errorf("an exception is rendered: %t, want %t", got, test.exception)
			}
		})
	}
}

func mutatorValues(t *testing.T, namespaces string) map[string]any {
	t.Helper()
	values := map[string]any{}
	text := "policies: {" + sampleMutator + ": {enabled: true, namespaces: " + namespaces + "}}"
	if err := yaml.Unmarshal([]byte(text), &values); err != nil {
		t.Fatal(err)
	}
	return values
}

func TestSamplePolicyRefusesPlainList(t *testing.T) {
	t.Parallel()
	_, err := tryRenderSample(t, "platform/packages/kyverno-policies", "policies", "kyverno", mutatorValues(t, `[{namespace: a, pods: [x-*]}]`))
	if err == nil || !strings.Contains(err.Error(), "pods of namespace a is a plain list") {
		t.Errorf("error %v does not say that pods is a plain list", err)
	}
}

func TestSamplePolicyObjects(t *testing.T) {
	t.Parallel()
	objects := renderSample(t, "platform/packages/kyverno-policies", "kyverno-kyverno-policies", "kyverno", policyValues(t, "{}"))
	got := map[string]any{}
	for _, object := range objects {
		got[nameOf(object)] = field(object, "spec")
	}
	for name, want := range map[string]string{
		"update-automountserviceaccounttokens-exception": `
exceptions:
- policyName: disallow-auto-mount-service-account-token
  ruleNames: [automount-pods]
match:
  any:
  - resources: {kinds: [Pod, Deployment, StatefulSet], namespaces: [tollbooth], names: [tollbooth-tollbooth-*]}
  - resources: {kinds: [Pod, Deployment, StatefulSet], namespaces: [logbook], names: [logbook-logbook-aggregator-*, logbook-logbook-retention-*]}
`,
		"update-automountserviceaccounttokens-default": `
background: true
mutateExistingOnPolicyUpdate: true
rules:
- name: disable-default-serviceaccount
  match: {any: [{resources: {kinds: [ServiceAccount], names: [default]}}]}
  mutate:
    patchStrategicMerge: {automountServiceAccountToken: false}
    targets:
    - {apiVersion: v1, kind: ServiceAccount, name: default, namespace: flux-system}
    - {apiVersion: v1, kind: ServiceAccount, name: default, namespace: tollbooth}
    - {apiVersion: v1, kind: ServiceAccount, name: default, namespace: logbook}
`,
	} {
		var spec any
		if err := yaml.Unmarshal([]byte(want), &spec); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(spec, got[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	wantRules := []string{"automount-pods", "automount-service-accounts"}
	if diff := cmp.Diff(wantRules, rulesOf(objects, "disallow-auto-mount-service-account-token")); diff != "" {
		t.Errorf("validating rules (-want +got):\n%s", diff)
	}
}

// Lists of the user's are joined with the umbrella's, not put in their place.
func TestSamplePolicyOverlays(t *testing.T) {
	t.Parallel()
	values := policyValues(t, `
policies:
  restrict-host-path-mount:
    validationFailureAction: Audit
  disallow-auto-mount-service-account-token:
    exclude:
      any:
      - resources: {namespaces: [post-office]}
  update-automountserviceaccounttokens-default:
    namespaces: [post-office, logbook]
  update-automountserviceaccounttokens:
    namespaces:
    - namespace: logbook
      serviceAccounts: [clerk]
      pods:
        allow: [logbook-logbook-retention-*, clerk-*]
        deny: [clerk-cache-*]
    - namespace: post-office
`)
	var want map[string]any
	err := yaml.Unmarshal([]byte(`
restrict-host-path-mount:
  validationFailureAction: Audit
  exclude:
    any:
    - resources: {namespaces: [logbook], names: [logbook-logbook-collector-*]}
    - resources: {namespaces: [observability], names: [observability-watchtower-exporters-node-*]}
disallow-auto-mount-service-account-token:
  enabled: true
  validationFailureAction: Audit
  exclude:
    any:
    - resources: {namespaces: [flux-system], names: [source-controller*, helm-controller*, kustomize-controller*, notification-controller*]}
    - resources: {namespaces: [metrics], kinds: [Pod, Deployment], names: [metrics-metrics-operator*]}
    - resources: {namespaces: [post-office]}
update-automountserviceaccounttokens-default:
  enabled: true
  namespaces: [flux-system, tollbooth, logbook, post-office]
update-automountserviceaccounttokens:
  enabled: true
  namespaces:
  - namespace: tollbooth
    pods: {allow: [tollbooth-tollbooth-*], deny: [tollbooth-tollbooth-pages*]}
  - namespace: logbook
    serviceAccounts: [clerk]
    pods:
      allow: [logbook-logbook-aggregator-*, logbook-logbook-retention-*, clerk-*]
      deny: [clerk-cache-*]
  - namespace: post-office
`), &want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, values["policies"]); diff != "" {
		t.Errorf("policies (-want +got):\n%s", diff)
	}
}
