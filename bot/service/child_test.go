package service

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tokenward/bot"
	"tokenward/bot/queue"
	"tokenward/bot/webhook"
	"tokenward/bot/webhook/hooktest"
)

// secret is what the tests' deliveries bring.
const secret = "a-secret-of-the-tests"

// TestMain is also the server process that the tests start and kill.
func TestMain(m *testing.M) {
	if os.Getenv("TOKENWARD_TEST_STORE") == "" {
		os.Exit(m.Run())
	}
	if err := serveChild(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serveChild is a service as it is, but for the run itself: that is one request to the
// test, which holds it for as long as the run shall take.
func serveChild() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	password := func() (string, error) { return os.Getenv("TOKENWARD_TEST_PASSWORD"), nil }
	q, err := queue.Open(ctx, queue.Config{URL: os.Getenv("TOKENWARD_TEST_STORE"), Password: password, Workers: 4, Attempts: 1000, Owner: fmt.Sprint(os.Getpid())})
	if err != nil {
		return err
	}
	s, err := New(q, Config{Umbrellas: []Umbrella{{Name: "u", Bot: func(context.Context, Scope) (*bot.Bot, error) { return nil, errors.New("no bot") }}}})
	if err != nil {
		return err
	}
	s.work = stubRun
	secrets, err := webhook.NewSecrets([]string{secret}, nil)
	if err != nil {
		return err
	}
	view := webhook.View{}
	for n := range units {
		view.Index.Packages = append(view.Index.Packages, webhook.Package{Project: webhook.Project{Path: project(n)}, Umbrella: "u", Namespace: namespace(n)})
	}
	hooks, err := webhook.New(webhook.Config{Secrets: func() (webhook.Secrets, error) { return secrets, nil }, Inbox: q, View: func() (webhook.View, error) { return view, nil }})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	web := &http.Server{Handler: hooks, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = web.Serve(l) }() // ends with the process
	fmt.Println("http://" + l.Addr().String())
	err = s.Run(ctx, func() time.Duration { return 5 * time.Second })
	return errors.Join(err, q.Close())
}

func stubRun(ctx context.Context, l *queue.Lease) queue.Outcome {
	at := fmt.Sprintf("%s/run?pid=%d&unit=%s", os.Getenv("TOKENWARD_TEST_PARENT"), os.Getpid(), url.QueryEscape(l.Namespace))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, nil)
	if err != nil {
		return queue.Outcome{Result: queue.Failed, Message: err.Error()}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return queue.Outcome{Result: queue.Failed, Message: err.Error()}
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
		return queue.Outcome{Result: queue.Failed, Message: resp.Status}
	}
	return queue.Outcome{Result: queue.Done}
}

// units is how many namespaces the stream of webhooks is about.
const units = 12

func project(n int) string   { return fmt.Sprintf("platform/package-%d", n%units) }
func namespace(n int) string { return fmt.Sprintf("namespace-%d", n%units) }

// deliver sends a push to package n's default branch and returns the status.
func deliver(ctx context.Context, client *http.Client, server, id string, n int) (int, error) {
	return hooktest.Push{Server: server, Secret: secret, ID: id, ProjectID: 100 + n%units, Project: project(n)}.Send(ctx, client)
}

// child is a running server process.
type child struct {
	cmd   *exec.Cmd
	url   string
	begun time.Time
	start time.Duration // how long it took until then
	ready chan struct{} // closed when url is known
	gone  chan struct{} // closed when the process is dead
}

func startChild(t *testing.T, store, password, parent string) *child {
	t.Helper()
	c := &child{cmd: exec.Command(os.Args[0], "-test.run=^$"), ready: make(chan struct{}), gone: make(chan struct{})}
	c.cmd.Env = append(os.Environ(), "TOKENWARD_TEST_STORE="+store, "TOKENWARD_TEST_PASSWORD="+password, "TOKENWARD_TEST_PARENT="+parent)
	c.cmd.Stderr = os.Stderr
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.begun = time.Now()
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		lines := bufio.NewScanner(out)
		if lines.Scan() {
			c.url, c.start = lines.Text(), time.Since(c.begun)
			close(c.ready)
		}
		_, _ = io.Copy(io.Discard, out) // what it says before it dies is of no interest
		_ = c.cmd.Wait()                // killed on purpose
		close(c.gone)
	}()
	t.Cleanup(func() { c.kill() })
	return c
}

// kill ends the process as a power cut would, and returns when it is dead.
func (c *child) kill() {
	_ = c.cmd.Process.Kill() // it may be dead already
	<-c.gone
}

func (c *child) waitReady(t *testing.T) {
	t.Helper()
	select {
	case <-c.ready:
	case <-c.gone:
		t.Fatal("the server process died by itself")
	}
}

// memory is the resident size of the process in KiB, 0 where it cannot be told.
func (c *child) memory() int {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.Atoi(strings.Fields(rest)[0])
			return n
		}
	}
	return 0
}
