package live

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// reportJSON is a list as kubectl prints it: a report about one object, an older
// one with the objects in its results, and one about the cluster.
const reportJSON = `{
    "apiVersion": "v1",
    "items": [
        {
            "apiVersion": "wgpolicyk8s.io/v1alpha2",
            "kind": "PolicyReport",
            "metadata": {
                "creationTimestamp": "2026-03-01T08:00:00Z",
                "labels": {"app.kubernetes.io/managed-by": "kyverno"},
                "name": "5d3c1a90-2f4c-4f43-9a39-4a2c7a1a7f10",
                "namespace": "shop",
                "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "web-5d8f7c9b4d-x7k2p"}]
            },
            "results": [
                {
                    "category": "Pod Security",
                    "message": "validation error: automountServiceAccountToken\n  must be false.",
                    "policy": "disallow-auto-mount-service-account-token",
                    "properties": {"process": "background scan"},
                    "result": "fail",
                    "rule": "automount-pods",
                    "scored": true,
                    "severity": "medium",
                    "source": "kyverno",
                    "timestamp": {"nanos": 0, "seconds": 1774432800}
                },
                {"policy": "disallow-privileged", "rule": "privileged", "result": "fail", "message": "no"},
                {"policy": "disallow-auto-mount-service-account-token", "rule": "automount-service-accounts", "result": "pass"}
            ],
            "scope": {"apiVersion": "v1", "kind": "Pod", "name": "web-5d8f7c9b4d-x7k2p", "namespace": "shop", "uid": "5d3c1a90"},
            "summary": {"error": 0, "fail": 2, "pass": 1, "skip": 0, "warn": 0}
        },
        {
            "apiVersion": "wgpolicyk8s.io/v1beta1",
            "kind": "PolicyReport",
            "metadata": {"name": "cpol-disallow-auto-mount", "namespace": "argocd"},
            "results": [
                {
                    "message": "warned", "policy": "disallow-auto-mount-service-account-token", "result": "warn", "rule": "automount-service-accounts",
                    "resources": [
                        {"apiVersion": "v1", "kind": "ServiceAccount", "name": "argocd-server", "namespace": "argocd"},
                        {"apiVersion": "v1", "kind": "ServiceAccount", "name": "default", "namespace": "argocd"}
                    ],
                    "timestamp": {"seconds": 1774432801, "nanos": 5}
                }
            ]
        },
        {
            "apiVersion": "openreports.io/v1alpha1", "kind": "ClusterReport", "metadata": {"name": "all"},
            "results": [{"policy": "security/disallow-auto-mount-service-account-token", "result": "fail", "rule": "x", "resources": [{"kind": "Namespace", "name": "shop"}], "timestamp": "2026-03-25T10:00:00Z"}]
        },
        {"apiVersion": "apps/v1", "kind": "Report", "metadata": {"name": "of somebody else"}, "results": 7}
    ],
    "kind": "List",
    "metadata": {"resourceVersion": ""}
}
`

const reportYAML = `apiVersion: v1
items:
- apiVersion: wgpolicyk8s.io/v1alpha2
  kind: PolicyReport
  metadata:
    name: "one"
    namespace: shop
  results:
  - message: |
      says
      ---
      items:
    policy: disallow-auto-mount-service-account-token
    result: fail
    rule: automount-pods
    timestamp:
      nanos: 0
      seconds: 1774432800
  scope:
    kind: StatefulSet
    name: db
    namespace: shop
- apiVersion: v1
  kind: Event
  metadata: {name: web-0.17, namespace: shop}
  reason: PolicyViolation
  involvedObject: {kind: Pod, name: web-0, namespace: shop}
  message: 'policy disallow-auto-mount-service-account-token/automount-pods fail: must be false'
kind: List
metadata:
  resourceVersion: ""
`

