package live

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// auditEvent writes an event as an API server does.
type auditEvent struct {
	id, stage, verb, uri string
	user, pod            string
	resource, sub        string
	code                 int
	at                   string
}

func (e auditEvent) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":%q,"stage":%q,"requestURI":%q,"verb":%q,"user":{"username":%q,"uid":"b3b1f5b2-6f0e-4a57-9f3f-2f5d3b1d7a11","groups":["system:serviceaccounts","system:authenticated"]`,
		e.id, e.stage, e.uri, e.verb, e.user)
	if e.pod != "" {
		fmt.Fprintf(&b, `,"extra":{"authentication.kubernetes.io/credential-id":["JTI=6a2f"],"authentication.kubernetes.io/node-name":["node-2"],"authentication.kubernetes.io/pod-name":[%q],"authentication.kubernetes.io/pod-uid":["77a1"]}`, e.pod)
	}
	b.WriteString(`},"sourceIPs":["10.42.3.17"],"userAgent":"argocd-server/v0.0.0 (linux/amd64) kubernetes/$Format"`)
	if e.resource != "" {
		fmt.Fprintf(&b, `,"objectRef":{"resource":%q,"namespace":"argocd","name":"argocd-secret","apiVersion":"v1"`, e.resource)
		if e.sub != "" {
			fmt.Fprintf(&b, `,"subresource":%q`, e.sub)
		}
		b.WriteString(`}`)
	}
	if e.code != 0 {
		fmt.Fprintf(&b, `,"responseStatus":{"metadata":{},"code":%d}`, e.code)
	}
	fmt.Fprintf(&b, `,"requestReceivedTimestamp":%q,"stageTimestamp":%q,"annotations":{"authorization.k8s.io/decision":"allow","authorization.k8s.io/reason":"RBAC: allowed by RoleBinding \"argocd-server/argocd\""}}`, e.at, e.at)
	return b.String()
}

func (e auditEvent) with(change func(*auditEvent)) auditEvent {
	change(&e)
	return e
}

// getSecret is one plain call, complete.
func getSecret(n int, at string) auditEvent {
	return auditEvent{
		id: fmt.Sprintf("8f6e6b1a-%04d", n), stage: "ResponseComplete", verb: "get", uri: "/api/v1/namespaces/argocd/secrets/argocd-secret",
		user: "system:serviceaccount:argocd:argocd-server", pod: "argocd-argocd-server-5d8f7c9b4d-x7k2p",
		resource: "secrets", code: 200, at: at,
	}
}

func node(at string) auditEvent {
	return auditEvent{id: "n-" + at, stage: "ResponseComplete", verb: "patch", uri: "/api/v1/nodes/node-2/status", user: "system:node:node-2", resource: "nodes", code: 200, at: at}
}

func lines(events ...auditEvent) string {
	var b strings.Builder
	for _, e := range events {
		b.WriteString(e.String() + "\n")
	}
	return b.String()
}

func read(t *testing.T, log string) *Observations {
	t.Helper()
	var o Observations
	if err := ReadAudit(t.Context(), strings.NewReader(log), "audit.log", &o); err != nil {
		t.Fatal(err)
	}
	return &o
}

