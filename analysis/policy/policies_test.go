package policy

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenward/analysis/render"
)

// load loads the policies of a stream of manifests, which must be understood.
func load(t *testing.T, manifests string) *Policies {
	t.Helper()
	p, err := Load(objectsOf(t, []byte(manifests)), DefaultNames())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// shaped loads the policies that the chart's form gives for values.
func shaped(t *testing.T, values string) *Policies {
	t.Helper()
	manifests, err := renderShape([]byte(values))
	if err != nil {
		t.Fatal(err)
	}
	return load(t, string(manifests))
}

// one is a policy with one rule, the part between its name and its end left open.
func one(kind, rest string) string {
	return "apiVersion: kyverno.io/v1\nkind: " + kind + "\nmetadata: {name: update-automountserviceaccounttokens}\n" +
		"spec:\n  rules:\n  - name: the-rule\n" + rest
}

const (
	podsOfShop = "    match: {any: [{resources: {kinds: [Pod], namespaces: [shop]}}]}\n"
	falsePatch = "    mutate: {patchStrategicMerge: {spec: {automountServiceAccountToken: false}}}\n"
)

func TestLoad_Refuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ manifest, want string }{
		"context":       {one("ClusterPolicy", podsOfShop+"    context: [{name: x}]\n"+falsePatch), `"context"`},
		"foreach":       {one("ClusterPolicy", podsOfShop+"    mutate: {foreach: [{list: a}]}\n"), `"foreach"`},
		"json patch":    {one("ClusterPolicy", podsOfShop+"    mutate: {patchesJson6902: x}\n"), `"patchesJson6902"`},
		"list":          {one("ClusterPolicy", podsOfShop+"    mutate: {patchStrategicMerge: {spec: {containers: []}}}\n"), "mutate.patchStrategicMerge.spec.containers"},
		"null":          {one("ClusterPolicy", podsOfShop+"    mutate: {patchStrategicMerge: {spec: {hostNetwork: null}}}\n"), "mutate.patchStrategicMerge.spec.hostNetwork"},
		"variable":      {one("ClusterPolicy", podsOfShop+`    mutate: {patchStrategicMerge: {metadata: {name: "{{ x }}"}}}`+"\n"), "holds a variable"},
		"directive":     {one("ClusterPolicy", podsOfShop+"    mutate: {patchStrategicMerge: {$patch: delete}}\n"), "$patch"},
		"map condition": {one("ClusterPolicy", podsOfShop+`    mutate: {patchStrategicMerge: {"(metadata)": {name: x}}}`+"\n"), "(metadata)"},
		"comparing":     {one("ClusterPolicy", podsOfShop+`    mutate: {patchStrategicMerge: {spec: {"(priority)": ">1", automountServiceAccountToken: true}}}`+"\n"), "mutate.patchStrategicMerge.spec.(priority)"},
		"empty patch":   {one("ClusterPolicy", podsOfShop+"    mutate: {patchStrategicMerge: {}}\n"), "missing or empty"},
		"deny":          {one("ClusterPolicy", podsOfShop+"    validate: {deny: {}}\n"), `"deny"`},
		"no pattern":    {one("ClusterPolicy", podsOfShop+"    validate: {message: x}\n"), "without pattern"},
		"list pattern":  {one("ClusterPolicy", podsOfShop+"    validate: {pattern: {spec: {containers: [{name: x}]}}}\n"), "validate.pattern.spec.containers"},
		"condition":     {one("ClusterPolicy", podsOfShop+`    validate: {pattern: {"(kind)": Pod}}`+"\n"), "(kind)"},
		"comparison":    {one("ClusterPolicy", podsOfShop+`    validate: {pattern: {spec: {x: ">=1"}}}`+"\n"), "validate.pattern.spec.x"},
		"range":         {one("ClusterPolicy", podsOfShop+`    validate: {pattern: {spec: {x: "1-3"}}}`+"\n"), "validate.pattern.spec.x"},
		"subjects":      {one("ClusterPolicy", "    match: {any: [{resources: {kinds: [Pod]}, subjects: [{kind: User, name: x}]}]}\n"+falsePatch), `"subjects"`},
		"precondition":  {one("ClusterPolicy", podsOfShop+`    preconditions: {all: [{key: "{{ request.userInfo.username }}", operator: Equals, value: x}]}`+"\n"+falsePatch), "request.userInfo"},
		"operator":      {one("ClusterPolicy", podsOfShop+`    preconditions: {all: [{key: "{{ request.operation }}", operator: GreaterThan, value: CREATE}]}`+"\n"+falsePatch), "GreaterThan"},
		"lower case":    {one("ClusterPolicy", podsOfShop+`    preconditions: {all: [{key: "{{ request.operation }}", operator: equals, value: CREATE}]}`+"\n"+falsePatch), "equals"},
		"fallback":      {one("ClusterPolicy", podsOfShop+"    preconditions: {all: [{key: \"{{ request.object.metadata.labels.app || `none` }}\", operator: Equals, value: none}]}\n"+falsePatch), "`none`"},
		"two actions":   {one("ClusterPolicy", podsOfShop+falsePatch+"    validate: {pattern: {kind: Pod}}\n"), "either mutate or validate"},
		"target":        {one("ClusterPolicy", podsOfShop+"    mutate: {patchStrategicMerge: {a: b}, targets: [{kind: Pod, selector: {}}]}\n"), `"selector"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Load(objectsOf(t, []byte(tt.manifest)), DefaultNames())
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "the-rule") {
				t.Errorf("error %v, want one that names the-rule and %s", err, tt.want)
			}
		})
	}
}

func TestLoad_RefusesOtherKindsAndFields(t *testing.T) {
	t.Parallel()
	for manifest, want := range map[string]string{
		strings.Replace(one("MutatingPolicy", podsOfShop+falsePatch), "kyverno.io/v1", "policies.kyverno.io/v1", 1): "MutatingPolicy",
		strings.Replace(one("ClusterPolicy", podsOfShop+falsePatch), "kyverno.io/v1", "kyverno.io/v9", 1):           "kyverno.io/v9",
		strings.Replace(one("ClusterPolicy", podsOfShop+falsePatch), "spec:\n", "spec:\n  admission: false\n", 1):   "spec.admission",
		"apiVersion: kyverno.io/v2\nkind: PolicyException\nmetadata: {name: e, namespace: n}\n" +
			"spec: {exceptions: [{policyName: update-automountserviceaccounttokens, ruleNames: [x]}], conditions: {}, match: {any: []}}": `"conditions"`,
	} {
		if _, err := Load(objectsOf(t, []byte(manifest)), DefaultNames()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that names %s", err, want)
		}
	}
}

func TestLoad_Nothing(t *testing.T) {
	t.Parallel()
	p := load(t, "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: another}\nspec: {rules: [{name: x, generate: {}}]}\n")
	pod := manifestOf(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop}\nspec: {automountServiceAccountToken: true}\n")
	if diff := cmp.Diff(pod, p.Admit(pod)); diff != "" {
		t.Errorf("Admit without policies changes something:\n%s", diff)
	}
	if v := p.Validate(pod); v != nil || p.HardensDefault("shop") || p.Excluded(pod) || ruleCount(p) != 0 || len(p.Warnings()) != 0 {
		t.Errorf("policies that are not there have an effect: %v", v)
	}
	if listed, allow, deny := p.List("shop"); listed || allow != nil || deny != nil {
		t.Error("policies that are not there list a namespace")
	}
}

func TestLoad_WarnsOfDroppedPolicy(t *testing.T) {
	t.Parallel()
	p := shaped(t, "namespaces:\n- namespace: n\n  pods: {allow: [web-*]}\n")
	got := p.Warnings()
	if len(got) != 2 {
		t.Fatalf("warnings %q, want one for the mutator and one for its exception", got)
	}
	for _, want := range []string{"ClusterPolicy update-automountserviceaccounttokens", "rule disables-serviceaccounts",
		"match.any.resources.namespaces", "bool", "must be quoted"} {
		if !strings.Contains(got[0], want) {
			t.Errorf("warning %q does not say %q", got[0], want)
		}
	}
	loaded := func(name string) bool {
		return slices.ContainsFunc(p.policies, func(pol *policy) bool { return pol.name == name })
	}
	if loaded(DefaultNames().Mutator) || !loaded(DefaultNames().Validator) {
		t.Error("exactly the mutator should be dropped")
	}
}

func TestWarnings_Selectors(t *testing.T) {
	t.Parallel()
	selector := func(key string) string {
		return one("ClusterPolicy", "    match: {any: [{resources: {kinds: [Pod], namespaceSelector: {matchLabels: {"+key+": x}}}}]}\n"+falsePatch)
	}
	if w := load(t, selector("team")).Warnings(); len(w) != 1 || !strings.Contains(w[0], "the-rule") {
		t.Errorf("warnings %q, want one about the labels that the-rule needs", w)
	}
	if w := load(t, selector(nameLabel)).Warnings(); len(w) != 0 {
		t.Errorf("warnings %q about a label that every namespace has", w)
	}
}

func TestWarnings_ExceptionsTurnedOff(t *testing.T) {
	t.Parallel()
	engine := `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: engine, namespace: policies}
spec: {template: {spec: {containers: [{args: ["--v=2", "--enablePolicyException=false"]}]}}}
`
	manifests, err := renderShape([]byte("namespaces:\n- namespace: shop\n  pods: {allow: [web-*]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if w := load(t, string(manifests)+engine).Warnings(); len(w) != 1 || !strings.Contains(w[0], "Deployment policies/engine") {
		t.Errorf("warnings %q, want one about the engine that ignores exceptions", w)
	}
	for namespace, ignored := range map[string]bool{"kyverno": true, "policies": false, "*": false} {
		open := strings.Replace(engine, `=false"`, `=true", "--exceptionNamespace=`+namespace+`"`, 1)
		w := load(t, string(manifests)+open).Warnings()
		if said := len(w) == 1 && strings.Contains(w[0], "PolicyException policies/"); said != ignored || len(w) > 1 {
			t.Errorf("exceptions of namespace %s: warnings %q, want one about the ignored exception: %v", namespace, w, ignored)
		}
	}
}

// Without a namespace the engine takes no exceptions from 1.13 on, and before it all; the last
// of an argument counts.
func TestWarnings_ExceptionsOfNoNamespace(t *testing.T) {
	t.Parallel()
	manifests, err := renderShape([]byte("namespaces:\n- namespace: shop\n  pods: {allow: [web-*]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for container, want := range map[string]string{
		`image: "r/engine:v1.13.0", args: ["--enablePolicyException=true"]`:                                  "without --exceptionNamespace",
		`image: r/engine@sha256:00, args: ["--enablePolicyException=true", "--exceptionNamespace="]`:         "without --exceptionNamespace",
		`image: "r:5000/engine:v1.12.6-x", args: ["--enablePolicyException=true"]`:                           "",
		`image: "r/engine:1.9.2@sha256:00", args: ["--enablePolicyException=true"]`:                          "",
		`image: "r/engine:v1.19.1", args: ["--enablePolicyException=true", "--enablePolicyException=false"]`: "=false",
		`image: "r/other:v1.19.1", args: ["--port=80"]`:                                                      "",
	} {
		w := load(t, string(manifests)+"---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: engine, namespace: policies}\n"+
			"spec: {template: {spec: {containers: [{"+container+"}]}}}\n").Warnings()
		if want == "" && len(w) > 0 || want != "" && (len(w) != 1 || !strings.Contains(w[0], want)) {
			t.Errorf("%s: warnings %q, want one with %q", container, w, want)
		}
	}
}

func TestWarnings_ExcludedUsers(t *testing.T) {
	t.Parallel()
	mutator := one("ClusterPolicy", podsOfShop+falsePatch)
	for data, want := range map[string]bool{
		"excludeGroups: 'system:nodes', excludeUsernames: '!system:kube-scheduler'":                            false,
		"excludeGroups: 'system:nodes,system:serviceaccounts:kube-system'":                                     true,
		"excludeUsernames: 'system:serviceaccount:kube-system:*'":                                              true,
		"excludeGroups: 'system:serviceaccounts:*', excludeUsernames: '!system:serviceaccount:kube-*:*'":       false,
		"excludeGroups: 'system:serviceaccounts:shop'":                                                         false,
		"excludeGroups: 'system:serviceaccounts', excludeUsernames: '!system:serviceaccount:*:job-controller'": true,
	} {
		config := "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: engine, namespace: policies}\ndata: {resourceFilters: '', " + data + "}\n"
		w := load(t, mutator+config).Warnings()
		if said := len(w) == 1 && strings.Contains(w[0], "ConfigMap policies/engine"); said != want || len(w) > 1 {
			t.Errorf("%s: warnings %q, want one: %v", data, w, want)
		}
	}
}

func TestPolicies_List(t *testing.T) {
	t.Parallel()
	p := shaped(t, `
namespaces:
- namespace: shop
  pods: {allow: [web-*, web-*], deny: [web-ui-*]}
- namespace: shop
  pods: {allow: [api]}
- namespace: vault
- namespace: team-*
  serviceAccounts: [x]
  pods: {deny: [worker]}
`)
	type list struct {
		Listed      bool
		Allow, Deny []string
	}
	got := map[string]list{}
	for _, namespace := range []string{"shop", "vault", "team-a", "other"} {
		l, a, d := p.List(namespace)
		got[namespace] = list{l, a, d}
	}
	want := map[string]list{
		"shop": {true, []string{"web-*", "api"}, []string{"web-ui-*"}}, "vault": {true, nil, nil},
		"team-a": {true, nil, []string{"worker"}}, "other": {},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPolicies_ListOfOlderForm(t *testing.T) {
	t.Parallel()
	p := shaped(t, "form: list\nnamespaces:\n- namespace: shop\n  pods: [web-*]\n")
	listed, allow, deny := p.List("shop")
	if !listed || !slices.Equal(allow, []string{"web-*"}) || deny != nil {
		t.Errorf("List = %v %v %v", listed, allow, deny)
	}
}

func TestPolicies_Excluded(t *testing.T) {
	t.Parallel()
	p := shaped(t, "namespaces: [{namespace: shop}]\nexclude:\n- resources: {namespaces: [gate], names: [\"gate*\"]}\n")
	for manifest, want := range map[string]bool{
		"kind: Pod\napiVersion: v1\nmetadata: {name: gate-1, namespace: gate}\n":                   true,
		"kind: Pod\napiVersion: v1\nmetadata: {generateName: gate-5d8f7c9b4d-, namespace: gate}\n": true,
		"kind: ServiceAccount\napiVersion: v1\nmetadata: {name: gate, namespace: gate}\n":          true,
		"kind: Pod\napiVersion: v1\nmetadata: {name: door-1, namespace: gate}\n":                   false,
		"kind: Pod\napiVersion: v1\nmetadata: {name: gate-1, namespace: shop}\n":                   false,
		"kind: DaemonSet\napiVersion: apps/v1\nmetadata: {name: gate, namespace: gate}\n":          false, // no rule looks at it
	} {
		if got := p.Excluded(manifestOf(t, manifest)); got != want {
			t.Errorf("Excluded = %v, want %v for\n%s", got, want, manifest)
		}
	}
}

func TestPolicies_HardensDefaultAtAdmission(t *testing.T) {
	t.Parallel()
	// Without targets the policy patches what triggers it, in every namespace.
	mutator := `
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {name: update-automountserviceaccounttokens-default}
spec:
  rules:
  - name: r
    match: {any: [{resources: {kinds: [ServiceAccount], names: [default], namespaces: [shop]}}]}
    mutate: {patchStrategicMerge: {automountServiceAccountToken: false}}
`
	p := load(t, mutator)
	if !p.HardensDefault("shop") || p.HardensDefault("other") {
		t.Error("want the default of shop hardened, and no other")
	}
	p = load(t, mutator+`---
apiVersion: kyverno.io/v2
kind: PolicyException
metadata: {name: e, namespace: policies}
spec:
  exceptions: [{policyName: update-automountserviceaccounttokens-default, ruleNames: [r]}]
  match: {any: [{resources: {kinds: [ServiceAccount], namespaces: [shop]}}]}
`)
	if p.HardensDefault("shop") {
		t.Error("the default of shop is hardened in spite of an exception")
	}
}

// The engine resolves all variables of a rule before it patches, and gives up where one has
// no value, although the conditions hold without it.
func TestPolicies_AdmitResolvesAllVariables(t *testing.T) {
	t.Parallel()
	p := load(t, one("ClusterPolicy", podsOfShop+`    preconditions:
      any:
      - {key: "{{ request.object.metadata.name }}", operator: NotEquals, value: x}
      - {key: "{{ request.object.metadata.labels.app }}", operator: Equals, value: web}
`+falsePatch))
	for metadata, want := range map[string]any{"name: a, namespace: shop": nil, "name: a, namespace: shop, labels: {app: api}": false} {
		out := p.Admit(manifestOf(t, "apiVersion: v1\nkind: Pod\nmetadata: {"+metadata+"}\nspec: {}\n"))
		if got := dig(out, "spec", "automountServiceAccountToken"); got != want {
			t.Errorf("pod of {%s}: automountServiceAccountToken %v, want %v", metadata, got, want)
		}
	}
}

func TestPolicies_AdmitLeavesItsInputAlone(t *testing.T) {
	t.Parallel()
	p := shaped(t, "namespaces: [{namespace: shop, pods: {allow: [web*]}}]\n")
	in := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {template: {spec: {containers: [{name: a}]}}}\n"
	obj := manifestOf(t, in)
	if out := p.Admit(obj); dig(out, "spec", "template", "spec", "automountServiceAccountToken") != true {
		t.Errorf("Admit changed nothing: %v", out)
	}
	if diff := cmp.Diff(manifestOf(t, in), obj); diff != "" {
		t.Errorf("Admit changed its input:\n%s", diff)
	}
}

func TestManifest(t *testing.T) {
	t.Parallel()
	o := &render.Object{Kind: "Pod", Namespace: "shop", Name: "a", ReadFields: render.Held(manifestOf(t, "kind: Pod\nmetadata: {name: a, labels: {x: y}}\n"))}
	before := maps.Clone(o.Fields())
	want := manifestOf(t, "kind: Pod\nmetadata: {name: a, namespace: shop, labels: {x: y}}\n")
	if diff := cmp.Diff(want, Manifest(o)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before, o.Fields()); diff != "" {
		t.Errorf("Manifest changed the object:\n%s", diff)
	}
	o.ReadFields = render.Held(want)
	o.Namespace = "other"
	if got := dig(Manifest(o), "metadata", "namespace"); got != "shop" {
		t.Errorf("namespace %v, want the manifest's own", got)
	}
}

func manifestOf(t *testing.T, text string) map[string]any {
	t.Helper()
	docs, err := documents([]byte(text))
	if err != nil || len(docs) != 1 {
		t.Fatalf("%d manifests, %v", len(docs), err)
	}
	return docs[0]
}
