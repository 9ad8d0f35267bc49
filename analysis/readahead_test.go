package analysis

import (
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const lookedAt = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {serviceAccountName: web, containers: [{name: web, image: web, args: [--leader-elect]}]}
---
apiVersion: batch/v1
kind: Job
metadata: {name: once}
spec: {template: {spec: {serviceAccountName: web, containers: [{name: once, image: once}]}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: web}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}, {apiGroups: [""], resources: [secrets], verbs: [get]}, {apiGroups: [""], resources: [nodes], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: web}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: web}
subjects: [{kind: ServiceAccount, name: web}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec: {podSelector: {}, policyTypes: [Egress]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: odd}
spec: {template: {spec: {containers: three}}}
`

// What is read ahead gives the same verdicts as what is not, as often as one asks, and at once.
func TestReadAheadChangesNoVerdict(t *testing.T) {
	t.Parallel()
	inputs := func() []Input {
		return []Input{
			chartInput(t, "a", map[string]string{"templates/a.yaml": lookedAt}),
			chartInput(t, "b", map[string]string{"templates/b.yaml": lookedAt}),
		}
	}
	ahead, plain := mustRenderAll(t, inputs(), RenderOptions{}), mustRenderAll(t, inputs(), RenderOptions{})
	read := map[string]int{}
	for _, r := range plain.Releases {
		for _, o := range r.Objects {
			if o.Typed != nil {
				read[o.Kind]++
			}
			o.Typed = nil
		}
	}
	if want := map[string]int{"Deployment": 2, "Job": 2, "ClusterRole": 2, "RoleBinding": 2, "NetworkPolicy": 2}; !cmp.Equal(read, want) {
		t.Errorf("read ahead: %v, want %v", read, want)
	}
	want := verdicts(Judge(plain, JudgeOptions{}))
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			if diff := cmp.Diff(want, verdicts(Judge(ahead, JudgeOptions{}))); diff != "" {
				t.Error(diff)
			}
		})
	}
	both.Wait()
}

func verdicts(all []Judgement) []string {
	var out []string
	for _, j := range all {
		line := j.Workload.Namespace + "/" + j.Workload.Name + " as " + j.Workload.ServiceAccount + ": " + string(j.Verdict) + " " + string(j.Confidence)
		for _, e := range j.Evidence {
			line += "\n  " + e.Kind + ": " + e.Summary
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return out
}
