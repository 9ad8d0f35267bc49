package main

import (
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"tokenward/bot/metrics"
)

// metricTable is the README's table of metrics.
func metricTable() string {
	var out strings.Builder
	out.WriteString("| metric | type | labels | meaning |\n|---|---|---|---|\n")
	for _, d := range metrics.Definitions() {
		out.WriteString("| `" + d.Name + "` | " + d.Type + " | " + strings.Join(d.Labels, ", ") + " | " + d.Help + " |\n")
	}
	return out.String()
}

// alertTable is the README's table of alerts.
func alertTable(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("../../deploy/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert               string
				Labels, Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	out.WriteString("| alert | severity | what to do |\n|---|---|---|\n")
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			out.WriteString("| `" + r.Alert + "` | " + r.Labels["severity"] + " | " + r.Annotations["description"] + " |\n")
		}
	}
	return out.String()
}
