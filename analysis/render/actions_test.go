package render

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What is looked for word by word, in the words of regular expressions.
var (
	slowActions    = regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	slowLineAction = regexp.MustCompile(`\{\{.*?\}\}`)
	slowKeyed      = regexp.MustCompile(`\.Release\.(?:Name|Namespace|Service|IsInstall|IsUpgrade|Revision)\b`)
	slowNamed      = regexp.MustCompile(`\bRelease\b|\btoToml\b`)
)

func slowOnlyKeyed(text []byte) bool {
	return !slices.ContainsFunc(slowActions.FindAll(text, -1), func(action []byte) bool {
		return !comment.Match(action) && slowNamed.Match(slowKeyed.ReplaceAll(action, nil))
	})
}

func slowWithTime(text []byte, date string) []byte {
	return slowActions.ReplaceAllFunc(text, func(a []byte) []byte {
		return nowOrText.ReplaceAllFunc(a, func(m []byte) []byte {
			if i := bytes.LastIndex(m, []byte("now")); i >= 0 && m[0] != '"' && m[0] != '`' {
				return append(slices.Clone(m[:i]), `(toDate "2006-01-02" "`+date+`")`...)
			}
			return m
		})
	})
}

func slowWithoutActions(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		plain := slowLineAction.ReplaceAllString(line, "")
		if plain != line && strings.TrimSpace(plain) == "" {
			continue
		}
		b.WriteString(slowLineAction.ReplaceAllString(line, "action"))
	}
	return b.String()
}

// FuzzActions holds that what is found by looking for words is what regular expressions find.
// The numbers choose what the text is put together of, so that words and braces meet.
func FuzzActions(f *testing.F) {
	parts := []string{
		"{{", "}}", "{", "}", "-", " ", "\n", "/*", "*/", ".Release", "Release", ".Name", ".Namespace", ".Revision", ".IsUpgrade", ".Else",
		"x", "_", ".", "$", "\"", "`", "toToml", "now", "(", ")", "|", "ö", "\xff", "\\",
	}
	for _, seed := range []string{
		"\x00\x05\x09\x0b\x05\x01", "\x00\x07\x0a\x08\x01", "\x00\x04\x07\x0a\x08\x04\x01", "\x0a\x00\x09\x01", "\x00\x09\x0b\x10\x01", "\x00\x10\x09\x0b\x01",
		"\x00\x09\x09\x0b\x01", "\x00\x16\x01", "\x00\x10\x16\x01", "\x00\x05\x17\x01", "\x00\x14\x17\x14\x01", "\x00\x17\x01\x17\x00\x17\x11\x01", "\x00\x1b\x0a\x1b\x01", "\x00\x09\x0b",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, choice string) {
		var text []byte
		for _, n := range []byte(choice) {
			text = append(text, parts[int(n)%len(parts)]...)
		}
		if got, want := onlyKeyed(text), slowOnlyKeyed(text); got != want {
			t.Errorf("%q: only keyed is %v, want %v", text, got, want)
		}
		if got, want := string(withoutActions(text)), slowWithoutActions(string(text)); got != want {
			t.Errorf("%q: became %q, want %q", text, got, want)
		}
		if got, want := withTime(text, "2026-01-12"), slowWithTime(text, "2026-01-12"); !bytes.Equal(got, want) {
			t.Errorf("%q: became %q, want %q", text, got, want)
		}
	})
}
