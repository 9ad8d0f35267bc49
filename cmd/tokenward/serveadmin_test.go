package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tokenward/bot/redact"
)

// The service shows its first run on the admin page and in the metrics, to whoever
// has the token, and never the token.
func TestServeShowsItself(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	const token = "canary-of-the-admin-page"
	environment := map[string]string{"TOKENWARD_GITLAB_TOKEN": developer, "TOKENWARD_GITLAB_URL": p.box.url, "TOKENWARD_ADMIN_TOKEN": token, "TOKENWARD_LOG_FORMAT": "json",
		"TOKENWARD_ADMIN_LISTEN": "127.0.0.1:0", "TOKENWARD_SERVE_LISTEN": "127.0.0.1:0", "TOKENWARD_STORE": "sqlite:" + filepath.Join(t.TempDir(), "queue.db")}
	read, write := io.Pipe()
	s := &surroundings{stdout: io.Discard, stderr: write, environ: func(key string) string { return environment[key] }, secrets: &redact.Set{},
		sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() {
		err := runServe(ctx, s, &inputs{umbrella: sampleHost + "platform/umbrella.git", insteadOf: []string{sampleHost + "=" + p.box.url + "/"}})
		write.Close()
		ended <- err
	}()
	var log strings.Builder
	address, logged := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(logged)
		lines := bufio.NewScanner(read)
		for lines.Scan() {
			log.WriteString(lines.Text() + "\n")
			if m := regexp.MustCompile(`"showing the admin page","listen":"([^"]+)"`).FindStringSubmatch(lines.Text()); m != nil {
				address <- "http://" + m[1]
			}
		}
	}()
	var base string
	select {
	case base = <-address:
	case err := <-ended:
		t.Fatalf("serve ended: %v", err)
	}
	get := func(path string) *http.Response {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	text := func(path string) string {
		resp := get(path)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	counted := regexp.MustCompile(`(?m)^tokenward_runs_total\{result="partial",umbrella="umbrella"\} [1-9]`)
	watch := get("/events")
	defer watch.Body.Close()
	for events := bufio.NewScanner(watch.Body); !counted.MatchString(text("/metrics")); {
		if !events.Scan() {
			t.Fatal("the stream of events ended")
		}
	}
	metrics := text("/metrics")
	for _, want := range []string{`tokenward_step_duration_seconds_count{step="render"}`, `tokenward_gitlab_requests_total{method="POST",route="projects/:/merge_requests",status="201"}`,
		`tokenward_merge_requests{state="opened",umbrella="umbrella"}`, `tokenward_workloads{umbrella="umbrella",verdict="needs-token"}`, `tokenward_queue_units{state="parked"}`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	page := text("/")
	for _, want := range []string{`href="/namespaces/umbrella/bulletin"`, `href="/runs/1"`, "/-/merge_requests/"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if part := text("/namespaces/umbrella/bulletin"); !strings.Contains(part, `<svg class="picture"`) {
		t.Error("the namespace's page has no picture")
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("serve ended with %v", err)
	}
	<-logged
	if !strings.Contains(log.String(), `"run ended"`) || strings.Contains(log.String(), token) || strings.Contains(page+metrics, token) || strings.Contains(log.String(), developer) {
		t.Errorf("the log lacks the run's end, or something shows a secret:\n%s", log.String())
	}
}