// eventJSON holds what the policy engine writes for one violation: at the object,
// at the policy, and at the policy in the other API's form.
const eventJSON = `{"apiVersion":"v1","kind":"List","items":[
{"apiVersion":"v1","kind":"Event","metadata":{"name":"web.1","namespace":"shop","creationTimestamp":"2026-03-25T09:00:00Z"},
 "action":"Resource Passed","count":1,"eventTime":"2026-03-25T09:00:00.123456Z","firstTimestamp":null,"lastTimestamp":null,
 "involvedObject":{"apiVersion":"apps/v1","kind":"Deployment","name":"web","namespace":"shop"},
 "message":"policy disallow-auto-mount-service-account-token/automount-pods fail: validation error: must be false. rule automount-pods failed at path /spec/",
 "reason":"PolicyViolation","reportingComponent":"kyverno-admission","source":{},"type":"Warning"},
{"apiVersion":"v1","kind":"Event","metadata":{"name":"disallow.2","namespace":"default"},"reason":"PolicyViolation","lastTimestamp":"2026-03-25T10:00:00Z",
 "involvedObject":{"apiVersion":"kyverno.io/v1","kind":"ClusterPolicy","name":"disallow-auto-mount-service-account-token"},
 "message":"Deployment shop/web: [automount-pods] fail; validation error: must be false."},
{"apiVersion":"events.k8s.io/v1","kind":"Event","metadata":{"name":"disallow.3","namespace":"default"},"reason":"PolicyViolation",
 "regarding":{"kind":"ClusterPolicy","name":"disallow-auto-mount-service-account-token"},"related":{"kind":"Pod","name":"web-0","namespace":"shop"},
 "note":"Pod shop/web-0: [automount-pods] fail (blocked); no","eventTime":"2026-03-25T10:00:00.000000Z","series":{"count":4,"lastObservedTime":"2026-03-26T10:00:00.000000Z"}},
{"apiVersion":"v1","kind":"Event","metadata":{"name":"web.4","namespace":"shop"},"reason":"BackOff","involvedObject":{"kind":"Pod","name":"web-0"},"message":"Back-off restarting"},
{"apiVersion":"v1","kind":"Event","metadata":{"name":"web.5","namespace":"shop"},"reason":"PolicyViolation","involvedObject":{"kind":"Pod","name":"web-0"},"message":"something else"}
]}`

const hardening = "disallow-auto-mount-service-account-token"

func violations(t *testing.T, in string) *Violations {
	t.Helper()
	v := &Violations{Policies: []string{hardening}}
	if err := ReadViolations(t.Context(), strings.NewReader(in), "in.json", v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestReadReports(t *testing.T) {
	t.Parallel()
	want := []Violation{
		{"security/" + hardening, "x", "Namespace", "", "shop"},
		{hardening, "automount-service-accounts", "ServiceAccount", "argocd", "argocd-server"},
		{hardening, "automount-service-accounts", "ServiceAccount", "argocd", "default"},
		{hardening, "automount-pods", "Pod", "shop", "web-5d8f7c9b4d-x7k2p"},
	}
	for name, in := range map[string]string{"json": reportJSON, "gzip": packed(reportJSON), "twice": reportJSON + reportJSON, "documents": strings.Replace(reportJSON, `"items"`, `"results":[],"items"`, 1)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := violations(t, in)
			if d := cmp.Diff(want, v.All()); d != "" {
				t.Error(d)
			}
			if len(v.Problems()) > 0 {
				t.Errorf("problems %q", v.Problems())
			}
		})
	}
	if got := len(violations(t, reportJSON).All()); got != len(want) {
		t.Errorf("%d violations", got)
	}
}

func TestReadReportsOfAllPolicies(t *testing.T) {
	t.Parallel()
	var v Violations
	if err := ReadViolations(t.Context(), strings.NewReader(reportJSON), "in.json", &v); err != nil {
		t.Fatal(err)
	}
	if got := len(v.All()); got != 5 {
		t.Errorf("%d violations, want 5", got)
	}
}

