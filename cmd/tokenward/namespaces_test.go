package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A namespace of the configuration that nothing is deployed into costs only itself; one
// that a flag names ends the command.
func TestNamespaceThatIsGone(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	const reason = "no release of the umbrella is deployed into"
	p.environment = map[string]string{"TOKENWARD_NAMESPACES": "bulletin,attic", "TOKENWARD_CACHE_DIR": t.TempDir()}
	code, out, errs := p.run(developer, "scan")
	if code != exitOK || strings.Count(out, reason+" namespace attic") != 1 {
		t.Errorf("scan: exit code %d\n%s\n%s", code, out, errs)
	}
	code, report := p.propose(developer)
	if code != exitFailed || len(report.MergeRequests) == 0 || len(report.Failed) != 1 || report.Failed[0].Unit != "attic" || report.Failed[0].Retry || !strings.Contains(report.Failed[0].Reason, reason) {
		t.Errorf("propose: exit code %d, %+v", code, report)
	}
	for _, command := range []string{"scan", "propose"} {
		code, out, errs = p.run(developer, command, "--namespace", "bulletin", "--namespace", "attic")
		if code != exitFailed || out != "" || !strings.Contains(errs, reason+" namespace attic") {
			t.Errorf("%s with the flag: exit code %d\n%s\n%s", command, code, out, errs)
		}
	}
	p.environment["TOKENWARD_NAMESPACES"] = "cellar,attic"
	if code, out, errs = p.run(developer, "scan"); code != exitFailed || !strings.Contains(errs, reason+" namespace cellar or attic") {
		t.Errorf("none is there: exit code %d\n%s\n%s", code, out, errs)
	}
}

// A scan of one namespace says nothing of what could not be analysed in others.
func TestScanOfOneNamespace(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	_, out, _ := p.run(developer, "scan")
	unanalysed := regexp.MustCompile(`Not analysed\n\S+ +(.{30})`).FindStringSubmatch(out)
	if unanalysed == nil {
		t.Fatalf("the sample platform has no release that cannot be analysed:\n%s", out)
	}
	for _, format := range []string{"table", "json", "markdown", "html", "sarif", "codequality"} {
		code, out, errs := p.run(developer, "scan", "--namespace", "bulletin", "--format", format)
		if code != exitOK || errs != "" || strings.Contains(out, unanalysed[1]) {
			t.Errorf("%s: exit code %d, %s, %q is in the report:\n%s", format, code, errs, unanalysed[1], out)
		}
	}
}

// Where the policies cannot be read, a namespace's verdicts stand without what they do to it: scan and explain
// say so and fail, as propose does.
func TestNamespaceWithoutPolicies(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	values := filepath.Join(t.TempDir(), "values.yaml")
	p.must(os.WriteFile(values, []byte("kyvernoPolicies: {git: {path: ./nowhere}}\n"), 0o600))
	p.environment = map[string]string{"TOKENWARD_CACHE_DIR": t.TempDir()}
	const reason = "which renders the policies, is not analysed: load its chart nowhere"
	for _, args := range [][]string{
		{"scan", "--namespace", "bulletin"}, {"scan", "--namespace", "bulletin"}, // the second from the cache
		{"scan", "--namespace", "bulletin", "--format", "codequality"}, {"explain", "bulletin"}, {"explain", "bulletin", "--format", "json"},
	} {
		code, out, errs := p.run(developer, append(args, "--values", values)...)
		if code != exitFailed || out == "" || !strings.Contains(errs, reason) || strings.Count(errs, "\n") != 1 {
			t.Errorf("%v: exit code %d\n%s\n%s", args, code, out, errs)
		}
	}
}
