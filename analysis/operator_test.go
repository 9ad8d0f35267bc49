package analysis

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEmbeddedTableIsValid(t *testing.T) {
	t.Parallel()
	table, err := Operators()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, o := range table {
		if err := o.Validate(); err != nil {
			t.Error(err)
		}
		if seen[o.Group+" "+o.Kind+" "+o.Part] {
			t.Errorf("%s/%s %s stands there twice", o.Group, o.Kind, o.Part)
		}
		seen[o.Group+" "+o.Kind+" "+o.Part] = true
		if !o.NoPods && (len(o.Reason) > 140 || strings.HasSuffix(o.Reason, ".")) {
			t.Errorf("%s/%s: reason %q is no short predicate", o.Group, o.Kind, o.Reason)
		}
	}
}

func TestCustomResources(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		object   string
		want     string // account, automount, verdict
		patterns []string
		labels   map[string]string
	}{
		"Prometheus": {"apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: k8s}\nspec: {serviceAccountName: prom}",
			"prom true no-token", []string{"prometheus-k8s*"}, nil},
		"Alertmanager": {"apiVersion: monitoring.coreos.com/v1\nkind: Alertmanager\nmetadata: {name: main}\nspec: {}",
			"default unset no-token", []string{"alertmanager-main-*"}, nil},
		"ThanosRuler": {"apiVersion: monitoring.coreos.com/v1\nkind: ThanosRuler\nmetadata: {name: r}\nspec: {}",
			"default unset no-token", []string{"thanos-ruler-r-*"}, nil},
		"PrometheusAgent": {"apiVersion: monitoring.coreos.com/v1alpha1\nkind: PrometheusAgent\nmetadata: {name: a}\nspec: {mode: DaemonSet, automountServiceAccountToken: false}",
			"default false no-token", []string{"prom-agent-a-*"}, nil},
		"Tenant": {"apiVersion: minio.min.io/v2\nkind: Tenant\nmetadata: {name: m}\nspec: {pools: [{name: pool-0}, {}]}",
			"m-sa unset needs-token", []string{"m-*"}, map[string]string{"v1.min.io/tenant": "m"}},
		"Elasticsearch": {"apiVersion: elasticsearch.k8s.elastic.co/v1\nkind: Elasticsearch\nmetadata: {name: e}\nspec: {serviceAccountName: not-this, nodeSets: [{name: data, podTemplate: {spec: {serviceAccountName: es}}}, {name: master}]}",
			"es false no-token", []string{"e-es-*"}, nil},
		"Elasticsearch with one node set": {"apiVersion: elasticsearch.k8s.elastic.co/v1\nkind: Elasticsearch\nmetadata: {name: e}\nspec: {nodeSets: [{name: data}]}",
			"default false no-token", []string{"e-es-*"}, nil},
		"Kibana": {"apiVersion: kibana.k8s.elastic.co/v1\nkind: Kibana\nmetadata: {name: e}\nspec: {}",
			"default false no-token", []string{"e-kb-*"}, nil},
		"Beat": {"apiVersion: beat.k8s.elastic.co/v1beta1\nkind: Beat\nmetadata: {name: b}\nspec: {type: filebeat, daemonSet: {podTemplate: {spec: {automountServiceAccountToken: true}}}}",
			"default true review", []string{"b-beat-filebeat-*"}, nil},
		"Agent": {"apiVersion: agent.k8s.elastic.co/v1alpha1\nkind: Agent\nmetadata: {name: b}\nspec: {deployment: {}}",
			"default true no-token", []string{"b-agent*"}, nil},
		"Kiali": {"apiVersion: kiali.io/v1alpha1\nkind: Kiali\nmetadata: {name: k}\nspec: {}",
			"kiali-service-account unset needs-token", []string{"kiali-*"}, nil},
		"Jaeger": {"apiVersion: jaegertracing.io/v1\nkind: Jaeger\nmetadata: {name: j}\nspec: {}",
			"j unset no-token", []string{"j-*"}, nil},
		"Jaeger in production": {"apiVersion: jaegertracing.io/v1\nkind: Jaeger\nmetadata: {name: j}\nspec: {strategy: production}",
			"j unset no-token", []string{"j-*"}, nil},
		"OpenTelemetryCollector": {"apiVersion: opentelemetry.io/v1beta1\nkind: OpenTelemetryCollector\nmetadata: {name: o}\nspec: {mode: daemonset, config: {processors: {k8sattributes: {}}}}",
			"o-collector unset needs-token", []string{"o-collector-*"}, nil},
		"OpenTelemetryCollector without metadata": {"apiVersion: opentelemetry.io/v1beta1\nkind: OpenTelemetryCollector\nmetadata: {name: o}\nspec: {config: {processors: {batch: {}}}}",
			"o-collector unset no-token", []string{"o-collector-*"}, nil},
		"Alloy": {"apiVersion: collectors.grafana.com/v1alpha1\nkind: Alloy\nmetadata: {name: r-alloy-logs}\nspec: {controller: {type: daemonset}}",
			"r-alloy-logs unset needs-token", []string{"r-alloy-logs-*"}, nil},
		"Mattermost": {"apiVersion: installation.mattermost.com/v1beta1\nkind: Mattermost\nmetadata: {name: mm}\nspec: {}",
			"mm unset no-token", []string{"mm-*"}, nil},
		"Keycloak": {"apiVersion: k8s.keycloak.org/v2alpha1\nkind: Keycloak\nmetadata: {name: kc}\nspec: {}",
			"default unset no-token", []string{"kc-*"}, nil},
		"CloudNativePG": {"apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: pg}\nspec: {}",
			"pg unset needs-token", []string{"pg-*"}, nil},
		"Zalando":       {"apiVersion: acid.zalan.do/v1\nkind: postgresql\nmetadata: {name: z}\nspec: {}", "postgres-pod unset needs-token", []string{"z-*"}, nil},
		"RedisFailover": {"apiVersion: databases.spotahome.com/v1\nkind: RedisFailover\nmetadata: {name: f}\nspec: {}", "default unset no-token", []string{"rfr-f-*", "rfs-f-*"}, nil},
		"Gateway": {"apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: g}\nspec: {gatewayClassName: istio}",
			"g-istio unset no-token", []string{"g-istio-*"}, nil},
		"TempoMonolithic": {"apiVersion: tempo.grafana.com/v1alpha1\nkind: TempoMonolithic\nmetadata: {name: t}\nspec: {}", "tempo-t unset no-token", []string{"tempo-t-*"}, nil},
		"TempoStack":      {"apiVersion: tempo.grafana.com/v1alpha1\nkind: TempoStack\nmetadata: {name: t}\nspec: {}", "tempo-t unset no-token", []string{"tempo-t-*"}, nil},
		"LokiStack":       {"apiVersion: loki.grafana.com/v1\nkind: LokiStack\nmetadata: {name: l}\nspec: {}", "l unset no-token", []string{"l-*"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := Judge(setOf(t, c.object), JudgeOptions{})
			if len(all) != 1 {
				t.Fatalf("%d workloads", len(all))
			}
			w := all[0].Workload
			automount := "unset"
			if w.Automount != nil {
				automount = map[bool]string{true: "true", false: "false"}[*w.Automount]
			}
			if got := w.ServiceAccount + " " + automount + " " + string(all[0].Verdict); got != c.want {
				t.Errorf("got %s, want %s\n%s", got, c.want, inWords(all[0]))
			}
			patterns := PodPatterns(w)
			if diff := cmp.Diff(c.patterns, patterns); diff != "" {
				t.Errorf("patterns (-want +got)\n%s", diff)
			}
			mustCover(t, patterns, w.Pods)
			for k, v := range c.labels {
				if w.PodLabels[k] != v {
					t.Errorf("label %s is %q", k, w.PodLabels[k])
				}
			}
			if w.PodSpec != nil {
				t.Error("a custom resource has a pod spec")
			}
		})
	}
}