func TestReadYAML(t *testing.T) {
	t.Parallel()
	want := []Violation{
		{hardening, "automount-pods", "Pod", "shop", "web-0"},
		{hardening, "automount-pods", "StatefulSet", "shop", "db"},
	}
	single := strings.ReplaceAll(reportYAML[strings.Index(reportYAML, "- api"):strings.Index(reportYAML, "kind: List")], "\n  ", "\n")
	single = strings.ReplaceAll(strings.TrimPrefix(single, "- "), "\n- api", "\n---\napi")
	for name, in := range map[string]string{
		"list":         reportYAML,
		"list of list": "# a comment\n---\n" + reportYAML + "---\n" + reportYAML + "...\n",
		"documents":    single,
		"end unread":   strings.Replace(reportYAML, "resourceVersion:", "unread: [", 1),
		"windows":      strings.ReplaceAll(reportYAML, "\n", "\r\n"),
		"indented":     indented(reportYAML),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := violations(t, in)
			if d := cmp.Diff(want, v.All()); d != "" {
				t.Error(d)
			}
			if len(v.Problems()) > 0 {
				t.Errorf("problems %q", v.Problems())
			}
		})
	}
}

// indented moves a list's elements to the right, as other writers do.
func indented(list string) string {
	var b strings.Builder
	for line := range strings.Lines(list) {
		if strings.HasPrefix(line, "- ") || strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "  resourceVersion") {
			b.WriteString("  ")
		}
		b.WriteString(line)
	}
	return b.String()
}

func TestReadEvents(t *testing.T) {
	t.Parallel()
	v := violations(t, eventJSON)
	want := []Violation{
		{hardening, "automount-pods", "Deployment", "shop", "web"},
		{hardening, "automount-pods", "Pod", "shop", "web-0"},
	}
	if d := cmp.Diff(want, v.All()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"in.json: 1 PolicyViolation event without a policy and an object in a known form was left out"}, v.Problems()); d != "" {
		t.Error(d)
	}
}

func TestEventTexts(t *testing.T) {
	t.Parallel()
	policy, pod := &reference{"ClusterPolicy", "", "p"}, &reference{"Pod", "shop", "web"}
	for _, c := range []struct {
		about *reference
		text  string
		want  eventText
		ok    bool
	}{
		{pod, "policy p/r fail: m: n", eventText{"p", "r", *pod}, true},
		{pod, "policy p/ fail: m", eventText{"p", "", *pod}, true},
		{pod, "policy p/a rule with spaces fail: m", eventText{"p", "a rule with spaces", *pod}, true},
		{policy, "Pod shop/web: [r] fail", eventText{"p", "r", *pod}, true},
		{policy, "Pod shop/web: [r] warn; m\nn", eventText{"p", "r", *pod}, true},
		{policy, "Pod shop/web: fail; m", eventText{"p", "", *pod}, true},
		{policy, "ClusterRole system:node: [r] fail; m", eventText{"p", "r", reference{"ClusterRole", "", "system:node"}}, true},
		{policy, "Pod shop/web: pass", eventText{policy: "p"}, false},
		{pod, "Pod shop/web: [r] fail", eventText{}, false},
		{&reference{"NetworkPolicy", "shop", "deny"}, "policy p/r fail: m", eventText{"p", "r", reference{"NetworkPolicy", "shop", "deny"}}, true},
	} {
		got, ok := says(c.about, nil, c.text)
		if d := cmp.Diff(c.want, got, cmp.AllowUnexported(eventText{})); ok != c.ok || d != "" {
			t.Errorf("%q: %t\n%s", c.text, ok, d)
		}
	}
}

func TestEventsNameTheRelatedObject(t *testing.T) {
	t.Parallel()
	policy, pod := &reference{"ClusterPolicy", "", "p"}, &reference{"Pod", "shop", "web"}
	for text, want := range map[string]eventText{
		"Pod shop/we: [r] fail; cut": {"p", "r", *pod},
		"in words of its own":        {"p", "", *pod},
	} {
		got, ok := says(policy, pod, text)
		if d := cmp.Diff(want, got, cmp.AllowUnexported(eventText{})); !ok || d != "" {
			t.Errorf("%q: %t\n%s", text, ok, d)
		}
	}
}

