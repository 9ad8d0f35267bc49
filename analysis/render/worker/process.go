package worker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

// maxStderr is how much of a worker's last words is kept: the runtime's message
// stands at the begin.
const maxStderr = 4 << 10

// process is one worker, used by one caller at a time.
type process struct {
	limits Limits
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
	stderr *capped
	ended  chan struct{} // closed when the process is gone and waited for
	calls  int
	lacks  string // what could not be confined
}

// start starts a worker and waits until it has confined itself.
func start(l Limits) (*process, error) {
	p := &process{limits: l, stderr: &capped{}, ended: make(chan struct{})}
	path, err := executable()
	if err != nil {
		return nil, err
	}
	p.cmd = &exec.Cmd{
		Path: path, Args: []string{"tokenward-render-worker"}, Dir: "/",
		Env:    []string{marker + "=" + l.encode()},
		Stderr: p.stderr, SysProcAttr: attributes(),
	}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.stdout = bufio.NewReaderSize(stdout, pipeBytes)
	closeOnExec()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	// Cmd.Wait closes the pipe that is read from; so the process is waited for only when reading has ended.
	kind, message, err := p.guarded(context.Background(), answerReady, nil)
	if err == nil && kind != answerReady {
		err = fmt.Errorf("it began with a message of kind %d", kind)
	}
	if err != nil {
		p.stop()
		return nil, err
	}
	p.lacks = string(message)
	return p, nil
}

// call sends one request and reads the answer, which may be an error of the chart.
// After an error of its own the process is stopped; it is a *deathError where the
// process ended by itself.
func (p *process) call(ctx context.Context, kind byte, message [][]byte) (answer byte, result []byte, err error) {
	p.calls++
	return p.guarded(ctx, kind, message)
}

// guarded exchanges frames while ctx and a clock stand ready to kill the process.
func (p *process) guarded(ctx context.Context, kind byte, message [][]byte) (byte, []byte, error) {
	limit := wallFactor * p.limits.Time
	var expired atomic.Bool
	timer := time.AfterFunc(limit, func() { expired.Store(true); p.kill() })
	defer timer.Stop()
	stopWatching := context.AfterFunc(ctx, p.kill)
	defer stopWatching()
	answer, result, err := p.exchange(kind, message)
	if err == nil {
		return answer, result, nil
	}
	p.stop()
	if expired.Load() {
		return 0, nil, tooLong(limit, "")
	}
	if ctx.Err() != nil {
		return 0, nil, ctx.Err()
	}
	if errors.Is(err, errTooLong) {
		return 0, nil, err
	}
	why, late := died(p.cmd.ProcessState, p.stderr.String(), p.limits)
	if !late {
		why = &deathError{why}
	}
	return 0, nil, why
}

// deathError is a worker that ended in the middle of a call, for another reason than time.
type deathError struct{ error }

func (e *deathError) Unwrap() error { return e.error }

func (p *process) exchange(kind byte, message [][]byte) (byte, []byte, error) {
	if kind != answerReady {
		if err := writeFrame(p.stdin, kind, message...); err != nil {
			return 0, nil, err
		}
	}
	return readFrame(p.stdout, p.limits.Output+maxStderr, nil)
}

// stop ends the process and waits for it. It may be called again.
func (p *process) stop() {
	select {
	case <-p.ended:
		return
	default:
	}
	p.kill()
	_ = p.stdin.Close() // nobody reads it any more
	_ = p.cmd.Wait()    // how it ended is in ProcessState
	close(p.ended)
}

// capped keeps the first bytes that are written to it.
type capped struct {
	mu  sync.Mutex
	buf []byte
}

func (c *capped) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.buf = append(c.buf, b[:min(len(b), maxStderr-len(c.buf))]...)
	return len(b), nil
}

func (c *capped) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.buf)
}
