package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"tokenward/bot/webhook/hooktest"
)

// serveSecret is what the tests' deliveries bring.
const serveSecret = "hook-secret-of-the-test"

// serveIfChild is the program itself, in a process that a test has started.
func serveIfChild() {
	if os.Getenv("TOKENWARD_TEST_SERVE") != "" {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr, os.Getenv))
	}
}

// served is a process of tokenward serve.
type served struct {
	cmd  *exec.Cmd
	log  *logLines
	ctx  context.Context // until the process is dead
	gone chan error      // how it ended
}

// startServe starts the service on the platform, with more environment as KEY=VALUE.
// All processes of a test share the cache, so that only the first renders.
func (p *platform) startServe(environment ...string) *served {
	p.t.Helper()
	s := &served{log: &logLines{}, gone: make(chan error, 1)}
	s.cmd = exec.Command(os.Args[0], "serve", "--umbrella", sampleHost+"platform/umbrella.git", "--git-instead-of", sampleHost+"="+p.box.url+"/")
	s.cmd.Env = append(os.Environ(), "TOKENWARD_TEST_SERVE=1", "TOKENWARD_GITLAB_TOKEN="+developer, "TOKENWARD_GITLAB_URL="+p.box.url, "TOKENWARD_WEBHOOK_SECRET="+serveSecret,
		"TOKENWARD_SERVE_LISTEN=127.0.0.1:0", "TOKENWARD_ADMIN_LISTEN=127.0.0.1:0", "TOKENWARD_CACHE_DIR="+filepath.Join(p.dir, "cache"))
	s.cmd.Env = append(s.cmd.Env, environment...)
	s.cmd.Stderr, s.cmd.WaitDelay = s.log, patience
	p.must(s.cmd.Start())
	var died context.CancelFunc
	s.ctx, died = context.WithCancel(context.WithoutCancel(p.t.Context()))
	go func() {
		s.gone <- s.cmd.Wait()
		died()
	}()
	p.t.Cleanup(s.kill)
	return s
}

// kill ends the process as a power cut would, and returns when it is dead.
func (s *served) kill() {
	_ = s.cmd.Process.Kill() // it may be dead already
	<-s.ctx.Done()
}

// stop asks the process to end and returns how it did.
func (s *served) stop(t *testing.T) error {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-s.gone:
		return err
	case <-time.After(patience):
		t.Fatalf("told to stop, the service goes on:\n%s", s.log)
		return nil
	}
}

// address is where webhooks go.
func (s *served) address(t *testing.T) string {
	return "http://" + s.log.wait(s.ctx, t, `msg=serving listen=(\S+)`)[1]
}

// page reads a page of the admin listener.
func (s *served) page(t *testing.T, path string) string {
	t.Helper()
	body, err := get("http://" + s.log.wait(s.ctx, t, `msg="showing the admin page" listen=(\S+)`)[1] + path)
	if err != nil {
		t.Fatalf("%v:\n%s", err, s.log)
	}
	return body
}

// patient asks a service that should answer.
func patient() *http.Client { return &http.Client{Timeout: patience} }

func get(address string) (string, error) {
	resp, err := patient().Get(address)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// push delivers a push of a person to a package's default branch.
func push(ctx context.Context, server, secret, project, id string) (status int, err error) {
	return hooktest.Push{Server: server, Secret: secret, ID: id, Project: project}.Send(ctx, patient())
}
