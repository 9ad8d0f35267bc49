package edit_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"tokenward/gitops/edit"
)

var update = flag.Bool("update", false, "rewrite the expected results in testdata")

const (
	mutator        = "update-automountserviceaccounttokens"
	defaultMutator = "update-automountserviceaccounttokens-default"
)

var sentinels = map[string]error{
	"no anchor":  edit.ErrNoAnchor,
	"ambiguous":  edit.ErrAmbiguous,
	"form":       edit.ErrForm,
	"name":       edit.ErrName,
	"not listed": edit.ErrNotListed,
	"unproven":   edit.ErrUnproven,
}

// policyCase is the file "edit" of a case. Beside it stand "in" and either "want" or, under Error, what is refused.
type policyCase struct {
	Namespace     string     `yaml:"namespace"`
	Harden        bool       `yaml:"harden"`
	HardenDefault bool       `yaml:"hardenDefault"`
	ListForm      bool       `yaml:"listForm"`
	Allow         []caseItem `yaml:"allow"`
	Deny          []caseItem `yaml:"deny"`
	CRLF          bool       `yaml:"crlf"`      // the file has line ends of CR LF
	NoNewline     bool       `yaml:"noNewline"` // its last line has no end
	Error         string     `yaml:"error"`
}

type caseItem struct {
	Pattern string   `yaml:"pattern"`
	Comment []string `yaml:"comment"`
}

func (c policyCase) edit() edit.PolicyEdit {
	e := edit.PolicyEdit{
		Mutator: mutator, DefaultMutator: defaultMutator, Namespace: c.Namespace,
		Harden: c.Harden, HardenDefault: c.HardenDefault, ListForm: c.ListForm,
	}
	for _, item := range c.Allow {
		e.Allow = append(e.Allow, edit.Entry(item))
	}
	for _, item := range c.Deny {
		e.Deny = append(e.Deny, edit.Entry(item))
	}
	return e
}

// text gives a case's file the line ends that the case asks for.
func (c policyCase) text(data []byte) []byte {
	if c.NoNewline {
		data = bytes.TrimSuffix(data, []byte("\n"))
	}
	if c.CRLF {
		data = bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))
	}
	return data
}

func TestPolicyEdit(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/policy/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			runPolicyCase(t, file)
		})
	}
}

func runPolicyCase(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	in, spec, want := section(archive, "in"), section(archive, "edit"), section(archive, "want")
	var c policyCase
	if err := yaml.Unmarshal(spec.Data, &c); err != nil {
		t.Fatalf("decode edit: %v", err)
	}
	src := c.text(in.Data)
	dst, changes, err := c.edit().Apply(src)
	if c.Error != "" {
		if !errors.Is(err, sentinels[c.Error]) {
			t.Fatalf("got error %v, want %q", err, c.Error)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		want.Data = bytes.ReplaceAll(dst, []byte("\r\n"), []byte("\n"))
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(c.text(want.Data)), string(dst)); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	checkChanges(t, src, dst, changes)
	again, changes, err := c.edit().Apply(dst)
	if err != nil || len(changes) > 0 || !bytes.Equal(again, dst) {
		t.Errorf("a second time: %d changes, error %v", len(changes), err)
	}
}

// section returns the file of an archive with that name, which it adds where it is missing.
func section(a *txtar.Archive, name string) *txtar.File {
	for i := range a.Files {
		if a.Files[i].Name == name {
			return &a.Files[i]
		}
	}
	a.Files = append(a.Files, txtar.File{Name: name})
	return &a.Files[len(a.Files)-1]
}

// checkChanges fails unless taking the changes out of dst gives src, byte for byte.
func checkChanges(t testing.TB, src, dst []byte, changes []edit.Change) {
	t.Helper()
	if (len(changes) == 0) != bytes.Equal(src, dst) {
		t.Errorf("%d changes, but equal is %v", len(changes), bytes.Equal(src, dst))
	}
	want, got := splitAfter(src), splitAfter(dst)
	for i := len(changes) - 1; i >= 0; i-- {
		got = takeBack(t, got, changes[i])
	}
	if len(got) != len(want) {
		t.Fatalf("without the changes %d lines are left of %d:\n%s", len(got), len(want), edit.UnifiedDiff("f", src, dst))
	}
	for i, line := range want {
		// A line that has been restored, and a last one without an end, have lost theirs.
		restored := !strings.HasSuffix(got[i], "\n") || i == len(want)-1
		if got[i] != line && (!restored || chomp(got[i]) != chomp(line)) {
			t.Errorf("line %d was %q and is %q without the changes", i+1, line, got[i])
		}
	}
	if len(src) > 0 && bytes.HasSuffix(src, []byte("\n")) != bytes.HasSuffix(dst, []byte("\n")) {
		t.Errorf("the end of the last line has changed:\n%q", dst)
	}
	if !bytes.Contains(src, []byte("\r")) && bytes.Contains(dst, []byte("\r")) {
		t.Error("carriage returns have been added")
	}
	if n := bytes.Count(src, []byte("\n")); n > 0 && n == bytes.Count(src, []byte("\r\n")) && bytes.Count(dst, []byte("\n")) != bytes.Count(dst, []byte("\r\n")) {
		t.Error("line ends have been mixed")
	}
}

func splitAfter(text []byte) []string {
	lines := strings.SplitAfter(string(text), "\n")
	if last := len(lines) - 1; lines[last] == "" {
		lines = lines[:last]
	}
	return lines
}

func chomp(line string) string { return strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r") }

// takeBack undoes one change in the lines of a file.
func takeBack(t testing.TB, lines []string, c edit.Change) []string {
	t.Helper()
	n := c.Line - 1
	if c.Removed {
		return slices.Insert(lines, n, c.Was)
	}
	if text := chomp(lines[n]); text != c.Text {
		t.Errorf("line %d is %q, the change says %q", c.Line, text, c.Text)
	}
	if c.Was != "" {
		lines[n] = c.Was
		return lines
	}
	return slices.Delete(lines, n, n+1)
}
