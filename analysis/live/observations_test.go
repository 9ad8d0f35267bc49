package live

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// hourly is a log in which a node says something every hour, and one account once.
func hourly(from string, hours int) string {
	var b strings.Builder
	b.WriteString(lines(getSecret(1, from)))
	for h := range hours + 1 {
		b.WriteString(lines(node(utc(from).Add(time.Duration(h) * time.Hour).Format(time.RFC3339Nano))))
	}
	return b.String()
}

func TestSilent(t *testing.T) {
	t.Parallel()
	const start = "2026-03-01T00:30:00Z"
	for _, c := range []struct {
		name    string
		log     string
		minSpan time.Duration
		want    bool
	}{
		{"a day", hourly(start, 24), 0, true},
		{"not quite a day", hourly(start, 23), 0, false},
		{"a day where two are asked for", hourly(start, 24), 48 * time.Hour, false},
		{"two hours a month apart", hourly(start, 1) + hourly("2026-04-01T00:30:00Z", 1), 0, false},
		{"two half days a month apart", hourly(start, 12) + hourly("2026-04-01T00:30:00Z", 12), 0, true},
		{"one event of a strange time", hourly(start, 2) + lines(node("9999-12-31T23:00:00Z")), 0, false},
		{"no account at all", lines(node(start)) + strings.SplitN(hourly(start, 30), "\n", 2)[1], 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := read(t, c.log)
			o.MinSpan = c.minSpan
			if got := o.Silent("argocd", "argocd-redis"); got != c.want {
				t.Errorf("silent is %t with %s covered", got, o.Covered())
			}
			if o.Silent("argocd", "argocd-server") && strings.Contains(c.log, "argocd:argocd-server") {
				t.Error("an account that called is silent")
			}
		})
	}
	var none Observations
	if first, last := none.Span(); none.Silent("a", "b") || !first.IsZero() || !last.IsZero() {
		t.Error("no log at all says something")
	}
}

func TestSilenceInWords(t *testing.T) {
	t.Parallel()
	for hours, want := range map[int]string{
		26:  "made no call in 26 hours of audit log (2026-03-01 to 2026-03-02)",
		600: "made no call in 25 days of audit log (2026-03-01 to 2026-03-26)",
	} {
		if got := read(t, hourly("2026-03-01T00:30:00Z", hours)).Silence(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestCallsInWords(t *testing.T) {
	t.Parallel()
	last := utc("2026-03-25T10:00:00Z")
	for _, c := range []struct {
		calls Calls
		want  string
	}{
		{Calls{}, ""},
		{Calls{Count: 1204, Last: last, Verbs: []string{"get secrets", "watch pods"}}, "was seen calling the API 1,204 times until 2026-03-25 (get secrets, watch pods)"},
		{Calls{Count: 1, Last: last, Verbs: []string{"get /version"}}, "was seen calling the API once on 2026-03-25 (get /version)"},
		{Calls{Count: 1, Refused: 1, Last: last, Verbs: []string{"get nodes"}}, "was seen calling the API once on 2026-03-25 (get nodes), and was refused"},
		{Calls{Count: 12, Refused: 12, Last: last}, "was seen calling the API 12 times until 2026-03-25, and was refused each time"},
		{Calls{Count: 1234567, Refused: 1, Last: last}, "was seen calling the API 1,234,567 times until 2026-03-25, and was refused once"},
		{Calls{Count: 9, Verbs: []string{"a a", "b b", "c c", "d d", "e e", "f f"}}, "was seen calling the API 9 times (a a, b b, c c, d d and 2 more)"},
		{Calls{Count: 9, Verbs: []string{"a a"}, MoreVerbs: true}, "was seen calling the API 9 times (a a and more)"},
	} {
		if got := c.calls.Words(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	call := func(n int, account, pod, verb string) string {
		return lines(getSecret(n, "2026-03-02T10:00:00Z").with(func(e *auditEvent) {
			e.user, e.pod, e.verb = "system:serviceaccount:shop:"+account, pod, verb
		}))
	}
	var log strings.Builder
	for n := range 20 {
		log.WriteString(call(n, "one", fmt.Sprintf("web-5d8f7c9b4d-xx%c4p", "bcdfghjklmnpqrstvwxz"[n]), fmt.Sprintf("verb%c", 'a'+n)))
	}
	for n := range 10 {
		log.WriteString(call(n, "one", fmt.Sprintf("web-5d8f7c9b4d-x7k%cp", "bcdfghjklm"[n]), "get"))
	}
	log.WriteString(call(0, "one", "worker-0", "get"))
	for n := range 10 {
		log.WriteString(call(n, fmt.Sprintf("account-%d", n), fmt.Sprintf("pod%d", n), "get"))
	}
	o := &Observations{limits: limits{accounts: 5, pods: 23, accountPods: 20, phrases: 30, verbs: 8, open: 2, hours: 10}}
	o.MinSpan = 1
	if err := ReadAudit(t.Context(), strings.NewReader(log.String()+lines(node("2026-03-02T11:00:00Z"))), "audit.log", o); err != nil {
		t.Fatal(err)
	}
	c, _ := o.Calls("shop", "one")
	if c.Count != 31 || len(c.Verbs) != 8 || c.Verbs[0] != "get secrets" || !c.MoreVerbs || len(c.Pods) != 21 {
		t.Errorf("%+v", c)
	}
	if !slices.Contains(c.Pods, "worker-0") {
		t.Error("the only pod of its looks was not kept")
	}
	if len(o.accounts) != 5 || o.Silent("shop", "account-9") || o.Silent("shop", "nobody") {
		t.Errorf("%d accounts kept, and some are called silent", len(o.accounts))
	}
	want := []string{
		"the audit log names more than 23 pods; further ones were counted for their ServiceAccount only",
		"the audit log names more than 5 ServiceAccounts; further ones were left out, and none is called silent",
	}
	if d := cmp.Diff(want, o.Problems()); d != "" {
		t.Error(d)
	}
}

func TestStem(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{
		{"Pod", "web-5d8f7c9b4d-x7k2p", "web"},
		{"Pod", "agent-x7k2p", "agent"},
		{"Pod", "backup-28512345-qq4zl", "backup"},
		{"Pod", "db-0", "db"},
		{"Pod", "my-proxy", "my-proxy"},
		{"Pod", "web", "web"},
		{"Pod", "-x7k2p", "-x7k2p"},
		{"ReplicaSet", "web-5d8f7c9b4d", "web"},
		{"Job", "backup-28512345", "backup"},
		{"Job", "migrate-2", "migrate-2"},
		{"Deployment", "web-0", "web-0"},
	} {
		if got := Stem(c[0], c[1]); got != c[2] {
			t.Errorf("Stem(%s, %s) is %s, want %s", c[0], c[1], got, c[2])
		}
	}
}
