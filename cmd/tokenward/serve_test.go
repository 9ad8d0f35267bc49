package main

import (
	"bytes"
	"context"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// logLines is a log that a test can wait for.
type logLines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// patience is how long a test waits for one thing, which never takes as long: then it
// fails and shows the log, instead of hanging until all tests are killed.
const patience = 2 * time.Minute

// poll asks again and again until something is so. It says whether that came true before
// ctx ended and patience did.
func poll(ctx context.Context, so func() bool) bool {
	ctx, done := context.WithTimeout(ctx, patience)
	defer done()
	every := time.NewTicker(50 * time.Millisecond)
	defer every.Stop()
	for !so() {
		select {
		case <-every.C:
		case <-ctx.Done():
			return so()
		}
	}
	return true
}

// wait returns what the expression finds in the log, as soon as it does.
func (l *logLines) wait(ctx context.Context, t *testing.T, expression string) []string {
	t.Helper()
	find := regexp.MustCompile(expression)
	var found []string
	if !poll(ctx, func() bool {
		found = find.FindStringSubmatch(l.String())
		return found != nil
	}) {
		t.Fatalf("the log never says %s:\n%s", expression, l)
	}
	return found
}

// TestServe runs the service on the sample platform: it proposes at its first start,
// runs a package's namespace when GitLab tells of a push, and stops when it is told to.
func TestServe(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	log := &logLines{}
	environment := map[string]string{
		"TOKENWARD_GITLAB_TOKEN": developer, "TOKENWARD_GITLAB_URL": p.box.url, "TOKENWARD_WEBHOOK_SECRET": "hook-secret-of-the-test",
		"TOKENWARD_STORE": "sqlite://" + filepath.Join(t.TempDir(), "store.db"), "TOKENWARD_SERVE_LISTEN": "127.0.0.1:0", "TOKENWARD_ADMIN_LISTEN": "127.0.0.1:0",
	}
	s := &surroundings{stdout: log, stderr: log, environ: func(key string) string { return environment[key] }}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() {
		defer stop() // whoever waits for the log waits no more
		ended <- runServe(ctx, s, &inputs{umbrella: sampleHost + "platform/umbrella.git", insteadOf: []string{sampleHost + "=" + p.box.url + "/"}})
	}()
	address := log.wait(ctx, t, `msg=serving listen=(\S+)`)[1]
	log.wait(ctx, t, `msg="run ended" umbrella=umbrella `)
	log.wait(ctx, t, `msg="run ends" umbrella=umbrella namespace="" run=1 result=done`)
	if len(p.box.box.MergeRequests()) == 0 {
		t.Error("the first start proposed nothing")
	}
	body := `{"object_kind":"push","ref":"refs/heads/main","before":"1","after":"2","user_id":99,"project":{"path_with_namespace":"apps/bulletin","default_branch":"main"}}`
	for _, m := range p.box.box.MergeRequests() {
		if strings.HasSuffix(m.Project, "/bulletin") {
			body = strings.ReplaceAll(body, "apps/bulletin", m.Project)
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/webhooks/gitlab", strings.NewReader(body))
	p.must(err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Gitlab-Token", "hook-secret-of-the-test")
	resp, err := http.DefaultClient.Do(req)
	p.must(err)
	p.must(resp.Body.Close())
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("the webhook is answered with %s", resp.Status)
	}
	log.wait(ctx, t, `msg="run begins" umbrella=umbrella namespace=bulletin .*reasons="push to \S+@main"`)
	log.wait(ctx, t, `msg="run ends" umbrella=umbrella namespace=bulletin run=2 result=done`)
	stop()
	if err := <-ended; err != nil {
		t.Errorf("stopped with %v", err)
	}
	if strings.Contains(log.text.String(), developer) {
		t.Error("the log holds the token")
	}
}
