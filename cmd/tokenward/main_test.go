package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"tokenward/analysis"
	"tokenward/analysis/render/worker"
)

var update = flag.Bool("update", false, "rewrite golden files and the README's tables")

func TestMain(m *testing.M) {
	worker.RunIfWorker()
	serveIfChild()
	serveIfPublic()
	testscript.Main(sharing{m}, map[string]func(){
		"tokenward":          func() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr, os.Getenv)) },
		"tokenward-peak":     func() { os.Exit(runAndMeasure()) },
		"tokenward-unfenced": func() { os.Exit(runUnfenced()) },
	})
}

// TestScripts runs every script of testdata/script against the program.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Setup: func(e *testscript.Env) error {
			return layoutSamples(e.WorkDir + "/samples")
		},
	})
}

// A run that is interrupted says that alone, not what it was in the middle of.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancelCause(t.Context())
	cause := errors.New("interrupt signal received")
	interrupt(cause)
	deep := fmt.Errorf("discover the releases of x: %w", context.Canceled)
	for name, err := range map[string]error{"canceled": deep, "joined": errors.Join(deep, deep), "usage": usageError{deep}, "cause": fmt.Errorf("fetch x: %w", cause)} {
		var said bytes.Buffer
		const want = "tokenward: interrupt signal received: what was done until then stays, run it again for the rest\n"
		if code := conclude(ctx, err, &said); code != exitFailed || said.String() != want {
			t.Errorf("%s: exit code %d, %s", name, code, &said)
		}
	}
	var said bytes.Buffer
	if code := conclude(ctx, errors.New("close the store: disk full"), &said); code != exitFailed || said.String() != "tokenward: close the store: disk full\n" {
		t.Errorf("what else fails: exit code %d, %s", code, &said)
	}
	if code := conclude(ctx, nil, io.Discard); code != exitOK {
		t.Errorf("all was done: exit code %d", code)
	}
}

// TestReadmeTables holds the README's tables against the code that they are printed from.
func TestReadmeTables(t *testing.T) {
	t.Parallel()
	const readme = "../../README.md"
	raw, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for mark, table := range map[string]string{"config": configTable(), "rule": ruleTable(), "webhook": webhookTable(), "metric": metricTable(), "alert": alertTable(t)} {
		begin := "<!-- " + mark + " table: printed from the code, checked by a test -->\n"
		end := "<!-- end of " + mark + " table -->"
		_, rest, ok := strings.Cut(text, begin)
		old, _, closed := strings.Cut(rest, end)
		if !ok || !closed {
			t.Fatalf("README.md: the marks of the %s table are gone", mark)
		}
		if *update {
			text = strings.Replace(text, begin+old+end, begin+table+end, 1)
		} else if old != table {
			t.Errorf("README.md: the %s table is not what the code prints; `go test ./cmd/tokenward -run Readme -update` rewrites it", mark)
		}
	}
	if *update && text != string(raw) {
		if err := os.WriteFile(readme, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// ruleTable is the README's table of judging rules.
func ruleTable() string {
	var out strings.Builder
	out.WriteString("| rule | what it finds | says |\n|---|---|---|\n")
	for _, r := range analysis.RuleTable() {
		out.WriteString("| `" + r.Name + "` | " + r.Summary + " | " + r.Strength + " |\n")
	}
	return out.String()
}
