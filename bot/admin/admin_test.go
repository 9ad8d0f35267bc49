package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"tokenward/bot"
	"tokenward/bot/board"
)

// someWork is a queue that holds what it was given, and what it was asked for.
type someWork struct {
	mu    sync.Mutex
	units []Unit
	runs  []Run
	away  []Away
	asked []string
	err   error
}

func (s *someWork) Units(context.Context) ([]Unit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Unit{}, s.units...), s.err
}

func (s *someWork) Runs(_ context.Context, limit int) ([]Run, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Run{}, s.runs[:min(limit, len(s.runs))]...), s.err
}

func (s *someWork) Run(_ context.Context, id int64) (Run, bool, error) {
	for _, r := range s.runs {
		if r.ID == id {
			return r, true, s.err
		}
	}
	return Run{}, false, s.err
}

func (s *someWork) Away(context.Context) ([]Away, error) { return s.away, s.err }

func (s *someWork) Retry(_ context.Context, umbrella, namespace, reason string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, umbrella+"/"+namespace+": "+reason)
	return s.err
}

// now is when the tests take place.
var now = time.Date(2026, 3, 4, 10, 30, 0, 0, time.UTC)

func before(d time.Duration) time.Time { return now.Add(-d) }

func steps(from time.Time, names ...string) []Step {
	var out []Step
	for i, n := range names {
		s := Step{Name: n, Done: 1, Total: 1, Started: from.Add(time.Duration(i*i) * time.Second)}
		if n == bot.StepFetch || n == bot.StepProve {
			s.Done, s.Total = 23, 43
		}
		out = append(out, s)
	}
	return out
}

// bench is the pages over a board and a queue that hold a bit of everything.
func bench(t *testing.T, evil string) (*someWork, Config) {
	t.Helper()
	raw, err := os.ReadFile("../report/testdata/sample.json")
	if err != nil {
		t.Fatal(err)
	}
	name, err := json.Marshal("observatory" + evil)
	if err != nil {
		t.Fatal(err)
	}
	raw = bytes.ReplaceAll(raw, []byte(`"namespace": "observatory"`), append([]byte(`"namespace": `), name...))
	scan := &bot.ScanReport{}
	if err := json.Unmarshal(raw, scan); err != nil {
		t.Fatal(err)
	}
	b := &board.Board{}
	request := func(unit, role, project, state, action string, iid int64) bot.MergeRequestReport {
		return bot.MergeRequestReport{Unit: unit, Role: role, Project: "platform/" + project, IID: iid, State: state, Action: action, URL: "https://gitlab.example.com/platform/" + project + "/-/merge_requests/1",
			Title: "Harden automountServiceAccountToken for " + unit + evil, SourceBranch: "tokenward/" + unit, TargetBranch: "main"}
	}
	b.Record("platform", nil, scan, &bot.ProposeReport{
		MergeRequests: []bot.MergeRequestReport{
			request("ledger", bot.RoleUmbrella, "umbrella", "opened", bot.ActionUnchanged, 41), request("ledger", bot.RolePackage, "packages/ledger", "opened", bot.ActionUnchanged, 7),
			request("observatory", bot.RoleUmbrella, "umbrella", "merged", bot.ActionUnchanged, 38), request("observatory", bot.RolePackage, "packages/observatory", "merged", bot.ActionUnchanged, 12),
			request("storefront", bot.RoleUmbrella, "umbrella", "opened", bot.ActionCreated, 42), request("storefront", bot.RolePackage, "packages/storefront", "opened", bot.ActionCreated, 3),
		},
		Failed: []bot.FailureReport{{Unit: "mailroom", Reason: "not proposed: release mailroom-mailroom is not analysed: mailroom.relayHost must be set" + evil}},
	}, before(4*time.Minute))
	all := []string{bot.StepDiscover, bot.StepFetch, bot.StepRender, bot.StepJudge, bot.StepPlan, bot.StepProve, bot.StepPropose}
	w := &someWork{
		units: []Unit{
			{Umbrella: "platform", Namespace: "ledger", State: "parked", Triggers: 2, Since: before(3 * time.Hour), ParkedAt: before(50 * time.Minute), Failures: 8, Run: 117,
				Failure: "open merge request in platform/packages/ledger: GitLab answers 403 Forbidden (the token needs the scope api and its user at least the role Developer in this project)" + evil},
			{Umbrella: "platform", Namespace: "storefront", State: "running", Triggers: 3, Since: before(time.Minute), Run: 120},
			{Umbrella: "platform", Namespace: "observatory", State: "waiting", Triggers: 1, Since: before(40 * time.Second), Reasons: []string{"tag 1.4.0-bb.2 of platform/packages/observatory" + evil}},
			{Umbrella: "platform", State: "idle", Run: 119},
		},
		runs: []Run{
			{ID: 120, Umbrella: "platform", Namespace: "storefront", Triggers: 3, Owner: "tokenward-0", Started: before(9 * time.Second), Reasons: []string{"push to platform/packages/storefront@main" + evil, "note on platform/packages/storefront!3"},
				Steps: steps(before(9*time.Second), all[:2]...)},
			{ID: 119, Umbrella: "platform", Whole: true, Triggers: 1, Owner: "tokenward-0", Started: before(5 * time.Minute), Ended: before(4 * time.Minute), Result: "done", Reasons: []string{"schedule 0 5 * * *"}, Steps: steps(before(5*time.Minute), all...),
				Message: "mailroom: not proposed: release mailroom-mailroom is not analysed"},
			{ID: 118, Umbrella: "platform", Namespace: "observatory", Triggers: 12, Owner: "tokenward-1", Started: before(30 * time.Minute), Ended: before(30*time.Minute - 11*time.Second), Result: "done", Reasons: []string{"push to platform/packages/observatory@main"}, Steps: steps(before(30*time.Minute), all...)},
			{ID: 117, Umbrella: "platform", Namespace: "ledger", Triggers: 2, Owner: "tokenward-1", Started: before(50*time.Minute + 8*time.Second), Ended: before(50 * time.Minute), Result: "failed", Reasons: []string{"merge request platform/packages/ledger!7 approved"}, Message: "ledger: GitLab answers 403 Forbidden", Steps: steps(before(50*time.Minute+8*time.Second), all...)},
		},
	}
	return w, Config{Version: "1.0.0", Board: b, Work: w, Now: func() time.Time { return now }, Every: 10 * time.Millisecond}
}

