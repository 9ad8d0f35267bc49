package policy

import (
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestDifferential compares what is evaluated of random policies with what the engine's
// command line says of them, where it is on the PATH as kyverno. A failure names its seed.
func TestDifferential(t *testing.T) {
	engine, err := exec.LookPath("kyverno")
	if err != nil {
		t.Skip("needs the policy engine's command line on the PATH as kyverno")
	}
	for seed := range int64(16) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			d := dice{rand.New(rand.NewSource(seed))}
			r := &recorder{t: t, engine: engine, dir: t.TempDir(), c: &engineCase{resources: d.objects()}}
			for _, m := range []map[string]any{d.policy(DefaultNames().Mutator, d.patch), d.policy(DefaultNames().Validator, d.pattern), d.exception()} {
				r.c.policies = append(append(r.c.policies, "---\n"...), r.yaml(m)...)
			}
			want := r.together()
			got := ourAnswers(t, r.c)
			for i := range got.Answers {
				slices.Sort(got.Answers[i].Violations)
			}
			got.HardensDefault, got.Rules = nil, want.Rules
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("engine (-) and our evaluation (+) differ:\n%s\n%s", diff, r.c.policies)
			}
		})
	}
}

// together asks about all resources of a case at once. Each has a name of its own.
func (r *recorder) together() *recording {
	out := &recording{}
	r.load(out)
	out.Rejected = append(out.Rejected, out.Skipped...)
	slices.Sort(out.Rejected)
	out.Skipped = nil
	mutated := r.file("mutated.yaml", nil)
	var resources []byte
	for _, obj := range r.c.resources {
		resources = append(append(resources, "---\n"...), r.yaml(obj)...)
	}
	text := r.run("apply", r.file("policies.yaml", r.c.policies), "-r", r.file("resources.yaml", resources),
		"--exceptions-within-policies", "-o", mutated, "-p", "--output-format", "json", "-f", r.values())
	data, err := os.ReadFile(mutated)
	if err != nil {
		r.t.Fatal(err)
	}
	docs, err := documents(data)
	if err != nil {
		r.t.Fatal(err)
	}
	after := map[string]map[string]any{}
	for _, m := range docs {
		after[nameOf(m)] = m
	}
	failures := r.failures(text)
	for _, obj := range r.c.resources {
		name := nameOf(obj)
		if after[name] == nil {
			after[name] = obj
		}
		slices.Sort(failures[name])
		out.Answers = append(out.Answers, answer{Object: name, Fields: changedFields(obj, after[name]), Violations: failures[name]})
	}
	return out
}

// dice makes random policies and resources of what policies charts use.
type dice struct{ *rand.Rand }

func (d dice) pick(list ...any) any { return list[d.Intn(len(list))] }

func (d dice) some(list ...any) []any {
	out := []any{d.pick(list...)}
	for d.Intn(2) == 0 {
		out = append(out, d.pick(list...))
	}
	return out
}

func (d dice) resources() map[string]any {
	r := map[string]any{"kinds": d.some("Pod", "Pod", "v1/Pod", "*/Pod", "Deployment", "apps/v1/Deployment", "Deployment/*", "*Set", "ServiceAccount", "CronJob")}
	if d.Intn(3) == 0 {
		r["kinds"] = []any{"Pod"}
	}
	if d.Intn(3) == 0 {
		r["namespaces"] = d.some("shop", "s?op", "shop-*", "*", "bank")
	}
	if d.Intn(4) == 0 {
		r["names"] = d.some("web", "web-*", "we?", "*", "*-api*", "default")
	}
	if d.Intn(8) == 0 {
		r["selector"] = map[string]any{"matchLabels": map[string]any{"app": d.pick("web", "w*", "?pi")}}
	}
	return r
}

func (d dice) block() map[string]any {
	filters := []any{map[string]any{"resources": d.resources()}}
	if d.Intn(2) == 0 {
		filters = append(filters, map[string]any{"resources": d.resources()})
	}
	switch d.Intn(6) {
	case 0:
		return filters[0].(map[string]any)
	case 1, 2:
		return map[string]any{"all": filters}
	}
	return map[string]any{"any": filters}
}

func (d dice) anchored(key string, anchors ...any) string {
	if anchor := d.pick(anchors...); anchor != "" {
		return fmt.Sprintf("%v(%s)", anchor, key)
	}
	return key
}

