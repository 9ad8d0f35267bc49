package analysis

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"tokenward/analysis/render"
)

// setOf decodes YAML documents into a set. A line "# release: x" puts the next
// documents into that release (app, if none is given, or "" for the umbrella's own
// objects), "# source: path" says which template renders them. A namespaced object
// without a namespace is put into shop.
func setOf(t testing.TB, text string) *Set {
	t.Helper()
	set := &Set{}
	release, source := "app", "chart/templates/all.yaml"
	for doc := range strings.SplitSeq(text, "\n---\n") {
		release, source = directive(doc, "# release:", release), directive(doc, "# source:", source)
		var fields map[string]any
		if err := yaml.Unmarshal([]byte(doc), &fields); err != nil {
			t.Fatalf("decode %s: %v", doc, err)
		}
		o := objectOf(fields, source)
		if release == `""` {
			set.Extra = append(set.Extra, o)
			continue
		}
		r := findRelease(set, release)
		r.Objects = append(r.Objects, o)
	}
	return set
}

func directive(doc, name, old string) string {
	_, value, ok := strings.Cut(doc, name)
	if !ok {
		return old
	}
	value, _, _ = strings.Cut(value, "\n")
	return strings.TrimSpace(value)
}

func findRelease(set *Set, name string) *RenderedRelease {
	for _, r := range set.Releases {
		if r.Name == name {
			return r
		}
	}
	r := &RenderedRelease{Release: Release{Name: name, Namespace: "shop"}}
	set.Releases = append(set.Releases, r)
	return r
}

func objectOf(fields map[string]any, source string) *render.Object {
	meta := mapAt(fields, "metadata")
	o := &render.Object{APIVersion: textAt(fields, "apiVersion"), Kind: textAt(fields, "kind"), Name: textAt(meta, "name"),
		Namespace: textAt(meta, "namespace"), ReadFields: render.Held(fields), Source: source, Line: 1}
	if o.APIVersion == "" {
		o.APIVersion = map[string]string{"Deployment": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1", "ReplicaSet": "apps/v1", "Job": "batch/v1", "CronJob": "batch/v1",
			"Role": "rbac.authorization.k8s.io/v1", "ClusterRole": "rbac.authorization.k8s.io/v1", "RoleBinding": "rbac.authorization.k8s.io/v1",
			"ClusterRoleBinding": "rbac.authorization.k8s.io/v1", "NetworkPolicy": "networking.k8s.io/v1"}[o.Kind]
		if o.APIVersion == "" {
			o.APIVersion = "v1"
		}
	}
	if o.Namespace == "" && !strings.HasPrefix(o.Kind, "Cluster") {
		o.Namespace = "shop"
	}
	if hooks := textsAt(meta, "annotations")["helm.sh/hook"]; hooks != "" {
		o.Hook = strings.Split(hooks, ",")
	}
	fields, packed := o.Pack() // as it comes from a worker
	o.ReadFields, o.Packed = render.Held(fields), packed
	return o
}

// judgeOne judges the workload of the name.
func judgeOne(t testing.TB, set *Set, name string) Judgement {
	t.Helper()
	for _, j := range Judge(set, JudgeOptions{}) {
		if j.Workload.Name == name {
			if len(j.Evidence) == 0 {
				t.Errorf("%s has no evidence", name)
			}
			return j
		}
	}
	t.Fatalf("no workload %s", name)
	return Judgement{}
}

// verdictCase is one workload called web, with what stands around it.
type verdictCase struct {
	objects string
	want    string // verdict and confidence
	kind    string // a kind of evidence that must be among it, or with "!" must not
	summary string // a part of the summary of the first evidence of that kind
}

func runVerdicts(t *testing.T, cases map[string]verdictCase) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := judgeOne(t, setOf(t, c.objects), "web")
			if got := string(j.Verdict) + " " + string(j.Confidence); got != c.want {
				t.Errorf("got %s, want %s\n%s", got, c.want, inWords(j))
			}
			kind, absent := strings.CutPrefix(c.kind, "!")
			at := slices.IndexFunc(j.Evidence, func(e Evidence) bool { return e.Kind == kind })
			switch {
			case c.kind == "":
			case absent && at >= 0:
				t.Errorf("there is evidence of kind %s\n%s", kind, inWords(j))
			case absent:
			case at < 0:
				t.Errorf("no evidence of kind %s\n%s", kind, inWords(j))
			case !strings.Contains(j.Evidence[at].Summary, c.summary):
				t.Errorf("summary %q does not say %q", j.Evidence[at].Summary, c.summary)
			}
		})
	}
}

