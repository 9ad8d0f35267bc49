package main

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// progress shows the step a run is at on standard error, on one line that is
// rewritten. It is silent where standard error is no terminal.
type progress struct {
	mu  sync.Mutex
	out io.Writer
	on  bool
}

func newProgress(out io.Writer) *progress {
	below := out
	if w, ok := out.(interface{ Unwrap() io.Writer }); ok {
		below = w.Unwrap()
	}
	f, ok := below.(*os.File)
	return &progress{out: out, on: ok && term.IsTerminal(int(f.Fd()))}
}

func (p *progress) step(step string, done, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.on {
		return
	}
	if total > 1 {
		fmt.Fprintf(p.out, "\r\x1b[K%s %d/%d", step, done, total)
		return
	}
	fmt.Fprintf(p.out, "\r\x1b[K%s", step)
}

// finish clears the line.
func (p *progress) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.on {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

// say prints a sentence that whoever runs the program should know, once the line is cleared.
func (p *progress) say(sentence string) {
	p.finish()
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintln(p.out, "tokenward: "+sentence)
}
