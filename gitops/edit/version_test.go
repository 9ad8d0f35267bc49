package edit_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/Masterminds/semver/v3"

	"tokenward/gitops/edit"
)

func TestNextVersion(t *testing.T) {
	t.Parallel()
	for v, want := range map[string]string{
		"1.2.3":              "1.2.4",
		"1.2.9":              "1.2.10",
		"v1.2.3":             "v1.2.4",
		"0.0.0":              "0.0.1",
		"1.2.3-bb.4":         "1.2.3-bb.5",
		"1.2.3-bb.9":         "1.2.3-bb.10",
		"1.2.3-bb.99":        "1.2.3-bb.100",
		"1.2.3-bb-4":         "1.2.3-bb-5",
		"1.2.3-bb-9":         "1.2.3-bb-9.1",
		"1.2.3-rc1":          "1.2.3-rc2",
		"1.2.3-rc9":          "1.2.3-rc9.1",
		"1.2.3-rc9.1":        "1.2.3-rc9.2",
		"1.2.3-rc09":         "1.2.3-rc10",
		"1.2.3-rc.1":         "1.2.3-rc.2",
		"1.2.3-bb.4.rc1":     "1.2.3-bb.4.rc2",
		"1.2.3-beta":         "1.2.3-beta.1",
		"1.2.3-0":            "1.2.3-1",
		"1.2.3-bb.4+up2.0":   "1.2.3-bb.5+up2.0",
		"1.2.3+build.7":      "1.2.4+build.7",
		"1.2.3-bb.4+a-b.009": "1.2.3-bb.5+a-b.009",
		"1.2":                "", "1": "", "": "", "v": "", "1.2.3.4": "", "1.02.3": "", "1.2.3-bb.04": "", "1.2.3-": "",
		"latest": "", "1.2.x": "", " 1.2.3": "", "1.2.18446744073709551615": "",
		"1.2.3-99999999999999999999": "1.2.3-99999999999999999999.1",
	} {
		got, err := edit.NextVersion(v)
		if got != want || (err != nil) != (want == "") || err != nil && !errors.Is(err, edit.ErrForm) {
			t.Errorf("NextVersion(%q) = %q, %v; want %q", v, got, err, want)
		}
	}
}

func TestVersionEdit(t *testing.T) {
	t.Parallel()
	const version = "1.2.3-bb.5"
	for name, tc := range map[string]struct{ in, want, err string }{
		"plain":           {in: "name: a\nversion: 1.2.3-bb.4\nappVersion: 1.2.3-bb.4\n", want: "name: a\nversion: 1.2.3-bb.5\nappVersion: 1.2.3-bb.4\n"},
		"double quotes":   {in: "version: \"1.2.3-bb.4\" # by hand\n", want: "version: \"1.2.3-bb.5\" # by hand\n"},
		"single quotes":   {in: "version:   '1.2.3-bb.4'", want: "version:   '1.2.3-bb.5'"},
		"line ends":       {in: "a: b\r\nversion: 1.2.3-bb.4\r\nc: d\r\n", want: "a: b\r\nversion: 1.2.3-bb.5\r\nc: d\r\n"},
		"flow":            {in: "{name: \"ü\", version: 1.0.0, type: application}\n", want: "{name: \"ü\", version: 1.2.3-bb.5, type: application}\n"},
		"on its own line": {in: "version:\n  1.0.0\n", want: "version:\n  1.2.3-bb.5\n"},
		"dependencies":    {in: "dependencies:\n- name: a\n  version: 1.0.0\nversion: 1.0.0\n", want: "dependencies:\n- name: a\n  version: 1.0.0\nversion: 1.2.3-bb.5\n"},
		"braces":          {in: "description: \"{{ not a template\"\nversion: 1.0.0\n", want: "description: \"{{ not a template\"\nversion: 1.2.3-bb.5\n"},
		"marker":          {in: "---\nversion: 1.0.0\n", want: "---\nversion: 1.2.3-bb.5\n"},
		"as wanted":       {in: "version: 1.2.3-bb.5\n", want: "version: 1.2.3-bb.5\n"},
		"higher":          {in: "version: 1.2.3-bb.12\n", want: "version: 1.2.3-bb.12\n"},
		"released":        {in: "version: 1.2.3\n", want: "version: 1.2.3\n"},
		"other build":     {in: "version: 1.2.3-bb.5+x\n", want: "version: 1.2.3-bb.5+x\n"},
		"missing":         {in: "name: a\n", err: "no anchor"},
		"empty":           {in: "", err: "no anchor"},
		"list":            {in: "- version: 1.0.0\n", err: "no anchor"},
		"twice":           {in: "version: 1.0.0\nversion: 1.0.1\n", err: "ambiguous"},
		"two documents":   {in: "version: 1.0.0\n---\nversion: 1.0.1\n", err: "form"},
		"mapping":         {in: "version: {a: b}\n", err: "form"},
		"a number":        {in: "version: 1.2\n", err: "form"},
		"null":            {in: "version:\n", err: "form"},
		"block":           {in: "version: |-\n  1.0.0\n", err: "form"},
		"escaped":         {in: "version: \"1.\\x30.0\"\n", err: "form"},
		"anchor":          {in: "version: &v 1.0.0\nappVersion: *v\n", err: "form"},
		"alias":           {in: "appVersion: &v 1.0.0\nversion: *v\n", err: "form"},
		"no YAML":         {in: "version: [\n", err: "form"},
		"a template":      {in: "version: {{ .Version }}\n", err: "form"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := edit.VersionEdit{Version: version}
			dst, changes, err := e.Apply([]byte(tc.in))
			if tc.err != "" {
				if !errors.Is(err, sentinels[tc.err]) {
					t.Errorf("error %v, want %q", err, tc.err)
				}
				return
			}
			if err != nil || string(dst) != tc.want {
				t.Fatalf("got %q, error %v, want %q", dst, err, tc.want)
			}
			checkVersionEdit(t, e, []byte(tc.in), dst, changes)
		})
	}
	if _, _, err := (edit.VersionEdit{Version: "latest"}).Apply([]byte("version: 1.0.0\n")); !errors.Is(err, edit.ErrName) {
		t.Errorf("version latest: error %v", err)
	}
}

