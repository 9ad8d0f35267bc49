package codeowners_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tokenward/gitops/codeowners"
)

// words are what random files and paths are made of.
var words = []string{"a", "b", "docs", "x.md", ".x", "é"}

func randomPath(random *rand.Rand) string {
	parts := make([]string, 1+random.IntN(4))
	for i := range parts {
		parts[i] = words[random.IntN(len(words))]
	}
	return strings.Join(parts, "/")
}

func randomGlob(random *rand.Rand) string {
	pieces := append([]string{"*", "*", "**", "?", "/", "/", "**/", "[ab]", "[!a]", "[a-x]"}, words...)
	var b strings.Builder
	for range 1 + random.IntN(6) {
		b.WriteString(pieces[random.IntN(len(pieces))])
	}
	return b.String()
}

// randomFile writes a file without an exclusion at its end.
func randomFile(random *rand.Rand) string {
	var b strings.Builder
	for range random.IntN(12) {
		switch random.IntN(6) {
		case 0:
			fmt.Fprintf(&b, "[S%d][%d] @default%d\n", random.IntN(3), random.IntN(3), random.IntN(3))
		case 1:
			fmt.Fprintf(&b, "^[s%d]\n", random.IntN(3))
		case 2:
			fmt.Fprintf(&b, "!%s\n", randomGlob(random))
		case 3:
			fmt.Fprintf(&b, "%s\n", randomGlob(random))
		default:
			fmt.Fprintf(&b, "%s @o%d @g/o%d\n", randomGlob(random), random.IntN(5), random.IntN(5))
		}
	}
	return b.String()
}

func rules(content, path string) []codeowners.Rule {
	file, _ := codeowners.Parse([]byte(content))
	return file.Rules(path)
}

func withoutLines(rules []codeowners.Rule) []codeowners.Rule {
	for i := range rules {
		rules[i].Line = 0
	}
	return rules
}

func TestFileProperties(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 5))
	for range 2000 {
		content, path := randomFile(random), randomPath(random)
		want := withoutLines(rules(content, path))
		same := map[string]string{
			"carriage returns":   strings.ReplaceAll(content, "\n", "\r\n"),
			"blanks at the ends": "  " + strings.ReplaceAll(content, "\n", "\t \n  "),
			"comments":           "# @x\n" + strings.ReplaceAll(content, "\n", "\n\n  # docs/ @x\n"),
			"no end of line":     strings.TrimSuffix(content, "\n"),
		}
		for name, other := range same {
			if diff := cmp.Diff(want, withoutLines(rules(other, path))); diff != "" {
				t.Fatalf("%s change the rules for %s in\n%s\n%s", name, path, content, diff)
			}
		}
		checkAdditions(t, content, path, want)
	}
}

// checkAdditions appends to a file and compares the rules.
func checkAdditions(t *testing.T, content, path string, want []codeowners.Rule) {
	t.Helper()
	escaped := "/" + path
	got := withoutLines(rules(content+"\n[Other] @other\n"+escaped+"\n", path))
	if diff := cmp.Diff(want, got[:len(got)-1], cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("a new section changes the rules of others for %s in\n%s\n%s", path, content, diff)
	}
	if last := got[len(got)-1]; last.Section != "Other" || len(last.Owners) != 1 || last.Owners[0].Name != "other" {
		t.Fatalf("a new section has the rule %+v", last)
	}
	got = withoutLines(rules(content+"\n[Other] @other\n"+escaped+"\n!"+path[strings.LastIndex(path, "/")+1:]+"\n", path))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("an excluded path has a rule: %s in\n%s\n%s", path, content, diff)
	}
	seen := map[string]bool{}
	for _, r := range want {
		if seen[strings.ToLower(r.Section)] {
			t.Fatalf("two rules of section %s for %s in\n%s", r.Section, path, content)
		}
		seen[strings.ToLower(r.Section)] = true
		if r.Optional != (r.Approvals == 0) {
			t.Fatalf("optional %t with %d approvals", r.Optional, r.Approvals)
		}
	}
}

// TestPatternsAgainstRegexps compares with a regular expression for the same, made
// by another way: element by element, a path of its own for "**".
func TestPatternsAgainstRegexps(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(13, 17))
	matched := 0
	for range 8000 {
		glob, path := randomGlob(random), randomPath(random)
		if glob[0] == '[' {
			glob = "x" + glob // Else it is a heading.
		}
		want := globRegexp(glob).MatchString("/" + path)
		if got := len(rules("[S] @x\n"+glob, path)) == 1; got != want {
			t.Fatalf("%q matches %q: %t, want %t", glob, path, got, want)
		}
		if want {
			matched++
		}
	}
	if matched < 400 {
		t.Errorf("only %d of the random patterns match their path", matched)
	}
}

func globRegexp(glob string) *regexp.Regexp {
	if glob == "*" {
		glob = "/**/*"
	}
	if !strings.HasPrefix(glob, "/") {
		glob = "/**/" + glob
	}
	if strings.HasSuffix(glob, "/") {
		glob += "**/*"
	}
	parts := strings.Split(glob, "/")
	var b strings.Builder
	for i, part := range parts {
		if part == "**" && i < len(parts)-1 {
			b.WriteString("(?:[^/]*/)*")
			continue
		}
		part = regexp.MustCompile(`\*+`).ReplaceAllString(regexp.QuoteMeta(part), "*")
		part = strings.NewReplacer(`\*`, "[^/]*", `\?`, "[^/]", `\[!`, "[^/", `\[`, "[", `\]`, "]").Replace(part)
		b.WriteString(part)
		if i < len(parts)-1 {
			b.WriteString("/")
		}
	}
	return regexp.MustCompile("^" + b.String() + "$")
}
