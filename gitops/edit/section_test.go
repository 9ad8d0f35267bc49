package edit_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"tokenward/gitops/edit"
)

// sectionCase is the file "edit" of a case. What is not given is as in documented.
type sectionCase struct {
	Heading   string `yaml:"heading"`
	Body      string `yaml:"body"`
	Marker    string `yaml:"marker"`
	Title     string `yaml:"title"`
	CRLF      bool   `yaml:"crlf"`
	NoNewline bool   `yaml:"noNewline"`
	Error     string `yaml:"error"`
}

func documented() sectionCase {
	return sectionCase{
		Heading: "automountServiceAccountToken",
		Body:    "The policy hardens this package. It is configured in [the umbrella](https://git.example/values.yaml).\n\nA pod that needs the API is added to its `pods`.\n",
		Marker:  "tokenward:automount",
	}
}

func (c sectionCase) edit() edit.SectionEdit {
	return edit.SectionEdit{Heading: c.Heading, Body: c.Body, Marker: c.Marker, Title: c.Title}
}

func TestSectionEdit(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/section/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			runSectionCase(t, file)
		})
	}
}

func runSectionCase(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	in, spec, want := section(archive, "in"), section(archive, "edit"), section(archive, "want")
	c := documented()
	if err := yaml.Unmarshal(spec.Data, &c); err != nil {
		t.Fatalf("decode edit: %v", err)
	}
	lines := policyCase{CRLF: c.CRLF, NoNewline: c.NoNewline}
	src := lines.text(in.Data)
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
		if c.NoNewline {
			want.Data = append(want.Data, '\n')
		}
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(lines.text(want.Data)), string(dst)); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	checkChanges(t, src, dst, changes)
	if !c.edit().Has(dst) {
		t.Error("the result does not have the section")
	}
	again, changes, err := c.edit().Apply(dst)
	if err != nil || len(changes) > 0 || !bytes.Equal(again, dst) {
		t.Errorf("a second time: %d changes, error %v\n%s", len(changes), err, again)
	}
}

func TestEmptyEditKeepsBytes(t *testing.T) {
	t.Parallel()
	for _, src := range []string{"", "\n", "a: b", "a: {{ b\n", "policies: [", "\xff\x00", "# a\r\n"} {
		for name, e := range map[string]edit.Edit{
			"policy":  edit.PolicyEdit{Mutator: mutator, DefaultMutator: defaultMutator, Namespace: "shop"},
			"section": edit.SectionEdit{Heading: "a", Body: "b"},
		} {
			if name == "section" && src != "# a\r\n" {
				continue
			}
			dst, changes, err := e.Apply([]byte(src))
			if err != nil || len(changes) > 0 || string(dst) != src {
				t.Errorf("%s edit of %q = %q, %d changes, error %v", name, src, dst, len(changes), err)
			}
		}
	}
}
