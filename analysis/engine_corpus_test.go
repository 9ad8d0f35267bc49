package analysis_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"tokenward/analysis"
	"tokenward/analysis/policy"
	"tokenward/analysis/render"
)

// TestCorpusEngine lets the policy engine's own command line (kyverno on the PATH: see
// TestRecord of package policy for its build) evaluate a real platform before and after
// all proposals. No hardened namespace that its admission looks at may then be left
// with a violation. It runs where TOKENWARD_CORPUS names a folder of bare repositories.
func TestCorpusEngine(t *testing.T) {
	corpus := os.Getenv("TOKENWARD_CORPUS")
	program, err := exec.LookPath("kyverno")
	if corpus == "" || err != nil {
		t.Skip("needs TOKENWARD_CORPUS, a real platform, and kyverno on the PATH")
	}
	ctx := context.Background()
	d, err := analysis.Discover(ctx, repository(t, filepath.Join(corpus, "big-bang", "bigbang.git"), "HEAD"), analysis.DiscoverOptions{})
	if err != nil {
		t.Fatal(err)
	}
	inputs, _ := corpusInputs(t, corpus, d)
	opts := analysis.RenderOptions{Extra: d.Extra}
	set, err := analysis.RenderAll(ctx, inputs, opts)
	if err != nil {
		t.Fatal(err)
	}
	names := policy.DefaultNames()
	listing, err := analysis.ReadListing(d.Releases, names)
	if err != nil {
		t.Fatal(err)
	}
	objects := everything(set, "")
	policies, err := policy.Load(objects, names)
	if err != nil {
		t.Fatal(err)
	}
	skipped := policy.SkippedNamespaces(objects)
	plans := analysis.Plan(analysis.PlanInput{Set: set, Judgements: analysis.Judge(set, analysis.JudgeOptions{}), Listing: listing, Skipped: skipped,
		Excluded: func(w *analysis.Workload) bool { return analysis.SettledElsewhere(w, policies) }})
	in := inputs[listing.Index]
	in.Release.Values = analysis.ApplyChanges(in.Release.Values, names, allEdits(plans), listing.ListForm)
	hardened, err := analysis.ReadListing([]analysis.Release{in.Release}, names)
	if err != nil {
		t.Fatal(err)
	}
	out, err := analysis.InProcess{}.Render(ctx, in.Chart, in.Release.Request(opts, render.CRDs(objects)))
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{t: t, program: program, dir: t.TempDir(), set: set, skipped: skipped}
	e.writeNamespaces(objects)
	before := e.violations(objects)
	after := e.violations(append(out.Objects, everything(set, in.Release.HelmRelease)...))
	t.Logf("the engine finds %d violations before and %d after %d changes", len(before), len(after), len(allEdits(plans)))
	for _, v := range before {
		t.Logf("before: %s", v)
	}
	for _, v := range after {
		t.Logf("after: %s", v)
		if _, listed := hardened.Find(v.namespace); listed && !slices.Contains(skipped, v.namespace) {
			t.Errorf("in a hardened namespace: %s", v)
		}
	}
}

// everything is what all releases but one render, and the umbrella's own objects.
func everything(set *analysis.Set, but string) []*render.Object {
	out := slices.Clone(set.Extra)
	for _, r := range set.Releases {
		if but == "" || r.HelmRelease != but {
			out = append(out, r.Objects...)
		}
	}
	return out
}

func allEdits(plans []analysis.NamespacePlan) []analysis.Change {
	var out []analysis.Change
	for _, p := range plans {
		out = append(out, p.Edits()...)
	}
	return out
}

// engine asks the command line about everything that a platform deploys.
type engine struct {
	t       *testing.T
	program string
	dir     string
	set     *analysis.Set
	skipped []string
}

type engineViolation struct{ namespace, kind, name, rule string }

func (v engineViolation) String() string {
	return fmt.Sprintf("%s %s/%s fails %s", v.kind, v.namespace, v.name, v.rule)
}

type manifest = map[string]any

