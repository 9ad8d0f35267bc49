package main

import (
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
