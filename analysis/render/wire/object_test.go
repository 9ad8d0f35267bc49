package wire

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenward/analysis/render"
)

// What a worker renders arrives whole.
func TestOutputArrivesWhole(t *testing.T) {
	t.Parallel()
	want := &render.Output{Values: map[string]any{"a": int64(1)}, Objects: []*render.Object{{
		APIVersion: "batch/v1", Kind: "Job", Namespace: "shop", Name: "migrate-1", Later: "migrate-2", Source: "chart/templates/job.yaml",
		Line: 2, Hook: []string{"pre-upgrade"}, Fields: map[string]any{"kind": "Job"},
	}}}
	message, err := Output(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ReadOutput(message)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
