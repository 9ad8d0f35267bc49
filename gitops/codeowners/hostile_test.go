package codeowners_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tokenward/gitops/codeowners"
)

// TestHostilePatterns tries what takes a matcher that goes back to every star
// longer than anybody waits: an exponential one does not end.
func TestHostilePatterns(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 4000)
	deep := strings.Repeat("a/", 2000)
	tests := map[string]struct {
		pattern, path string
		want          bool
	}{
		"stars":            {strings.Repeat("*a", 1500) + "*b", long, false},
		"stars that fit":   {strings.Repeat("*a", 1500) + "*", long, true},
		"question marks":   {strings.Repeat("*?", 1500) + "b", long, false},
		"brackets":         {strings.Repeat("*[a-z]", 1500) + "b", long, false},
		"one long run":     {"*" + strings.Repeat("a", 2000) + "b", long, false},
		"spans":            {strings.Repeat("**/a/", 800) + "b", deep + "c", false},
		"spans that fit":   {strings.Repeat("**/a/", 800) + "b", deep + "b", true},
		"spans of nothing": {strings.Repeat("**/", 2000) + "b", deep + "c", false},
		"spans and stars":  {strings.Repeat("**/*a*a*/", 500) + "b", strings.Repeat("aaaaaaa/", 500) + "c", false},
		"elements":         {strings.Repeat("*/", 1000) + "b", deep + "c", false},
		"open brackets":    {strings.Repeat("[", 4000), long, false},
		"escapes":          {strings.Repeat(`*\a`, 1500) + "b", long, false},
		"backslashes":      {strings.Repeat(`\`, 4001), long, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, _ := codeowners.Parse([]byte(test.pattern + " @x\n"))
			if got := len(file.Owners(test.path)) == 1; got != test.want {
				t.Errorf("matches: %t, want %t", got, test.want)
			}
		})
	}
}

// TestHostileFiles reads files of the largest size with as much as possible of one
// thing. None may take time that grows with the square of the size.
func TestHostileFiles(t *testing.T) {
	t.Parallel()
	var headings, names strings.Builder
	for i := range 100000 {
		fmt.Fprintf(&headings, "[%x]\n", i)
		fmt.Fprintf(&names, "@n%x ", i)
	}
	const size = 1<<20 - 100
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	tests := map[string]string{
		"headings":   headings.String(),
		"owners":     "* " + names.String(),
		"signs":      "* " + fill("@"),
		"addresses":  "* " + fill("a@"),
		"one name":   "* @" + fill("a"),
		"suffixes":   "* @" + fill("a.git"),
		"groups":     "* @" + fill("a/"),
		"blanks":     "*" + fill(" "),
		"escapes":    fill(`\ `),
		"one line":   "[" + fill("^["),
		"digits":     "[a][" + fill("9") + "]\n* @x",
		"duplicates": fill("* @x\n"),
	}
	for name, content := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, problems := codeowners.Parse([]byte(content))
			owners := file.Owners("a/b")
			t.Logf("%d owners, %d problems", len(owners), len(problems))
			if len(problems) > 1001 {
				t.Error("too many problems")
			}
			if slices.ContainsFunc(problems, func(p codeowners.Problem) bool { return len(p.Text) > 500 }) {
				t.Error("a problem quotes too much of the file")
			}
		})
	}
}

// TestDefaultOwnersAreShared has as many entries as owners: what the file takes grows with its size.
func TestDefaultOwnersAreShared(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("[a]")
	const n = 5000
	for i := range n {
		fmt.Fprintf(&text, " @u%d", i)
	}
	for i := range n {
		fmt.Fprintf(&text, "\n/p%d", i)
	}
	file, problems := codeowners.Parse([]byte(text.String()))
	if got := file.Owners(fmt.Sprintf("p%d", n-1)); len(got) != n || len(problems) != 0 {
		t.Errorf("%d owners, problems %v", len(got), problems)
	}
}