// checkVersionEdit fails unless the version is all that differs, and nothing is done a second time.
func checkVersionEdit(t *testing.T, e edit.VersionEdit, src, dst []byte, changes []edit.Change) {
	t.Helper()
	if (len(changes) == 0) != bytes.Equal(src, dst) || len(changes) > 1 {
		t.Errorf("%d changes from %q to %q", len(changes), src, dst)
	}
	if current, err := edit.ChartVersion(src); err != nil || len(changes) == 1 && !replacesOnce(string(src), string(dst), current, e.Version) {
		t.Errorf("more than the version has changed, from %q to %q", src, dst)
	}
	now, err := edit.ChartVersion(dst)
	if err != nil {
		t.Fatal(err)
	}
	if semver.MustParse(now).LessThan(semver.MustParse(e.Version)) {
		t.Errorf("the version is %s, want %s", now, e.Version)
	}
	if again, changes, err := e.Apply(dst); err != nil || len(changes) > 0 || !bytes.Equal(again, dst) {
		t.Errorf("a second time: %d changes, error %v", len(changes), err)
	}
}

// replacesOnce says whether dst is src with one of its olds replaced.
func replacesOnce(src, dst, old, replacement string) bool {
	for at := range src {
		rest, ok := strings.CutPrefix(src[at:], old)
		if ok && src[:at]+replacement+rest == dst {
			return true
		}
	}
	return false
}

// FuzzNextVersion holds that the next version is a higher one, however often it is asked for.
func FuzzNextVersion(f *testing.F) {
	for _, v := range []string{"1.2.3", "1.2.3-bb.4", "v1.2.3-rc9+x", "1.2.3-99", "1.2.3-a-9.z"} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v string) {
		for range 12 {
			next, err := edit.NextVersion(v)
			if err != nil {
				if !errors.Is(err, edit.ErrForm) {
					t.Fatalf("not a refusal: %v", err)
				}
				return
			}
			a, b := strings.TrimPrefix(v, "v"), strings.TrimPrefix(next, "v")
			if !semver.MustParse(a).LessThan(semver.MustParse(b)) {
				t.Fatalf("%s is not higher than %s", next, v)
			}
			v = next
		}
	})
}

func FuzzVersionEdit(f *testing.F) {
	f.Add([]byte("name: a\nversion: 1.2.3-bb.4\n"), "1.2.3-bb.5")
	f.Add([]byte("{\"version\" : '1.2.3', x: [ü]}"), "v1.3.0+b")
	f.Add([]byte("? version\n: 1.0.0\r\n"), "2.0.0")
	f.Fuzz(func(t *testing.T, src []byte, version string) {
		before := bytes.Clone(src)
		e := edit.VersionEdit{Version: version}
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
		checkVersionEdit(t, e, src, dst, changes)
	})
}
