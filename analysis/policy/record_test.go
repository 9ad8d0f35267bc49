package policy

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"
)

// With the engine's command line on the PATH as kyverno,
//
//	go test ./analysis/policy -run TestRecord -record
//
// asks it about every case anew, writes its answers into testdata/engine/*.txtar and
// its version into testdata/engine/VERSION. The command line is built from its own
// module, whose replace directives forbid go install: download
// github.com/kyverno/kyverno, copy it, and there run
//
//	go build -o kyverno -ldflags "-X github.com/kyverno/kyverno/pkg/version.BuildVersion=v1.19.1" ./cmd/cli/kubectl-kyverno
//
// The version is what this flag says, so it must be the downloaded module's.
var record = flag.Bool("record", false, "renew the recorded answers of the policy engine")

func TestRecord(t *testing.T) {
	if !*record {
		t.Skip("run with -record to ask the policy engine anew")
	}
	engine, err := exec.LookPath("kyverno")
	if err != nil {
		t.Fatal(err)
	}
	version, err := exec.Command(engine, "version").Output()
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(version), "\n")
	if err := os.WriteFile("testdata/engine/VERSION", []byte("kyverno "+strings.TrimPrefix(line, "Version: ")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range readCases(t) {
		t.Run(c.name, func(t *testing.T) {
			r := &recorder{t: t, engine: engine, dir: t.TempDir(), c: c}
			r.write(r.answers())
		})
	}
}

type recorder struct {
	t      *testing.T
	engine string
	dir    string
	c      *engineCase
}

func (r *recorder) answers() *recording {
	out := &recording{}
	r.load(out)
	atAdmission := r.without(DefaultNames().DefaultMutator)
	for _, obj := range r.c.resources {
		after, violations := r.apply(atAdmission, obj)
		slices.Sort(violations)
		a := answer{Object: nameOf(obj), Violations: violations}
		if len(after) > 0 {
			a.Fields = changedFields(obj, after[len(after)-1])
		} else {
			a.Fields = changedFields(obj, obj)
		}
		out.Answers = append(out.Answers, a)
	}
	only := r.policy(DefaultNames().DefaultMutator)
	for _, namespace := range r.c.scopes() {
		if only != nil && r.hardensDefault(only, namespace) {
			out.HardensDefault = append(out.HardensDefault, namespace)
		}
	}
	return out
}

// load asks how many rules there are, and which documents the engine does not take.
func (r *recorder) load(out *recording) {
	text := r.run("apply", r.file("policies.yaml", r.c.policies), "-r", r.object(r.c.resources[0]),
		"--exceptions-within-policies", "--remove-color", "-v", "4")
	if m := regexp.MustCompile(`Applying (\d+) policy rule`).FindSubmatch(text); m != nil {
		out.Rules, _ = strconv.Atoi(string(m[1]))
	}
	rejected := regexp.MustCompile(`\((?:ClusterPolicy|Policy|PolicyException)\.kyverno\.io \\*"([^"\\]+)\\*" is invalid`)
	for _, m := range rejected.FindAllSubmatch(text, -1) {
		out.Rejected = append(out.Rejected, string(m[1]))
	}
	if _, list, ok := bytes.Cut(text, []byte("Policies Skipped:")); ok {
		for _, m := range regexp.MustCompile(`(?m)^\d+\. ([^:\s]+):`).FindAllSubmatch(list, -1) {
			out.Skipped = append(out.Skipped, string(m[1]))
		}
	}
}

// apply asks about one resource. It returns what the mutating policies made of it, one
// document a policy, and the rules that it fails.
func (r *recorder) apply(policies []byte, obj map[string]any) (after []map[string]any, violations []string) {
	r.t.Helper()
	mutated := r.file("mutated.yaml", nil)
	text := r.run("apply", r.file("policies.yaml", policies), "-r", r.object(obj),
		"--exceptions-within-policies", "-o", mutated, "-p", "--output-format", "json", "-f", r.values())
	data, err := os.ReadFile(mutated)
	if err != nil {
		r.t.Fatal(err)
	}
	if after, err = documents(data); err != nil {
		r.t.Fatal(err)
	}
	return after, r.failures(text)[nameReported(obj)]
}

// failures reads what the reports in a text find, as policy/rule by the resource's name.
func (r *recorder) failures(text []byte) map[string][]string {
	out := map[string][]string{}
	for len(text) > 0 {
		i := bytes.Index(text, []byte(`{"kind":`))
		if i < 0 {
			break
		}
		var report struct {
			Results []struct {
				Policy, Rule, Result string
				Resources            []struct{ Kind, Namespace, Name string }
			}
		}
		dec := json.NewDecoder(bytes.NewReader(text[i:]))
		if err := dec.Decode(&report); err != nil {
			r.t.Fatal(err)
		}
		for _, result := range report.Results {
			for _, o := range result.Resources {
				if name := fmt.Sprintf("%s %s/%s", o.Kind, o.Namespace, o.Name); result.Result == "fail" {
					out[name] = append(out[name], result.Policy+"/"+result.Rule)
				}
			}
		}
		text = text[i+int(dec.InputOffset()):]
	}
	return out
}

// nameReported names a resource as reports do, which have no generateName.
func nameReported(obj map[string]any) string {
	name, _ := dig(obj, "metadata", "name").(string)
	return fmt.Sprintf("%v %v/%v", obj["kind"], dig(obj, "metadata", "namespace"), name)
}

func (r *recorder) hardensDefault(policy []byte, namespace string) bool {
	after, _ := r.apply(policy, map[string]any{
		"apiVersion": "v1", "kind": "ServiceAccount",
		"metadata": map[string]any{"name": "default", "namespace": namespace},
	})
	return slices.ContainsFunc(after, func(m map[string]any) bool { return m["automountServiceAccountToken"] == false })
}

// without returns the policies without one that patches existing objects: its targets
// would stand among what admission makes of a resource.
func (r *recorder) without(name string) []byte {
	docs, err := documents(r.c.policies)
	if err != nil {
		r.t.Fatal(err)
	}
	var out []byte
	for _, m := range docs {
		if dig(m, "metadata", "name") != name {
			out = append(append(out, "---\n"...), r.yaml(m)...)
		}
	}
	return out
}

// policy returns the document of one policy, nil where the case has none.
func (r *recorder) policy(name string) []byte {
	docs, err := documents(r.c.policies)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, m := range docs {
		if dig(m, "metadata", "name") == name {
			return r.yaml(m)
		}
	}
	return nil
}

// values tells the engine the labels of the namespaces.
func (r *recorder) values() string {
	docs, err := documents(r.c.namespaces)
	if err != nil {
		r.t.Fatal(err)
	}
	var selectors []any
	for _, m := range docs {
		labels := map[string]any{"kubernetes.io/metadata.name": dig(m, "metadata", "name")}
		for k, v := range stringMap(dig(m, "metadata", "labels")) {
			labels[k] = v
		}
		selectors = append(selectors, map[string]any{"name": dig(m, "metadata", "name"), "labels": labels})
	}
	return r.file("values.yaml", r.yaml(map[string]any{
		"apiVersion": "cli.kyverno.io/v1alpha1", "kind": "Values", "namespaceSelector": selectors,
	}))
}

func (r *recorder) object(obj map[string]any) string { return r.file("resource.yaml", r.yaml(obj)) }

func (r *recorder) yaml(v any) []byte {
	data, err := yaml.Marshal(v)
	if err != nil {
		r.t.Fatal(err)
	}
	return data
}

func (r *recorder) file(name string, data []byte) string {
	path := filepath.Join(r.dir, name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		r.t.Fatal(err)
	}
	return path
}

// run returns both outputs. The command line exits with 1 on a violation, so its exit
// code says nothing by itself; it prints nothing where it took none of the policies.
func (r *recorder) run(args ...string) []byte {
	r.t.Helper()
	out, err := exec.Command(r.engine, args...).CombinedOutput()
	if len(out) == 0 && err != nil {
		r.t.Fatalf("run %s %s: %v", r.engine, strings.Join(args, " "), err)
	}
	return out
}

// write puts the answers into the case's file, after the files that were there.
func (r *recorder) write(answers *recording) {
	files := slices.DeleteFunc(r.c.archive.Files, func(f txtar.File) bool { return f.Name == "recorded.yaml" })
	r.c.archive.Files = append(files, txtar.File{Name: "recorded.yaml", Data: r.yaml(answers)})
	if err := os.WriteFile(r.c.file, txtar.Format(r.c.archive), 0o644); err != nil {
		r.t.Fatal(err)
	}
}