func (d dice) patch() (string, any) {
	field := d.anchored("automountServiceAccountToken", "", "", "", "+")
	spec := map[string]any{field: d.Intn(2) == 0}
	if d.Intn(4) == 0 {
		spec[d.pick("(hostNetwork)", "<(serviceAccountName)").(string)] = d.pick(true, "w*", "!web", "web | api")
	}
	patch := d.pick(spec, map[string]any{"spec": spec}, map[string]any{"spec": map[string]any{"template": map[string]any{"spec": spec}}})
	return "mutate", map[string]any{"patchStrategicMerge": patch}
}

func (d dice) pattern() (string, any) {
	anchor := func(key string) string { return d.anchored(key, "", "=", "=", "=", "X") }
	spec := func() map[string]any {
		return map[string]any{anchor("automountServiceAccountToken"): d.pick(false, false, "!true", "true | false", "?*", nil)}
	}
	below := spec()
	below[anchor("template")] = map[string]any{anchor("spec"): spec()}
	return "validate", map[string]any{"message": "No.", "pattern": d.pick(spec(), map[string]any{anchor("spec"): spec()}, map[string]any{anchor("spec"): below})}
}

func (d dice) policy(name string, action func() (string, any)) map[string]any {
	var rules []any
	for i := range 1 + d.Intn(3) {
		kind, what := action()
		rule := map[string]any{"name": fmt.Sprint("r", i), "match": d.block(), kind: what}
		if d.Intn(3) == 0 {
			rule["exclude"] = d.block()
		}
		if d.Intn(4) == 0 {
			rule["preconditions"] = map[string]any{d.pick("any", "all").(string): []any{map[string]any{
				"key":      d.pick("{{ request.object.metadata.labels.app || 'none' }}", "{{ request.object.metadata.name }}", "{{ request.object.spec.serviceAccountName || '' }}"),
				"operator": d.pick("AnyIn", "NotIn", "AllNotIn"), "value": d.some("web", "w*", "none", "")}}}
		}
		rules = append(rules, rule)
	}
	metadata := map[string]any{"name": name}
	if d.Intn(4) == 0 {
		metadata["annotations"] = map[string]any{controllersAnnotation: d.pick("none", "Deployment", "Deployment,CronJob", "all")}
	}
	return map[string]any{"apiVersion": "kyverno.io/v1", "kind": "ClusterPolicy", "metadata": metadata, "spec": map[string]any{"rules": rules}}
}

func (d dice) exception() map[string]any {
	return map[string]any{"apiVersion": "kyverno.io/v2", "kind": "PolicyException", "metadata": map[string]any{"name": "e", "namespace": "policies"},
		"spec": map[string]any{
			"exceptions": []any{map[string]any{"policyName": d.pick(DefaultNames().Validator, DefaultNames().Mutator), "ruleNames": d.some("r0", "*", "autogen-r0", "r?")}},
			"match":      map[string]any{"any": []any{map[string]any{"resources": d.resources()}}}}}
}

func (d dice) objects() []map[string]any {
	spec := func() map[string]any {
		s := map[string]any{"hostNetwork": d.Intn(2) == 0, "serviceAccountName": d.pick("web", "api", "default")}
		if d.Intn(3) > 0 {
			s["automountServiceAccountToken"] = d.Intn(2) == 0
		}
		return s
	}
	template := func() map[string]any {
		return map[string]any{"metadata": map[string]any{"labels": map[string]any{"app": d.pick("web", "api")}}, "spec": spec()}
	}
	var out []map[string]any
	add := func(apiVersion, kind string, name any, key string, value any) {
		m := map[string]any{"apiVersion": apiVersion, "kind": kind, "metadata": map[string]any{"name": name,
			"namespace": d.pick("shop", "shop-2", "bank"), "labels": map[string]any{"app": d.pick("web", "api")}}}
		m[key] = value
		out = append(out, m)
	}
	for _, name := range []any{"web", "web-api", "default"} {
		add("v1", "Pod", name, "spec", spec())
		add("apps/v1", "Deployment", name, "spec", map[string]any{"template": template()})
		add("v1", "ServiceAccount", name, "automountServiceAccountToken", d.Intn(2) == 0)
	}
	add("apps/v1", "StatefulSet", "web", "spec", map[string]any{"template": template()})
	add("batch/v1", "CronJob", "web", "spec", map[string]any{"jobTemplate": map[string]any{"spec": map[string]any{"template": template()}}})
	return out
}
