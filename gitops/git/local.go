package git

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// openLocal starts git's own program for a repository on this machine, as git
// does for file URLs. A repository's hooks may run in it, so that it gets
// nothing of our environment but what git needs.
func openLocal(ctx context.Context, path, service string) (*pipe, error) {
	cmd := exec.CommandContext(ctx, "git", strings.TrimPrefix(service, "git-"), path)
	cmd.Env = gitEnvironment(os.Environ())
	cmd.WaitDelay = 5 * time.Second
	p := &pipe{stderr: &tail{}, receive: service == "git-receive-pack", wait: cmd.Wait}
	cmd.Stderr = p.stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start git: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start git: %w", err)
	}
	if err := cmd.Start(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return nil, errors.New("file URLs need the program git, which is not installed")
		}
		return nil, fmt.Errorf("start git: %w", err)
	}
	p.in, p.out, p.stop = in, bufio.NewReaderSize(out, 64<<10), out.Close
	return p, nil
}

// gitEnvironment keeps the variables that git and its configuration need.
func gitEnvironment(environ []string) []string {
	keep := []string{"PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "XDG_CONFIG_HOME", "SYSTEMROOT", "USERPROFILE",
		"GIT_CONFIG_COUNT", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_EXEC_PATH"}
	var env []string
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if slices.Contains(keep, name) || strings.HasPrefix(name, "GIT_CONFIG_KEY_") || strings.HasPrefix(name, "GIT_CONFIG_VALUE_") {
			env = append(env, entry)
		}
	}
	return env
}
