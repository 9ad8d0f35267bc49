package forge

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

const secret = "glpat-s3cr3t-t0ken"

// answer is one scripted answer of the fake GitLab.
type answer struct {
	status int
	body   string
	header map[string]string
	cut    bool // break the connection instead
}

// fake is a GitLab that answers each method and path from a script; the last
// answer of a script is repeated.
type fake struct {
	*httptest.Server
	mu       sync.Mutex
	scripts  map[string][]answer
	requests []string // "METHOD path?query" in order
	bodies   []map[string]any
	tokens   []string
	slept    []time.Duration
	now      time.Time
}

func newFake(t *testing.T, scripts map[string][]answer) *fake {
	t.Helper()
	f := &fake{scripts: scripts, now: time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/api/v4")
	f.requests = append(f.requests, r.Method+" "+path)
	f.tokens = append(f.tokens, r.Header.Get("Private-Token"))
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		panic(err)
	}
	var body map[string]any
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &body); err != nil {
			panic(err)
		}
	}
	f.bodies = append(f.bodies, body)
	key := r.Method + " " + path
	if page := r.URL.Query().Get("page"); page != "" && f.scripts[key+"?page="+page] != nil {
		key += "?page=" + page
	}
	script, ok := f.scripts[key]
	if !ok {
		http.Error(w, "no script for "+key, http.StatusTeapot)
		return
	}
	a := script[0]
	if len(script) > 1 {
		f.scripts[key] = script[1:]
	}
	if a.cut {
		panic(http.ErrAbortHandler)
	}
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	if a.status == 0 {
		a.status = http.StatusOK
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.body)
}

// client returns a Client whose waits are recorded, not waited.
func (f *fake) client(t *testing.T, change func(*Config)) *Client {
	t.Helper()
	config := Config{
		BaseURL: f.URL, Token: func() (string, error) { return secret, nil },
		Now: func() time.Time { return f.now },
		Sleep: func(ctx context.Context, d time.Duration) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.slept = append(f.slept, d)
			return ctx.Err()
		},
	}
	if change != nil {
		change(&config)
	}
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (f *fake) count(request string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, r := range f.requests {
		if r == request {
			n++
		}
	}
	return n
}

// mrJSON is a merge request as GitLab answers it.
func mrJSON(iid int, branch, state string) string {
	return fmt.Sprintf(`{"id":%d,"iid":%d,"project_id":7,"source_project_id":7,"target_project_id":7,"title":"Harden","state":%q,
		"source_branch":%q,"target_branch":"main","created_at":"2025-01-0%dT00:00:00Z","web_url":"https://h/g/p/-/merge_requests/%d",
		"labels":["a","b"],"sha":"abc","draft":false,"author":{"id":5,"username":"bot","name":"Bot"},
		"references":{"full":"g/p!%d"},"detailed_merge_status":"mergeable"}`, 1000+iid, iid, state, branch, iid, iid, iid)
}

func ctx(t *testing.T) context.Context {
	c, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return c
}
