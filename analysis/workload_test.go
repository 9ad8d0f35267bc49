package analysis

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Workloads lists everything among the set's objects that makes pods, sorted by
// namespace, release, kind and name: built-in kinds, hooks and tests included,
// and the custom resources that the embedded operator table knows or that look
// as if an operator made pods from them. Outside of tests, the index of judging does.
func Workloads(set *Set) []*Workload {
	table := newOperatorTable(nil)
	var out []*Workload
	for _, s := range subjects(sources(set), table) {
		out = append(out, s.Workload)
	}
	return out
}

func TestWorkloads(t *testing.T) {
	t.Parallel()
	all := Workloads(setOf(t, `
kind: Deployment
apiVersion: extensions/v1beta1
metadata: {name: old}
spec: {template: {spec: {serviceAccount: legacy, containers: [{name: c, image: i, resources: {limits: {cpu: 1, memory: 1.5}}}]}}}
---
kind: CronJob
apiVersion: batch/v1beta1
metadata: {name: nightly}
spec: {jobTemplate: {spec: {template: {metadata: {labels: {a: b}}, spec: {automountServiceAccountToken: false, containers: []}}}}}
---
kind: Deployment
apiVersion: example.com/v1
metadata: {name: impostor}
spec: {template: {spec: {}}}
---
kind: ConfigMap
metadata: {name: none}
---
kind: PodTemplate
metadata: {name: none}`))
	var got []string
	for _, w := range all {
		automount := "unset"
		if w.Automount != nil {
			automount = map[bool]string{true: "true", false: "false"}[*w.Automount]
		}
		got = append(got, w.ID()+" "+w.ServiceAccount+" "+automount)
	}
	want := []string{"CronJob shop/nightly default false", "Deployment shop/old legacy unset"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if all[0].PodLabels["a"] != "b" || all[0].PodSpec == nil {
		t.Errorf("labels %v, spec %v", all[0].PodLabels, all[0].PodSpec)
	}
}
