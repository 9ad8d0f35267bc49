package git

import (
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

func TestTLS(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	plain := serve(t, filepath.Dir(r.path))
	server := httptest.NewTLSServer(plain)
	t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, ca, 0o600); err != nil {
		t.Fatal(err)
	}
	url := server.URL + "/umbrella.git"
	fetch(t, newStore(t, Config{CA: ca}), url, Ref{})
	fetch(t, newStore(t, Config{CAFile: file}), url, Ref{})
	_, err := newStore(t, Config{}).Fetch(testContext(t), url, Ref{})
	if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "configure that authority") {
		t.Errorf("%v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]Config{
		"empty prefix":   {InsteadOf: []Rewrite{{To: "https://u:s3cret@h/"}}},
		"no certificate": {CA: []byte("s3cret")},
		"absent file":    {CAFile: filepath.Join(t.TempDir(), "none")},
	} {
		if _, err := New(config); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRedirectOnTheSameHost is what GitLab answers for a moved project.
func TestRedirectOnTheSameHost(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	git := serve(t, filepath.Dir(r.path)).withAuth("bot", "s3cret")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if rest, ok := strings.CutPrefix(req.URL.Path, "/old.git"); ok {
			http.Redirect(w, req, "/umbrella.git"+rest+"?"+req.URL.RawQuery, http.StatusMovedPermanently)
			return
		}
		git.ServeHTTP(w, req)
	}))
	t.Cleanup(server.Close)
	s := newStore(t, Config{Credentials: func(string) (*Credential, error) { return &Credential{Username: "bot", Password: "s3cret"}, nil }})
	base := fetch(t, s, server.URL+"/old.git", Ref{})
	hash := commit(t, s, base, map[string]string{"a": "1"})
	if err := s.Push(testContext(t), base, hash, "tokenward/x", ""); err != nil {
		t.Errorf("%v", err)
	}
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	t.Parallel()
	r := newRepository(t)
	server := httptest.NewUnstartedServer(serve(t, filepath.Dir(r.path)))
	var opened atomic.Int64
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	s := newStore(t, Config{})
	for range 3 {
		fetch(t, s, server.URL+"/umbrella.git", Ref{})
	}
	if n := opened.Load(); n != 1 {
		t.Errorf("%d connections for 3 fetches", n)
	}
}
