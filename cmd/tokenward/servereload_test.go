package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tokenward/bot/queue/storetest"
	"tokenward/bot/webhook/hooktest"
	"tokenward/gitops/forge/sandbox"
)

// Tokens and webhook secrets are exchanged while the service runs, and SIGHUP takes on
// a configuration that is right and leaves one that is wrong.
func TestServeReload(t *testing.T) {
	t.Parallel()
	p, dir := newPlatform(t), t.TempDir()
	file := func(name, content string) string {
		name = filepath.Join(dir, name)
		p.must(os.WriteFile(name, []byte(content), 0o600))
		return name
	}
	token, first, second := file("token", developer), file("first", "first-secret-of-hooks"), file("second", "second-secret-of-hooks")
	config := func(secret string) string {
		return "gitlab: {tokenFile: " + token + "}\nwebhooks: {secretFiles: [" + secret + "]}\n"
	}
	path := file("config.yaml", config(first))
	s := p.startServe("TOKENWARD_CONFIG="+path, "TOKENWARD_GITLAB_TOKEN=", "TOKENWARD_WEBHOOK_SECRET=", "TOKENWARD_STORE="+storetest.SQLite(t))
	address, deliveries := s.address(t), 0
	taken := func(secret string, want int) {
		t.Helper()
		deliveries++
		status, err := push(s.ctx, address, secret, bulletinProject, string(rune('a'+deliveries)))
		if err != nil || status != want {
			t.Errorf("a push with %s is answered with %d, %v, not %d", secret, status, err, want)
		}
	}
	s.log.wait(s.ctx, t, `msg="run ends" umbrella=umbrella namespace="" run=1 result=done`)
	taken("first-secret-of-hooks", http.StatusOK)
	file("first", "another-secret-of-hooks")
	taken("first-secret-of-hooks", http.StatusUnauthorized)
	taken("another-secret-of-hooks", http.StatusOK)

	file("config.yaml", config(second)+"serve: {worker: 3}\n")
	p.must(s.cmd.Process.Signal(syscall.SIGHUP))
	s.log.wait(s.ctx, t, `the old one stays.*unknown key worker`)
	taken("second-secret-of-hooks", http.StatusUnauthorized)
	taken("another-secret-of-hooks", http.StatusOK)

	file("config.yaml", config(second))
	p.must(s.cmd.Process.Signal(syscall.SIGHUP))
	s.log.wait(s.ctx, t, `configuration read again`)
	taken("another-secret-of-hooks", http.StatusUnauthorized)
	file("token", maintainer)
	p.box.box.ResetRequests()
	taken("second-secret-of-hooks", http.StatusOK)
	if !poll(s.ctx, func() bool {
		return slices.ContainsFunc(p.box.box.Requests(), func(r sandbox.Request) bool { return r.User == maintainer })
	}) {
		t.Fatalf("no request has the new token:\n%s", s.log)
	}
	if err := s.stop(t); err != nil {
		t.Errorf("stopped with %v", err)
	}
	if text := s.log.text.String(); strings.Contains(text, "secret-of-hooks") {
		t.Error("the log tells a secret")
	}
}

