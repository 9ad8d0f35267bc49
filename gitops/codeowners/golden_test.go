package codeowners_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"tokenward/gitops/codeowners"
)

// TestGolden reads the files of testdata/golden. Each has a CODEOWNERS file, in
// "want" some paths, each followed by the rules for it, and the problems. The
// comment of each says which page of GitLab's documentation the case follows.
func TestGolden(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/golden/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			file, problems := codeowners.Parse(part(t, archive, "CODEOWNERS"))
			want := string(part(t, archive, "want"))
			var got strings.Builder
			for line := range strings.Lines(want) {
				if !strings.HasPrefix(line, "  ") {
					got.WriteString(line)
					printRules(&got, file.Rules(strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "|")))
				}
			}
			if diff := cmp.Diff(want, got.String()); diff != "" {
				t.Errorf("rules (-want +got):\n%s", diff)
			}
			var told strings.Builder
			for _, p := range problems {
				fmt.Fprintln(&told, p)
			}
			if diff := cmp.Diff(string(part(t, archive, "problems")), told.String()); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func printRules(w *strings.Builder, rules []codeowners.Rule) {
	for _, r := range rules {
		fmt.Fprintf(w, "  %s", r.Section)
		switch {
		case r.Optional:
			w.WriteString(" (optional)")
		case r.Approvals != 1:
			fmt.Fprintf(w, " (%d)", r.Approvals)
		}
		w.WriteString(":")
		for _, o := range r.Owners {
			fmt.Fprintf(w, " %s:%s", o.Kind, o.Name)
		}
		w.WriteString("\n")
	}
}

func part(t *testing.T, archive *txtar.Archive, name string) []byte {
	t.Helper()
	for _, f := range archive.Files {
		if f.Name == name {
			return f.Data
		}
	}
	t.Fatalf("no part %s", name)
	return nil
}

func TestOwnersOfAllSections(t *testing.T) {
	t.Parallel()
	file, problems := codeowners.Parse([]byte("* @ann a/b@example.com\n\n^[Words] @ann @a/b\n*.md\n"))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := []codeowners.Owner{
		{Kind: codeowners.User, Name: "ann", Section: codeowners.DefaultSection},
		{Kind: codeowners.Email, Name: "a/b@example.com", Section: codeowners.DefaultSection},
		{Kind: codeowners.User, Name: "ann", Section: "Words", Optional: true},
		{Kind: codeowners.Group, Name: "a/b", Section: "Words", Optional: true},
	}
	if diff := cmp.Diff(want, file.Owners("docs/x.md")); diff != "" {
		t.Errorf("owners (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, file.Owners("/docs/x.md")); diff != "" {
		t.Errorf("owners with a leading slash (-want +got):\n%s", diff)
	}
}

func TestParseOddContent(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		content  string
		path     string
		owners   int
		problems []string
	}{
		"empty":           {"", "a", 0, nil},
		"comments only":   {"# a\n\n   \n#b @x", "a", 0, nil},
		"no end of line":  {"* @x", "a", 1, nil},
		"carriage return": {"* @x\r\n# y\r\n[A] @z\r\na\r\n", "a", 2, nil},
		"binary":          {"* @x\n\x00", "a", 0, []string{"line 1: the file is binary and counts as empty"}},
		"NUL far behind":  {"* @x\n#" + strings.Repeat("y", 8000) + "\x00", "a", 1, nil},
		"byte order mark": {"\uFEFF* @x\n", "a", 0, []string{"line 1: the file begins with a byte order mark, which GitLab takes for a part of the first line"}},
		"too large":       {"* @x\n" + strings.Repeat("#\n", 1<<19) + "* @y @z\n", "a", 1, []string{"line 524287: the file is larger than 1 MiB; what follows is not read"}},
		"bracket":         {"a[b @x\n", "a[b", 0, []string{`line 1: the pattern "a[b" matches nothing, since its bracket is not closed`}},
		"not UTF-8":       {"\xe9* @x\n", "\xe9t\xe9", 1, nil},
		"foreign quote":   {"a " + strings.Repeat("é", 100) + "\n", "a", 0, []string{`line 1: "` + strings.Repeat("é", 30) + `"... is no @name, @@role or email address and is ignored`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, problems := codeowners.Parse([]byte(test.content))
			if got := len(file.Owners(test.path)); got != test.owners {
				t.Errorf("%d owners, want %d", got, test.owners)
			}
			var told []string
			for _, p := range problems {
				told = append(told, p.String())
			}
			if diff := cmp.Diff(test.problems, told); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
