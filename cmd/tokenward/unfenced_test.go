package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const noFilter = "no filter of system calls:"

// TestWithoutLandlock runs where the kernel has none: that is said once, however many workers
// start and are replaced, and everything else holds.
func TestWithoutLandlock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cases := append([]hostileCase{{name: "honest", template: deployment}, timeCases()[0]}, reachCases()...)
	layoutHostile(t, dir, cases)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "tokenward-unfenced")
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "scan", "--format", "json", "--umbrella", "file://"+dir+"/umbrella.git", "--git-instead-of", "https://git.example.com/=file://"+dir+"/")
	cmd.Env = append(os.Environ(), "TOKENWARD_RENDERING_TIME=1s", "TOKENWARD_CACHE_DIR="+noCache)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	if strings.Contains(stderr.String(), noFilter) {
		t.Skip(stderr.String())
	}
	if n := strings.Count(stderr.String(), "this system has no Landlock"); n != 1 {
		t.Errorf("it is said %d times that there is no Landlock:\n%s", n, &stderr)
	}
	got := hostileErrors(t, stdout.Bytes(), stderr.String())
	for _, c := range cases {
		said, there := got[c.name]
		checkSentence(t, c.name, said, there, c.want, false)
	}
}
