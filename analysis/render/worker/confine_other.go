//go:build !linux

package worker

import (
	"os"
	"syscall"
	"time"
)

func executable() (string, error) { return os.Executable() }

func attributes() *syscall.SysProcAttr { return nil }

func closeOnExec() {}

func (p *process) kill() { _ = p.cmd.Process.Kill() } // it may have ended by itself

func confine(Limits) (lacks string, err error) {
	return "this system can confine charts only by the clock: use Linux where you do not trust their authors", nil
}

func allowTime(time.Duration) error { return nil }
