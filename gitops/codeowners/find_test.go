package codeowners_test

import (
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"

	"tokenward/gitops/codeowners"
)

// TestFind follows https://docs.gitlab.com/user/project/codeowners/: one file
// counts, looked for in the root, in docs and in .gitlab.
func TestFind(t *testing.T) {
	t.Parallel()
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	dir := &fstest.MapFile{Mode: fs.ModeDir | 0o755}
	tests := map[string]struct {
		tree    fstest.MapFS
		path    string
		content string
	}{
		"nowhere":                 {fstest.MapFS{"README.md": file("x"), "sub/CODEOWNERS": file("x")}, "", ""},
		"root first":              {fstest.MapFS{"CODEOWNERS": file("1"), "docs/CODEOWNERS": file("2"), ".gitlab/CODEOWNERS": file("3")}, "CODEOWNERS", "1"},
		"docs before .gitlab":     {fstest.MapFS{"docs/CODEOWNERS": file("2"), ".gitlab/CODEOWNERS": file("3")}, "docs/CODEOWNERS", "2"},
		".gitlab":                 {fstest.MapFS{".gitlab/CODEOWNERS": file("3")}, ".gitlab/CODEOWNERS", "3"},
		"an empty one counts":     {fstest.MapFS{"CODEOWNERS": file(""), "docs/CODEOWNERS": file("2")}, "CODEOWNERS", ""},
		"not in another case":     {fstest.MapFS{"codeowners": file("1"), ".github/CODEOWNERS": file("4")}, "", ""},
		"a directory of the name": {fstest.MapFS{"CODEOWNERS": dir, "docs/CODEOWNERS": file("2")}, "docs/CODEOWNERS", "2"},
		"docs is a file":          {fstest.MapFS{"docs": file("x"), ".gitlab/CODEOWNERS": file("3")}, ".gitlab/CODEOWNERS", "3"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, content, ok, err := codeowners.Find(test.tree)
			if err != nil || path != test.path || string(content) != test.content || ok != (test.path != "") {
				t.Errorf("Find = %q, %q, %t, %v; want %q, %q", path, content, ok, err, test.path, test.content)
			}
		})
	}
}

// brokenFS answers for some names with an error.
type brokenFS struct {
	fstest.MapFS
	errors map[string]error
}

func (b brokenFS) Stat(name string) (fs.FileInfo, error) {
	if err := b.errors[name]; err != nil {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	return b.MapFS.Stat(name)
}

func TestFindUnreadable(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	tree := fstest.MapFS{".gitlab/CODEOWNERS": &fstest.MapFile{Data: []byte("3")}}
	for _, name := range []string{"CODEOWNERS", "docs", ".gitlab/CODEOWNERS"} {
		_, _, ok, err := codeowners.Find(brokenFS{tree, map[string]error{name: broken}})
		if ok || !errors.Is(err, broken) {
			t.Errorf("%s: Find = %t, %v; want the error", name, ok, err)
		}
	}
	// A tree that does not follow links says that the name is invalid.
	if _, _, ok, err := codeowners.Find(brokenFS{tree, map[string]error{"CODEOWNERS": fs.ErrInvalid}}); ok || err == nil {
		t.Errorf("a link for a file: Find = %t, %v; want an error", ok, err)
	}
	if path, _, ok, err := codeowners.Find(brokenFS{tree, map[string]error{"docs": fs.ErrInvalid}}); !ok || err != nil || path != ".gitlab/CODEOWNERS" {
		t.Errorf("a link for a directory: Find = %s, %t, %v; want the file in .gitlab", path, ok, err)
	}
}
