package forge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNewRefusesAddresses(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"", "gitlab.example.org", "ftp://h", "https://", "https://u:s3cret@h", "https://h?s3cret=1", "https://h/%zz s3cret"} {
		if _, err := New(Config{BaseURL: raw}); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v", raw, err)
		}
	}
	if _, err := New(Config{BaseURL: "https://h", CA: []byte("no certificate")}); err == nil {
		t.Error("a CA without a certificate was accepted")
	}
}

func TestBaseURLForms(t *testing.T) {
	t.Parallel()
	for _, suffix := range []string{"", "/", "/api/v4", "/api/v4/", "/gitlab", "/gitlab/api/v4/"} {
		var asked string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked = r.URL.Path
			_, _ = io.WriteString(w, `{"id":5,"username":"bot"}`)
		}))
		t.Cleanup(server.Close)
		c, err := New(Config{BaseURL: server.URL + suffix})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.CurrentUser(ctx(t)); err != nil {
			t.Fatal(err)
		}
		want := "/api/v4/user"
		if strings.Contains(suffix, "gitlab") {
			want = "/gitlab" + want
		}
		if asked != want {
			t.Errorf("%q: asked %s", suffix, asked)
		}
	}
}

func TestCurrentUser(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]User{
		`{"id":5,"username":"ada","name":"Ada","email":"a@h","commit_email":"c@h"}`:        {ID: 5, Username: "ada", Name: "Ada", Email: "c@h"},
		`{"id":5,"username":"ada","name":"Ada","email":"a@h","commit_email":null}`:         {ID: 5, Username: "ada", Name: "Ada", Email: "a@h"},
		`{"id":6,"username":"group_1_bot_x","name":"","email":null,"bot":true,"theme":{}}`: {ID: 6, Username: "group_1_bot_x", Name: "group_1_bot_x", Email: "group_1_bot_x@noreply.127.0.0.1", Bot: true},
	} {
		got, err := newFake(t, map[string][]answer{"GET /user": {{body: body}}}).client(t, nil).CurrentUser(ctx(t))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
	}
}

func TestProject(t *testing.T) {
	t.Parallel()
	f := newFake(t, map[string][]answer{"GET /projects/g%2Fsub%2Fp%2Eq": {{body: `{"id":7,"path_with_namespace":"g/sub/p.q","web_url":"https://h/g/sub/p.q",
		"default_branch":"main","archived":false,"empty_repo":false,"merge_requests_access_level":"enabled","issues_access_level":"private","squash_option":"default_off","merge_method":"ff",
		"permissions":{"project_access":{"access_level":20},"group_access":{"access_level":40}}}`},
		{body: `{"id":8,"path_with_namespace":"g/sub/p.q","default_branch":null,"archived":true,"empty_repo":true,"merge_requests_access_level":"disabled","permissions":{"project_access":null}}`},
		{body: `{"id":9,"merge_requests_enabled":false}`},
	}})
	c := f.client(t, nil)
	for _, want := range []Project{
		{ID: 7, Path: "g/sub/p.q", DefaultBranch: "main", MergeRequestsEnabled: true, IssuesEnabled: true, AccessLevel: 40, SquashOption: "default_off"},
		{ID: 8, Path: "g/sub/p.q", Archived: true, Empty: true},
		{ID: 9},
	} {
		got, err := c.Project(ctx(t), "/g/sub/p.q/")
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
	}
}

func TestProjectMoved(t *testing.T) {
	t.Parallel()
	f := newFake(t, map[string][]answer{
		"GET /projects/old%2Fp": {{status: http.StatusMovedPermanently, header: map[string]string{"Location": "/api/v4/projects/7"}}},
		"GET /projects/7":       {{body: `{"id":7,"path_with_namespace":"new/p"}`}},
		"POST /projects/7/merge_requests": {
			{status: http.StatusMethodNotAllowed, body: `{"message":"Non GET methods are not allowed for moved projects"}`},
			{status: http.StatusTemporaryRedirect, header: map[string]string{"Location": "/api/v4/projects/8/merge_requests"}},
		},
	})
	c := f.client(t, nil)
	got, err := c.Project(ctx(t), "old/p")
	if err != nil || got.Path != "new/p" {
		t.Errorf("%+v, %v", got, err)
	}
	if f.tokens[1] != secret {
		t.Error("the token did not follow on the same host")
	}
	for range 2 {
		if _, err := c.CreateMergeRequest(ctx(t), 7, NewMergeRequest{SourceBranch: "b", TargetBranch: "main", Title: "t"}); !errors.Is(err, ErrMoved) {
			t.Errorf("%v", err)
		}
	}
	if len(f.requests) != 4 {
		t.Errorf("requests: %q", f.requests)
	}
}

func TestRedirectToAnotherHostIsRefused(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the other host was asked")
	}))
	t.Cleanup(other.Close)
	f := newFake(t, map[string][]answer{"GET /user": {{status: http.StatusFound, header: map[string]string{"Location": other.URL + "/api/v4/user"}}}})
	_, err := f.client(t, nil).CurrentUser(ctx(t))
	if err == nil || !strings.Contains(err.Error(), "redirects to another host") || len(f.requests) != 1 {
		t.Errorf("%v after %q", err, f.requests)
	}
}

