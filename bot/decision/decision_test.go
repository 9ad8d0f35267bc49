package decision

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const sample = `# ours
decisions:
  - namespace: web
    ignore: web-ui-*   # for now
    reason: shown to nobody
    by: "@kim"
    note: platform/umbrella!1#note_5
  - namespace: web
    allow: web-api-?
`

func TestParse(t *testing.T) {
	t.Parallel()
	want := &File{Decisions: []Decision{
		{Namespace: "web", Kind: Ignore, Pattern: "web-ui-*", Reason: "shown to nobody", By: "@kim", Note: "platform/umbrella!1#note_5", Line: 3},
		{Namespace: "web", Kind: Allow, Pattern: "web-api-?", Line: 8},
	}}
	got, err := Parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, empty := range []string{"", "\n", "# nothing\n", "decisions:\n", "decisions: []\n", "decisions: ~\n", "---\n"} {
		if f, err := Parse([]byte(empty)); err != nil || len(f.Decisions) > 0 {
			t.Errorf("Parse(%q) = %v, %v", empty, f, err)
		}
	}
}

func TestParseIsStrict(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"decision: []":                 `line 1: unknown key "decision"`,
		"decisions: []\ndecisions: []": `line 2`,
		"- a":                          "line 1: the file must be a mapping",
		"decisions: x":                 "line 1: \"decisions\" must be a list",
		"decisions:\n- x":              "line 2: a decision must be a mapping",
		"decisions:\n- namespace: a":   "line 2: the decision has none of ignore, allow and deny",
		"decisions:\n- namespace: a\n  ignore: b\n  allow: b":                  "line 4: a decision is one of ignore, allow and deny",
		"decisions:\n- namespace: a\n  ignore: b\n  ignore: c":                 "line 4: the key \"ignore\" stands here a second time",
		"decisions:\n- namespace: a\n  ignored: b":                             `line 3: unknown key "ignored"`,
		"decisions:\n- namespace: on\n  ignore: b\n- namespace: 1\n  deny: b":  `line 4: "namespace" must be a text`,
		"decisions:\n- namespace: A\n  ignore: b":                              `line 2: "A" is no name of a namespace`,
		"decisions:\n- namespace: a\n  ignore: B_":                             `line 2: "B_" is no pattern`,
		"decisions:\n- namespace: a\n  ignore: 'b'\n  by: \"\\u0007\"":         `line 2: "\a" holds the character U+0007`,
		"decisions:\n- &x\n  namespace: a\n  ignore: b\n- *x":                  "line 5: a decision must be a mapping",
		"decisions: []\n---\ndecisions: []":                                    "a second YAML document begins here",
		"decisions: [":                                                         "not readable as YAML",
		"decisions:\n" + strings.Repeat("- {namespace: a, ignore: b}\n", 2001): "the file has 2001 decisions: the most is 2000",
	} {
		f, err := Parse([]byte(src))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q) = %v, %v, want the error %q", src, f, err, want)
		}
	}
}

var decided1 = Decision{Namespace: "shop", Kind: Deny, Pattern: "shop-cart-*", Reason: "it's: odd # here", By: "@lou", Note: "a/b!2#note_7"}

const decidedLines = `  - namespace: shop
    deny: shop-cart-*
    reason: "it's: odd # here"
    by: "@lou"
    note: a/b!2#note_7
`

func TestAdd(t *testing.T) {
	t.Parallel()
	crlf := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	for name, c := range map[string]struct{ src, want string }{
		"a new file begins with its explanation": {"", header + "\ndecisions:\n" + decidedLines},
		"behind the last":                        {sample, sample + decidedLines},
		"blank lines at the end stay there":      {sample + "\n\n", sample + decidedLines + "\n\n"},
		"a missing line end stays missing":       {strings.TrimSuffix(sample, "\n"), sample + strings.TrimSuffix(decidedLines, "\n")},
		"other line ends":                        {crlf(sample), crlf(sample + decidedLines)},
		"comments only":                          {"# mine\n", "# mine\n\ndecisions:\n" + decidedLines},
		"an empty list":                          {"decisions: []\n", "decisions:\n" + decidedLines},
		"an empty list with a comment":           {"decisions: [] # none yet\n", "decisions:  # none yet\n" + decidedLines},
		"no value":                               {"decisions:\n", "decisions:\n" + decidedLines},
		"no value, no line end":                  {"decisions:", "decisions:\n" + strings.TrimSuffix(decidedLines, "\n")},
		"a null":                                 {"decisions: ~\n# end\n", "decisions:\n# end\n" + decidedLines},
		"dashes at the margin": {"decisions:\n- namespace: a\n  ignore: b\n",
			"decisions:\n- namespace: a\n  ignore: b\n" + strings.ReplaceAll(decidedLines[2:], "\n  ", "\n")},
		"wide dashes": {"decisions:\n-   namespace: a\n    ignore: b\n",
			"decisions:\n-   namespace: a\n    ignore: b\n" + strings.Replace(decidedLines[2:], "- ", "-   ", 1)},
		"blank lines between": {"decisions:\n  - namespace: a\n    ignore: b\n\n  # why\n  - namespace: a\n    ignore: c\n",
			"decisions:\n  - namespace: a\n    ignore: b\n\n  # why\n  - namespace: a\n    ignore: c\n\n" + decidedLines},
		"a long reason": {"decisions:\n  - namespace: a\n    ignore: b\n    reason: |\n      one\n      two\n",
			"decisions:\n  - namespace: a\n    ignore: b\n    reason: |\n      one\n      two\n" + decidedLines},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Add([]byte(c.src), decided1)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, string(got)); d != "" {
				t.Error(d)
			}
			again, err := Add(got, decided1)
			if err != nil || string(again) != string(got) {
				t.Errorf("a second time it changes to:\n%s\n%v", again, err)
			}
		})
	}
}

func TestAddRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		src string
		d   Decision
	}{
		"brackets":        {"decisions: [{namespace: a, ignore: b}]\n", decided1},
		"braces":          {"{decisions: []}\n", decided1},
		"an end mark":     {"decisions:\n  - namespace: a\n    ignore: b\n...\n", decided1},
		"a broken file":   {"decisions: x", decided1},
		"a bad pattern":   {"", Decision{Namespace: "a", Kind: Ignore, Pattern: "A b"}},
		"no kind":         {"", Decision{Namespace: "a", Pattern: "b"}},
		"a long reason":   {"", Decision{Namespace: "a", Kind: Ignore, Pattern: "b", Reason: strings.Repeat("x", maxText+1)}},
		"control symbols": {"", Decision{Namespace: "a", Kind: Ignore, Pattern: "b", By: "\u202e"}},
	} {
		if got, err := Add([]byte(c.src), c.d); err == nil {
			t.Errorf("%s: no error, but\n%s", name, got)
		}
	}
}

func TestLaterDecisionWins(t *testing.T) {
	t.Parallel()
	f := &File{Decisions: []Decision{{Namespace: "a", Kind: Ignore, Pattern: "b"}, {Namespace: "a", Kind: Allow, Pattern: "b"}}}
	if f.Has(f.Decisions[0]) || !f.Has(f.Decisions[1]) {
		t.Error("the earlier of two decisions about the same pods counts")
	}
	if got := f.Without(&File{Decisions: f.Decisions[:1]}); len(got.Decisions) != 1 || got.Decisions[0].Kind != Allow {
		t.Errorf("Without leaves %v", got.Decisions)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{sample, header, "decisions: []", "decisions:\n- &a {namespace: a, ignore: b}\n- *a", "? a\n: b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		file, err := Parse([]byte(s))
		if err != nil {
			return
		}
		for _, d := range file.Decisions {
			if err := d.check(); err != nil {
				t.Errorf("Parse(%q) lets through %v: %v", s, d, err)
			}
		}
	})
}

func FuzzAdd(f *testing.F) {
	f.Add(sample, "shop", "shop-*", "because", "@kim")
	f.Add("", "a", "*", "true", "")
	f.Add("decisions: [] # none\r\n\r\n", "on", "0", "{{ x }}", "1e3")
	f.Add("decisions:\n-\n  namespace: a\n  deny: b", "a", "b", "- x", "~")
	f.Fuzz(func(t *testing.T, src, namespace, pattern, reason, by string) {
		d := Decision{Namespace: namespace, Kind: Ignore, Pattern: pattern, Reason: reason, By: by}
		dst, err := Add([]byte(src), d)
		if err != nil {
			return
		}
		after, err := Parse(dst)
		if err != nil || !after.Has(d) {
			t.Fatalf("Add(%q, %v) does not read back: %q, %v", src, d, dst, err)
		}
		rest := string(dst)
		for line := range strings.Lines(src) {
			if strings.ContainsAny(line, "[~") || strings.Contains(line, decisionsKey) || strings.Contains(line, "null") {
				continue // the value of an empty list goes
			}
			text := strings.TrimSpace(line)
			i := strings.Index(rest, text)
			if i < 0 {
				t.Fatalf("Add(%q, %v) changes the line %q: %q", src, d, line, dst)
			}
			rest = rest[i+len(text):]
		}
		if again, err := Add(dst, d); err != nil || string(again) != string(dst) {
			t.Fatalf("a second time Add changes %q to %q, %v", dst, again, err)
		}
	})
}
