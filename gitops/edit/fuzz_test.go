package edit_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"text/template/parse"

	"github.com/rogpeppe/go-internal/txtar"

	"tokenward/gitops/edit"
)

// addCases adds the files "in" of the cases in a folder of testdata.
func addCases(f *testing.F, pattern string, add func(in []byte)) {
	f.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		f.Fatalf("no cases at %s: %v", pattern, err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		add(section(archive, "in").Data)
	}
}

func FuzzMask(f *testing.F) {
	addCases(f, "testdata/policy/*.txtar", func(in []byte) { f.Add(in) })
	f.Add([]byte("a: |\n   {{ b }}\n  c\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		before := bytes.Clone(src)
		masked, err := edit.Mask(src)
		if !bytes.Equal(before, src) {
			t.Fatal("the source has been changed")
		}
		if err != nil {
			if isTemplate(src) {
				t.Fatalf("a valid template is refused: %v", err)
			}
			return
		}
		checkMask(t, src, masked)
		if again, err := edit.Mask(masked); err == nil && isTemplate(src) && bytes.Contains(masked, []byte("{{")) {
			t.Fatalf("an action is left: %q", again)
		}
	})
}

func isTemplate(src []byte) bool {
	tree := parse.New("t")
	tree.Mode = parse.SkipFuncCheck | parse.ParseComments
	_, err := tree.Parse(string(src), "", "", map[string]*parse.Tree{})
	return err == nil
}

func FuzzPolicyEdit(f *testing.F) {
	addCases(f, "testdata/policy/*.txtar", func(in []byte) {
		f.Add(in, "shop", "shop-job-*", "n", uint8(255))
		f.Add(in, "mesh", "*", "", uint8(3))
	})
	for seed := range uint64(40) {
		file := newValuesFile(rand.New(rand.NewPCG(seed, 1)))
		f.Add(file.write(), "shop-0", "shop-0-a-*", "1e3", uint8(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte, namespace, allow, deny string, flags uint8) {
		e := edit.PolicyEdit{
			Mutator: mutator, DefaultMutator: defaultMutator, Namespace: namespace,
			Harden: flags&1 != 0, HardenDefault: flags&2 != 0, ListForm: flags&4 != 0,
		}
		if flags&8 != 0 {
			e.Allow = []edit.Entry{{Pattern: allow, Comment: []string{"why", "where"}}, {Pattern: allow + "-2"}}
		}
		if flags&16 != 0 {
			e.Deny = []edit.Entry{{Pattern: deny, Comment: []string{deny}}}
		}
		checkPolicyEdit(t, e, src)
	})
}

// checkPolicyEdit makes an edit and fails unless it is refused, or can be taken back
// byte for byte, is not made a second time, leaves a template a template, and renders what it
// plans and nothing else.
func checkPolicyEdit(t *testing.T, e edit.PolicyEdit, src []byte) {
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
	// Lines are counted there as in a diff.
	if strings.Count(string(src), "\r") == strings.Count(string(src), "\r\n") && !bytes.ContainsAny(src, "\u0085\u2028\u2029") {
		checkChanges(t, src, dst, changes)
	}
	if again, changes, err := e.Apply(dst); err != nil || len(changes) > 0 || !bytes.Equal(again, dst) {
		t.Fatalf("a second time: %d changes, error %v\n%s\n%s", len(changes), err, edit.UnifiedDiff("f", src, dst), dst)
	}
	if isTemplate(src) && !isTemplate(dst) {
		t.Fatal("the template has been broken")
	}
	checkRendered(t, e, src, dst)
}

func isRefusal(err error) bool {
	for _, sentinel := range sentinels {
		if errors.Is(err, sentinel) {
			return true
		}
	}
	return false
}

func FuzzSection(f *testing.F) {
	addCases(f, "testdata/section/*.txtar", func(in []byte) { f.Add(in, documented().Body, true) })
	f.Add([]byte("a\n=\n- [a](#a)\n- [b](#b)\n\nb\n-\n"), "# x\n\n```\n", false)
	f.Fuzz(func(t *testing.T, src []byte, body string, marker bool) {
		e := documented().edit()
		e.Body = body
		if !marker {
			e.Marker = ""
		}
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
		if !e.Has(dst) {
			t.Fatalf("the result does not have the section:\n%s", dst)
		}
		if again, changes, err := e.Apply(dst); err != nil || len(changes) > 0 || !bytes.Equal(again, dst) {
			t.Fatalf("a second time: %d changes, error %v\n%s", len(changes), err, edit.UnifiedDiff("f", dst, again))
		}
		if isTemplate(src) && !isTemplate(dst) {
			t.Fatal("the template has been broken")
		}
	})
}
