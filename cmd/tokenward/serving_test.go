package main

import (
	"context"
	"maps"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tokenward/bot/redact"
)

// serving is the service within the test's process, on a clock of the test's.
type serving struct {
	t     *testing.T
	ctx   context.Context // until it has ended
	log   *logLines
	ended chan error
	stop  context.CancelFunc
}

// serveHere starts the service on the platform, which is stopped with the test.
func (p *platform) serveHere(environment map[string]string) *serving {
	p.t.Helper()
	all := map[string]string{
		"TOKENWARD_GITLAB_TOKEN": developer, "TOKENWARD_GITLAB_URL": p.box.url, "TOKENWARD_WEBHOOK_SECRET": serveSecret, "TOKENWARD_SERVE_SCHEDULES": "0 5 * * *",
		"TOKENWARD_STORE": "sqlite://" + filepath.Join(p.t.TempDir(), "store.db"), "TOKENWARD_SERVE_LISTEN": "127.0.0.1:0", "TOKENWARD_ADMIN_LISTEN": "127.0.0.1:0",
		"TOKENWARD_CACHE_DIR": filepath.Join(p.dir, "cache"), // only the first run renders
	}
	maps.Copy(all, environment)
	s := &serving{t: p.t, log: &logLines{}, ended: make(chan error, 1)}
	around := &surroundings{stdout: s.log, stderr: s.log, environ: func(key string) string { return all[key] }, now: p.now, renderer: p.renderer, secrets: &redact.Set{}, sleep: p.wait}
	var ctx context.Context
	ctx, s.stop = context.WithCancel(p.t.Context())
	var gone context.CancelFunc
	s.ctx, gone = context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		s.ended <- runServe(ctx, around, &inputs{umbrella: sampleHost + "platform/umbrella.git", insteadOf: []string{sampleHost + "=" + p.box.url + "/"}})
		gone() // whoever waits for the log waits no more
	}()
	p.t.Cleanup(s.end)
	return s
}

// end stops the service and returns when it has ended.
func (s *serving) end() {
	s.stop()
	select {
	case <-s.ctx.Done():
	case <-time.After(patience):
		s.t.Errorf("told to stop, the service goes on:\n%s", s.log)
	}
}

func (s *serving) says(expression string) []string {
	s.t.Helper()
	return s.log.wait(s.ctx, s.t, expression)
}

func (s *serving) address() string { return "http://" + s.says(`msg=serving listen=(\S+)`)[1] }

func (s *serving) admin() string {
	return "http://" + s.says(`msg="showing the admin page" listen=(\S+)`)[1]
}

// count is how often the log says something.
func (s *serving) count(expression string) int {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return len(regexp.MustCompile(expression).FindAllString(s.log.text.String(), -1))
}

// until waits until something is so, which it looks at again and again.
func (s *serving) until(what string, so func() bool) {
	s.t.Helper()
	if !poll(s.ctx, so) {
		s.t.Fatalf("waited in vain for %s:\n%s", what, s.log)
	}
}

// page reads a page of the admin listener.
func (s *serving) page(path string) string {
	s.t.Helper()
	body, err := get(s.admin() + path)
	if err != nil {
		s.t.Fatalf("%v:\n%s", err, s.log)
	}
	return body
}

// units is how many units are in a state.
func (s *serving) units(state string) string {
	s.t.Helper()
	_, rest, _ := strings.Cut(s.page("/metrics"), `tokenward_queue_units{state="`+state+`"} `)
	n, _, _ := strings.Cut(rest, "\n")
	return n
}

// idle tells whether nothing is left to do.
func (s *serving) idle() bool {
	return s.units("waiting") == "0" && s.units("running") == "0" && s.units("pausing") == "0"
}

// push delivers a push to a package and checks that it is taken.
func (s *serving) push(project, id string) {
	s.t.Helper()
	if status, err := push(s.ctx, s.address(), serveSecret, project, id); err != nil || status != http.StatusOK {
		s.t.Errorf("the push to %s is answered with %d, %v", project, status, err)
	}
}