func utc(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestReadAudit(t *testing.T) {
	t.Parallel()
	watch := getSecret(7, "2026-03-24T09:00:00.000000Z").with(func(e *auditEvent) {
		e.stage, e.verb, e.resource, e.uri = "ResponseStarted", "watch", "pods", "/api/v1/pods?watch=true"
	})
	o := read(t, lines(
		node("2026-03-01T00:00:00.000001Z"),
		getSecret(1, "2026-03-02T10:00:00.000000Z"),
		getSecret(2, "2026-03-03T10:00:00.000000Z"),
		watch,
		watch.with(func(e *auditEvent) { e.stage, e.at = "ResponseComplete", "2026-03-24T09:07:31.123456Z" }),
		getSecret(8, "2026-03-25T10:00:00.500000Z").with(func(e *auditEvent) {
			e.code, e.verb, e.resource, e.sub, e.pod = 403, "update", "applications", "status", ""
		}),
		getSecret(9, "2026-03-20T10:00:00.000000Z").with(func(e *auditEvent) { e.resource, e.uri = "", "/openapi/v2?timeout=32s" }),
		node("2026-03-25T23:59:59.000000Z"),
	))
	got, ok := o.Calls("argocd", "argocd-server")
	if !ok {
		t.Fatal("the account was not seen")
	}
	want := Calls{
		Count: 5, Refused: 1, Unbound: 1,
		Verbs: []string{"get secrets", "get /openapi", "update applications/status", "watch pods"},
		Last:  utc("2026-03-25T10:00:00.5Z"),
		Pods:  []string{"argocd-argocd-server-5d8f7c9b4d-x7k2p"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	first, last := o.Span()
	if first != utc("2026-03-01T00:00:00.000001Z") || last != utc("2026-03-25T23:59:59Z") {
		t.Errorf("span %s to %s", first, last)
	}
	if _, ok := o.Calls("argocd", "argocd-repo-server"); ok {
		t.Error("an account that does not call is seen calling")
	}
	if p := o.Problems(); len(p) != 0 {
		t.Errorf("problems: %q", p)
	}
}

func TestStagesCountOnce(t *testing.T) {
	t.Parallel()
	call := getSecret(1, "2026-03-02T10:00:00Z")
	stage := func(id, name string) auditEvent {
		return call.with(func(e *auditEvent) { e.id, e.stage = id, name })
	}
	for _, c := range []struct {
		name   string
		events []auditEvent
		want   int
	}{
		{"all stages", []auditEvent{stage("a", "RequestReceived"), stage("a", "ResponseStarted"), stage("a", "ResponseComplete")}, 1},
		{"interleaved", []auditEvent{stage("a", "RequestReceived"), stage("b", "RequestReceived"), stage("b", "ResponseComplete"), stage("a", "Panic")}, 2},
		{"only the first stage is recorded", []auditEvent{stage("a", "RequestReceived"), stage("b", "RequestReceived")}, 2},
		{"a watch that outlives the log", []auditEvent{stage("a", "ResponseStarted")}, 1},
		{"an identifier used again", []auditEvent{stage("a", "ResponseComplete"), stage("a", "ResponseComplete")}, 2},
		{"no identifier", []auditEvent{stage("", "RequestReceived"), stage("", "ResponseComplete")}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, _ := read(t, lines(c.events...)).Calls("argocd", "argocd-server")
			if got.Count != c.want {
				t.Errorf("counted %d calls, want %d", got.Count, c.want)
			}
		})
	}
}

// TestShapes reads the same three events in every shape that they come in.
func TestShapes(t *testing.T) {
	t.Parallel()
	a, b, c := node("2026-03-01T00:00:00Z").String(), getSecret(1, "2026-03-02T10:00:00Z").String(), getSecret(2, "2026-03-03T10:00:00Z").String()
	list := `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[` + strings.Join([]string{a, b, c}, ",") + `]}`
	printed := func(e string) string {
		return "{\n  " + strings.ReplaceAll(strings.TrimPrefix(e, "{"), `,"`, ",\n  \"") + "\n"
	}
	for name, log := range map[string]string{
		"lines":             a + "\n" + b + "\n" + c + "\n",
		"no last newline":   a + "\n" + b + "\n" + c,
		"windows":           "\ufeff" + a + "\r\n" + b + "\r\n\r\n" + c + "\r\n",
		"list":              list,
		"lists":             list[:len(list)-len(c)-3] + "]}\n" + strings.Replace(list, a+","+b+",", "", 1) + "\n",
		"list and lines":    list[:len(list)-len(c)-3] + "]}\n" + c + "\n",
		"array":             "[" + a + ",\n" + b + ",\n" + c + "]\n",
		"printed":           printed(a) + printed(b) + printed(c),
		"printed list":      "{\n  \"items\" : [\n" + printed(a) + ",\n" + printed(b) + ",\n" + printed(c) + "\n  ],\n  \"kind\": \"EventList\"\n}\n",
		"packed":            packed(a+"\n"+b+"\n", c+"\n"),
		"other field order": a + "\n" + strings.Replace(b, `{"kind":"Event",`, `{`, 1) + "\n" + c,
		"spaces":            strings.ReplaceAll(a+"\n"+b+"\n"+c+"\n", `":"`, `": "`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := read(t, log)
			calls, _ := o.Calls("argocd", "argocd-server")
			first, last := o.Span()
			if calls.Count != 2 || first != utc("2026-03-01T00:00:00Z") || last != utc("2026-03-03T10:00:00Z") || len(o.Problems()) > 0 {
				t.Errorf("%d calls, %s to %s, problems %q", calls.Count, first, last, o.Problems())
			}
		})
	}
}

// packed returns parts as gzip members one after the other, as rotated logs are put together.
func packed(parts ...string) string {
	var b bytes.Buffer
	for _, p := range parts {
		w := gzip.NewWriter(&b)
		_, _ = io.WriteString(w, p)
		_ = w.Close()
	}
	return b.String()
}

func TestBrokenLogs(t *testing.T) {
	t.Parallel()
	a, b := getSecret(1, "2026-03-02T10:00:00Z").String(), getSecret(2, "2026-03-03T10:00:00Z").String()
	other := strings.ReplaceAll(b, "argocd-server", "cut-off")
	list := `{"kind":"EventList","items":[` + a + "," + b + "]}"
	long := strings.Replace(other, `"annotations"`, `"responseObject":{"data":"`+strings.Repeat("x", longestEvent)+`"},"annotations"`, 1)
	whole := packed(a + "\n" + b + "\n")
	for _, c := range []struct {
		name, log string
		want      int
		problems  []string
	}{
		{"cut in an event", a + "\n" + other[:400], 1, []string{"audit.log:2: the audit log is cut off or damaged here; what comes before was read"}},
		{"cut after a brace", a + "\n" + b + "\n{", 2, []string{"audit.log:3: the audit log is cut off or damaged here; what comes before was read"}},
		{"cut list", list[:len(list)-40] + "\n" + b, 2, []string{"audit.log:1: 1 audit event could not be read and was left out"}},
		{"cut list at the end", list[:len(list)-40], 1, []string{"audit.log:1: the audit log is cut off or damaged here; what comes before was read"}},
		{"junk", "\x00\x00\x00\n" + a + "\n{}\n[]\nnull\n\"system:serviceaccount:a:b\"\n" + b + "\n", 2, []string{"audit.log:1: 4 audit events could not be read and were left out; this is the first"}},
		{"long line", long + "\n" + a + "\n", 1, []string{"audit.log:1: 1 audit event longer than 1 MiB was left out"}},
		{"long element", `{"kind":"EventList","items":[` + long + "," + a + "," + long + "]}", 1, []string{"audit.log:1: 2 audit events longer than 1 MiB were left out; this is the first"}},
		{"cut gzip", whole[:len(whole)-6], 2, []string{"audit.log:3: the audit log is cut off or damaged here; what comes before was read"}},
		{"changed gzip", whole[:len(whole)-8] + "12345678", 2, []string{"audit.log:3: the audit log is cut off or damaged here; what comes before was read"}},
		{"something behind gzip", whole + "more", 2, []string{"audit.log:3: the audit log is cut off or damaged here; what comes before was read"}},
		{"elements of other kinds", `{"kind":"EventList","items":[1,null,` + a + `,"x",[1,{"a":2}],` + b + "]}", 2, []string{"audit.log:1: 4 audit events could not be read and were left out; this is the first"}},
		{"empty", "", 0, []string{"audit.log: the audit log is empty"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := read(t, c.log)
			got, _ := o.Calls("argocd", "argocd-server")
			if got.Count != c.want {
				t.Errorf("counted %d calls, want %d", got.Count, c.want)
			}
			if d := cmp.Diff(c.problems, o.Problems()); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestLostCallsAreNotSilence reads a day of log in which the only call of an account is lost.
func TestLostCallsAreNotSilence(t *testing.T) {
	t.Parallel()
	call := strings.ReplaceAll(getSecret(2, "2026-03-01T10:00:00Z").String(), "argocd-server", "lost")
	long := strings.Replace(call, `"annotations"`, `"responseObject":"`+strings.Repeat("x", longestEvent)+`","annotations"`, 1)
	day := hourly("2026-03-01T00:30:00Z", 24)
	for name, log := range map[string]string{"cut": day + call[:400], "broken": call[:400] + "\n" + day, "long": long + "\n" + day} {
		o := read(t, log)
		if _, seen := o.Calls("argocd", "lost"); seen || o.Silent("argocd", "lost") || !o.Silent("argocd", "another") {
			t.Errorf("%s: the account is seen (%t) or silent, or another is not silent", name, seen)
		}
	}
}

func TestReadAuditErrors(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	broken := errors.New("the disk is gone")
	for _, c := range []struct {
		name string
		ctx  context.Context
		in   io.Reader
		is   error
		says string
	}{
		{"another file", t.Context(), strings.NewReader("apiVersion: v1\nkind: List\n"), nil, "read audit log x: it holds no audit event in 2 lines; it must be the API server's log"},
		{"other JSON", t.Context(), strings.NewReader(`{"kind":"Pod","apiVersion":"v1"}`), nil, "holds no audit event in 1 line;"},
		{"no gzip", t.Context(), strings.NewReader("\x1f\x8b and no more than this"), gzip.ErrHeader, "read audit log x: "},
		{"unreadable", t.Context(), io.MultiReader(strings.NewReader(lines(node("2026-03-01T00:00:00Z"))), iotest.ErrReader(broken)), broken, "read audit log x: "},
		{"stopped", ended, strings.NewReader("{}"), context.Canceled, "read audit log x: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := ReadAudit(c.ctx, c.in, "x", &Observations{})
			if err == nil || !strings.Contains(err.Error(), c.says) || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestForeignFieldsDoNotCount holds the reader to the caller: accounts that are
// only talked about were not seen.
func TestForeignFieldsDoNotCount(t *testing.T) {
	t.Parallel()
	const account = "system:serviceaccount:argocd:argocd-server"
	admin := node("2026-03-02T10:00:00Z").with(func(e *auditEvent) { e.user = "kubernetes-admin" }).String()
	o := read(t, strings.Join([]string{
		strings.Replace(admin, `"sourceIPs"`, `"impersonatedUser":{"username":"`+account+`"},"sourceIPs"`, 1),
		strings.Replace(admin, `"requestReceived`, `"requestObject":{"kind":"SubjectAccessReview","user":{"username":"`+account+`"},"spec":{"user":"`+account+`"}},"requestReceived`, 1),
		strings.Replace(admin, "kubernetes-admin", `x\",\"username\":\"`+account, 1),
	}, "\n"))
	if c, ok := o.Calls("argocd", "argocd-server"); ok {
		t.Errorf("seen: %+v", c)
	}
}