// Whoever the token belongs to is the bot: when it moves to another user, what the old
// one does counts as a person's work.
func TestServeTokenMoves(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	token := filepath.Join(t.TempDir(), "token")
	p.must(os.WriteFile(token, []byte(developer), 0o600))
	s := p.startServe("TOKENWARD_GITLAB_TOKEN=", "TOKENWARD_GITLAB_TOKEN_FILE="+token, "TOKENWARD_STORE="+storetest.SQLite(t))
	s.log.wait(s.ctx, t, `msg="run ends" umbrella=umbrella namespace="" run=1 result=done`)
	n := 0
	pushed := func(user int, want string) {
		t.Helper()
		n++
		counter := `tokenward_webhook_deliveries_total{event="push",outcome="` + want + `"}`
		before := s.page(t, "/metrics")
		status, err := hooktest.Push{Server: s.address(t), Secret: serveSecret, ID: fmt.Sprint("push-", n), Project: bulletinProject, Branch: bulletinBranch, User: user}.Send(s.ctx, patient())
		if err != nil || status != http.StatusOK {
			t.Fatalf("a push is answered with %d, %v", status, err)
		}
		if after := s.page(t, "/metrics"); value(after, counter) != value(before, counter)+1 {
			t.Errorf("a push of user %d is not %s", user, want)
		}
	}
	const ofMaintainer, ofDeveloper = 1, 2
	pushed(ofDeveloper, "ignored")
	pushed(ofMaintainer, "accepted")
	p.must(os.WriteFile(token, []byte(maintainer), 0o600))
	p.must(s.cmd.Process.Signal(syscall.SIGHUP))
	s.log.wait(s.ctx, t, `configuration read again`)
	pushed(ofDeveloper, "accepted")
	pushed(ofMaintainer, "ignored")
	if err := s.stop(t); err != nil {
		t.Errorf("stopped with %v", err)
	}
}

// What SIGHUP adds works at once: an umbrella is run, and webhooks are taken once there is a secret.
func TestServeReloadAdds(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	config, secret := filepath.Join(t.TempDir(), "config.yaml"), filepath.Join(t.TempDir(), "secret")
	p.must(os.WriteFile(config, nil, 0o600))
	p.must(os.WriteFile(secret, []byte(serveSecret), 0o600))
	s := p.startServe("TOKENWARD_CONFIG="+config, "TOKENWARD_WEBHOOK_SECRET=", "TOKENWARD_STORE="+storetest.SQLite(t))
	s.log.wait(s.ctx, t, `msg="run ends" umbrella=umbrella namespace="" run=1 result=done`)
	s.log.wait(s.ctx, t, `no webhooks: no secret of webhooks: set webhooks.secretFiles`)
	taken := func(id string, want int) {
		t.Helper()
		if status, err := push(s.ctx, s.address(t), serveSecret, bulletinProject, id); err != nil || status != want {
			t.Errorf("a push is answered with %d, %v, not %d", status, err, want)
		}
	}
	taken("early", http.StatusNotFound)
	p.must(os.WriteFile(config, []byte("webhooks: {secretFiles: ["+secret+"]}\numbrellas:\n- {name: other, url: "+sampleHost+"platform/umbrella.git}\n"), 0o600))
	p.must(s.cmd.Process.Signal(syscall.SIGHUP))
	s.log.wait(s.ctx, t, `configuration read again`)
	taken("late", http.StatusOK)
	s.log.wait(s.ctx, t, `msg="run ends" umbrella=other namespace="" run=\d+ result=done`)
	if err := s.stop(t); err != nil {
		t.Errorf("stopped with %v", err)
	}
}

