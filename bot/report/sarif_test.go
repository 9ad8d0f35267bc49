package report

import (
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"tokenward/bot"
)

// schema compiles the schema of SARIF: the copy in testdata, or the one that the
// environment names.
func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	file := os.Getenv("TOKENWARD_SARIF_SCHEMA")
	if file == "" {
		file = filepath.Join("testdata", "sarif", "sarif-2.1.0-rtm.5.json")
	}
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(src))
	if err != nil {
		t.Fatalf("read %s: %v", file, err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("file:///sarif.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("file:///sarif.json")
	if err != nil {
		t.Fatalf("compile %s: %v", file, err)
	}
	return s
}

func TestSARIFIsValid(t *testing.T) {
	t.Parallel()
	s := schema(t)
	for name, r := range map[string]*bot.ScanReport{
		"sample": sample(t), "hostile": hostile(t), "empty": load(t, filepath.Join("testdata", "empty.json")), "nothing": {},
	} {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(output(t, writer{"sarif.json", SARIF}, r)))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(doc); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSchemaRefusesAnUnknownLevel(t *testing.T) {
	t.Parallel()
	text := strings.Replace(output(t, writer{"sarif.json", SARIF}, sample(t)), `"level": "note"`, `"level": "hint"`, 1)
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema(t).Validate(doc); err == nil {
		t.Error("the schema accepts a level that SARIF does not have: the test above proves nothing")
	}
}

func decodeSARIF(t *testing.T, r *bot.ScanReport) sarifRun {
	t.Helper()
	var log sarifLog
	if err := json.Unmarshal([]byte(output(t, writer{"sarif.json", SARIF}, r)), &log); err != nil {
		t.Fatal(err)
	}
	return log.Runs[0]
}

// What the schema cannot say: references meet, and what the standard demands of
// base URIs and of relative references.
func TestSARIFReferences(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*bot.ScanReport{"sample": sample(t), "hostile": hostile(t)} {
		run := decodeSARIF(t, r)
		if len(run.Bases) == 0 || len(run.Results) == 0 {
			t.Fatalf("%s: no bases or results", name)
		}
		for id, b := range run.Bases {
			u, err := url.Parse(b.URI)
			if err != nil || !u.IsAbs() || !strings.HasSuffix(b.URI, "/") || u.RawQuery != "" || u.Fragment != "" {
				t.Errorf("%s: base %q: %q must be an absolute URI that ends in a slash", name, id, b.URI)
			}
		}
		seen := map[string]bool{}
		for _, res := range run.Results {
			if run.Tool.Driver.Rules[res.RuleIndex].ID != res.RuleID {
				t.Errorf("%s: ruleIndex %d is not rule %s", name, res.RuleIndex, res.RuleID)
			}
			for _, l := range append(res.Locations, res.Related...) {
				if _, ok := run.Bases[l.Physical.Artifact.Base]; !ok {
					t.Errorf("%s: base %q is nowhere defined", name, l.Physical.Artifact.Base)
				}
				u, err := url.Parse(l.Physical.Artifact.URI)
				if err != nil || u.IsAbs() || strings.HasPrefix(l.Physical.Artifact.URI, "/") || strings.Contains(l.Physical.Artifact.URI, "..") {
					t.Errorf("%s: %q must be a relative reference inside the repository", name, l.Physical.Artifact.URI)
				}
			}
			if id := res.Fingerprints["tokenwardFinding/v1"]; seen[id] || id == "" {
				t.Errorf("%s: fingerprint %q of %q is empty or not its own", name, id, res.Message.Text)
			} else {
				seen[id] = true
			}
			if strings.Contains(res.Message.Text, "](") {
				t.Errorf("%s: message %q has a foreign link", name, res.Message.Text)
			}
		}
	}
}

func TestSARIFLocations(t *testing.T) {
	t.Parallel()
	run := decodeSARIF(t, sample(t))
	want := map[string]string{ // subject's object: base, path and line
		"observatory/Deployment/observatory-kube-state-metrics": "observatory chart/charts/kube-state-metrics/templates/role.yaml 9",
	}
	for _, res := range run.Results {
		if res.RuleID != ruleAllow || len(res.Locations[0].Logical) == 0 {
			continue
		}
		p := res.Locations[0].Physical
		if w, ok := want[res.Locations[0].Logical[0].Name]; ok {
			got := p.Artifact.Base + " " + p.Artifact.URI + " 9"
			if p.Region == nil || p.Region.StartLine != 9 || got != w {
				t.Errorf("location = %+v, want %s", p, w)
			}
			if res.Level != levelError {
				t.Errorf("level = %s: its pods go without their token today, that is an error", res.Level)
			}
			delete(want, res.Locations[0].Logical[0].Name)
		}
	}
	if len(want) > 0 {
		t.Errorf("no allow finding for %v", want)
	}
	if run.Invocations[0].Successful || len(run.Invocations[0].Notifications) != 4 {
		t.Errorf("invocation = %+v, want the failed release and three notes", run.Invocations[0])
	}
}

// A finding stays the same one when its template grows, and only then.
func TestFingerprintsIgnoreLinesAndWords(t *testing.T) {
	t.Parallel()
	prints := func(r *bot.ScanReport) map[string]bool {
		out := map[string]bool{}
		for _, res := range decodeSARIF(t, r).Results {
			out[res.Fingerprints["tokenwardFinding/v1"]] = true
		}
		return out
	}
	before := prints(sample(t))
	moved := sample(t)
	for i := range moved.Workloads {
		for k := range moved.Workloads[i].Evidence {
			e := &moved.Workloads[i].Evidence[k]
			e.Source = strings.TrimRight(e.Source, "0123456789") + "777"
			e.Summary += " and more"
		}
	}
	for i := range moved.Changes {
		moved.Changes[i].Reason += " and more"
	}
	for f := range prints(moved) {
		if !before[f] {
			t.Errorf("fingerprint %s is new although only lines and words changed", f)
		}
	}
	renamed := sample(t)
	renamed.Changes[2].Pattern = "ledger-turn-keys-*"
	fresh := 0
	for f := range prints(renamed) {
		if !before[f] {
			fresh++
		}
	}
	if fresh != 1 {
		t.Errorf("%d fingerprints are new after one pattern changed, want 1", fresh)
	}
}

func TestUnknownKindOfChangeIsAnError(t *testing.T) {
	t.Parallel()
	r := sample(t)
	r.Changes[0].Kind = "polish"
	if err := SARIF(&bytes.Buffer{}, r); err == nil || !strings.Contains(err.Error(), `"polish"`) {
		t.Errorf("error = %v, want one that names the kind", err)
	}
}
