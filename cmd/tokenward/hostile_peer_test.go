package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// TestHostileGitLab runs against a GitLab that is out to do harm: every run ends, says what is
// wrong, writes nothing, and no request leaves for another host, with or without the token.
// What single answers may do is tested in gitops/forge and gitops/git.
func TestHostileGitLab(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(other.Close)
	elsewhere := strings.Replace(other.URL, "127.0.0.1", "localhost", 1)
	api := func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api/") }
	list := func(r *http.Request) bool {
		return api(r) && r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/merge_requests")
	}
	for _, c := range []struct {
		name, want string
		when       func(*http.Request) bool
		answer     http.HandlerFunc
	}{
		{"garbage", "invalid character", api, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "\x00\xff\x1b[31m") }},
		{"other types", "cannot unmarshal", api, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"id":{"a":[]},"iid":"x"}`) }},
		{"redirect", "redirects to another host", api, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+r.URL.Path, http.StatusFound)
		}},
		{"redirect by name", "redirects to another host", api, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere+r.URL.Path, http.StatusTemporaryRedirect)
		}},
		{"git redirect", "redirects to another host", func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/info/refs") }, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+r.URL.RequestURI(), http.StatusMovedPermanently)
		}},
		{"same page again", "follows on page", list, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Next-Page", "1")
			_, _ = io.WriteString(w, "[]")
		}},
		{"pages for ever", "the list has more than 500 pages", list, func(w http.ResponseWriter, r *http.Request) {
			page, _ := strconv.Atoi(r.URL.Query().Get("page"))
			w.Header().Set("X-Next-Page", strconv.Itoa(page+1))
			w.Header().Set("Link", fmt.Sprintf(`<%s/api/v4/x?page=2>; rel="next"`, other.URL))
			_, _ = io.WriteString(w, "[]")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() && c.name != "redirect" && c.name != "git redirect" {
				t.Skip("two ways are tried in short runs")
			}
			p := newPlatform(t)
			target, err := url.Parse(p.box.url)
			p.must(err)
			proxy := httputil.NewSingleHostReverseProxy(target)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if c.when(r) {
					c.answer(w, r)
					return
				}
				proxy.ServeHTTP(w, r)
			}))
			t.Cleanup(server.Close)
			p.box.box.SetURL(server.URL)
			p.box.url = server.URL
			code, stdout, stderr := p.run(developer, "propose")
			if code != exitFailed || !strings.Contains(stdout+stderr, c.want) {
				t.Errorf("exit code %d, want %q:\n%.2000s\n%.2000s", code, c.want, stdout, stderr)
			}
			if strings.ContainsAny(stdout+stderr, "\x00\x1b") {
				t.Errorf("control characters are shown: %.2000q", stdout+stderr)
			}
			if w := p.writes(); len(w) > 0 {
				t.Errorf("it wrote %v", w)
			}
		})
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("the other host was asked %d times", n)
	}
}
