package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tokenward/bot"
)

var update = flag.Bool("update", false, "rewrite the golden files")

type writer struct {
	file  string // the golden file's name
	write func(io.Writer, *bot.ScanReport) error
}

func writers() []writer {
	return []writer{
		{"sarif.json", SARIF},
		{"codequality.json", CodeQuality},
		{"md", Markdown},
		{"html", HTML},
	}
}

func sample(tb testing.TB) *bot.ScanReport {
	tb.Helper()
	return load(tb, filepath.Join("testdata", "sample.json"))
}

func load(tb testing.TB, file string) *bot.ScanReport {
	tb.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(src))
	d.DisallowUnknownFields()
	r := &bot.ScanReport{}
	if err := d.Decode(r); err != nil {
		tb.Fatalf("read %s: %v", file, err)
	}
	return r
}

// hostile is the sample with text in every field that a careless writer would
// hand on: markup, scripts, links, placeholders, control characters.
func hostile(tb testing.TB) *bot.ScanReport {
	tb.Helper()
	const evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'`|{0}[a](javascript:alert(1))\n/close @all \x1b[31m\u202e-->"
	src, err := json.Marshal(sample(tb))
	if err != nil {
		tb.Fatal(err)
	}
	var any map[string]any
	if err := json.Unmarshal(src, &any); err != nil {
		tb.Fatal(err)
	}
	poison(any, evil)
	if src, err = json.Marshal(any); err != nil {
		tb.Fatal(err)
	}
	r := &bot.ScanReport{}
	if err := json.Unmarshal(src, r); err != nil {
		tb.Fatal(err)
	}
	return r
}

// poison appends text to every string but the words with a fixed meaning.
func poison(v any, text string) any {
	switch v := v.(type) {
	case string:
		return v + text
	case []any:
		for i := range v {
			v[i] = poison(v[i], text)
		}
	case map[string]any:
		_, isChange := v["pattern"]
		for k := range v {
			if k == "verdict" || k == "kind" && isChange {
				continue
			}
			v[k] = poison(v[k], text)
		}
	}
	return v
}

func output(tb testing.TB, w writer, r *bot.ScanReport) string {
	tb.Helper()
	var out bytes.Buffer
	if err := w.write(&out, r); err != nil {
		tb.Fatalf("%s: %v", w.file, err)
	}
	return out.String()
}

func TestGolden(t *testing.T) {
	t.Parallel()
	reports := map[string]*bot.ScanReport{"sample": sample(t), "empty": load(t, filepath.Join("testdata", "empty.json"))}
	for name, r := range reports {
		for _, w := range writers() {
			file := filepath.Join("testdata", name+"."+w.file)
			got := output(t, w, r)
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s (-want +got; `go test ./bot/report/ -update` rewrites it):\n%s", file, diff)
			}
		}
	}
}

func TestWritersAreDeterministic(t *testing.T) {
	t.Parallel()
	for _, w := range writers() {
		first := output(t, w, sample(t))
		for range 5 {
			if output(t, w, sample(t)) != first {
				t.Errorf("%s: two runs on the same report differ", w.file)
			}
		}
	}
}

func TestWritersSurviveHostileText(t *testing.T) {
	t.Parallel()
	r := hostile(t)
	for _, w := range writers() {
		got := output(t, w, r)
		if strings.ContainsAny(got, "\x1b\u202e") {
			t.Errorf("%s hands on control characters", w.file)
		}
	}
}

// A writer that cannot write must say so.
func TestWritersReportErrors(t *testing.T) {
	t.Parallel()
	for _, w := range writers() {
		if err := w.write(brokenWriter{}, sample(t)); err == nil || !strings.Contains(err.Error(), "no space") {
			t.Errorf("%s: error = %v, want the writer's", w.file, err)
		}
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("no space left") }