// The metrics say nothing of an umbrella that SIGHUP has taken away, and its units do not count as waiting.
// When it comes back, it is run at once, since nobody knows what has happened meanwhile, and when it is configured otherwise, too.
func TestServeReloadTakesAway(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	config := filepath.Join(t.TempDir(), "config.yaml")
	both := []byte("umbrellas:\n- name: other\n  url: " + sampleHost + "platform/umbrella.git\n")
	p.must(os.WriteFile(config, both, 0o600))
	s := p.startServe("TOKENWARD_CONFIG="+config, "TOKENWARD_STORE="+storetest.SQLite(t))
	for _, umbrella := range []string{"umbrella", "other"} {
		s.log.wait(s.ctx, t, `msg="run ends" umbrella=`+umbrella+` namespace="" run=\d+ result=done`)
	}
	waiting := func() int { return value(s.page(t, "/metrics"), `tokenward_queue_units{state="waiting"}`) }
	if !poll(s.ctx, func() bool { return waiting() == 0 }) {
		t.Fatalf("there is always something to do:\n%s", s.log)
	}
	told := regexp.MustCompile(`(?m)^tokenward_(workloads|merge_requests|last_success\w*)\{.*umbrella="other"`)
	if !told.MatchString(s.page(t, "/metrics")) {
		t.Error("the metrics say nothing of the umbrella while it is there")
	}
	p.must(os.WriteFile(config, nil, 0o600))
	p.must(s.cmd.Process.Signal(syscall.SIGHUP))
	s.log.wait(s.ctx, t, `configuration read again`)
	admin := "http://" + s.log.wait(s.ctx, t, `msg="showing the admin page" listen=(\S+)`)[1]
	resp, err := http.PostForm(admin+"/retry", url.Values{"umbrella": {"other"}, "namespace": {"bulletin"}})
	p.must(err)
	p.must(resp.Body.Close())
	if found := told.FindAllString(s.page(t, "/metrics"), -1); found != nil {
		t.Errorf("the metrics still say %q", found)
	}
	if n := waiting(); n != 0 {
		t.Errorf("%d units wait", n)
	}
	p.must(os.WriteFile(config, both, 0o600))
	p.must(s.cmd.Process.Signal(syscall.SIGHUP))
	again := `msg="run begins" umbrella=other namespace="" run=\d+ whole=true triggers=1 reasons="its configuration is new"`
	s.log.wait(s.ctx, t, again)
	p.must(os.WriteFile(config, append(both, "  chart: chart\n"...), 0o600))
	p.must(s.cmd.Process.Signal(syscall.SIGHUP))
	s.log.wait(s.ctx, t, "(?s)"+again+".*"+again)
	if err := s.stop(t); err != nil {
		t.Errorf("stopped with %v", err)
	}
}

// startHeld starts the service and waits until it makes a merge request, of which the server does not answer before release is called.
func (p *platform) startHeld(t *testing.T, settings ...string) (s *served, release func()) {
	t.Helper()
	held, meets := make(chan struct{}), make(chan struct{}, 1000)
	p.box.box.SetFault(func(r sandbox.Request) sandbox.Fault {
		if r.Method == http.MethodPost && strings.HasSuffix(r.Path, "/merge_requests") {
			meets <- struct{}{}
			<-held
		}
		return sandbox.Fault{}
	})
	release = sync.OnceFunc(func() { close(held) })
	s = p.startServe(settings...)
	select {
	case <-meets:
		return s, release
	case <-s.ctx.Done():
		release()
		t.Fatalf("the service ended:\n%s", s.log)
	case <-time.After(patience):
		release()
		t.Fatalf("the service proposes nothing:\n%s", s.log)
	}
	return nil, nil
}

// SIGHUP ends no process, neither one that waits for the store nor one that is being
// stopped and lets its runs come to their end.
func TestServeReloadAtStartAndEnd(t *testing.T) {
	t.Parallel()
	p, store := newPlatform(t), "TOKENWARD_STORE="+storetest.SQLite(t)
	first, release := p.startHeld(t, store, "TOKENWARD_SERVE_GRACE_PERIOD=5m")
	defer release() // the server waits for its answers
	next := p.startServe(store)
	next.log.wait(next.ctx, t, `waiting for another process that has the store`)
	p.must(next.cmd.Process.Signal(syscall.SIGHUP))

	p.must(first.cmd.Process.Signal(syscall.SIGTERM))
	if !poll(first.ctx, func() bool {
		text, err := get(first.address(t) + "/readyz")
		return err == nil && text == "not ready\n"
	}) {
		t.Fatalf("told to stop, the service is ready:\n%s", first.log)
	}
	p.must(first.cmd.Process.Signal(syscall.SIGHUP))
	release()
	select {
	case err := <-first.gone:
		if err != nil {
			t.Errorf("stopped with %v:\n%s", err, first.log)
		}
	case <-time.After(patience):
		t.Fatalf("told to stop, the service goes on:\n%s", first.log)
	}
	next.log.wait(next.ctx, t, `configuration read again`)
	if err := next.stop(t); err != nil {
		t.Errorf("stopped with %v", err)
	}
}

