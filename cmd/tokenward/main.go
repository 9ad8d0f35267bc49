// Command tokenward keeps a platform free of ServiceAccount tokens that nobody
// needs: it analyses what an umbrella chart deploys and proposes pairs of merge
// requests. This package owns flags, configuration, output and exit codes; the
// work is done in bot.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"tokenward/analysis"
	"tokenward/analysis/render"
	"tokenward/analysis/render/worker"
	"tokenward/bot/redact"
	"tokenward/gitops/forge"
)

// Exit codes, as the README lists them.
const (
	exitOK       = 0 // nothing to do, or all done
	exitFindings = 1 // something is to be changed: of scan --exit-code, config check and hooks status
	exitUsage    = 2 // usage or configuration
	exitFailed   = 3 // something failed; the rest is done
)

func main() {
	worker.RunIfWorker()
	boundGarbage()
	render.RedirectHelmLog(io.Discard)
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr, os.Getenv))
}

// run is main with its surroundings passed in; it returns the exit code.
func run(args []string, stdout, stderr io.Writer, environ func(string) string) int {
	return runIn(args, &surroundings{stdout: stdout, stderr: stderr, environ: environ})
}

func runIn(args []string, s *surroundings) int {
	s.secrets = &redact.Set{}
	s.stdout, s.stderr = redact.NewWriter(s.stdout, s.secrets), redact.NewWriter(s.stderr, s.secrets)
	stdout, stderr := s.stdout, s.stderr
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRootCmd(s)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return conclude(ctx, root.ExecuteContext(ctx), stderr)
}

// conclude says on stderr how the program ended and returns the exit code. What was
// merely broken off by a signal is told as that.
func conclude(ctx context.Context, err error, stderr io.Writer) int {
	var findings findingsError
	var failed failedError
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.Cause(ctx))):
		fmt.Fprintf(stderr, "tokenward: %v: what was done until then stays, run it again for the rest\n", context.Cause(ctx))
		return exitFailed
	case errors.As(err, &findings):
		return exitFindings
	case errors.As(err, &failed):
		if failed.reason != "" {
			fmt.Fprintln(stderr, "tokenward: "+failed.reason)
		}
		return exitFailed
	case errors.As(err, &usage):
		fmt.Fprintln(stderr, "tokenward: "+err.Error())
		return exitUsage
	default:
		fmt.Fprintln(stderr, "tokenward: "+err.Error())
		return exitFailed
	}
}

// usageError is a wrong command line or configuration.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// failedError means that some units or releases failed and the rest is done.
type failedError struct{ reason string }

func (e failedError) Error() string { return e.reason }

// findingsError means that all was looked at and something is to be changed, for the commands that exit with 1 then.
type findingsError struct{}

func (findingsError) Error() string { return "there are findings" }

// surroundings is what a command may use of the outside.
type surroundings struct {
	stdout, stderr io.Writer
	environ        func(string) string
	// sleep waits before a request to GitLab is sent again, nil for the real time.
	sleep func(context.Context, time.Duration) error
	// patience is how long a server may take to answer, 0 for the proper time.
	patience time.Duration
	// observe is told of every request to GitLab, nil for nobody.
	observe func(forge.Call)
	// secrets are those that were read; stdout and stderr strike them.
	secrets *redact.Set
	// now is the clock, nil for the real one; renderer renders charts, nil for
	// render workers of the app's own.
	now      func() time.Time
	renderer analysis.Renderer
}