// A server that knows no user is one that is asked at a wrong address.
func TestWrongBaseURL(t *testing.T) {
	t.Parallel()
	f := newFake(t, map[string][]answer{"GET /user": {{status: 404, body: `{"error":"404 Not Found"}`}}})
	_, err := f.client(t, nil).CurrentUser(ctx(t))
	if !errors.Is(err, ErrNotFound) || !strings.HasSuffix(err.Error(), "(is gitlab.url the server's base URL, without a project's path?)") {
		t.Error(err)
	}
}

func TestStatusesBecomeErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		answer answer
		want   error
		text   string
	}{
		{answer{status: 401, body: `{"message":"401 Unauthorized"}`}, ErrUnauthorized,
			"read project g/p: GitLab answers 401 Unauthorized (the token is missing, wrong, expired or revoked)"},
		{answer{status: 403, body: `{"error":"insufficient_scope","error_description":"The request requires higher privileges.","scope":"api"}`}, ErrForbidden,
			"read project g/p: GitLab answers 403 Forbidden: The request requires higher privileges. (the token needs the scope api or read_api, and its user access to this project)"},
		{answer{status: 404, body: `{"message":"404 Project Not Found"}`}, ErrNotFound,
			"read project g/p: GitLab answers 404 Not Found (it does not exist, or the token's user may not see it)"},
		{answer{status: 409, body: `{"message":["one","two"]}`}, ErrConflict, "read project g/p: GitLab answers 409 Conflict: one; two"},
		{answer{status: 400, body: `{"message":{"title":["is too long"],"base":["x"]}}`}, nil, "read project g/p: GitLab answers 400 Bad Request: base x; title is too long"},
		{answer{status: 502, body: "<html>\n<h1>Bad gateway " + secret}, ErrUnavailable, "read project g/p: GitLab answers 502 Bad Gateway: a web page, perhaps of a proxy"},
		{answer{status: 500, body: "token was " + secret}, ErrUnavailable, "read project g/p: GitLab answers 500 Internal Server Error: token was [redacted]"},
		{answer{status: 200, body: "<html>"}, ErrUnavailable, ""},
		{answer{cut: true}, ErrUnavailable, "read project g/p: EOF"},
	} {
		f := newFake(t, map[string][]answer{"GET /projects/g%2Fp": {c.answer}})
		_, err := f.client(t, nil).Project(ctx(t), "g/p")
		if err == nil || c.want != nil && !errors.Is(err, c.want) || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), secret) {
			t.Errorf("%+v: %v", c.answer, err)
		}
		// %#v of the chain may hold the server's answer, never the request.
		if c.text != "" && err.Error() != c.text {
			t.Errorf("got  %s\nwant %s", err, c.text)
		}
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	f := newFake(t, nil)
	c := f.client(t, func(config *Config) { config.BaseURL = "http://" + addr })
	_, err = c.Project(ctx(t), "g/p")
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "connection refused") || len(f.slept) != attempts-1 {
		t.Errorf("%v after %v", err, f.slept)
	}
}

func TestReadsAreRepeated(t *testing.T) {
	t.Parallel()
	good := answer{body: `{"id":7,"path_with_namespace":"g/p"}`}
	for name, c := range map[string]struct {
		bad answer
		at  time.Duration // least wait before the first repetition
	}{
		"429 with seconds": {answer{status: 429, body: "Retry later", header: map[string]string{"Retry-After": "20"}}, 20 * time.Second},
		"429 with date":    {answer{status: 429, header: map[string]string{"Retry-After": "Thu, 02 Jan 2025 03:04:35 GMT"}}, 30 * time.Second},
		"429 with reset":   {answer{status: 429, header: map[string]string{"RateLimit-Reset": "1735787085", "RateLimit-Remaining": "0"}}, 40 * time.Second},
		"429 bare":         {answer{status: 429, body: `{"message":{"error":"slow down"}}`}, firstWait},
		"500":              {answer{status: 500}, firstWait},
		"503 with seconds": {answer{status: 503, header: map[string]string{"Retry-After": "5"}}, 5 * time.Second},
		"cut":              {answer{cut: true}, firstWait},
		"cut body":         {answer{body: `{"id":7,`}, firstWait},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, map[string][]answer{"GET /projects/g%2Fp": {c.bad, c.bad, good}})
			got, err := f.client(t, nil).Project(ctx(t), "g/p")
			if err != nil || got.ID != 7 || len(f.requests) != 3 {
				t.Fatalf("%+v, %v after %q", got, err, f.requests)
			}
			if len(f.slept) != 2 || f.slept[0] < c.at || f.slept[0] > c.at*5/4 {
				t.Errorf("waited %v, want about %v", f.slept, c.at)
			}
		})
	}
}

