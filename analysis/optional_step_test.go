package analysis

import (
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What steps does, as it was first written: slower, and plain to read.
var (
	stepWanted     = regexp.MustCompile(`(?m)^[ \t-]*kind:[ \t]*(\S+)|^.*name:.*$|\{\{-?\s*(\w+)?((?:[^}]|\}[^}])*)\}\}`)
	valuesWanted   = regexp.MustCompile(`\.Values\.([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)`)
	relativeWanted = regexp.MustCompile(`(?:^|[\s(])\.([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)`)
	quotedWanted   = regexp.MustCompile(`"([^"\s]+)"`)
)

func stepsWanted(text string) []step {
	var out []step
	for piece := range piecesWanted(text) {
		for _, m := range stepWanted.FindAllStringSubmatch(piece, -1) {
			if m[1] != "" {
				m[0] = ""
			}
			out = append(out, step{text: m[0], kind: m[1], action: m[2], rest: m[3]})
		}
	}
	return out
}

func piecesWanted(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		piece := ""
		for line := range strings.Lines(text) {
			piece += line
			if strings.LastIndex(piece, "{{") > strings.LastIndex(piece, "}}") && len(piece) < maxAction {
				continue
			}
			looked := strings.Contains(piece, "{{") || strings.Contains(piece, "kind:") || strings.Contains(piece, "name:")
			if looked && !yield(strings.ReplaceAll(piece, ").", ".")) {
				return
			}
			piece = ""
		}
	}
}

func found(of *regexp.Regexp, text string) []string {
	var out []string
	for _, m := range of.FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

// StepsDiffer says where the steps of a text are not those that the expressions find, or
// what is read in them; "" where they are the same.
func StepsDiffer(text string) string {
	want, got := stepsWanted(text), slices.Collect(steps([]byte(text)))
	for i, s := range got {
		if s.kind != "" && s.at >= 0 && !strings.HasPrefix(strings.TrimLeft(text[s.at:], " \t-"), "kind:") {
			return "no kind where one should be"
		}
		got[i].at = 0
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(step{})); d != "" {
		return "steps (-want +got):\n" + d
	}
	texts := []string{text}
	for _, s := range want {
		texts = append(texts, s.text, s.rest)
	}
	for _, text := range texts {
		for name, c := range map[string]struct {
			of  *regexp.Regexp
			got iter.Seq[string]
		}{"values": {valuesWanted, valuesRead(text)}, "relative": {relativeWanted, relativeRead(text)}, "quoted": {quotedWanted, quotedNames(text)}} {
			if d := cmp.Diff(found(c.of, text), slices.Collect(c.got)); d != "" {
				return name + " in " + text + " (-want +got):\n" + d
			}
		}
	}
	return ""
}

func stepSeeds() []string {
	long := strings.Repeat("x", maxAction)
	return []string{
		"", "kind:", "kind: \n", "- kind: Pod\r\nname: a", "kind: {{ .Values.kind }}\nmetadata: {name: {{ include \"x\" . }}}\n",
		"{{- if (.Values.a).b }}\nkind: 'Job'\n{{ else if eq .c \"d e\"f\" }}{{end}}", "{{- with\n .Values.a.1.b..c\n -}} name: x\n  kind: Pod{{ . }}",
		"{{ }}}{{{ a }b}} }}{{/* kind: */}}", "{{ a\nkind: Pod\nname: b", "{{--}}{{-  - }}{{ define \"a\"}}{{\"\"}}{{ \"\"a\" }}", "a {{ b }}\n{{ name: c }}\n",
		"{{ " + long + "\nkind: Pod\n{{ x }}\n }}", "kind:\fPod\nkind: \xff\n{{\xff}}\v{{\v.a}}", "{{ .Values.Values.a.b }}{{ .Valuesa .Values.9 }}(.a.b (.c) . .d .) $.e",
	}
}

func TestSteps(t *testing.T) {
	t.Parallel()
	for _, text := range stepSeeds() {
		if d := StepsDiffer(text); d != "" {
			t.Errorf("%q: %s", text, d)
		}
	}
}

// TestStepsOfSamples reads the charts that this project has itself.
func TestStepsOfSamples(t *testing.T) {
	t.Parallel()
	n := 0
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !slices.Contains([]string{".yaml", ".yml", ".tpl", ".txtar"}, filepath.Ext(name)) {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		n++
		if d := StepsDiffer(string(data)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		return nil
	})
	if err != nil || n == 0 {
		t.Errorf("%d files read: %v", n, err)
	}
}

func FuzzSteps(f *testing.F) {
	for _, text := range stepSeeds() {
		if len(text) < 1<<10 { // the expressions are slow
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if d := StepsDiffer(text); d != "" {
			t.Error(d)
		}
	})
}
