package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

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
	known := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(known, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := newStore(t, Config{KnownHostsFiles: []string{known}})
	for _, url := range []string{"http://" + addr + "/x.git", "https://" + addr + "/x.git", "ssh://git@" + addr + "/x.git"} {
		if _, err := s.Fetch(testContext(t), url, Ref{}); !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), addr) {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, r *repository, url string) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := newStore(t, Config{}).Fetch(ctx, url, Ref{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}

func TestServerThatNeverAnswersEndsWithTheContext(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-done:
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(done) })
	ctx, cancel := context.WithTimeoutCause(t.Context(), 1, errors.New("too slow"))
	defer cancel()
	_, err := newStore(t, Config{}).Fetch(ctx, server.URL+"/x.git", Ref{})
	if !errors.Is(err, ErrUnreachable) {
		t.Errorf("%v", err)
	}
}

func TestHostileHTTPServers(t *testing.T) {
	t.Parallel()
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("a redirect to another host was followed: %s", r.URL)
	}))
	t.Cleanup(target.Close)
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    error
		text    string
	}{
		"web page": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "<!DOCTYPE html><html>")
		}, ErrUnreachable, "no git server"},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, strings.Replace(target.URL, "127.0.0.1", "localhost", 1)+r.URL.Path, http.StatusFound)
		}, ErrUnreachable, "redirects to another host"},
		"overload": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
		}, ErrUnreachable, "502 Bad Gateway"},
		"forbidden": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "remote: GitLab: You are not allowed", http.StatusForbidden)
		}, ErrAuth, "You are not allowed"},
		"endless error": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			for range 1000 {
				_, _ = io.WriteString(w, strings.Repeat("x", 1000))
			}
		}, ErrUnreachable, "500"},
		"endless refs": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "001e# service=git-upload-pack\n0000")
			line := strings.Repeat("a", 40) + " refs/heads/x\x00cap\n"
			for range 100_000 {
				_, _ = fmt.Fprintf(w, "%04x%s", len(line)+4, line)
				line = strings.Repeat("a", 40) + " refs/heads/x\n"
			}
		}, ErrTooLarge, "MiB"},
		"cut": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "001e# service=git-upload-pack\n0000")
		}, ErrUnreachable, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(c.handler)
			t.Cleanup(server.Close)
			_, err := newStore(t, Config{MaxBytes: 1 << 20}).Fetch(testContext(t), server.URL+"/x.git", Ref{})
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) || len(err.Error()) > 600 {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, r *repository, url string) {
		r.write(t, "zeros", strings.Repeat("\x00", 4<<20), 0o644)
		random := make([]byte, 3<<20)
		_, _ = rand.NewChaCha8([32]byte{}).Read(random)
		r.write(t, "random", string(random), 0o644)
		r.commit(t, "bomb")
		run(t, r.work, "push", "-q", "origin", "main")
		ctx := testContext(t)
		if _, err := newStore(t, Config{MaxBytes: 2000}).Fetch(ctx, url, Ref{}); !errors.Is(err, ErrTooLarge) {
			t.Errorf("transfer: %v", err)
		}
		if _, err := newStore(t, Config{MaxUnpacked: 6 << 20}).Fetch(ctx, url, Ref{}); !errors.Is(err, ErrTooLarge) {
			t.Errorf("unpacked: %v", err)
		}
		if _, err := newStore(t, Config{MaxBytes: 200}).RemoteRefs(ctx, url); !errors.Is(err, ErrTooLarge) {
			t.Errorf("refs: %v", err)
		}
		if ctx.Err() != nil {
			t.Error("only the context ended what nobody listened to any more")
		}
		fetch(t, newStore(t, Config{}), url, Ref{})
	})
}