func inWords(j Judgement) string {
	var lines []string
	for _, e := range j.Evidence {
		lines = append(lines, "  "+e.Kind+": "+e.Summary+" ["+e.Object+"]")
	}
	return strings.Join(lines, "\n")
}

// plain is a Deployment that shows no sign of anything.
const plain = `
kind: Deployment
metadata: {name: web}
spec: {template: {metadata: {labels: {app: web}}, spec: {serviceAccountName: web, containers: [{name: c, image: r/web:1}]}}}
---
kind: ServiceAccount
metadata: {name: web}
`

// bound binds a Role that reads Secrets to ServiceAccount web.
const bound = `
---
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [secrets], verbs: [get]}]
---
kind: RoleBinding
metadata: {name: b}
subjects: [{kind: ServiceAccount, name: web}]
roleRef: {kind: Role, name: reader}
`

func TestJudgeIsSortedAndPure(t *testing.T) {
	t.Parallel()
	text := `
kind: Pod
metadata: {name: b}
spec: {containers: [{name: c, image: i}]}
---
kind: Deployment
metadata: {name: b, namespace: alpha}
spec: {template: {spec: {containers: [{name: c, image: i}]}}}
---
kind: Pod
metadata: {name: a}
spec: {containers: [{name: c, image: i}]}
---
# release: aaa
kind: Pod
metadata: {name: z}
spec: {containers: [{name: c, image: i}]}`
	set, again := setOf(t, text), setOf(t, text)
	var got []string
	for _, j := range Judge(set, JudgeOptions{}) {
		got = append(got, j.Workload.Release+" "+j.Workload.ID())
	}
	want := []string{"app Deployment alpha/b", "aaa Pod shop/z", "app Pod shop/a", "app Pod shop/b"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	fields := cmp.Transformer("Fields", func(read func() map[string]any) map[string]any { return read() })
	if diff := cmp.Diff(again, set, fields); diff != "" {
		t.Errorf("the set was changed (-want +got)\n%s", diff)
	}
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	runVerdicts(t, map[string]verdictCase{
		"a pod without a spec": {`
kind: Deployment
metadata: {name: web}
spec: {replicas: 1}`, "review low", "unreadable", "template"},
		"a pod of the wrong shape": {`
kind: Pod
metadata: {name: web}
spec: {containers: {name: c}}`, "review low", "unreadable", "read the pod"},
		"a binding of its release": {plain + `---
kind: RoleBinding
metadata: {name: torn}
subjects: web`, "review low", "unreadable", "role or binding"},
		"a binding of another release": {plain + `---
# release: other
kind: RoleBinding
metadata: {name: torn}
subjects: web`, "no-token high", "!unreadable", ""},
		"a need outweighs what is hidden": {plain + bound + `---
kind: RoleBinding
metadata: {name: torn}
subjects: web`, "needs-token high", "bound-role", "reads Secrets"},
	})
}

func TestInvalidManifestOfTheReleaseIsNeverNoToken(t *testing.T) {
	t.Parallel()
	set := setOf(t, plain)
	set.Releases[0].Invalid = []render.Invalid{{Source: "chart/templates/odd.yaml", Err: errTest("not YAML")}}
	j := judgeOne(t, set, "web")
	if j.Verdict != Review || j.Evidence[0].Source != "chart/templates/odd.yaml" {
		t.Errorf("%s\n%s", j.Verdict, inWords(j))
	}
}

func TestFailedReleaseOfTheNamespaceLowersConfidence(t *testing.T) {
	t.Parallel()
	set := setOf(t, plain)
	set.Releases = append(set.Releases, &RenderedRelease{Release: Release{Name: "lost", Namespace: "shop", Err: errTest("no chart")}})
	if j := judgeOne(t, set, "web"); j.Verdict != NoToken || j.Confidence != Medium || !strings.Contains(inWords(j), "release lost") {
		t.Errorf("%s %s\n%s", j.Verdict, j.Confidence, inWords(j))
	}
}

type errTest string

func (e errTest) Error() string { return string(e) }

func TestRuleTable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range RuleTable() {
		if seen[r.Name] || r.Name == "" || r.Summary == "" || r.Strength == "" || !strings.HasSuffix(r.Summary, ".") {
			t.Errorf("rule %+v", r)
		}
		seen[r.Name] = true
	}
	if len(seen) < 15 {
		t.Errorf("only %d rules", len(seen))
	}
}