func TestCustomResourcesWithRoles(t *testing.T) {
	t.Parallel()
	binding := `---
kind: ClusterRoleBinding
metadata: {name: b}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
roleRef: {kind: ClusterRole, name: view}`
	runVerdicts(t, map[string]verdictCase{
		"bound":            {"apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: web}\nspec: {serviceAccountName: web}\n" + binding, "needs-token high", "bound-role", "reads most"},
		"bound to another": {"apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: web}\nspec: {serviceAccountName: x}\n" + binding, "no-token medium", "operator", ""},
		"bound, but the operator says it is for nothing": {"apiVersion: installation.mattermost.com/v1beta1\nkind: Mattermost\nmetadata: {name: web}\nspec: {}\n" + binding, "no-token medium", "operator", "database"},
		"injected":                  {"apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: web}\nspec: {podMetadata: {annotations: {vault.hashicorp.com/agent-inject: 'true'}}}\n", "needs-token medium", "injected", ""},
		"a sidecar of its own":      {"apiVersion: monitoring.coreos.com/v1\nkind: Alertmanager\nmetadata: {name: web}\nspec: {containers: [{name: p, image: r/kube-rbac-proxy}]}\n", "needs-token medium", "image", ""},
		"switched off though bound": {"apiVersion: beat.k8s.elastic.co/v1beta1\nkind: Beat\nmetadata: {name: web}\nspec: {type: x, deployment: {podTemplate: {spec: {serviceAccountName: web}}}}\n" + binding, "review medium", "explicit-false", "its operator"},
	})
}

