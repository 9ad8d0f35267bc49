package worker

import (
	"testing"

	"tokenward/analysis/render"
)

// TestDrawsAreTheSameInEveryWorker renders what a chart draws, in two processes and in one again.
func TestDrawsAreTheSameInEveryWorker(t *testing.T) {
	t.Parallel()
	c := chart("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: job-{{ randAlphaNum 5 | lower }}}\ndata:\n" +
		"  password: {{ randAlphaNum 12 }}-{{ randAlphaNum 12 }}\n  id: {{ uuidv4 }}\n  bytes: {{ randBytes 9 }}\n")
	drawn := func(p *Pool, release string) string {
		t.Helper()
		out, err := p.Render(t.Context(), c, render.Request{ReleaseName: release, Namespace: "space"})
		if err != nil {
			t.Fatal(err)
		}
		if name := out.Objects[0].Name; name != "job-*" {
			t.Errorf("what is drawn for a name is taken for its own: %s", name)
		}
		texts := ""
		for _, key := range []string{"password", "id", "bytes"} {
			text, ok := out.Objects[0].Text("data", key)
			if !ok || text == "" {
				t.Errorf("no %s is drawn", key)
			}
			texts += text + " "
		}
		return texts
	}
	one, two := newPool(t, Config{Workers: 1}), newPool(t, Config{Workers: 1})
	first := drawn(one, "demo")
	if again, other := drawn(one, "demo"), drawn(two, "demo"); again != first || other != first {
		t.Errorf("drawn: %s\nagain: %s\nin another process: %s", first, again, other)
	}
	if other := drawn(two, "other"); other == first {
		t.Errorf("two releases draw the same: %s", other)
	}
}
