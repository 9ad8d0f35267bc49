package analysis

import "testing"

func TestNetworkPolicies(t *testing.T) {
	t.Parallel()
	const denied = plain + `---
kind: NetworkPolicy
metadata: {name: deny-all}
spec: {podSelector: {}, policyTypes: [Egress]}
`
	policy := func(name, selector, egress string) string {
		return `---
kind: NetworkPolicy
metadata: {name: ` + name + `}
spec: {podSelector: ` + selector + `, policyTypes: [Egress], egress: [` + egress + `]}
`
	}
	const mine, anywhere = "{matchLabels: {app: web}}", "{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}"
	runVerdicts(t, map[string]verdictCase{
		"made for it": {denied + policy("allow-egress-to-kubeapi", mine, anywhere), "review low", "network-policy", "opens the way to the API"},
		"by its annotation": {denied + `---
kind: NetworkPolicy
metadata: {name: x, annotations: {example.com/from-definition: kubeAPI}}
spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [` + anywhere + `]}`, "review low", "network-policy", "opens the way"},
		"for another pod":             {denied + policy("allow-egress-to-kubeapi", "{matchLabels: {app: other}}", anywhere), "no-token high", "network-policy", "no way to the API"},
		"for all pods":                {denied + policy("allow-egress-to-kubeapi", "{}", anywhere), "no-token high", "!network-policy", ""},
		"to somewhere else":           {denied + policy("allow-https", mine, anywhere), "no-token high", "!network-policy", ""},
		"a name that does not open":   {denied + policy("allow-egress-to-kubeapi", mine, "{ports: [{port: 53}], to: [{ipBlock: {cidr: 10.0.0.1/32}}]}"), "no-token high", "network-policy", "no way"},
		"no way out":                  {denied + policy("dns", "{}", "{ports: [{port: 53, protocol: UDP}]}"), "no-token high", "network-policy", "no way"},
		"a range of ports":            {denied + policy("range", "{}", "{ports: [{port: 6000, endPort: 7000}]}"), "no-token high", "!network-policy", ""},
		"ingress limits nothing":      {plain + "---\nkind: NetworkPolicy\nmetadata: {name: in}\nspec: {podSelector: {}, policyTypes: [Ingress]}", "no-token high", "!network-policy", ""},
		"a hook's that is taken away": {plain + "---\nkind: NetworkPolicy\nmetadata: {name: x, annotations: {helm.sh/hook: pre-install, helm.sh/hook-delete-policy: hook-succeeded}}\nspec: {podSelector: {}, policyTypes: [Egress]}", "no-token high", "!network-policy", ""},
		"a hook's that stays":         {plain + "---\nkind: NetworkPolicy\nmetadata: {name: x, annotations: {helm.sh/hook: pre-install}}\nspec: {podSelector: {}, policyTypes: [Egress]}", "no-token high", "network-policy", "no way"},
		"another engine's policy":     {denied + "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: x, namespace: shop}\nspec: {}", "no-token high", "!network-policy", ""},
		"one for the whole cluster":   {denied + "---\napiVersion: projectcalico.org/v3\nkind: GlobalNetworkPolicy\nmetadata: {name: x}\nspec: {}", "no-token high", "!network-policy", ""},
		"one that is only staged":     {denied + "---\napiVersion: projectcalico.org/v3\nkind: StagedNetworkPolicy\nmetadata: {name: x}\nspec: {}", "no-token high", "network-policy", "no way"},
		"one for another namespace":   {denied + "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: x, namespace: elsewhere}\nspec: {}", "no-token high", "network-policy", "no way"},
		"a role, but no way":          {denied + bound, "needs-token medium", "network-policy", "no way"},
	})
}

func TestNetworkPolicyFindsAJobByItsImpliedLabel(t *testing.T) {
	t.Parallel()
	j := judgeOne(t, setOf(t, `
kind: Job
metadata: {name: web}
spec: {template: {spec: {containers: [{name: c, image: i}]}}}
---
kind: NetworkPolicy
metadata: {name: to-kube-api}
spec: {podSelector: {matchLabels: {batch.kubernetes.io/job-name: web}}, policyTypes: [Egress], egress: [{}]}`), "web")
	if j.Evidence[0].Kind != "network-policy" {
		t.Errorf("%s\n%s", j.Verdict, inWords(j))
	}
}
