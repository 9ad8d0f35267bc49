package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestHostileUmbrella scans umbrellas that are hostile themselves: they are rendered where
// packages are, within the same limits, and the run ends with one sentence.
func TestHostileUmbrella(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ template, schema, want string }{
		"no end":      {template: timeCases()[0].template, want: stopped},
		"memory":      {template: `{{ $a := repeat 1000000 "a" }}{{ range until 10000 }}{{ $a = print $a $a }}{{ end }}`, want: "memory (rendering.memory)"},
		"name server": {template: says(`getHostByName "localhost"`), want: "what the policies do is not known"}, // it has none
		"environment": {template: says(`env "PATH"`), want: "function \"env\" not defined"},
		"reference":   {template: deployment, schema: `{"$ref": "file:///etc/passwd"}`, want: "and a schema outside the chart is never read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			files := map[string][]byte{"chart/Chart.yaml": []byte("apiVersion: v2\nname: umbrella\nversion: 1.0.0\n"), "chart/templates/a.yaml": []byte(c.template)}
			if c.schema != "" {
				files["chart/values.schema.json"] = []byte(c.schema)
			}
			layoutCommit(t, filepath.Join(dir, "umbrella.git"), files)
			_, errs, code := scanApart(t, dir)
			said, _, _ := strings.Cut(errs, ownMark)
			late := name == "memory" && strings.Contains(said, stopped) // where filling it takes longer than it may
			if code != exitFailed || !late && !strings.Contains(said, c.want) || strings.Contains(said, "it got through") {
				t.Errorf("exit code %d, want the sentence %q:\n%s", code, c.want, said)
			}
			if !raceEnabled {
				checkWorkers(t, peakOf(t, errs, peakMark), peakOf(t, errs, ownMark))
			}
		})
	}
}