func serve(t *testing.T, c Config) (*httptest.Server, *http.Client) {
	t.Helper()
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	t.Cleanup(h.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return server, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// send sends a request with headers, each NAME: VALUE, and returns the answer.
func send(t *testing.T, client *http.Client, method, address string, form url.Values, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Set(name, value)
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestPagesShowTheState(t *testing.T) {
	t.Parallel()
	_, c := bench(t, "")
	server, client := serve(t, c)
	for path, wants := range map[string][]string{
		"/": {"Running now", "fetch", "23 of 43", "tokenward-0", "1 parked", "403 Forbidden", "not proposed", `href="/namespaces/platform/ledger"`, "!41", "schedule 0 5", "waiting", "relayHost",
			`<meta http-equiv="refresh"`, "8 failures in a row"},
		"/namespaces/platform/ledger": {`<svg class="picture"`, "ledger-rotate-keys", "platform/packages/ledger!7", "Try again"},
		"/runs/120":                   {"push to platform/packages/storefront@main", "to come", `aria-current="step"`},
		"/runs/117":                   {"failed", "Run again", "GitLab answers 403"},
	} {
		resp, body := send(t, client, "GET", server.URL+path, nil)
		if resp.StatusCode != 200 || !strings.HasSuffix(strings.TrimSpace(body), "</html>") {
			t.Errorf("%s answers %d", path, resp.StatusCode)
		}
		for _, want := range wants {
			if !strings.Contains(body, want) {
				t.Errorf("%s lacks %q", path, want)
			}
		}
		if policy := resp.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s has the policy %q", path, policy)
		}
		for _, bad := range []string{" style=", "<style", " onclick", "javascript:", "http://cdn", "https://cdn"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s holds %q", path, bad)
			}
		}
	}
	for _, path := range []string{"/namespaces/platform/nowhere", "/namespaces/other/ledger", "/runs/9", "/runs/x", "/nothing"} {
		if resp, _ := send(t, client, "GET", server.URL+path, nil); resp.StatusCode != 404 {
			t.Errorf("%s answers %d, want 404", path, resp.StatusCode)
		}
	}
}

func TestForeignTextStaysText(t *testing.T) {
	t.Parallel()
	const evil = `</td><script>alert(1)</script><img src=x onerror=alert(1)>"'` + "\u202e\x1b[31m"
	_, c := bench(t, evil)
	server, client := serve(t, c)
	for _, path := range []string{"/", "/namespaces/platform/ledger", "/runs/120"} {
		_, body := send(t, client, "GET", server.URL+path, nil)
		if strings.Contains(body, "<script>alert") || strings.Contains(body, "<img src=x") || strings.ContainsAny(body, "\u202e\x1b") {
			t.Errorf("%s hands foreign text on", path)
		}
		if !strings.Contains(body, "&lt;script&gt;alert(1)") {
			t.Errorf("%s does not show it at all", path)
		}
	}
}

func TestTokenOpensThePages(t *testing.T) {
	t.Parallel()
	const token = "a-long-admin-token"
	current := token
	var mu sync.Mutex
	_, c := bench(t, "")
	c.Token = func() (string, error) { mu.Lock(); defer mu.Unlock(); return current, nil }
	c.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "metrics") })
	server, client := serve(t, c)
	status := func(want int, method, path string, form url.Values, headers ...string) *http.Response {
		t.Helper()
		resp, body := send(t, client, method, server.URL+path, form, headers...)
		if resp.StatusCode != want || strings.Contains(body, token) {
			t.Errorf("%s %s %v answers %d, want %d, or shows the token", method, path, headers, resp.StatusCode, want)
		}
		return resp
	}
	if to := status(303, "GET", "/runs/120?x=1", nil).Header.Get("Location"); to != "/login?to=%2Fruns%2F120%3Fx%3D1" {
		t.Errorf("sent to %s", to)
	}
	status(401, "GET", "/events", nil)
	status(401, "POST", "/retry", url.Values{"umbrella": {"platform"}, "namespace": {"ledger"}})
	status(303, "GET", "/", nil, "Authorization: Bearer wrong")
	status(200, "GET", "/", nil, "Authorization: Bearer "+token)
	status(200, "GET", "/metrics", nil)
	status(200, "GET", "/login", nil)
	status(401, "POST", "/login", url.Values{"token": {"wrong"}})
	status(303, "GET", "/", nil, "Cookie: "+sessionCookie+"=9999999999.0000")
	resp := status(303, "POST", "/login", url.Values{"token": {token}, "to": {"//evil.example.com/"}})
	if cookie := resp.Header.Get("Set-Cookie"); !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Strict") || strings.Contains(cookie, token) || resp.Header.Get("Location") != "/" {
		t.Errorf("cookie %q, sent to %q", cookie, resp.Header.Get("Location"))
	}
	status(200, "GET", "/", nil)
	mu.Lock()
	current = "another-token"
	mu.Unlock()
	status(303, "GET", "/", nil)
	for range 12 {
		send(t, client, "POST", server.URL+"/login", url.Values{"token": {"guess"}})
	}
	status(429, "POST", "/login", url.Values{"token": {"another-token"}})
}

