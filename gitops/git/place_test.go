package git

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

func TestPlaces(t *testing.T) {
	t.Parallel()
	places := []string{"gitlab.example.com", "Mirror.example.com:8443", "[::1]:8080", "file:///srv/mirrors"}
	s := newStore(t, Config{Places: places, InsteadOf: []Rewrite{{From: "https://old.example.com/", To: "https://gitlab.example.com/"}}})
	for raw, want := range map[string]bool{
		"https://gitlab.example.com/a/b.git":      true,
		"https://GitLab.example.com:443/a.git":    true,
		"ssh://git@gitlab.example.com/a/b.git":    true,
		"git@gitlab.example.com:a/b.git":          true,
		"https://old.example.com/a.git":           true,
		"https://mirror.example.com:8443/a.git":   true,
		"http://[::1]:8080/a.git":                 true,
		"file:///srv/mirrors/a.git":               true,
		"/srv/mirrors/a.git":                      true,
		"https://mirror.example.com/a.git":        false,
		"http://gitlab.example.com:8080/a.git":    false,
		"https://gitlab.example.com.evil.org/a":   false,
		"https://gitlab.example.com@evil.org/a":   false,
		"https://evil.org/gitlab.example.com":     false,
		"http://169.254.169.254/latest/meta-data": false,
		"http://127.0.0.1:6443/api":               false,
		"http://[::ffff:127.0.0.1]:8080/a":        false,
		"file:///srv/mirrors-of-others/a.git":     false,
		"file:///srv/mirrors/../secrets":          false,
		"file:///etc":                             false,
	} {
		_, err := s.remote(raw)
		if got := err == nil; got != want || !want && !errors.Is(err, ErrPlace) {
			t.Errorf("%s: %v", raw, err)
		}
	}
	if _, err := newStore(t, Config{Places: []string{}}).remote("https://gitlab.example.com/a"); !errors.Is(err, ErrPlace) {
		t.Errorf("an empty list allows something: %v", err)
	}
	for _, bad := range []string{"", "https://h", "h/x", "u:p@h", "h:0", "h:99999", "file://relative"} {
		if _, err := New(Config{Places: []string{bad}}); !errors.Is(err, ErrURL) {
			t.Errorf("%q is taken for a place: %v", bad, err)
		}
	}
}

func TestPlace(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"https://u:secret@h/x.git": "h", "https://h:443/x": "h", "http://h:443/x": "h:443", "ssh://git@h:22/x": "h",
		"git@host:x": "host", "https://[::1]:8443/x": "[::1]:8443", "/srv/x": "file:///srv/x", "nothing": "",
	} {
		if got := Place(raw); got != want {
			t.Errorf("%s is at %q, want %q", raw, got, want)
		}
	}
}

// TestForeignPlaceIsNeverAsked is an umbrella that names a service of the inner network.
func TestForeignPlaceIsNeverAsked(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(inner.Close)
	s := newStore(t, Config{Places: []string{"gitlab.example.com"}})
	_, err := s.Fetch(testContext(t), inner.URL+"/latest/meta-data", Ref{})
	if !errors.Is(err, ErrPlace) || !strings.Contains(err.Error(), "git.allowed") {
		t.Errorf("%v", err)
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("it was asked %d times", n)
	}
}

// TestRedirectToAnotherPort is a server that sends on to a service beside it.
func TestRedirectToAnotherPort(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(inner.Close)
	outer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, inner.URL+r.URL.Path, http.StatusFound)
	}))
	t.Cleanup(outer.Close)
	_, err := newStore(t, Config{}).Fetch(testContext(t), outer.URL+"/x.git", Ref{})
	if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "redirects to another host") || asked.Load() > 0 {
		t.Errorf("asked %d times: %v", asked.Load(), err)
	}
}

func FuzzPlace(f *testing.F) {
	for _, s := range []string{"h", "h:1", "[::1]:2", "file:///a", "https://h/x", "git@h:x", "file:///a/../..", "h:22x"} {
		f.Add(s, s)
	}
	// A place never allows a URL whose host, as the standard library reads it, is another.
	f.Fuzz(func(t *testing.T, text, raw string) {
		p, err := parsePlace(text)
		ep, other := endpoint(stripUserinfo(raw))
		if err != nil || other != nil || !p.holds(ep) {
			return
		}
		if ep.Protocol == "file" {
			if rel, err := filepath.Rel(p.folder, filepath.Clean(ep.Path)); err != nil || !filepath.IsLocal(rel) {
				t.Errorf("%q holds %q", text, raw)
			}
			return
		}
		if u, err := url.Parse(stripUserinfo(raw)); err == nil && u.Host != "" && !strings.EqualFold(u.Hostname(), p.host) {
			t.Errorf("%q holds %q", text, raw)
		}
	})
}
