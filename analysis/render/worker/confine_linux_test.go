package worker

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"

	"tokenward/analysis/render"
)

const probe = "TOKENWARD_TEST_PROBE"

// runIfProbe confines the process as a worker and tries what a worker must not be able to do.
func runIfProbe() {
	address := os.Getenv(probe)
	if address == "" {
		return
	}
	if _, err := confine(Limits{}.withDefaults()); err != nil {
		fmt.Println("confine:", err)
	}
	tries := map[string]func() error{
		"read":   func() error { _, err := os.ReadFile("/etc/hostname"); return err },
		"list":   func() error { _, err := os.ReadDir("/"); return err },
		"write":  func() error { return os.WriteFile("/tmp/tokenward-probe", []byte("x"), 0o600) },
		"exec":   func() error { return exec.Command("/bin/true").Run() },
		"dial":   func() error { _, err := net.Dial("tcp", address); return err },
		"udp":    func() error { _, err := net.Dial("udp", address); return err },
		"unix":   func() error { _, err := net.Listen("unix", "@tokenward-probe"); return err },
		"listen": func() error { _, err := net.Listen("tcp", "127.0.0.1:0"); return err },
	}
	if memoryLimited {
		tries["reserve"] = func() error {
			_, err := unix.Mmap(-1, 0, DefaultMemory+2*addressSpace, unix.PROT_NONE, unix.MAP_ANON|unix.MAP_PRIVATE)
			return err
		}
	}
	for name, try := range tries {
		if err := try(); err == nil {
			fmt.Println("could", name)
		}
	}
	fmt.Println("done")
	os.Exit(0)
}

func TestConfined(t *testing.T) {
	t.Parallel()
	if abi, _ := ll.LandlockGetABIVersion(); abi < 4 {
		t.Skipf("this kernel's Landlock has version %d", abi)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{probe + "=" + l.Addr().String()}
	out, err := cmd.CombinedOutput()
	if err != nil || string(out) != "done\n" {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestWorkerHasNothing looks at a worker from outside.
func TestWorkerHasNothing(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	t.Setenv("TOKENWARD_GITLAB_TOKEN", "secret")
	p := newPool(t, Config{Workers: 1})
	if _, err := p.Render(t.Context(), chart(plainTemplate), render.Request{ReleaseName: "r"}); err != nil {
		t.Fatal(err)
	}
	worker := <-p.running
	defer func() { p.running <- worker }()
	proc := fmt.Sprintf("/proc/%d/", worker.cmd.Process.Pid)
	read := func(name string) string {
		data, err := os.ReadFile(proc + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	if env := strings.TrimRight(read("environ"), "\x00"); env != marker+"="+(Limits{}).withDefaults().encode() {
		t.Errorf("its environment is %q", env)
	}
	if !strings.Contains(read("status"), "NoNewPrivs:\t1") {
		t.Error("it can gain privileges")
	}
	fds, err := os.ReadDir(proc + "fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		target, err := os.Readlink(proc + "fd/" + fd.Name())
		if err != nil || !strings.HasPrefix(target, "pipe:") && !strings.HasPrefix(target, "anon_inode:") && !strings.HasPrefix(target, "/sys/fs/cgroup/") {
			t.Errorf("descriptor %s is %s (%v)", fd.Name(), target, err)
		}
	}
	limits := read("limits")
	for _, want := range []string{"Max open files 0 0", "Max file size 0 0", "Max core file size 0 0"} {
		if !strings.Contains(strings.Join(strings.Fields(limits), " "), want) {
			t.Errorf("no limit %q in\n%s", want, limits)
		}
	}
}
