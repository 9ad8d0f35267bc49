package policy

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestEngineAgreement compares every case with what the engine's command line answered
// when the case was recorded. See record_test.go for how to renew the answers.
func TestEngineAgreement(t *testing.T) {
	t.Parallel()
	cases := readCases(t)
	if len(cases) < 40 {
		t.Fatalf("%d cases, want at least 40", len(cases))
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.recorded == nil {
				t.Fatal("no answers of the engine are recorded for this case")
			}
			got := ourAnswers(t, c)
			want := *c.recorded
			if len(want.Skipped) > 0 {
				want.Rules = got.Rules // the engine counts the rules that it then skips
			}
			want.Rejected = append(slices.Clone(want.Rejected), want.Skipped...)
			want.Skipped = nil
			slices.Sort(want.Rejected)
			if diff := cmp.Diff(&want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("engine (-) and our evaluation (+) differ:\n%s", diff)
			}
		})
	}
}

// ourAnswers evaluates a case and puts the result into the form of a recording.
func ourAnswers(t *testing.T, c *engineCase) *recording {
	t.Helper()
	p, err := Load(objectsOf(t, c.policies, c.namespaces), DefaultNames())
	if err != nil {
		t.Fatal(err)
	}
	out := &recording{Rules: ruleCount(p)}
	for _, w := range p.Warnings() {
		if id, _, ok := strings.Cut(w, " is not taken by the policy engine"); ok {
			_, name, _ := strings.Cut(id, " ")
			out.Rejected = append(out.Rejected, name[strings.Index(name, "/")+1:])
		}
	}
	slices.Sort(out.Rejected)
	for _, obj := range c.resources {
		admitted := p.Admit(obj)
		a := answer{Object: nameOf(obj), Fields: changedFields(obj, admitted)}
		for _, v := range p.Validate(admitted) {
			a.Violations = append(a.Violations, v.Policy+"/"+v.Rule)
		}
		slices.Sort(a.Violations)
		out.Answers = append(out.Answers, a)
	}
	for _, namespace := range c.scopes() {
		if p.HardensDefault(namespace) {
			out.HardensDefault = append(out.HardensDefault, namespace)
		}
	}
	return out
}

// ruleCount is the number of rules, those that the engine generates for pod controllers
// included, and those left out that are called like them: only they look at Pods.
func ruleCount(p *Policies) int {
	n := 0
	for _, pol := range p.policies {
		for _, r := range pol.rules {
			if r.validates == nil || !r.validates("Pod") {
				n++
			}
		}
	}
	return n
}

// scopes returns the namespaces of the case's resources, sorted.
func (c *engineCase) scopes() []string {
	var out []string
	for _, obj := range c.resources {
		if namespace, _ := dig(obj, "metadata", "namespace").(string); namespace != "" {
			out = append(out, namespace)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
