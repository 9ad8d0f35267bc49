package worker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"tokenward/analysis/render"
	"tokenward/analysis/render/wire"
)

// marker is the environment variable, the only one of a worker, that makes a process one.
const marker = "TOKENWARD_RENDER_WORKER"

const (
	exitTime = 40 // the call took more processor time than it may
	exitBad  = 41 // the worker was not talked to as it must be

	maxStack = 128 << 20
	// gcPercent and softMemory keep a worker small without making it slow: to touch new memory
	// costs no less than to collect what was used.
	gcPercent  = 300
	softMemory = 80 << 20
	// idleTime is how long a worker has nothing to do before it gives back what it does not use.
	idleTime = 300 * time.Millisecond
	// maxThreads is how many processors a worker uses: on one it renders, on the others it collects garbage. Each takes
	// a thread, whose stack and what a C library reserves for it count as the worker's.
	maxThreads = 4
	// maxKept is the memory of a request that is kept for the next.
	maxKept = 8 << 20
)

// RunIfWorker turns the process into a render worker if it was started as one, and
// does not return then. It stands first in main, and in TestMain of tests that use a Pool.
func RunIfWorker() {
	text := os.Getenv(marker)
	if text == "" {
		return
	}
	if err := work(text, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(exitBad)
	}
	os.Exit(0)
}

// work confines the process and answers calls until its input ends.
func work(text string, in io.Reader, out io.Writer) error {
	log.SetOutput(io.Discard) // Helm's library warns there
	limits, err := decodeLimits(text)
	if err != nil {
		return err
	}
	runtime.GOMAXPROCS(min(maxThreads, runtime.GOMAXPROCS(0)))
	debug.SetMaxStack(maxStack)
	debug.SetGCPercent(gcPercent)
	debug.SetMemoryLimit(min(softMemory, limits.Memory/2))
	lacks, err := confine(limits)
	if err != nil {
		return fmt.Errorf("confine the render worker: %w", err)
	}
	if err := writeFrame(out, answerReady, []byte(lacks)); err != nil {
		return err
	}
	in = bufio.NewReader(in)
	renderer := render.Renderer{Restart: fixDraws().restart}
	var request []byte // its memory holds one request after the other, and nothing of it stays
	for {
		idle := time.AfterFunc(idleTime, func() { giveBack(limits) })
		kind, message, err := readFrame(in, maxRequest, request)
		idle.Stop()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := allowTime(limits.Time); err != nil {
			return fmt.Errorf("raise the limit on processor time: %w", err)
		}
		if request = message; cap(request) > maxKept {
			request = nil
		}
		kind, result := answer(kind, message, limits, &renderer)
		if err := writeFrame(out, kind, result); err != nil {
			return err
		}
	}
}

// giveBack returns unused memory to the system. That takes a collection, whose processor time must not
// count against the call before it.
func giveBack(limits Limits) {
	if allowTime(limits.Time) == nil {
		debug.FreeOSMemory()
	}
}

// answer does one call.
func answer(kind byte, message []byte, limits Limits, renderer *render.Renderer) (byte, []byte) {
	result, err := do(kind, message, limits, renderer)
	if err != nil {
		return answerError, wire.Error(err)
	}
	return answerResult, result
}

func do(kind byte, message []byte, limits Limits, renderer *render.Renderer) ([]byte, error) {
	c, r, err := wire.ReadChart(message)
	if err != nil {
		return nil, err
	}
	switch kind {
	case callRender:
		out, err := renderer.Render(context.Background(), c, r)
		if err != nil {
			return nil, err
		}
		if n := len(out.Objects) + len(out.Invalid); n > maxObjects {
			return nil, inChart(c, &costError{fmt.Sprintf("it renders %d objects, and more than %d are not looked at", n, maxObjects)})
		}
		result, err := wire.Output(out)
		if err == nil && int64(len(result)) > limits.Output {
			err = &costError{fmt.Sprintf("it renders more than %s (rendering.output)", size(limits.Output))}
		}
		return result, inChart(c, err)
	case callExpectedCRDs:
		return wire.CRDs(renderer.ExpectedCRDs(c, r.Values))
	case callDefaultValues:
		values, err := renderer.DefaultValues(c, r.Values)
		if err != nil {
			return nil, err
		}
		return wire.Values(values)
	}
	return nil, fmt.Errorf("a call of kind %d is not known", kind)
}
