package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"tokenward/gitops/forge/sandbox"
)

// What tests of the whole platform share, since it is the same for all: what charts render,
// what git answers about the samples' commits, and their files of objects.
var (
	sampleRenderer = sync.OnceValue(newRenderOnce)
	sampleMemory   = sync.OnceValue(sandbox.NewMemory)
	sampleObjects  = sync.OnceValue(func() error { return packSamples(os.Getenv(samplesVariable)) })
)

// samplesVariable names the folder with the samples that tests borrow from.
const samplesVariable = "TOKENWARD_TEST_SAMPLES"

// sharing runs the tests around what they share.
type sharing struct{ *testing.M }

// Run also fails where a test changed what others read.
func (s sharing) Run() int {
	dir, err := os.MkdirTemp("", "tokenward-samples-")
	if err == nil {
		err = os.Setenv(samplesVariable, dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := s.M.Run()
	if n := sampleRenderer().changed(); n > 0 {
		fmt.Fprintf(os.Stderr, "%d rendered outputs were changed by who read them\n", n)
		code = 1
	}
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	return code
}

// packSamples lays the samples out, the objects of each in one file.
func packSamples(dir string) error {
	names, err := sampleNames()
	if err != nil {
		return err
	}
	if err := layoutSamples(dir); err != nil {
		return err
	}
	for _, name := range names {
		if out, err := exec.Command("git", "-C", filepath.Join(dir, name+".git"), "repack", "-adq").CombinedOutput(); err != nil {
			return fmt.Errorf("pack %s: %w\n%s", name, err, out)
		}
	}
	return nil
}

// layout gives the platform the samples.
func (p *platform) layout() {
	p.t.Helper()
	p.must(sampleObjects())
	names, err := sampleNames()
	p.must(err)
	for _, name := range names {
		p.must(borrow(filepath.Join(os.Getenv(samplesVariable), name+".git"), filepath.Join(p.dir, name+".git")))
	}
}