func TestWhatIsNotRepeated(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]answer{
		"asks for too long": {status: 429, header: map[string]string{"Retry-After": "3600"}},
		"refused":           {status: 403},
		"absent":            {status: 404},
	} {
		f := newFake(t, map[string][]answer{"GET /projects/g%2Fp": {a}})
		_, err := f.client(t, nil).Project(ctx(t), "g/p")
		var e *Error
		if !errors.As(err, &e) || len(f.requests) != 1 || len(f.slept) != 0 {
			t.Errorf("%s: %v after %q", name, err, f.requests)
		}
		if a.status == 429 && (!errors.Is(err, ErrRateLimited) || e.RetryAfter != time.Hour || !strings.Contains(err.Error(), "1h0m0s")) {
			t.Errorf("%v", err)
		}
	}
	f := newFake(t, map[string][]answer{"GET /user": {{status: 503}}})
	if _, err := f.client(t, nil).CurrentUser(ctx(t)); !errors.Is(err, ErrUnavailable) || len(f.requests) != attempts {
		t.Errorf("%v after %d requests", err, len(f.requests))
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	t.Parallel()
	f := newFake(t, map[string][]answer{"GET /user": {{status: 503}}})
	c, cancel := context.WithCancel(ctx(t))
	_, err := f.client(t, func(config *Config) {
		config.Sleep = func(ctx context.Context, _ time.Duration) error {
			cancel()
			return sleep(ctx, time.Hour)
		}
	}).CurrentUser(c)
	if !errors.Is(err, context.Canceled) || len(f.requests) != 1 {
		t.Errorf("%v after %q", err, f.requests)
	}
	if _, err := f.client(t, nil).CurrentUser(c); !errors.Is(err, context.Canceled) || len(f.requests) != 1 {
		t.Errorf("a request was sent after the end: %v", err)
	}
}

func TestServerThatNeverAnswers(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"id":`)
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
		case <-done:
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(done) })
	f := newFake(t, nil)
	c := f.client(t, func(config *Config) { config.BaseURL, config.Timeout = server.URL, 20*time.Millisecond })
	if _, err := c.CurrentUser(ctx(t)); !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// timed is a transport that notes whether a request ends by itself.
type timed struct{ within bool }

func (t *timed) RoundTrip(r *http.Request) (*http.Response, error) {
	_, t.within = r.Context().Deadline()
	return nil, errors.New("not sent")
}

func TestEveryReadEndsByItself(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(*Client) error{
		"one of a project": func(c *Client) error { _, err := c.MergeRequests(t.Context(), 7, "b"); return err },
		"all of the user":  func(c *Client) error { _, err := c.OpenedByMe(t.Context()); return err },
	} {
		transport := &timed{}
		c := newFake(t, nil).client(t, func(config *Config) { config.HTTPClient = &http.Client{Transport: transport} })
		if err := read(c); err == nil || !transport.within {
			t.Errorf("%s: %v, with a time limit: %t", name, err, transport.within)
		}
	}
}

func TestTokenIsReadForEveryRequest(t *testing.T) {
	t.Parallel()
	f := newFake(t, map[string][]answer{"GET /user": {{body: `{"id":5}`}}})
	n := 0
	c := f.client(t, func(config *Config) {
		config.Token = func() (string, error) {
			if n++; n == 3 {
				return "", errors.New("the file is empty")
			}
			return fmt.Sprintf("token-%d\n", n), nil
		}
	})
	for range 2 {
		if _, err := c.CurrentUser(ctx(t)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"token-1", "token-2"}, f.tokens); diff != "" {
		t.Error(diff)
	}
	if _, err := c.CurrentUser(ctx(t)); err == nil || !strings.Contains(err.Error(), "the file is empty") || len(f.requests) != 2 || len(f.slept) != 0 {
		t.Errorf("%v after %q", err, f.requests)
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	f := newFake(t, map[string][]answer{
		"GET /user":                        {{body: `{"id":5}`}},
		"GET /projects/7/merge_requests/1": {{body: mrJSON(1, "b", Opened)}},
	})
	c := f.client(t, func(config *Config) { config.ReadOnly = true })
	if _, err := c.CurrentUser(ctx(t)); err != nil {
		t.Fatal(err)
	}
	title := "x"
	if _, err := c.CreateMergeRequest(ctx(t), 7, NewMergeRequest{SourceBranch: "b", TargetBranch: "main"}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("create: %v", err)
	}
	if _, err := c.UpdateMergeRequest(ctx(t), 7, 1, MergeRequestUpdate{Title: &title}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("update: %v", err)
	}
	if _, err := c.UpdateMergeRequest(ctx(t), 7, 1, MergeRequestUpdate{}); err != nil {
		t.Errorf("empty update: %v", err)
	}
	if diff := cmp.Diff([]string{"GET /user", "GET /projects/7/merge_requests/1"}, f.requests); diff != "" {
		t.Error(diff)
	}
}

// FuzzServerMessage: whatever body comes with an error becomes one short line.
func FuzzServerMessage(f *testing.F) {
	for _, body := range []string{`{"message":{"base":["x\ny"]}}`, `{"error":"x"}`, "Retry later\n", "<html>", `{"message":[1,null,{"a":{}}]}`, "[]"} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if got := short(serverMessage(body)); strings.ContainsAny(got, "\n\r\x1b\x00") || len(got) > 600 {
			t.Errorf("%q", got)
		}
	})
}
