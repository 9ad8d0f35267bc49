package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tokenward/gitops/forge/sandbox"
)

// cost is what a command and all that it started took. peak is the largest sum of
// the resident memory of its processes that was seen, sampled a hundred times a second; new
// processes are looked for ten times a second.
type cost struct {
	wall, cpu time.Duration
	peak      int64
}

func (c *cost) add(d cost) {
	c.wall, c.cpu, c.peak = c.wall+d.wall, c.cpu+d.cpu, max(c.peak, d.peak)
}

// measured runs a command. Exit codes are the caller's business.
func measured(b testing.TB, cmd *exec.Cmd) cost {
	b.Helper()
	start := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	stop, seen := make(chan struct{}), make(chan int64)
	go func() { seen <- peakMemory(cmd.Process.Pid, stop) }()
	_ = cmd.Wait() // releases that fail make exit codes
	c := cost{wall: time.Since(start), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	close(stop)
	c.peak = <-seen
	return c
}

// settle has the disk written what was done before, so that it disturbs nothing that is measured next.
func settle(b testing.TB) {
	b.Helper()
	if err := exec.Command("sync").Run(); err != nil {
		b.Fatal(err)
	}
}

// peakMemory samples the resident memory of a process and its descendants until stop is closed.
// Descendants are looked for at every tenth sample: that takes the time of the processors that are measured.
func peakMemory(pid int, stop <-chan struct{}) (peak int64) {
	ticks := time.NewTicker(10 * time.Millisecond)
	defer ticks.Stop()
	var all []int
	for n := 0; ; n++ {
		select {
		case <-ticks.C:
		case <-stop:
			return peak
		}
		if n%10 == 0 {
			all = processTree(pid)
		}
		var sum int64
		for _, one := range all {
			sum += residentMemory(one)
		}
		peak = max(peak, sum)
	}
}

// residentMemory is 0 for a process that has ended.
func residentMemory(pid int) int64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(raw))
	if len(f) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(f[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// processTree lists a process and its descendants, as far as the system tells.
func processTree(pid int) []int {
	all := []int{pid}
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return all
	}
	for _, list := range lists {
		raw, err := os.ReadFile(list)
		if err != nil {
			continue // it ended meanwhile
		}
		for _, child := range strings.Fields(string(raw)) {
			if n, err := strconv.Atoi(child); err == nil {
				all = append(all, processTree(n)...)
			}
		}
	}
	return all
}

// together does things two at a time and returns what they cost, on the clock from begin to end.
func together(things []func() cost) cost {
	var mu sync.Mutex
	var sum cost
	var group sync.WaitGroup
	slots := make(chan struct{}, 2)
	start := time.Now()
	for _, do := range things {
		slots <- struct{}{}
		group.Go(func() {
			c := do()
			mu.Lock()
			sum.add(c)
			mu.Unlock()
			<-slots
		})
	}
	group.Wait()
	sum.wall = time.Since(start)
	return sum
}

// builtProgram builds the program as a release is built, and copies it as an installation does: what the
// system holds of a file that was just linked is mapped in another way, and counts as more memory.
func builtProgram(b *testing.B) string {
	b.Helper()
	linked, installed := b.TempDir(), b.TempDir()
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(linked, "tokenward"), ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("build: %v\n%s", err, out)
	}
	if err := os.CopyFS(installed, os.DirFS(linked)); err != nil {
		b.Fatal(err)
	}
	return filepath.Join(installed, "tokenward")
}

// publicRepositories is the environment variable that makes the test a server of the folder that it names.
const publicRepositories = "TOKENWARD_TEST_REPOSITORIES"

// publicServer serves bare repositories over HTTP to everybody on this machine, from a process
// of its own. What it costs is in no measurement but on the clock.
func publicServer(b *testing.B, dir string) string {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), publicRepositories+"="+dir), os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	stop, err := cmd.StdinPipe() // closed by whatever ends this process
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := errors.Join(stop.Close(), cmd.Wait()); err != nil {
			b.Error(err)
		}
	})
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatalf("the server did not start: %v", err)
	}
	return strings.TrimSpace(url)
}

// serveIfPublic serves until its input ends and does not return, in a process that publicServer starts.
func serveIfPublic() {
	dir := os.Getenv(publicRepositories)
	if dir == "" {
		return
	}
	box, err := sandbox.New(sandbox.Config{Repositories: dir, PublicRead: true, Now: time.Now})
	if err != nil {
		log.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	url := "http://" + l.Addr().String()
	box.SetURL(url)
	fmt.Println(url)
	server := &http.Server{Handler: box, ReadHeaderTimeout: time.Minute}
	go func() { log.Fatal(server.Serve(l)) }()
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		log.Fatal(err)
	}
	os.Exit(0)
}

// scanCommand is a scan with a cache of its own.
func scanCommand(program, cache string, out *bytes.Buffer, args ...string) *exec.Cmd {
	cmd := exec.Command(program, append([]string{"scan", "--format", "json"}, args...)...)
	cmd.Env = append(os.Environ(), "TOKENWARD_CACHE_DIR="+cache, "TOKENWARD_CONFIG=")
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	return cmd
}

// median is the middle one, by processor time, of several costs of the same thing.
func median(costs []cost) cost {
	sorted := slices.SortedFunc(slices.Values(costs), func(a, c cost) int { return int(a.cpu - c.cpu) })
	return sorted[len(sorted)/2]
}

// mean is what each of several things took on average; the peak is the highest.
func mean(costs []cost) cost {
	var m cost
	for _, c := range costs {
		m.add(c)
	}
	m.wall, m.cpu = m.wall/time.Duration(len(costs)), m.cpu/time.Duration(len(costs))
	return m
}

func (c cost) String() string {
	return fmt.Sprintf("%6.2f s wall %6.2f s CPU %4d MiB", c.wall.Seconds(), c.cpu.Seconds(), c.peak>>20)
}

// conditions is what a reader of figures needs to know of the machine.
func conditions() string {
	load := "unknown"
	if raw, err := os.ReadFile("/proc/loadavg"); err == nil {
		load, _, _ = strings.Cut(string(raw), " ")
	}
	return fmt.Sprintf("%s, %d processors, load %s", runtime.Version(), runtime.NumCPU(), load)
}