// violations admits accounts and controllers, then the pods that the admitted
// controllers make, and validates all of them as a background scan would.
func (e *engine) violations(objects []*render.Object) []engineViolation {
	names := policy.DefaultNames()
	mutator := policiesCalled(objects, names.Mutator)
	accounts := e.mutate(policiesCalled(objects, names.DefaultMutator), e.defaultAccounts())
	controllers, pods := accounts, []manifest(nil)
	for _, r := range e.set.Releases {
		for _, o := range r.Objects {
			if o.Kind == "ServiceAccount" && o.Name != "default" {
				controllers = append(controllers, policy.Manifest(o))
			}
		}
	}
	workloads := analysis.Workloads(e.set)
	for _, w := range workloads {
		controllers = append(controllers, controllersOf(w)...)
	}
	controllers = e.mutate(mutator, controllers)
	for _, w := range workloads {
		for _, p := range w.Pods {
			pods = append(pods, podOf(w, p, controllers))
		}
	}
	pods = e.mutate(mutator, pods)
	for _, p := range pods { // a background scan sees their final names
		meta := p["metadata"].(manifest)
		if prefix, ok := meta["generateName"].(string); ok {
			meta["name"] = prefix + "x7k2p"
			delete(meta, "generateName")
		}
	}
	return e.validate(policiesCalled(objects, names.Validator), append(controllers, pods...))
}

// policiesCalled are the policies of one name and all exceptions.
func policiesCalled(objects []*render.Object, name string) []manifest {
	var out []manifest
	for _, o := range objects {
		if strings.HasSuffix(o.Kind, "Policy") && o.Name == name || o.Kind == "PolicyException" {
			out = append(out, policy.Manifest(o))
		}
	}
	return out
}

