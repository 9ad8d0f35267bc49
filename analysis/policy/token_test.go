package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTokenMounted is the table of the Kubernetes documentation: the pod's field wins.
func TestTokenMounted(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"Pod", "Deployment", "Job", "CronJob"} {
		for _, tt := range []struct {
			account, pod any
			want         bool
		}{
			{nil, nil, true}, {true, nil, true}, {false, nil, false},
			{nil, true, true}, {true, true, true}, {false, true, true},
			{nil, false, false}, {true, false, false}, {false, false, false},
		} {
			spec := map[string]any{}
			if tt.pod != nil {
				spec["automountServiceAccountToken"] = tt.pod
			}
			pod := map[string]any{"kind": kind, "spec": spec}
			if kind != "Pod" {
				pod["spec"] = map[string]any{"template": map[string]any{"spec": spec}}
			}
			if kind == "CronJob" {
				pod["spec"] = map[string]any{"jobTemplate": map[string]any{"spec": pod["spec"]}}
			}
			account := map[string]any{"automountServiceAccountToken": tt.account}
			if got := (&Policies{}).TokenMounted(pod, account); got != tt.want {
				t.Errorf("%s with %v under an account with %v: mounted %v, want %v", kind, tt.pod, tt.account, got, tt.want)
			}
		}
	}
	if !(&Policies{}).TokenMounted(map[string]any{"kind": "Pod"}, nil) {
		t.Error("a pod that says nothing, under an unknown account, gets a token")
	}
}

func TestPodOf(t *testing.T) {
	t.Parallel()
	job := manifestOf(t, "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: sweep, namespace: shop}\n"+
		"spec: {jobTemplate: {spec: {template: {metadata: {labels: {app: sweep}, name: ignored}, spec: {serviceAccountName: s}}}}}\n")
	want := manifestOf(t, "apiVersion: v1\nkind: Pod\nmetadata: {generateName: sweep-1-, namespace: shop, labels: {app: sweep}}\nspec: {serviceAccountName: s}\n")
	if diff := cmp.Diff(want, PodOf(job, "", "sweep-1-")); diff != "" {
		t.Error(diff)
	}
	if got := PodOf(want, "x", ""); dig(got, "metadata", "generateName") != "sweep-1-" {
		t.Error("a Pod should stay as it is")
	}
	if got := PodOf(manifestOf(t, "kind: ConfigMap\n"), "x", ""); got != nil {
		t.Errorf("PodOf a ConfigMap = %v", got)
	}
}
