package report

import (
	"bytes"
	"encoding/json"
	"path"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// GitLab's form: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
func TestCodeQualityHasGitLabsForm(t *testing.T) {
	t.Parallel()
	severities := []string{"info", "minor", "major", "critical", "blocker"}
	for name, text := range map[string]string{
		"sample":  output(t, writer{"codequality.json", CodeQuality}, sample(t)),
		"hostile": output(t, writer{"codequality.json", CodeQuality}, hostile(t)),
	} {
		var issues []qualityIssue
		d := json.NewDecoder(bytes.NewReader([]byte(text)))
		d.DisallowUnknownFields()
		if err := d.Decode(&issues); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		seen := map[string]bool{}
		for _, i := range issues {
			if i.Description == "" || !strings.HasPrefix(i.CheckName, "tokenward/") || !slices.Contains(severities, i.Severity) || i.Location.Lines.Begin < 1 {
				t.Errorf("%s: issue %+v lacks what GitLab asks for", name, i)
			}
			if p := i.Location.Path; p == "" || path.IsAbs(p) || p != path.Clean(p) || strings.HasPrefix(p, "..") || strings.ContainsFunc(p, unicode.IsControl) {
				t.Errorf("%s: path %q must be relative and clean", name, p)
			}
			if seen[i.Fingerprint] {
				t.Errorf("%s: fingerprint of %q is not its own: GitLab would show one issue for both", name, i.Description)
			}
			seen[i.Fingerprint] = true
		}
	}
}

func TestCodeQualityIsAnEmptyArrayWithoutFindings(t *testing.T) {
	t.Parallel()
	if got := output(t, writer{"codequality.json", CodeQuality}, load(t, "testdata/empty.json")); got != "[]\n" {
		t.Errorf("report = %q, want an empty array", got)
	}
}

func TestSettledFindingsAreSuppressed(t *testing.T) {
	t.Parallel()
	r := sample(t)
	for i := range r.Workloads {
		r.Workloads[i].Listed = "excluded"
	}
	for _, res := range decodeSARIF(t, r).Results {
		if (res.RuleID == ruleNeedlessToken) != (len(res.Suppressions) == 1) {
			t.Errorf("%s has %d suppressions", res.RuleID, len(res.Suppressions))
		}
	}
}
