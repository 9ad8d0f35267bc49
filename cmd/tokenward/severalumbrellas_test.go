package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tokenward/bot"
	"tokenward/gitops/forge/sandbox"
)

// several configures further umbrellas beside the game's own, each a line of YAML.
func (g *game) several(umbrellas ...string) {
	g.t.Helper()
	file := filepath.Join(g.t.TempDir(), "config.yaml")
	g.must(os.WriteFile(file, []byte("umbrellas:\n- "+strings.Join(umbrellas, "\n- ")+"\n"), 0o600))
	g.environment["TOKENWARD_CONFIG"] = file
}

const (
	fleetUmbrella = "{name: fleet, url: " + sampleHost + fleetProject + ".git}"
	lostUmbrella  = "{name: lost, url: " + sampleHost + "platform/lost.git}"
)

// TestHooksOfSeveralUmbrellas holds that the projects of all umbrellas get their hooks, one that two
// umbrellas deploy only once, and that an umbrella which cannot be read costs no other.
func TestHooksOfSeveralUmbrellas(t *testing.T) {
	t.Parallel()
	g := newFleet(t)
	g.several(lostUmbrella, fleetUmbrella)
	for key, value := range map[string]string{"WEBHOOK_SECRET": "s3cret-of-hooks", "WEBHOOKS_URL": "http://127.0.0.1:1/webhooks/gitlab", "ISSUES_DASHBOARD": "true"} {
		g.environment["TOKENWARD_"+key] = value
	}
	for _, word := range []string{"created", "unchanged"} {
		code, out := g.hooks(maintainer, "install")
		if code != exitFailed || strings.Count(out, "FAILED") != 1 || !strings.Contains(out, "FAILED umbrella lost: ") || !strings.Contains(out, "tokenward: 1 umbrella not looked at") {
			t.Errorf("exit code %d: %s", code, out)
		}
		for _, line := range []string{umbrellaProject + " of umbrella umbrella: ", fleetProject + " of umbrella fleet: ", bulletinProject + " of umbrella umbrella, fleet: "} {
			if strings.Count(out, line+word+"\n") != 1 {
				t.Errorf("not once %q in\n%s", line+word, out)
			}
		}
	}
	g.several(fleetUmbrella)
	if code, out := g.hooks(developer, "status"); code != exitFailed || !strings.Contains(out, "FAILED "+fleetProject+" of umbrella fleet: the token's user must be a Maintainer") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if code, out := g.hooks(maintainer, "status"); code != exitOK || !strings.Contains(out, fleetProject+" of umbrella fleet: executable") {
		t.Errorf("exit code %d: %s", code, out)
	}
}

// checkAll checks the configuration and returns what is said beside the findings, too.
func (g *game) checkAll(args ...string) (code int, findings []bot.Finding, errs string) {
	g.t.Helper()
	code, out, errs := g.run(maintainer, append([]string{"config", "check", "--format", "json"}, args...)...)
	var r bot.CheckReport
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		g.t.Fatalf("config check: exit code %d, %v\n%s\n%s", code, err, out, errs)
	}
	return code, r.Findings, errs
}

func foundFor(findings []bot.Finding, umbrella, level, project, words string) bool {
	return slices.ContainsFunc(findings, func(f bot.Finding) bool {
		return f.Umbrella == umbrella && f.Level == level && f.Project == project && strings.Contains(f.Text, words)
	})
}

// TestConfigCheckOfSeveralUmbrellas holds that all umbrellas are checked, every finding with its umbrella's
// name, and that one which cannot be read costs no other.
func TestConfigCheckOfSeveralUmbrellas(t *testing.T) {
	t.Parallel()
	g := newFleet(t)
	g.several(lostUmbrella, fleetUmbrella)
	code, found, errs := g.checkAll()
	if code != exitFailed || !strings.Contains(errs, "umbrella lost: find out which projects a run would write to: ") {
		t.Errorf("with an umbrella that is not there: exit code %d, %s", code, errs)
	}
	for umbrella, project := range map[string]string{"umbrella": umbrellaProject, "fleet": fleetProject} {
		if !foundFor(found, umbrella, bot.FindingWarning, project, "there is no CODEOWNERS file") || !foundFor(found, umbrella, bot.FindingOK, bulletinProject, "has the role Maintainer") {
			t.Errorf("nothing is said of umbrella %s: %+v", umbrella, found)
		}
	}
	if !foundFor(found, "lost", bot.FindingMissing, "platform/lost", "404 Not Found") {
		t.Errorf("nothing is said of the umbrella that is not there: %+v", found)
	}
	g.several(fleetUmbrella)
	g.set(fleetProject, func(s *sandbox.ProjectSettings) { s.Archived = true })
	if code, found, _ := g.checkAll(); code != exitFindings || !foundFor(found, "fleet", bot.FindingMissing, fleetProject, "is archived") {
		t.Errorf("with an archived umbrella: exit code %d, %+v", code, found)
	}
	if _, out, _ := g.run(maintainer, "config", "check"); !strings.Contains(out, "missing  fleet     "+fleetProject) {
		t.Errorf("the table does not name the umbrella:\n%s", out)
	}
}

// TestConfigCheckOfANamespaceOfOneUmbrella holds that an umbrella which does not deploy a namespace is in
// nobody's way when another does.
func TestConfigCheckOfANamespaceOfOneUmbrella(t *testing.T) {
	t.Parallel()
	g := newFleet(t)
	values := filepath.Join(t.TempDir(), "values.yaml")
	g.must(os.WriteFile(values, []byte("bulletin: {enabled: false}\n"), 0o600))
	g.several(strings.Replace(fleetUmbrella, "}", ", valuesFiles: ["+values+"]}", 1))
	code, found, errs := g.checkAll("--namespace", "bulletin")
	if code != exitOK || !foundFor(found, "fleet", bot.FindingWarning, fleetProject, "into namespace bulletin: nothing is proposed for this umbrella") {
		t.Errorf("exit code %d, %s%+v", code, errs, found)
	}
	if !foundFor(found, "umbrella", bot.FindingOK, bulletinProject, "has the role Maintainer") {
		t.Errorf("the umbrella that deploys it is not checked: %+v", found)
	}
	g.must(os.WriteFile(values, []byte("bulletin: [\n"), 0o600))
	if code, out, errs := g.run(maintainer, "config", "check"); code != exitUsage || out != "" || strings.Count(errs, values) != 1 {
		t.Errorf("with values that cannot be read: exit code %d, %s%s", code, out, errs)
	}
}

// TestUmbrellaOfFlagAndList holds that an umbrella which --umbrella names and the configuration lists is one.
func TestUmbrellaOfFlagAndList(t *testing.T) {
	t.Parallel()
	g := newFleet(t)
	g.several("{url: "+sampleHost+umbrellaProject+".git}", fleetUmbrella)
	code, found, errs := g.checkAll()
	if code != exitOK || !foundFor(found, "umbrella", bot.FindingOK, bulletinProject, "") || !foundFor(found, "fleet", bot.FindingOK, bulletinProject, "") {
		t.Errorf("exit code %d, %s%+v", code, errs, found)
	}
	g.several("{url: " + sampleHost + "elsewhere/umbrella.git}")
	if code, _, errs := g.run(maintainer, "config", "check"); code != exitUsage || !strings.Contains(errs, `two umbrellas are called "umbrella"`) {
		t.Errorf("two of one name: exit code %d, %s", code, errs)
	}
}
