package traces

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

func TestErrorsAreRedacted(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var sent strings.Builder
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if _, err := io.Copy(&sent, r.Body); err != nil {
			t.Error(err)
		}
	}))
	defer collector.Close()
	tr, err := New(t.Context(), Config{Endpoint: collector.URL, Redact: func(s string) string { return strings.ReplaceAll(s, "hunter2", "***") }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	_, end := tr.Steps(Run{Umbrella: "u", Number: 3})(t.Context(), "propose", "unit-of-hunter2")
	end(errors.New("the server says hunter2"))
	if err := tr.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if text := sent.String(); !strings.Contains(text, "the server says ***") || strings.Contains(text, "hunter2") {
		t.Errorf("sent: %q", text)
	}
}

// A collector that takes nothing costs the traces and a line in the log, nothing else.
func TestCollectorRefuses(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	collector := httptest.NewServer(http.NotFoundHandler())
	defer collector.Close()
	tr, err := New(t.Context(), Config{Endpoint: collector.URL, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	_, end := tr.Steps(Run{})(t.Context(), "run", "")
	end(nil)
	if err := tr.Close(t.Context()); err != nil || !strings.Contains(log.String(), "traces are lost") {
		t.Errorf("%v, and the log says %q", err, log.String())
	}
}

func TestCheckEndpoint(t *testing.T) {
	t.Parallel()
	for endpoint, ok := range map[string]bool{"http://collector:4318": true, "https://collector/x": true, "collector:4318": false, "http://u:p@collector": false, "http://collector?x=1": false} {
		if err := CheckEndpoint(endpoint); (err == nil) != ok {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}
