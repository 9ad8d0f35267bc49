package worker

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"tokenward/analysis/render"
)

// costError is a chart that costs more than it may.
type costError struct{ sentence string }

func (e *costError) Error() string { return e.sentence }

func inChart(c *render.Chart, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("render chart %s: %w", c.Dir, err)
}

func tooLong(d time.Duration, what string) error {
	return &costError{fmt.Sprintf("it was stopped after %s%s (rendering.time)", d, what)}
}

// died says in one sentence why a worker ended in the middle of a call. time tells
// that it ended because the call took too long.
func died(state *os.ProcessState, stderr string, l Limits) (err error, time bool) {
	switch {
	case state.ExitCode() == exitTime:
		return tooLong(l.Time, " of processor time"), true
	case strings.Contains(stderr, "stack overflow") || strings.Contains(stderr, "stack exceeds"):
		return &costError{"its templates or values are nested without end"}, false
	case strings.Contains(stderr, "out of memory") || strings.Contains(stderr, "cannot allocate memory") ||
		strings.Contains(stderr, "failed to create new OS thread") || strings.Contains(stderr, "pthread_create failed"):
		return &costError{fmt.Sprintf("it needs more than %s of memory (rendering.memory)", size(l.Memory))}, false
	}
	return &costError{"the render worker " + lastWords(state, stderr)}, false
}

func lastWords(state *os.ProcessState, stderr string) string {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		if status.Signal() == syscall.SIGKILL {
			return "was killed from outside, perhaps because the machine ran out of memory"
		}
		return fmt.Sprintf("was ended by the signal %q", status.Signal())
	}
	line, _, _ := strings.Cut(strings.TrimSpace(stderr), "\n")
	if line == "" {
		line = state.String()
	}
	return "gave up: " + strings.ToValidUTF8(line, "?")
}
