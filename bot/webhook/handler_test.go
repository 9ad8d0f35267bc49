package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tokenward/bot"
)

// inbox keeps deliveries in memory.
type inbox struct {
	mu       sync.Mutex
	accepted map[string][]bot.Trigger
	order    []bot.Trigger
	calls    int
	err      error
}

func (i *inbox) Accept(_ context.Context, id string, triggers []bot.Trigger) (bool, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.calls++
	if i.err != nil {
		return false, i.err
	}
	if _, known := i.accepted[id]; known {
		return false, nil
	}
	i.accepted[id] = triggers
	i.order = append(i.order, triggers...)
	return true, nil
}

// tally counts outcomes.
type tally struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *tally) Delivery(event, outcome string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n[strings.TrimSpace(event+" "+outcome)]++
}

// bench is a handler with everything around it.
type bench struct {
	*Handler
	t       *testing.T
	inbox   *inbox
	counted *tally

	mu      sync.Mutex
	tokens  []string
	signing []string
	broken  error
	blind   error // of the view
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newBench(t *testing.T, view func() View) *bench {
	t.Helper()
	b := &bench{t: t, tokens: []string{"s3cret"}, inbox: &inbox{accepted: map[string][]bot.Trigger{}}, counted: &tally{n: map[string]int{}}}
	h, err := New(Config{
		Secrets: func() (Secrets, error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			if b.broken != nil {
				return Secrets{}, b.broken
			}
			return NewSecrets(b.tokens, b.signing)
		},
		Inbox: b.inbox, View: func() (View, error) { return view(), b.blind }, Counter: b.counted, BodyLimit: 1 << 20, Now: func() time.Time { return noon },
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Handler = h
	return b
}

// send makes a call with these headers, each "Name: value".
func (b *bench) send(method, body string, headers ...string) int {
	b.t.Helper()
	r := httptest.NewRequest(method, "/webhooks/gitlab", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	if text := w.Body.String(); len(text) > 40 || strings.Contains(text, "s3cret") {
		b.t.Errorf("the answer tells too much: %q", text)
	}
	return w.Code
}

const token = "X-Gitlab-Token: s3cret"

func signingToken(fill byte) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(fill), 32)))
}

// signature signs as GitLab does.
func signature(fill byte, id string, at time.Time, body string) string {
	mac := hmac.New(sha256.New, []byte(strings.Repeat(string(fill), 32)))
	fmt.Fprintf(mac, "%s.%d.%s", id, at.Unix(), body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	b := newBench(t, testView)
	push := pushed("push", "refs/heads/main", "2", 1, 2)
	for _, c := range []struct {
		name, method, body string
		headers            []string
		status             int
		counted            string
	}{
		{"stored", "POST", push, []string{token, "Webhook-Id: 1"}, 200, "push accepted"},
		{"sent again", "POST", push, []string{token, "Webhook-Id: 1"}, 200, "push duplicate"},
		{"older GitLab", "POST", push, []string{token, "Idempotency-Key: 1"}, 200, "push duplicate"},
		{"with a charset", "POST", push, []string{token, "Webhook-Id: 2", "Content-Type: application/json; charset=utf-8"}, 200, "push accepted"},
		{"no work", "POST", pushed("push", "refs/heads/x", "2", 1, 2), []string{token}, 200, "push ignored"},
		{"unknown", "POST", `{"object_kind":"emoji"}`, []string{token}, 200, "other unknown"},
		{"wrong method", "GET", "", []string{token}, 405, "invalid"},
		{"form", "POST", push, []string{token, "Content-Type: application/x-www-form-urlencoded"}, 415, "invalid"},
		{"no JSON", "POST", "{", []string{token}, 400, "invalid"},
		{"no token", "POST", push, nil, 401, "unauthorized"},
		{"empty token", "POST", push, []string{"X-Gitlab-Token: "}, 401, "unauthorized"},
		{"wrong token", "POST", push, []string{"X-Gitlab-Token: s3cre"}, 401, "unauthorized"},
		{"too large", "POST", strings.Repeat(" ", 1<<20) + "{}", []string{token}, 413, "too_large"},
		{"too large for a stranger", "POST", strings.Repeat(" ", 1<<20) + "{}", nil, 401, "unauthorized"},
	} {
		before := b.counted.n[c.counted]
		if got := b.send(c.method, c.body, c.headers...); got != c.status {
			t.Errorf("%s answers %d, want %d", c.name, got, c.status)
		}
		if b.counted.n[c.counted] != before+1 {
			t.Errorf("%s is not counted as %q: %v", c.name, c.counted, b.counted.n)
		}
	}
	if len(b.inbox.order) != 2 {
		t.Errorf("%+v", b.inbox.order)
	}
}

func TestUnboundedBodyIsCut(t *testing.T) {
	t.Parallel()
	b := newBench(t, testView)
	r := httptest.NewRequest("POST", "/", io.MultiReader(strings.NewReader(strings.Repeat(" ", 1<<20)), strings.NewReader("{}")))
	r.ContentLength = -1
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Gitlab-Token", "s3cret")
	w := httptest.NewRecorder()
	if b.ServeHTTP(w, r); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("answers %d", w.Code)
	}
}