func TestProxyOpensThePages(t *testing.T) {
	t.Parallel()
	w, c := bench(t, "")
	c.UserHeader = "X-Forwarded-User"
	if _, err := New(c); err == nil {
		t.Error("a header that anybody can set is trusted")
	}
	c.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	server, client := serve(t, c)
	if resp, _ := send(t, client, "GET", server.URL+"/", nil); resp.StatusCode != 403 {
		t.Errorf("without a user: %d", resp.StatusCode)
	}
	if resp, body := send(t, client, "GET", server.URL+"/", nil, "X-Forwarded-User: ada"); resp.StatusCode != 200 || !strings.Contains(body, "ada") {
		t.Errorf("with a user: %d", resp.StatusCode)
	}
	send(t, client, "POST", server.URL+"/retry", url.Values{"umbrella": {"platform"}, "namespace": {"ledger"}}, "X-Forwarded-User: ada")
	if len(w.asked) != 1 || !strings.HasSuffix(w.asked[0], "by ada") {
		t.Errorf("asked: %q", w.asked)
	}
	c.Proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	server, client = serve(t, c)
	if resp, _ := send(t, client, "GET", server.URL+"/", nil, "X-Forwarded-User: ada"); resp.StatusCode != 403 {
		t.Errorf("from elsewhere than the proxy: %d", resp.StatusCode)
	}
}

func TestListenNeedsProtection(t *testing.T) {
	t.Parallel()
	for address, ok := range map[string]bool{"127.0.0.1:8081": true, "localhost:8081": true, "[::1]:8081": true, ":8081": false, "0.0.0.0:8081": false, "10.1.2.3:8081": false, "[::]:8081": false, "8081": false} {
		if err := CheckListen(address, false); (err == nil) != ok {
			t.Errorf("%s unprotected: %v", address, err)
		}
		if err := CheckListen(address, true); (err == nil) != (address != "8081") {
			t.Errorf("%s protected: %v", address, err)
		}
	}
}

// A page that watches hears of a change, and its stream ends when the server stops.
func TestEventsTellOfChanges(t *testing.T) {
	t.Parallel()
	w, c := bench(t, "")
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	resp, err := http.Get(server.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	next := func() string {
		text := make([]byte, 1)
		var line strings.Builder
		for {
			if _, err := io.ReadFull(resp.Body, text); err != nil {
				return "end"
			}
			if text[0] != '\n' {
				line.WriteByte(text[0])
				continue
			}
			if strings.HasPrefix(line.String(), "data: ") {
				return line.String()
			}
			line.Reset()
		}
	}
	first := next()
	w.mu.Lock()
	w.runs = append([]Run{{ID: 121, Umbrella: "platform"}}, w.runs...)
	w.mu.Unlock()
	if second := next(); second == first || second == "end" {
		t.Errorf("told %q, then %q", first, second)
	}
	h.Close()
	if last := next(); last != "end" {
		t.Errorf("after the end: %q", last)
	}
}

func TestQueueAwayIsSaid(t *testing.T) {
	t.Parallel()
	w, c := bench(t, "")
	w.err = errors.New("database is locked")
	server, client := serve(t, c)
	if resp, body := send(t, client, "GET", server.URL+"/", nil); resp.StatusCode != 503 || strings.Contains(body, "locked") || !strings.Contains(body, "does not answer") {
		t.Errorf("answers %d: %s", resp.StatusCode, body)
	}
}