// SIGHUP changes how the service logs, and says which keys it cannot take on.
func TestServeReloadLog(t *testing.T) {
	t.Parallel()
	p, config := newPlatform(t), filepath.Join(t.TempDir(), "config.yaml")
	p.must(os.WriteFile(config, []byte("serve: {attempts: 3}\n"), 0o600))
	s := p.startServe("TOKENWARD_CONFIG="+config, "TOKENWARD_STORE="+storetest.SQLite(t))
	s.log.wait(s.ctx, t, `msg="run ends" umbrella=umbrella namespace="" run=1 result=done`)
	p.must(os.WriteFile(config, []byte("log: {level: debug, format: json}\nserve: {attempts: 3, workers: 3, jitter: 1m}\nrendering: {time: 31s}\n"), 0o600))
	p.must(s.cmd.Process.Signal(syscall.SIGHUP))
	s.log.wait(s.ctx, t, `"msg":"configuration read again"`)
	s.log.wait(s.ctx, t, `"level":"WARN","msg":"the process works by the old values of some keys until it is started again","keys":"rendering.time, serve.workers"`)
	if _, err := push(s.ctx, s.address(t), serveSecret, "platform/packages/unknown", "unknown"); err != nil {
		t.Error(err)
	}
	s.log.wait(s.ctx, t, `"level":"DEBUG","msg":"webhook","outcome":"ignored"`)
	p.must(os.WriteFile(config, []byte("log: {level: warn}\nserve: {attempts: 2}\n"), 0o600))
	p.must(s.cmd.Process.Signal(syscall.SIGHUP))
	s.log.wait(s.ctx, t, `level=WARN msg="the process works by the old values of some keys until it is started again" keys=serve.attempts`)
	if err := s.stop(t); err != nil {
		t.Errorf("stopped with %v", err)
	}
	if text := s.log.String(); strings.Contains(text, `msg=stopped`) || strings.Count(text, "configuration read again") != 1 {
		t.Errorf("what is below warn is still logged:\n%s", text)
	}
}

// TestReadmeNamesStartKeys holds the README's list of keys that need a restart against the code's.
func TestReadmeNamesStartKeys(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	want := "`" + strings.Join(startKeys[:len(startKeys)-1], "`, `") + "` and `" + startKeys[len(startKeys)-1] + "` need a restart"
	if !strings.Contains(string(raw), want) {
		t.Errorf("the README does not say: %s", want)
	}
}

// value is what a page of metrics says of one, 0 if it does not name it.
func value(page, metric string) int {
	_, rest, _ := strings.Cut(page, metric+" ")
	line, _, _ := strings.Cut(rest, "\n")
	n, _ := strconv.Atoi(line)
	return n
}

// A run that SIGTERM meets is handed back when the grace period is over, that of the
// configuration in force, and the next process does it.
func TestServeHandsBack(t *testing.T) {
	t.Parallel()
	p, store, config := newPlatform(t), "TOKENWARD_STORE="+storetest.SQLite(t), filepath.Join(t.TempDir(), "config.yaml")
	p.must(os.WriteFile(config, []byte("serve: {gracePeriod: 1h}\n"), 0o600))
	s, release := p.startHeld(t, store, "TOKENWARD_CONFIG="+config)
	defer release() // the server waits for its answers
	p.must(os.WriteFile(config, []byte("serve: {gracePeriod: 100ms}\n"), 0o600))
	p.must(s.cmd.Process.Signal(syscall.SIGHUP))
	s.log.wait(s.ctx, t, `configuration read again`)
	err := s.stop(t)
	release()
	if err != nil {
		t.Errorf("stopped with %v:\n%s", err, s.log.text.String())
	}
	next := p.startServe(store)
	next.log.wait(next.ctx, t, `msg="run begins" umbrella=umbrella namespace="" run=\d+ .*reasons="first start`)
	next.log.wait(next.ctx, t, `msg="run ends" umbrella=umbrella namespace="" run=\d+ result=done`)
	if page := next.page(t, "/runs/1"); !strings.Contains(page, "handed back") {
		t.Error("the first run's page does not say that it was handed back")
	}
	if err := next.stop(t); err != nil {
		t.Errorf("stopped with %v", err)
	}
}
