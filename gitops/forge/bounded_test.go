package forge

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestEndlessBodyIsCut(t *testing.T) {
	t.Parallel()
	requests := 0
	server := endless(t, func(w http.ResponseWriter) {
		requests++
		_, _ = io.WriteString(w, `{"name":"`)
	})
	f := newFake(t, nil)
	c := f.client(t, func(config *Config) { config.BaseURL = server.URL })
	c.transport.maxBody = 2 << 20
	_, err := c.CurrentUser(ctx(t))
	if !errors.Is(err, errTooLarge) || requests != 1 {
		t.Errorf("%v after %d requests", err, requests)
	}
}

// endless serves answers that begin as told and never end.
func endless(t *testing.T, begin func(http.ResponseWriter)) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		begin(w)
		chunk := []byte(strings.Repeat("x", 1<<20))
		for {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}))
	t.Cleanup(server.Close)
	return server
}

// A refusal without end is read to a line, and needs no more than its beginning.
func TestEndlessRefusalIsCut(t *testing.T) {
	t.Parallel()
	server := endless(t, func(w http.ResponseWriter) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, "no such thing: ")
	})
	f := newFake(t, nil)
	c := f.client(t, func(config *Config) { config.BaseURL = server.URL })
	if _, err := c.CurrentUser(ctx(t)); err == nil || !strings.Contains(err.Error(), "no such thing: xx") || len(err.Error()) > 700 {
		t.Errorf("%.800v", err)
	}
}

// What a server says is one line for any terminal, and no part of the token is in it,
// wherever it is cut.
func TestRefusalsAreShown(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"{\"message\":\"a\\u009b31mb\\u202ec\\u2028d\\u200fe\\r\\nf\"}": ": a 31mb c d e f",
		strings.Repeat("a", 490) + secret:                               ": " + strings.Repeat("a", 490) + "[redacted]",
		strings.Repeat("é ", 400):                                       ": " + strings.Repeat("é ", 166) + "é [...]",
		"a" + strings.Repeat(" ", maxRefusal-8) + secret:                ": a",
	} {
		f := newFake(t, map[string][]answer{"GET /user": {{status: 400, body: body}}})
		_, err := f.client(t, nil).CurrentUser(ctx(t))
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%q instead of %q", err, want)
		}
	}
	f := newFake(t, map[string][]answer{"GET /user": {{body: `{"id":1` + strings.Repeat("0", 1<<20) + `}`}}})
	if _, err := f.client(t, nil).CurrentUser(ctx(t)); err == nil || len(err.Error()) > 700 {
		t.Errorf("a number of a million digits: %.800v", err)
	}
}

// TestSmallBodiesThatBecomeLarge are answers within the bound on bytes that would take a
// thousand times as much memory: compressed ones, and lists of nothing.
func TestSmallBodiesThatBecomeLarge(t *testing.T) {
	t.Parallel()
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = io.WriteString(z, `{"name":"`)
	for range 70 {
		_, _ = z.Write(bytes.Repeat([]byte("x"), 1<<20))
	}
	_ = z.Close()
	for name, body := range map[string]string{
		"compressed": zipped.String(),
		"objects":    "[" + strings.Repeat("{},", 300_000) + "{}]",
		"nested":     strings.Repeat("[", 100_000),
		"values":     `[{"labels":[` + strings.Repeat(`"",`, 3_000_000) + `""]}]`,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if name == "compressed" {
				w.Header().Set("Content-Encoding", "gzip")
			}
			_, _ = io.WriteString(w, body)
		}))
		t.Cleanup(server.Close)
		c := newFake(t, nil).client(t, func(config *Config) { config.BaseURL = server.URL })
		rows, err := c.Notes(ctx(t), 7, 1)
		if err == nil || rows != nil || name != "nested" && !errors.Is(err, errTooLarge) || len(err.Error()) > 500 {
			t.Errorf("%s: %d rows, %.300v", name, len(rows), err)
		}
	}
	braces := `[{"id":"a","notes":[{"id":1,"body":"` + strings.Repeat(`{,\"{`, 300_000) + `"}]}]`
	f := newFake(t, map[string][]answer{"GET " + discussionsPath: {{body: braces}}})
	if rows, err := f.client(t, nil).Notes(ctx(t), 7, 1); err != nil || len(rows) != 1 {
		t.Errorf("a note full of braces: %d rows, %.300v", len(rows), err)
	}
}
