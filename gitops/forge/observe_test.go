package forge

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRouteNamesNoThing(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"/api/v4/projects/group%2Fproject":                              "projects/:",
		"/gitlab/api/v4/projects/42/merge_requests/7/notes":             "projects/:/merge_requests/:/notes",
		"/api/v4/projects/42/repository/branches/tokenward%2Fnamespace": "projects/:/repository/branches/:",
		"/api/v4/user":                 "user",
		"/api/v4/":                     ":",
		"/oauth/token":                 ":",
		"/api/v4/a/b/c":                ":/:/:",
		"/api/v4/users/issues%2Fnotes": "users/:",
	} {
		u, err := url.Parse("https://host" + in)
		if err != nil {
			t.Fatal(err)
		}
		if got := route(u); got != want {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
}

// Every request is told of, those that are sent again, too, with what GitLab says of
// its limit.
func TestCallsAreObserved(t *testing.T) {
	t.Parallel()
	answers := []int{http.StatusBadGateway, http.StatusOK}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("RateLimit-Limit", "600")
		w.Header().Set("RateLimit-Remaining", "599")
		w.WriteHeader(answers[0])
		answers = answers[1:]
		w.Write([]byte(`{"id": 1, "username": "bot"}`))
	}))
	t.Cleanup(server.Close)
	now := time.Unix(0, 0)
	var calls []Call
	c, err := New(Config{BaseURL: server.URL, Observe: func(c Call) { calls = append(calls, c) }, Sleep: func(context.Context, time.Duration) error { return nil },
		Now: func() time.Time { now = now.Add(time.Second); return now }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.CurrentUser(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []Call{{Method: "GET", Route: "user", Status: 502, Took: time.Second, Limit: 600, Remaining: 599}, {Method: "GET", Route: "user", Status: 200, Took: time.Second, Limit: 600, Remaining: 599}}
	if d := cmp.Diff(want, calls); d != "" {
		t.Errorf("observed (-want +got):\n%s", d)
	}
}
