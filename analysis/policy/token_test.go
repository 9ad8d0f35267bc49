package policy

import "testing"

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
