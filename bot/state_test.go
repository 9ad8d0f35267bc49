package bot

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStateSurvivesTheDescription(t *testing.T) {
	t.Parallel()
	s := sealer{key: []byte("key")}
	want := state{Unit: "web", Role: RoleUmbrella, Digest: "d", Head: "h", Title: "a title", Draft: true}
	got, ok := s.read("people's words\n" + enclose("ours\n"+s.encode(want)) + "\nmore words")
	if d := cmp.Diff(want, got); !ok || d != "" {
		t.Errorf("ok %t (-want +got):\n%s", ok, d)
	}
	if _, ok := (sealer{key: []byte("other")}).read(s.encode(want)); ok {
		t.Error("a state signed with another key was believed")
	}
	if _, ok := s.read(strings.Replace(s.encode(want), "v1 ey", "v1 eX", 1)); ok {
		t.Error("a changed state was believed")
	}
}

// FuzzState holds that whatever the state says, its comment has no "--" inside and reads back.
func FuzzState(f *testing.F) {
	f.Add("web", "tokenward/web", "Harden -- -->")
	f.Add("\xfb\xef\xbe", "ûïþ>>>", "~~~???")
	f.Fuzz(func(t *testing.T, unit, head, title string) {
		s := sealer{key: []byte("key")}
		want := state{Unit: strings.ToValidUTF8(unit, "?"), Head: strings.ToValidUTF8(head, "?"), Title: strings.ToValidUTF8(title, "?")}
		comment := s.encode(want)
		inside := strings.TrimSuffix(strings.TrimPrefix(comment, "<!-- "), " -->")
		if strings.Contains(inside, "--") {
			t.Errorf("%q ends the comment early", comment)
		}
		got, ok := s.read(comment)
		if d := cmp.Diff(want, got); !ok || d != "" {
			t.Errorf("read %t (-want +got):\n%s", ok, d)
		}
	})
}

func FuzzReadState(f *testing.F) {
	f.Add(sealer{}.encode(state{Unit: "web"}))
	f.Add("<!-- tokenward:v1 e30 x -->")
	f.Add("people's <!-- words " + sealer{key: []byte("key")}.encode(state{Unit: "web", Title: "-->"}))
	// What is believed was signed with the key: without it, it is not, and it can be said again.
	f.Fuzz(func(t *testing.T, description string) {
		s := sealer{key: []byte("key")}
		got, ok := s.read(description)
		if !ok {
			return
		}
		if _, ok := (sealer{key: []byte("another")}).read(description); ok {
			t.Errorf("%q is believed whatever the key", description)
		}
		if again, ok := s.read(s.encode(got)); !ok || !cmp.Equal(got, again) {
			t.Errorf("%+v is read back as %+v", got, again)
		}
	})
}

func TestReplaceOursLeavesPeoplesWords(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ current, want string }{
		"around the marks":  {"before\n" + enclose("old") + "\r\nafter ", "before\n" + enclose("new") + "\r\nafter "},
		"without marks":     {"a person rewrote it all", "a person rewrote it all"},
		"marks in disorder": {endMark + "x" + beginMark, endMark + "x" + beginMark},
	} {
		if got := replaceOurs(tc.current, "new"); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
	}
}

func TestDigestIgnoresTheContext(t *testing.T) {
	t.Parallel()
	of := func(diff string) string { return digest("web", "umbrella", fileDiff{"values.yaml", diff}) }
	a := of("--- a\n+++ b\n@@ -1,2 +1,3 @@\n x\n+- web\n y\n")
	b := of("--- a\n+++ b\n@@ -7,2 +8,3 @@\n z\n+- web\n")
	c := of("@@ -7,2 +8,3 @@\n z\n+- web-ui\n")
	if a != b || a == c {
		t.Errorf("digests %s %s %s: the first two should be equal, the third not", a, b, c)
	}
}
