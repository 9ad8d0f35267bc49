package worker

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

const (
	// addressSpace is what a Go program reserves beside the memory that it uses once it has started:
	// the rest of an arena of 64 MiB, stacks of threads, and the arenas of a C library.
	addressSpace = 256 << 20
	// cpuSlack separates the limit of one call from the kernel's own kill.
	cpuSlack = 60
)

// executable is this very program, even if its file was replaced since it started.
func executable() (string, error) { return "/proc/self/exe", nil }

// attributes put a worker into a process group of its own, which an interrupt on the
// terminal does not reach, and let the kernel end it with its parent.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// closeOnExec keeps descriptors that the program itself was started with from the
// workers; Go marks those that it opens.
func closeOnExec() {
	// An old kernel refuses; then there is nothing that Go would not have marked but what a caller left open on purpose.
	_ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
}

// kill ends the whole process group.
func (p *process) kill() {
	select {
	case <-p.ended:
	default:
		_ = unix.Kill(-p.cmd.Process.Pid, unix.SIGKILL) // it may have ended by itself
	}
}

// confine takes from the process what rendering does not need, for ever: files and
// network by Landlock, the gaining of privileges, and by limits memory, descriptors and
// the writing of files. There is no limit on processes, for it would count threads of the
// same user; without a file system nothing can be executed. What the kernel cannot do is returned as a sentence.
func confine(l Limits) (lacks string, err error) {
	if err := ll.AllThreadsPrctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return "", fmt.Errorf("give up new privileges: %w", err)
	}
	reserved, err := reservedNow()
	if err != nil {
		return "", err
	}
	abi, _ := ll.LandlockGetABIVersion() // an error means that there is none
	switch {
	case abi <= 0:
		lacks = "this system has no Landlock: charts are rendered with limits on memory and time, but nothing keeps them from files and the network if Helm's engine does not"
	case abi < 4:
		lacks = "this system's Landlock cannot keep charts from the network; nothing does if Helm's engine does not"
	}
	if err := openPoller(); err != nil {
		return "", err
	}
	if err := landlock.V11.BestEffort().Restrict(); err != nil {
		return "", fmt.Errorf("give up files and network: %w", err)
	}
	// What is open stays so, and nothing is opened any more: no file, and no socket of
	// a kind that Landlock does not know (UDP before its version 10, MPTCP).
	limits := map[int]uint64{unix.RLIMIT_NOFILE: 0, unix.RLIMIT_FSIZE: 0, unix.RLIMIT_CORE: 0}
	if memoryLimited {
		// At addresses that were reserved before, as Go's runtime does it, Linux counts an allocation only
		// when it is made: a single one passes RLIMIT_DATA, however large it is. So addresses are bounded, too.
		limits[unix.RLIMIT_DATA] = uint64(l.Memory)
		limits[unix.RLIMIT_AS] = reserved + uint64(l.Memory) + addressSpace
	}
	for resource, limit := range limits {
		if err := unix.Prlimit(0, resource, &unix.Rlimit{Cur: limit, Max: limit}, nil); err != nil {
			return "", fmt.Errorf("set limit %d: %w", resource, err)
		}
	}
	return lacks, watchTime(l.Time)
}

// reservedNow returns how many bytes of addresses the process has.
func reservedNow() (uint64, error) {
	const file = "/proc/self/statm" // proc(5): its first field is the size in pages
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, fmt.Errorf("read what memory the process has: %w", err)
	}
	first, _, _ := strings.Cut(string(text), " ")
	pages, err := strconv.ParseUint(first, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read what memory the process has: %s: %w", file, err)
	}
	return pages * uint64(os.Getpagesize()), nil
}

// openPoller lets Go's runtime open what it waits with, which it does late and cannot do without.
func openPoller() error {
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("open a pipe: %w", err)
	}
	return errors.Join(r.Close(), w.Close())
}

// watchTime ends the process when the kernel says that its processor time is up. The
// hard limit is for a process that does not hear that any more.
func watchTime(limit time.Duration) error {
	expired := make(chan os.Signal, 1)
	signal.Notify(expired, unix.SIGXCPU)
	go func() {
		<-expired
		os.Exit(exitTime)
	}()
	hard := uint64(maxCalls)*seconds(limit) + cpuSlack
	return unix.Prlimit(0, unix.RLIMIT_CPU, &unix.Rlimit{Cur: hard, Max: hard}, nil)
}

// allowTime gives the next call its processor time: the limit counts from the process's start.
func allowTime(limit time.Duration) error {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return err
	}
	used := time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	var now unix.Rlimit
	if err := unix.Prlimit(0, unix.RLIMIT_CPU, nil, &now); err != nil {
		return err
	}
	now.Cur = min(now.Max, seconds(used)+seconds(limit))
	return unix.Prlimit(0, unix.RLIMIT_CPU, &now, nil)
}

// seconds rounds up, as the kernel counts in whole ones.
func seconds(d time.Duration) uint64 { return uint64((d + time.Second - 1) / time.Second) }