func TestBrokenReports(t *testing.T) {
	t.Parallel()
	long := `{"apiVersion":"wgpolicyk8s.io/v1alpha2","kind":"PolicyReport","results":[],"x":"` + strings.Repeat("x", longestObject) + `"}`
	damagedYAML := strings.Replace(reportYAML, "  scope:\n", "  scope: [\n", 1)
	for _, c := range []struct {
		name, in string
		want     int
		problems []string
	}{
		{"cut", reportJSON[:strings.Index(reportJSON, `"openreports.io`)], 3, []string{"in.json:49: the input is cut off or damaged here; what comes before was read"}},
		{"text behind", reportJSON + "that was all\n", 4, []string{"in.json:57: the input is cut off or damaged here; what comes before was read"}},
		{"wrong types", strings.Replace(reportJSON, `"results": [
                {
                    "message"`, `"results": [7, {
                    "message"`, 1), 2, []string{"in.json:33: 1 object could not be read and was left out"}},
		{"huge", `{"items":[` + long + `,{"kind":"PolicyReport"}]}`, 0, []string{"in.json:1: 1 object longer than 8 MiB was left out"}},
		{"yaml", damagedYAML, 1, []string{"in.json:3: 1 object could not be read and was left out"}},
		{"empty", "", 0, []string{"in.json: the input is empty"}},
		{"no reports", `{"apiVersion":"v1","items":[],"kind":"List"}`, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v := violations(t, c.in)
			if got := len(v.All()); got != c.want {
				t.Errorf("%d violations, want %d", got, c.want)
			}
			if d := cmp.Diff(c.problems, v.Problems()); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestReadViolationsErrors(t *testing.T) {
	t.Parallel()
	gone := errors.New("the disk is gone")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for in, want := range map[string]string{
		`{"kind":"Pod","apiVersion":"v1"}`: "read policy reports from x: it holds neither a policy report nor an event; print them with",
		"No resources found\n":             "holds neither",
		"a: [":                             "holds neither",
	} {
		err := ReadViolations(t.Context(), strings.NewReader(in), "x", &Violations{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", in, err)
		}
	}
	if err := ReadViolations(t.Context(), iotest.ErrReader(gone), "x", &Violations{}); !errors.Is(err, gone) {
		t.Error(err)
	}
	if err := ReadViolations(ended, strings.NewReader("{}"), "x", &Violations{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestViolationBound(t *testing.T) {
	t.Parallel()
	var in strings.Builder
	for n := range 6 {
		fmt.Fprintf(&in, `{"kind":"PolicyReport","apiVersion":"wgpolicyk8s.io/v1alpha2","scope":{"kind":"Pod","name":"web-%d"},"results":[{"policy":"p","result":"fail"}]}`+"\n", n)
	}
	v := &Violations{limit: 4}
	if err := ReadViolations(t.Context(), strings.NewReader(in.String()), "x", v); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"there are more than 4 violations; further ones were left out"}, v.Problems()); d != "" || len(v.All()) != 4 {
		t.Errorf("%d violations\n%s", len(v.All()), d)
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	one := Violation{Policy: "p", Rule: "r", Kind: "Pod", Namespace: "shop", Name: "web-5d8f7c9b4d-x7k2p"}
	two, other := one, one
	two.Name = "web-6c9d5b7f8-qq4zl"
	other.Name = "db-0"
	want := []Group{
		{"p", "r", "Pod", "shop", "db", []string{"db-0"}},
		{"p", "r", "Pod", "shop", "web", []string{one.Name, two.Name}},
	}
	if d := cmp.Diff(want, Groups([]Violation{two, one, other, one})); d != "" {
		t.Error(d)
	}
}
