package edit_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"tokenward/gitops/edit"
)

// changelogCase is the file "edit" of a case. What is not given is as in released.
type changelogCase struct {
	Version   string `yaml:"version"`
	Entry     string `yaml:"entry"`
	CRLF      bool   `yaml:"crlf"`
	NoNewline bool   `yaml:"noNewline"`
	Error     string `yaml:"error"`
}

func released() changelogCase {
	return changelogCase{Version: "1.2.3-bb.5", Entry: "Documented how tokens are handled"}
}

func (c changelogCase) edit() edit.ChangelogEdit {
	return edit.ChangelogEdit{Version: c.Version, Date: time.Date(2026, time.March, 5, 12, 0, 0, 0, time.UTC), Entry: c.Entry}
}

func TestChangelogEdit(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/changelog/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			runChangelogCase(t, file)
		})
	}
}

func runChangelogCase(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	in, spec := section(archive, "in"), section(archive, "edit")
	c := released()
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
	want := section(archive, "want")
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
	checkChangelogEdit(t, c.edit(), dst, changes)
}

// checkChangelogEdit fails unless lines are only added, and nothing is done a second time, on another day.
func checkChangelogEdit(t *testing.T, e edit.ChangelogEdit, dst []byte, changes []edit.Change) {
	t.Helper()
	for _, c := range changes {
		if c.Removed || c.Was != "" {
			t.Errorf("line %d is more than added: %+v", c.Line, c)
		}
	}
	e.Date = e.Date.AddDate(0, 3, 9)
	if again, changes, err := e.Apply(dst); err != nil || len(changes) > 0 || !bytes.Equal(again, dst) || !e.Has(dst) {
		t.Errorf("a second time: %d changes, error %v, there %v\n%s", len(changes), err, e.Has(dst), again)
	}
}

// TestChangelogOfManyReleases makes one release after the other, as a package has
// them over the years; each takes the place of the newest, and all keep their style.
func TestChangelogOfManyReleases(t *testing.T) {
	t.Parallel()
	text := []byte("# Changelog\n\n---\n\n## [1.0.0-bb.8] - 2026-03-01\n\n### Changed\n\n- first\n")
	version := "1.0.0-bb.8"
	for i := range 30 {
		var err error
		if version, err = edit.NextVersion(version); err != nil {
			t.Fatal(err)
		}
		e := edit.ChangelogEdit{Version: version, Date: time.Date(2026, time.March, 2+i, 0, 0, 0, 0, time.UTC), Entry: "next"}
		if text, _, err = e.Apply(text); err != nil {
			t.Fatal(err)
		}
		top := "# Changelog\n\n---\n\n## [" + version + "] - " + e.Date.Format(time.DateOnly) + "\n\n### Changed\n\n- next\n\n## ["
		if !strings.HasPrefix(string(text), top) {
			t.Fatalf("got\n%s\nwant it to begin with\n%s", text, top)
		}
	}
}

func FuzzChangelogEdit(f *testing.F) {
	addCases(f, "testdata/changelog/*.txtar", func(in []byte) { f.Add(in, "1.2.3-bb.5", "Documented it") })
	f.Add([]byte("a\n-\n1.0.0\n=\n- x\n---\n"), "v1.0.1", "# x")
	f.Fuzz(func(t *testing.T, src []byte, version, entry string) {
		e := edit.ChangelogEdit{Version: version, Date: time.Date(2026, time.March, 5, 12, 0, 0, 0, time.UTC), Entry: entry}
		before := bytes.Clone(src)
		dst, changes, err := e.Apply(src)
		if !bytes.Equal(before, src) {
			t.Fatal("the source has been changed")
		}
		if err != nil {
			if !isRefusal(err) {
				t.Fatalf("not a refusal: %v", err)
			}
			return
		}
		if bytes.Count(src, []byte("\r")) == bytes.Count(src, []byte("\r\n")) {
			checkChanges(t, src, dst, changes)
		}
		checkChangelogEdit(t, e, dst, changes)
		if isTemplate(src) && !isTemplate(dst) {
			t.Fatal("the template has been broken")
		}
	})
}