// defaultAccounts are those that Kubernetes makes in the namespaces that have releases.
func (e *engine) defaultAccounts() []manifest {
	namespaces := map[string]bool{}
	for _, r := range e.set.Releases {
		namespaces[r.Namespace] = r.Err == nil || namespaces[r.Namespace]
	}
	var out []manifest
	for _, ns := range slices.Sorted(maps.Keys(namespaces)) {
		if namespaces[ns] {
			out = append(out, manifest{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": manifest{"name": "default", "namespace": ns}})
		}
	}
	return out
}

// controllersOf are the objects behind a workload, as it declares them or as its operator makes them.
func controllersOf(w *analysis.Workload) []manifest {
	if w.Kind == "Pod" || len(w.Made) == 0 && w.PodSpec == nil {
		return nil
	}
	if len(w.Made) == 0 {
		return []manifest{policy.Manifest(w.Object)}
	}
	var out []manifest
	for _, name := range w.Made {
		kind := "Deployment"
		if slices.ContainsFunc(w.Pods, func(p analysis.PodName) bool { return p.Admission == name+"-0" }) {
			kind = "StatefulSet"
		}
		out = append(out, manifest{"apiVersion": "apps/v1", "kind": kind, "metadata": manifest{"name": name, "namespace": w.Namespace},
			"spec": manifest{"template": manifest{"metadata": manifest{"labels": w.PodLabels}, "spec": specOf(w)}}})
	}
	return out
}

func specOf(w *analysis.Workload) manifest {
	if w.PodSpec != nil {
		return w.PodSpec
	}
	spec := manifest{"serviceAccountName": w.ServiceAccount}
	if w.Automount != nil {
		spec["automountServiceAccountToken"] = *w.Automount
	}
	return spec
}

// podOf is a pod as its controller makes it, out of the template that admission left.
func podOf(w *analysis.Workload, name analysis.PodName, controllers []manifest) manifest {
	spec := specOf(w)
	for _, c := range controllers {
		meta := c["metadata"].(manifest)
		called := fmt.Sprint(meta["name"])
		mine := called == w.Name && c["kind"] == w.Kind || slices.Contains(w.Made, called) && strings.HasPrefix(name.Admission, called+"-")
		controller, _ := c["spec"].(manifest)
		template, _ := controller["template"].(manifest)
		if own, ok := template["spec"].(manifest); ok && mine && meta["namespace"] == w.Namespace {
			spec = own
		}
	}
	meta := manifest{"namespace": w.Namespace, "labels": w.PodLabels}
	if name.Admission == name.Full {
		meta["name"] = name.Full
	} else {
		meta["generateName"] = name.Admission
	}
	return manifest{"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
}

// mutate returns what the policies make of the manifests; those of namespaces that
// admission passes over stay as they are.
func (e *engine) mutate(policies, manifests []manifest) []manifest {
	if len(policies) == 0 || len(manifests) == 0 {
		return manifests
	}
	var asked []manifest
	for _, m := range manifests {
		if ns, _ := m["metadata"].(manifest)["namespace"].(string); !slices.Contains(e.skipped, ns) {
			asked = append(asked, m)
		}
	}
	result := e.file("mutated.yaml", nil)
	e.run(policies, asked, "-o", result)
	data, err := os.ReadFile(result)
	if err != nil {
		e.t.Fatal(err)
	}
	changed := map[string]manifest{}
	for _, doc := range strings.Split("\n"+string(data), "\n---") {
		var m manifest
		if err := yaml.Unmarshal([]byte(doc), &m); err != nil {
			e.t.Fatal(err)
		}
		if m != nil {
			changed[identity(m)] = m
		}
	}
	out := slices.Clone(manifests)
	for i, m := range out {
		if c := changed[identity(m)]; c != nil {
			out[i] = c
		}
	}
	return out
}

func identity(m manifest) string {
	meta := m["metadata"].(manifest)
	return fmt.Sprint(m["kind"], meta["namespace"], "/", meta["name"], meta["generateName"])
}

func (e *engine) validate(policies, manifests []manifest) []engineViolation {
	text := e.run(policies, manifests, "-p", "--output-format", "json")
	var out []engineViolation
	for {
		i := bytes.Index(text, []byte(`{"kind":`))
		if i < 0 {
			break
		}
		var report struct {
			Results []struct {
				Rule, Result string
				Resources    []struct{ Kind, Namespace, Name string }
			}
		}
		dec := json.NewDecoder(bytes.NewReader(text[i:]))
		if err := dec.Decode(&report); err != nil {
			e.t.Fatal(err)
		}
		for _, r := range report.Results {
			for _, o := range r.Resources {
				if r.Result == "fail" {
					out = append(out, engineViolation{o.Namespace, o.Kind, o.Name, r.Rule})
				}
			}
		}
		text = text[i+int(dec.InputOffset()):]
	}
	slices.SortFunc(out, func(a, b engineViolation) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(out)
}

func (e *engine) writeNamespaces(objects []*render.Object) {
	var selectors []any
	for _, o := range objects {
		if o.Kind == "Namespace" {
			labels := manifest{"kubernetes.io/metadata.name": o.Name}
			meta, _ := o.Fields()["metadata"].(manifest)
			given, _ := meta["labels"].(manifest)
			maps.Copy(labels, given)
			selectors = append(selectors, manifest{"name": o.Name, "labels": labels})
		}
	}
	e.file("values.yaml", []manifest{{"apiVersion": "cli.kyverno.io/v1alpha1", "kind": "Values", "namespaceSelector": selectors}})
}

// run returns both outputs; the exit code only tells of violations.
func (e *engine) run(policies, manifests []manifest, args ...string) []byte {
	all := append([]string{"apply", e.file("policies.yaml", policies), "-r", e.file("resources.yaml", manifests),
		"--exceptions-within-policies", "-f", filepath.Join(e.dir, "values.yaml")}, args...)
	out, err := exec.Command(e.program, all...).CombinedOutput()
	if len(out) == 0 && err != nil {
		e.t.Fatalf("run %s: %v", e.program, err)
	}
	return out
}

func (e *engine) file(name string, documents []manifest) string {
	var b bytes.Buffer
	for _, m := range documents {
		data, err := yaml.Marshal(m)
		if err != nil {
			e.t.Fatal(err)
		}
		b.WriteString("---\n")
		b.Write(data)
	}
	path := filepath.Join(e.dir, name)
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		e.t.Fatal(err)
	}
	return path
}