func TestUnknownCustomResources(t *testing.T) {
	t.Parallel()
	runVerdicts(t, map[string]verdictCase{
		"containers":              {"apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: web}\nspec: {a: [{template: {spec: {containers: [{name: c, image: i}]}}}]}", "review low", "unknown-kind", "unknown kind Thing of example.com/v1"},
		"account":                 {"apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: web}\nspec: {serviceAccountName: x}", "review low", "unknown-kind", ""},
		"a pod of its own form":   {"apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: web}\nspec: {broker: {template: {pod: {}, service: {}}}}", "review low", "unknown-kind", ""},
		"settings that pods have": {"apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: web}\nspec: {size: 3, tolerations: [{operator: Exists}]}", "review low", "unknown-kind", ""},
	})
	for name, text := range map[string]string{
		"nothing of the kind":        "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: web}\nspec: {replicas: 1, containers: 2}",
		"a policy's pattern":         "apiVersion: kyverno.io/v1\nkind: ClusterPolicy\nmetadata: {name: web}\nspec: {containers: [{name: '*', image: '*'}]}",
		"Flux's own account":         "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web}\nspec: {serviceAccountName: x}",
		"a built-in kind":            "apiVersion: v1\nkind: PodTemplate\nmetadata: {name: web}\nspec: {serviceAccountName: x}",
		"a gateway of another class": "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: web}\nspec: {gatewayClassName: nginx}",
	} {
		if all := Workloads(setOf(t, text)); len(all) != 0 {
			t.Errorf("%s: noticed as %s", name, all[0].ID())
		}
	}
}

func TestUsersOperatorsWin(t *testing.T) {
	t.Parallel()
	added := []Operator{{Group: "example.com", Kind: "Thing", ServiceAccount: []string{"spec.who"}, Pods: []OperatorPods{{Kind: "Deployment", Name: "{name}-thing"}}, Needs: NeedYes, Reason: "lists things"},
		{Group: "kiali.io", Kind: "Kiali", NoPods: true}}
	for _, o := range added {
		if err := o.Validate(); err != nil {
			t.Fatal(err)
		}
	}
	got := Judge(setOf(t, `
apiVersion: example.com/v1
kind: Thing
metadata: {name: web}
spec: {who: me, serviceAccountName: x}
---
apiVersion: kiali.io/v1alpha1
kind: Kiali
metadata: {name: k}`), JudgeOptions{Operators: added})
	if len(got) != 1 || got[0].Verdict != NeedsToken || got[0].Workload.ServiceAccount != "me" || PodPatterns(got[0].Workload)[0] != "web-thing-*" {
		t.Errorf("%+v", got)
	}
}

func TestOperatorValidate(t *testing.T) {
	t.Parallel()
	good := Operator{Group: "g.x", Kind: "K", Pods: []OperatorPods{{Kind: "Job", Name: "{name}"}}, Needs: NeedNo, Reason: "r"}
	for want, change := range map[string]func(*Operator){
		"":                 func(*Operator) {},
		"group must":       func(o *Operator) { o.Group = "" },
		"kind must":        func(o *Operator) { o.Kind = "" },
		"at least one":     func(o *Operator) { o.Pods = nil },
		"yes, no, by-rbac": func(o *Operator) { o.Needs = "maybe" },
		"reason must":      func(o *Operator) { o.Reason = "" },
		"no kind of":       func(o *Operator) { o.Pods = []OperatorPods{{Kind: "Robot", Name: "x"}} },
		"not well-formed":  func(o *Operator) { o.Pods = []OperatorPods{{Kind: "Job", Name: "{name"}} },
	} {
		o := good
		change(&o)
		err := o.Validate()
		if (err == nil) != (want == "") || (err != nil && !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v", want, err)
		}
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	fields := map[string]any{"spec": map[string]any{"on": true, "off": false, "mode": "a", "list": []any{map[string]any{"x": "y"}}, "none": []any{}, "n": int64(0)}}
	for condition, want := range map[string]bool{
		"": true, "spec.on": true, "!spec.on": false, "spec.off": false, "spec.missing": false, "!spec.missing": true, "spec.mode=a": true, "spec.mode=b": false, "spec.mode!=b": true,
		"spec.off|spec.on": true, "spec.on&spec.off": false, "spec.on&spec.off|spec.mode=a": true, "spec.list": true, "spec.none": false, "spec.list[].x": true, "spec.n": false,
	} {
		if got := holds(condition, fields); got != want {
			t.Errorf("holds(%q) = %v", condition, got)
		}
	}
}

// TestExpandGivesNoPatterns: a value is part of the name of pods, which would match others with * in it.
func TestExpandGivesNoPatterns(t *testing.T) {
	t.Parallel()
	fields := map[string]any{"pool": "*", "pools": []any{map[string]any{"name": "a"}, map[string]any{"name": "?"}}}
	if got := expand("{name}-{pool|p}", fields, "n", "ns"); len(got) != 0 {
		t.Errorf("got %v", got)
	}
	if got := expand("{name}-{pools[].name|p}", fields, "n", "ns"); !slices.Equal(got, []string{"n-a"}) {
		t.Errorf("got %v", got)
	}
}

func FuzzExpand(f *testing.F) {
	for _, seed := range []string{"{name}-0", "{spec.pools[].name|pool-#}", "{a|@}", "{", "}{", "{[].}", "{a[]}", "x{name}y{namespace}", "[].0", "{-{a[].b}"} {
		f.Add(seed)
	}
	fields := map[string]any{"spec": map[string]any{"pools": []any{map[string]any{"name": "a"}, map[string]any{}, "odd"}}}
	f.Fuzz(func(t *testing.T, template string) {
		if strings.Count(template, "{") > 8 {
			return
		}
		expand(template, fields, "n", "ns")
		OperatorPods{Name: template}.stems(fields, "n", "ns")
		holds(template, fields)
	})
}
