package bot

import (
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	decisions "tokenward/bot/decision"
)

func TestParseCommands(t *testing.T) {
	t.Parallel()
	for note, want := range map[string][]Command{
		"":                       nil,
		"nothing for the bot":    nil,
		"/tokenward rescan":      {{Verb: "rescan"}},
		"/TokenWard  REBASE  \r": {{Verb: "rebase"}},
		"/tokenward rebase Discard\n\n/tokenward close\n": {{Verb: "rebase", Discard: true}, {Verb: "close"}},
		"Thanks!\n/tokenward close not needed":            {{Verb: "close", Reason: "not needed"}},
		"/tokenward ignore web-ui-* shown  to\tnobody":    {{Verb: "ignore", Pattern: "web-ui-*", Reason: "shown to nobody"}},
		"/tokenward allow `Web-Api-?`":                    {{Verb: "allow", Pattern: "web-api-?"}},
		`/tokenward deny web\-\*`:                         {{Verb: "deny", Pattern: "web-*"}},
		"/tokenward explain web-0":                        {{Verb: "explain", Pattern: "web-0"}},
		"/tokenward\u00a0rescan":                          {{Verb: "rescan"}},

		// what only looks like a command
		"see /tokenward close":                                   nil,
		"/tokenwarding close":                                    nil,
		"```\n/tokenward close\n```":                             nil,
		"~~~~sh\n/tokenward close\n~~~\n/tokenward close":        nil,
		"    /tokenward close":                                   nil,
		"> /tokenward close":                                     nil,
		"> quoted\n/tokenward close":                             nil,
		">>>\n/tokenward close\n>>>\n":                           nil,
		">>>\na\n\n/tokenward close\n\n>>>\n\n/tokenward rescan": {{Verb: "rescan"}},
		"```\n>>>\n```\n/tokenward rescan\n\n>>>":                {{Verb: "rescan"}},
		"<!-- hidden\n/tokenward close\n-->":                     nil,
		"text <!-- hidden\n/tokenward close\n-->":                nil,
		"text `code\n/tokenward close\n`":                        nil,
		"<details>\n/tokenward close\n</details>":                nil,
		"- /tokenward close":                                     nil,
		"# a\n/tokenward rescan":                                 {{Verb: "rescan"}},
		"<!-- x -->\n\n/tokenward rescan":                        {{Verb: "rescan"}},
	} {
		if d := cmp.Diff(want, ParseCommands(note)); d != "" {
			t.Errorf("%q (-want +got):\n%s", note, d)
		}
	}
}

func TestParseCommandsSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for note, want := range map[string]string{
		"/tokenward":                             "a command is missing: give one of rescan, rebase,",
		"/tokenward merge":                       `"merge" is not known: give one of rescan, rebase,`,
		"/tokenward rescan now":                  "rescan takes nothing more",
		"/tokenward rebase onto main":            "the word discard",
		"/tokenward ignore":                      "ignore needs the name of a pod",
		"/tokenward allow web_ui":                `"web_ui" is no pattern`,
		"/tokenward deny <img>":                  `"<img>" is no pattern`,
		"/tokenward explain a/b":                 `"a/b" is no pattern`,
		"/tokenward " + long:                     "is not known",
		strings.Repeat("/tokenward close\n", 12): "a note may hold 10 commands",
	} {
		got := ParseCommands(note)
		if len(got) == 0 {
			t.Errorf("%q is no command", note)
			continue
		}
		if last := got[len(got)-1]; !strings.Contains(last.Err, want) || len(last.Err) > 400 {
			t.Errorf("%q: %q, want %q", note, last.Err, want)
		}
	}
}

var long = strings.Repeat("x", 5000)

func TestReasonsAreBounded(t *testing.T) {
	t.Parallel()
	c := ParseCommands("/tokenward ignore a " + strings.Repeat("é", 5000))[0]
	if c.Err != "" || len(c.Reason) > maxReason || strings.ContainsRune(c.Reason, '\uFFFD') {
		t.Errorf("%d bytes: %q, %s", len(c.Reason), c.Reason, c.Err)
	}
}

// Whoever may comment could otherwise hold up webhooks and runs for seconds with each note.
func TestNotesNestedBeyondReasonHoldNoCommands(t *testing.T) {
	t.Parallel()
	for _, marker := range []string{">", "> ", "+ ", "-\t", "1. ", "2) ", " > * "} {
		for depth, want := range map[int]int{40: 1, maxNote: 0} {
			note := "/tokenward rescan\n\n" + strings.Repeat(marker, depth)
			if got := ParseCommands(note); len(got) != want {
				t.Errorf("%q %d times: %+v", marker, depth, got)
			}
		}
	}
}

func FuzzCommand(f *testing.F) {
	for _, s := range []string{
		"/tokenward ignore web-* why", "```\n/tokenward close\n```", ">>>\n/tokenward close\n>>>", "<!--\n/tokenward close\n-->",
		"/tokenward allow \u202e* \x00", "* /tokenward close", "`\n/tokenward close\n`", strings.Repeat(">", 100) + "/tokenward close",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, note string) {
		for _, c := range ParseCommands(note) {
			if !strings.Contains(strings.ToLower(note), commandWord) {
				t.Fatalf("ParseCommands(%q) finds %+v", note, c)
			}
			if c.Err != "" {
				continue
			}
			if c.Pattern != "" && decisions.CheckPattern(c.Pattern) != nil || len(c.Reason) > maxReason || strings.ContainsFunc(c.Reason, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("ParseCommands(%q) lets through %+v", note, c)
			}
			if strings.HasPrefix(note, "> ") && !strings.Contains(note, "\n") {
				t.Errorf("ParseCommands(%q) finds %+v in a quote", note, c)
			}
		}
		// A fence that nothing in the note can end makes code of all of it.
		fence := strings.Repeat("`", len(note)+3)
		if got := ParseCommands(fence + "\n" + note + "\n" + fence); len(got) > 0 {
			t.Errorf("ParseCommands finds %+v in code: %q", got, note)
		}
	})
}
