package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

const zeroSHA = "0000000000000000000000000000000000000000"

// gitError is a git command that ended with an error.
type gitError struct {
	command string
	code    int
	stderr  string
}

func (e *gitError) Error() string {
	return fmt.Sprintf("run git %s: exit code %d: %s", e.command, e.code, e.stderr)
}

// exitCode returns the exit code behind err, 0 for nil and -1 if git did not run.
func exitCode(err error) int {
	var e *gitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return e.code
	}
	return -1
}

// checkGit fails unless git can merge without a working tree.
func checkGit(ctx context.Context, memory *Memory) error {
	known, ok := memory.get(question("version"))
	out := known.out
	if !ok {
		var err error
		if out, err = exec.CommandContext(ctx, "git", "version").Output(); err != nil {
			return fmt.Errorf("run git version: %w; install git 2.38 or newer", err)
		}
		memory.put(question("version"), remembered{out: out})
	}
	words := strings.Fields(string(out)) // git version 2.39.5
	if len(words) < 3 {
		return fmt.Errorf("read git version from %q", out)
	}
	var numbers [2]int
	var err error
	for n, part := range strings.SplitN(words[2], ".", 3) {
		if n < len(numbers) {
			if numbers[n], err = strconv.Atoi(part); err != nil {
				return fmt.Errorf("read git version from %q: %w", out, err)
			}
		}
	}
	if numbers[0] < 2 || numbers[0] == 2 && numbers[1] < 38 {
		return fmt.Errorf("git is %s; install git 2.38 or newer, which merges without a working tree", words[2])
	}
	return nil
}

// gitEnv is the environment of every git command: the configuration of the
// user and of the machine stays out, hooks of the repositories do not run.
func gitEnv(dirs ...string) []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir(), "HOME=" + os.DevNull, "LC_ALL=C",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_TERMINAL_PROMPT=0",
		"GIT_LITERAL_PATHSPECS=1",
	}
	config := [][2]string{
		{"core.hooksPath", os.DevNull},
		{"core.quotePath", "false"},
		{"core.fsync", "none"}, // the server is there to try things, not to keep them
		{"gc.auto", "0"},
		{"receive.autogc", "false"},
		{"fastimport.unpackLimit", "0"},
		{"uploadpack.allowFilter", "true"},
		{"uploadpack.allowAnySHA1InWant", "true"},
	}
	for _, dir := range dirs {
		if dir != "" {
			config = append(config, [2]string{"safe.directory", dir})
		}
	}
	for n, c := range config {
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", n, c[0]), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", n, c[1]))
	}
	return append(env, fmt.Sprintf("GIT_CONFIG_COUNT=%d", len(config)))
}

// gitRun is one git command in a bare repository.
type gitRun struct {
	dir   string
	work  string // a working tree of it, for the rare command that needs one
	stdin io.Reader
	env   []string // beside gitEnv
	// memory is asked before git by settled; the others go without.
	memory *Memory
}

// run returns what the command prints. An error carries git's own message.
func (g gitRun) run(ctx context.Context, args ...string) ([]byte, error) {
	var out, problem bytes.Buffer
	full, place := append([]string{"--git-dir=" + g.dir}, args...), g.dir
	if g.work != "" {
		full, place = args, g.work
	}
	cmd := exec.CommandContext(ctx, "git", full...)
	cmd.Dir = place
	cmd.Env = append(gitEnv(g.dir, g.work), g.env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = g.stdin, &out, &problem
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if ctx.Err() == nil && errors.As(err, &exit) {
			return out.Bytes(), &gitError{command: args[0], code: exit.ExitCode(), stderr: strings.TrimSpace(problem.String())}
		}
		return nil, fmt.Errorf("run git %s: %w", args[0], errors.Join(ctx.Err(), err))
	}
	return out.Bytes(), nil
}

// line runs a command whose answer is one line.
func (g gitRun) line(ctx context.Context, args ...string) (string, error) {
	out, err := g.run(ctx, args...)
	return strings.TrimSpace(string(out)), err
}

// isAncestor says whether commit old is contained in commit new.
func (g gitRun) isAncestor(ctx context.Context, old, new string) (bool, error) {
	_, err := g.settled(ctx, "merge-base", "--is-ancestor", old, new)
	if exitCode(err) == 1 {
		return false, nil
	}
	return err == nil, err
}

// as returns the environment in which u commits at time now.
func (u *user) as(now time.Time) []string {
	return append(u.role("AUTHOR", now), u.role("COMMITTER", now)...)
}

// role returns the environment that makes u the AUTHOR or the COMMITTER.
func (u *user) role(role string, now time.Time) []string {
	return []string{
		"GIT_" + role + "_NAME=" + u.name, "GIT_" + role + "_EMAIL=" + u.email(),
		"GIT_" + role + "_DATE=" + now.UTC().Format(time.RFC3339),
	}
}