func TestOnlyWhatIsStoredIsAnswered(t *testing.T) {
	t.Parallel()
	b := newBench(t, testView)
	push := pushed("push", "refs/heads/main", "2", 1, 2)
	b.inbox.err = errors.New("disk full")
	if got := b.send("POST", push, token, "Webhook-Id: 1"); got != http.StatusServiceUnavailable {
		t.Errorf("answers %d", got)
	}
	b.inbox.err, b.blind = nil, errors.New("no store")
	if got := b.send("POST", push, token, "Webhook-Id: 1"); got != http.StatusServiceUnavailable {
		t.Errorf("without a view of the projects it answers %d", got)
	}
	b.blind = nil
	if got := b.send("POST", push, token, "Webhook-Id: 1"); got != http.StatusOK || len(b.inbox.order) != 1 {
		t.Errorf("answers %d, stored %v", got, b.inbox.order)
	}
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	b := newBench(t, testView)
	b.signing = []string{signingToken('a'), signingToken('b')}
	push := pushed("push", "refs/heads/main", "2", 1, 2)
	signed := func(id string, at time.Time, signatures ...string) []string {
		return []string{"Webhook-Id: " + id, "Webhook-Timestamp: " + strconv.FormatInt(at.Unix(), 10), "Webhook-Signature: " + strings.Join(signatures, " ")}
	}
	for n, c := range []struct {
		name    string
		headers []string
		status  int
	}{
		{"first key", signed("1", noon, signature('a', "1", noon, push)), 200},
		{"second key", signed("2", noon, signature('b', "2", noon, push)), 200},
		{"one of several", signed("3", noon, "v2,x", "v1,!", "v1,AAAA", signature('a', "3", noon, push)), 200},
		{"four minutes old", signed("4", noon.Add(-4*time.Minute), signature('a', "4", noon.Add(-4*time.Minute), push)), 200},
		{"six minutes old", signed("5", noon.Add(-6*time.Minute), signature('a', "5", noon.Add(-6*time.Minute), push)), 401},
		{"six minutes ahead", signed("6", noon.Add(6*time.Minute), signature('a', "6", noon.Add(6*time.Minute), push)), 401},
		{"unknown key", signed("7", noon, signature('c', "7", noon, push)), 401},
		{"another id", signed("8", noon, signature('a', "7", noon, push)), 401},
		{"another time", signed("9", noon, signature('a', "9", noon.Add(time.Second), push)), 401},
		{"another body", signed("10", noon, signature('a', "10", noon, push+" ")), 401},
		{"another version", signed("11", noon, strings.Replace(signature('a', "11", noon, push), "v1", "v2", 1)), 401},
		{"no id", []string{"Webhook-Timestamp: 1", "Webhook-Signature: v1,AAAA"}, 401},
		{"no time", []string{"Webhook-Id: 1", "Webhook-Signature: v1,AAAA"}, 401},
		{"wrong signature with the right token", append(signed("12", noon, signature('c', "12", noon, push)), token), 401},
		{"no signature, but the right token", []string{"Webhook-Id: 13", "Webhook-Timestamp: 1", token}, 200},
	} {
		if got := b.send("POST", push, c.headers...); got != c.status {
			t.Errorf("%d, %s: answers %d, want %d", n, c.name, got, c.status)
		}
	}
	b.tokens = nil
	if got := b.send("POST", push, token); got != 401 {
		t.Errorf("without tokens, a call without signature answers %d", got)
	}
	b.tokens, b.signing = []string{"s3cret"}, nil
	if got := b.send("POST", push, append(signed("14", noon, "v1,AAAA"), token)...); got != 200 {
		t.Errorf("a signature that nobody here can check keeps the token from counting: %d", got)
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	b := newBench(t, testView)
	push := pushed("push", "refs/heads/main", "2", 1, 2)
	for _, c := range []struct {
		tokens   []string
		old, new int
	}{
		{[]string{"s3cret"}, 200, 401}, {[]string{"s3cret", "n3w"}, 200, 200}, {[]string{"n3w"}, 401, 200}, {[]string{""}, 404, 404},
	} {
		b.tokens = c.tokens
		if older, newer := b.send("POST", push, token), b.send("POST", push, "X-Gitlab-Token: n3w"); older != c.old || newer != c.new {
			t.Errorf("with %d tokens: the old one answers %d, the new one %d", len(c.tokens), older, newer)
		}
		if got := b.send("POST", push, "X-Gitlab-Token: "); got != 401 && c.old != 404 || got < 400 {
			t.Errorf("an empty token answers %d", got)
		}
	}
	b.broken = errors.New("no such file")
	if got := b.send("POST", push, token); got != http.StatusServiceUnavailable {
		t.Errorf("without readable secrets it answers %d", got)
	}
}

func TestNobodyIsBelievedWithoutSecret(t *testing.T) {
	t.Parallel()
	b := newBench(t, testView)
	b.tokens = []string{""}
	push := pushed("push", "refs/heads/main", "2", 1, 2)
	for _, header := range []string{"", token, "X-Gitlab-Token: "} {
		if got := b.send("POST", push, header); got != http.StatusNotFound || len(b.inbox.order) > 0 {
			t.Errorf("a call with header %q is answered with %d, and leads to %v", header, got, b.inbox.order)
		}
	}
	b.tokens = []string{"s3cret"}
	if got := b.send("POST", push, token); got != http.StatusOK {
		t.Errorf("with a secret that came later it is answered with %d", got)
	}
	_, err := New(Config{Secrets: func() (Secrets, error) { return NewSecrets(nil, []string{"whsec_c2hvcnQ="}) }, Inbox: &inbox{}, View: func() (View, error) { return testView(), nil }})
	if err == nil || strings.Contains(err.Error(), "c2hvcnQ") {
		t.Errorf("starts with a wrong key, or tells too much: %v", err)
	}
	s, err := NewSecrets([]string{"s3cret"}, []string{signingToken('a')})
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprintf("%v %+v %#v %s %d", s, &s, s, s, s); strings.Contains(text, "97") || strings.Contains(text, "aaa") {
		t.Errorf("secrets print: %s", text)
	}
}

// TestOneEventOfTwoHooks sends what the hook of a group and that of its project
// deliver: other ids, the same event.
func TestOneEventOfTwoHooks(t *testing.T) {
	t.Parallel()
	b := newBench(t, testView)
	push := pushed("push", "refs/heads/main", "2", 1, 2)
	send := func(id, event, body string) {
		t.Helper()
		if got := b.send("POST", body, token, "Webhook-Id: "+id, "X-Gitlab-Event-UUID: "+event); got != 200 {
			t.Fatalf("answers %d", got)
		}
	}
	b.inbox.err = errors.New("busy")
	b.send("POST", push, token, "Webhook-Id: group", "X-Gitlab-Event-UUID: e1")
	b.inbox.err = nil
	send("project", "e1", push)
	send("group", "e1", push)
	if len(b.inbox.order) != 1 {
		t.Errorf("two hooks make %d deliveries", len(b.inbox.order))
	}
	// The same bytes again are another event: forth, back and forth again.
	send("later", "e2", push)
	send("other", "e1", pushed("push", "refs/heads/main", "3", 1, 2))
	if len(b.inbox.order) != 3 {
		t.Errorf("%d deliveries, want 3: an event is lost", len(b.inbox.order))
	}
	// Before GitLab 17.4 there are no ids.
	for range 2 {
		b.send("POST", push, token, "X-Gitlab-Event-UUID: e3")
	}
	b.send("POST", push, token, "X-Gitlab-Event-UUID: e4")
	if len(b.inbox.order) != 5 {
		t.Errorf("%d deliveries, want 5", len(b.inbox.order))
	}
}

func TestStrangeIDs(t *testing.T) {
	t.Parallel()
	b := newBench(t, testView)
	push := pushed("push", "refs/heads/main", "2", 1, 2)
	for _, id := range []string{strings.Repeat("x", 5000), "a b", "ä"} {
		b.send("POST", push, token, "Webhook-Id: "+id)
	}
	if len(b.inbox.accepted) != 1 || slices.ContainsFunc(b.inbox.order, func(t bot.Trigger) bool { return !t.Changed }) {
		t.Errorf("%v", b.inbox.accepted)
	}
	for id := range b.inbox.accepted {
		if !strings.HasPrefix(id, "content:") || len(id) > longestID {
			t.Errorf("stored as %q", id)
		}
	}
}

func TestMemoryOfEventsIsBounded(t *testing.T) {
	t.Parallel()
	var s sameEvents
	for n := range 3 * kept {
		h := http.Header{"Webhook-Id": {fmt.Sprint("id", n)}, "X-Gitlab-Event-Uuid": {fmt.Sprint("event", n)}}
		s.deliveryID(h, nil)
		again := http.Header{"Webhook-Id": {"other"}, "X-Gitlab-Event-Uuid": {fmt.Sprint("event", max(0, n-kept/2))}}
		if got, want := s.deliveryID(again, nil), fmt.Sprint("id", max(0, n-kept/2)); got != want {
			t.Fatalf("after %d events, %s is known as %s", n, want, got)
		}
	}
	if n := len(s.now) + len(s.old); n > 2*kept+1 {
		t.Errorf("%d events are remembered", n)
	}
}

// TestFloodOfDuplicates sends the same delivery from many connections at once.
func TestFloodOfDuplicates(t *testing.T) {
	t.Parallel()
	b := newBench(t, testView)
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	const connections, each, events = 20, 20, 5
	var all sync.WaitGroup
	for range connections {
		all.Go(func() {
			for n := range each {
				body := pushed("push", "refs/heads/main", fmt.Sprint(n%events), 1, 2)
				r, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/webhooks/gitlab", strings.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				r.Header = http.Header{"Content-Type": {"application/json"}, "X-Gitlab-Token": {"s3cret"}, "Webhook-Id": {fmt.Sprint(n % events)}}
				resp, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				_ = resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					t.Errorf("answers %d", resp.StatusCode)
				}
			}
		})
	}
	all.Wait()
	if len(b.inbox.order) != events || b.counted.n["push duplicate"] != connections*each-events {
		t.Errorf("%d stored, %v", len(b.inbox.order), b.counted.n)
	}
}
