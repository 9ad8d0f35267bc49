package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"tokenward/gitops/forge/sandbox"
)

func newSandboxCmd(s *surroundings) *cobra.Command {
	var repositories, listen string
	c := &cobra.Command{
		Use: "sandbox", Short: "Serve a folder of bare repositories as a GitLab-compatible server to play with",
		Long: `Serve a folder of bare repositories as a GitLab-compatible server to play with:
DIR/group/name.git becomes the project group/name. Merge requests live in memory.
The tokens are fixed and worth nothing elsewhere; do not listen beyond loopback.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if info, err := os.Stat(repositories); err != nil || !info.IsDir() {
				return usageError{fmt.Errorf("--repositories %q: give a folder of bare repositories", repositories)}
			}
			return runSandbox(cmd.Context(), s, repositories, listen)
		},
	}
	c.Flags().StringVar(&repositories, "repositories", "", "folder of bare repositories, a `DIR`")
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:8929", "`ADDRESS` to listen on")
	return c
}

func runSandbox(ctx context.Context, s *surroundings, repositories, listen string) error {
	box, err := startSandbox(repositories, listen, nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.stdout, "Serving %s at %s\n", repositories, box.url)
	for _, t := range sandbox.DefaultTokens() {
		fmt.Fprintf(s.stdout, "  token %s\n", t.Value)
	}
	return box.until(ctx)
}

// runningSandbox is a sandbox that listens.
type runningSandbox struct {
	url    string
	server *http.Server
	box    *sandbox.Server
	failed chan error
}

func startSandbox(repositories, listen string, memory *sandbox.Memory) (*runningSandbox, error) {
	box, err := sandbox.New(sandbox.Config{Repositories: repositories, Tokens: sandbox.DefaultTokens(), Now: time.Now, Memory: memory})
	if err != nil {
		return nil, fmt.Errorf("start the sandbox: %w", err)
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, usageError{fmt.Errorf("--listen %s: %w", listen, err)}
	}
	r := &runningSandbox{url: "http://" + l.Addr().String(), box: box, failed: make(chan error, 1),
		server: &http.Server{Handler: box, ReadHeaderTimeout: 10 * time.Second}}
	box.SetURL(r.url)
	go func() { r.failed <- r.server.Serve(l) }()
	return r, nil
}

// until serves until the context ends, then lets running requests finish.
func (r *runningSandbox) until(ctx context.Context) error {
	select {
	case err := <-r.failed:
		return fmt.Errorf("serve the sandbox: %w", err)
	case <-ctx.Done():
		return r.close()
	}
}

// close lets running requests finish for a second, then drops what is left: a
// connection on which nothing was ever asked keeps Shutdown waiting for longer.
func (r *runningSandbox) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := r.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = r.server.Close()
	}
	if err != nil {
		return fmt.Errorf("stop the sandbox: %w", err)
	}
	return nil
}
