package codeowners_test

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"

	"tokenward/gitops/codeowners"
)

// FuzzParse reads any file, and asks for any path.
func FuzzParse(f *testing.F) {
	names, err := filepath.Glob("testdata/golden/*.txtar")
	if err != nil || len(names) == 0 {
		f.Fatalf("no cases: %v", err)
	}
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, part := range archive.Files {
			if part.Name == "CODEOWNERS" {
				f.Add(part.Data, "docs/api/index.md")
			}
		}
	}
	f.Fuzz(func(t *testing.T, content []byte, path string) {
		before := bytes.Clone(content)
		file, problems := codeowners.Parse(content)
		if !bytes.Equal(before, content) {
			t.Fatal("the content has been changed")
		}
		checkProblems(t, content, problems)
		rules := file.Rules(path)
		checkRules(t, content, rules)
		var owners []codeowners.Owner
		for _, r := range rules {
			owners = append(owners, r.Owners...)
		}
		if !slices.Equal(owners, file.Owners(path)) {
			t.Fatal("the owners are not those of the rules")
		}
		if !strings.HasPrefix(path, "/") && !slices.Equal(owners, file.Owners("/"+path)) {
			t.Fatal("a leading slash changes the owners")
		}
		// A new section with all paths changes nothing else, unless a heading
		// of that name is there, or what comes before is not read.
		if bytes.Contains(bytes.ToLower(content), []byte("fresh")) || len(content) > 1<<19 || bytes.IndexByte(content, 0) >= 0 {
			return
		}
		more, _ := codeowners.Parse(append(before, "\n[Fresh]\n* @somebody\n"...))
		got := more.Rules(path)
		if len(got) != len(rules)+1 || got[len(rules)].Owners[0].Name != "somebody" {
			t.Fatalf("a section more gives %d rules after %d", len(got), len(rules))
		}
		if diff := cmp.Diff(rules, got[:len(rules)], cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("a section more changes the others:\n%s", diff)
		}
	})
}

func checkProblems(t *testing.T, content []byte, problems []codeowners.Problem) {
	t.Helper()
	lines, last := bytes.Count(content, []byte("\n"))+1, 1
	for _, p := range problems {
		if p.Line < last || p.Line > lines || p.Text == "" || len(p.Text) > 500 || strings.ContainsAny(p.Text, "\r\n\x00") {
			t.Fatalf("problem %+v after line %d of %d", p, last, lines)
		}
		last = p.Line
	}
}

func checkRules(t *testing.T, content []byte, rules []codeowners.Rule) {
	t.Helper()
	lines := bytes.Split(content, []byte("\n"))
	sections := map[string]bool{}
	for _, r := range rules {
		if sections[r.Section] {
			t.Fatalf("two rules of section %q", r.Section)
		}
		sections[r.Section] = true
		if r.Line < 1 || r.Line > len(lines) || !bytes.Contains(lines[r.Line-1], []byte(r.Pattern)) {
			t.Fatalf("line %d does not have the pattern %q", r.Line, r.Pattern)
		}
		if r.Optional != (r.Approvals == 0) || r.Approvals < 0 {
			t.Fatalf("optional %t with %d approvals", r.Optional, r.Approvals)
		}
		for i, o := range r.Owners {
			if o.Section != r.Section || o.Optional != r.Optional || slices.Contains(r.Owners[:i], o) {
				t.Fatalf("owner %+v of rule %+v", o, r)
			}
			checkOwner(t, content, o)
		}
	}
}

func checkOwner(t *testing.T, content []byte, o codeowners.Owner) {
	t.Helper()
	written := map[codeowners.Kind]bool{
		codeowners.User:  !strings.Contains(o.Name, "/") && !strings.HasPrefix(o.Name, "@"),
		codeowners.Group: strings.Contains(o.Name, "/") && !strings.Contains(o.Name, "//"),
		codeowners.Email: strings.Count(o.Name, "@") == 1,
		codeowners.Role:  slices.Contains([]string{"developer", "maintainer", "owner"}, o.Name),
	}
	if !written[o.Kind] || strings.ContainsAny(o.Name, " \t\n") || o.Name == "" {
		t.Fatalf("%s %q", o.Kind, o.Name)
	}
	if o.Kind != codeowners.Role && !bytes.Contains(content, []byte(o.Name)) {
		t.Fatalf("%s %q does not stand in the file", o.Kind, o.Name)
	}
}
