package analysis

import (
	"fmt"
	"strings"
	"testing"

	"tokenward/analysis/render"
)

// object makes one of many objects of namespace shop.
func object(kind, name string, fields map[string]any) *render.Object {
	fields["kind"], fields["metadata"] = kind, map[string]any{"name": name}
	return objectOf(fields, "chart/templates/all.yaml")
}

func manyAs(account string, n int) []*render.Object {
	var out []*render.Object
	for i := range n {
		name := fmt.Sprintf("d%04d", i)
		container := map[string]any{"name": "c", "image": "r/" + name}
		out = append(out, object("Deployment", name, map[string]any{"spec": map[string]any{"template": map[string]any{"spec": map[string]any{
			"serviceAccountName": account, "containers": []any{container}}}}}))
	}
	return out
}

// manyBindings binds n roles to a subject, of which the manifests hold those that rendered tells.
func manyBindings(subject map[string]any, n int, rendered func(int) bool) []*render.Object {
	var out []*render.Object
	for i := range n {
		name := fmt.Sprintf("r%04d", i)
		out = append(out, object("RoleBinding", name, map[string]any{"subjects": []any{subject}, "roleRef": map[string]any{"kind": "Role", "name": name}}))
		if rendered(i) {
			out = append(out, object("Role", name, map[string]any{"rules": []any{map[string]any{
				"apiGroups": []any{""}, "resources": []any{"pods"}, "verbs": []any{"get"}}}}))
		}
	}
	return out
}

func judgeAll(objects ...[]*render.Object) []Judgement {
	r := &RenderedRelease{Release: Release{Name: "app", Namespace: "shop"}}
	for _, o := range objects {
		r.Objects = append(r.Objects, o...)
	}
	return Judge(&Set{Releases: []*RenderedRelease{r}}, JudgeOptions{})
}

func always(int) bool { return true }

func TestManyWorkloadsOfAnAccountWithManyRoles(t *testing.T) {
	t.Parallel()
	const n = 1500
	all := judgeAll(manyBindings(map[string]any{"kind": "ServiceAccount", "name": "web"}, n, always), manyAs("web", n))
	if len(all) != n {
		t.Fatalf("%d judgements", len(all))
	}
	for _, j := range all {
		words := inWords(j)
		if j.Verdict != Review || strings.Count(words, "reads Pods") != maxBindings || strings.Count(words, "is bound to Role shop/r") != maxBindings || !strings.Contains(words, "and 1450 more bindings") {
			t.Fatalf("%s is %s\n%s", j.Workload.Name, j.Verdict, words)
		}
	}
}

// What is not shown weighs as much as what is.
func TestManyBindingsWeighAll(t *testing.T) {
	t.Parallel()
	account, group := map[string]any{"kind": "ServiceAccount", "name": "web"}, map[string]any{"kind": "Group", "name": "system:serviceaccounts"}
	last := func(i int) bool { return i == maxBindings+10 }
	never := func(int) bool { return false }
	for name, tc := range map[string]struct {
		subject  map[string]any
		rendered func(int) bool
		n        int
		want     Confidence
		more     string
	}{
		"all are shown":               {account, always, maxBindings, High, ""},
		"the last is rendered":        {account, last, maxBindings + 11, High, "and 11 more bindings"},
		"none is":                     {account, never, maxBindings + 11, Medium, "and 11 more bindings"},
		"the group's":                 {group, always, maxBindings + 1, Medium, "and 1 more binding"},
		"the group's, none to be cut": {group, always, maxBindings, Medium, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := judgeAll(manyBindings(tc.subject, tc.n, tc.rendered), manyAs("web", 1))[0]
			words := inWords(j)
			if j.Verdict != NeedsToken || j.Confidence != tc.want || !strings.Contains(words, tc.more) || tc.more == "" && strings.Contains(words, "more binding") {
				t.Errorf("%s %s, want %s and %q\n%s", j.Verdict, j.Confidence, tc.want, tc.more, words)
			}
		})
	}
}

func TestManyWorkloadsOfAnAccount(t *testing.T) {
	t.Parallel()
	const n = 6000
	all := judgeAll(manyBindings(map[string]any{"kind": "ServiceAccount", "name": "web"}, 1, always), manyAs("web", n))
	for i, want := range map[int]string{
		0:     "with Deployment d0001, Deployment d0002, Deployment d0003 and 5996 more; nothing tells",
		2:     "with Deployment d0000, Deployment d0001, Deployment d0003 and 5996 more; nothing tells",
		n - 1: "with Deployment d0000, Deployment d0001, Deployment d0002 and 5996 more; nothing tells",
	} {
		if words := inWords(all[i]); !strings.Contains(words, want) {
			t.Errorf("%s: want %q\n%s", all[i].Workload.Name, want, words)
		}
	}
	hook := object("Job", "hook", map[string]any{"spec": map[string]any{"template": map[string]any{"spec": map[string]any{
		"serviceAccountName": "web", "containers": []any{map[string]any{"name": "c", "image": "i", "command": []any{"kubectl"}}}}}}})
	hook.Hook = []string{"pre-install"}
	all = judgeAll(manyBindings(map[string]any{"kind": "ServiceAccount", "name": "web"}, 1, always), manyAs("web", 2), []*render.Object{hook})
	if words := inWords(all[0]); !strings.Contains(words, "with Job hook, to which the rights belong") {
		t.Errorf("beside a hook that calls the API\n%s", words)
	}
}

func TestManyWorkloadsOfAChartThatSetTrue(t *testing.T) {
	t.Parallel()
	const n = 6000
	all := manyAs("web", n)
	for _, o := range all {
		o.Fields()["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)["automountServiceAccountToken"] = true
	}
	for _, j := range judgeAll(all) {
		if words := inWords(j); !strings.Contains(words, "as its chart does on all its 6000 workloads") {
			t.Fatalf("%s\n%s", j.Workload.Name, words)
		}
	}
}

func TestManyUnreadableRoles(t *testing.T) {
	t.Parallel()
	const n = 2000
	var broken []*render.Object
	for i := range n {
		broken = append(broken, object("Role", fmt.Sprintf("r%04d", i), map[string]any{"rules": "none"}))
	}
	for _, j := range judgeAll(broken, manyAs("web", n)) {
		words := inWords(j)
		if j.Verdict != Review || strings.Count(words, "could not be read") != maxUnread+1 || !strings.Contains(words, "more of its release could not be read: 1950 roles") {
			t.Fatalf("%s is %s\n%s", j.Workload.Name, j.Verdict, words)
		}
	}
}
