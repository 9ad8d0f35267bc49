package edit

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/pmezard/go-difflib/difflib"
)

// UnifiedDiff returns the difference between two versions of the file at path as a
// unified diff with three lines of context, as git prints it; empty where they are
// equal. A version that is nil stands for a file that does not exist.
func UnifiedDiff(path string, before, after []byte) string {
	if bytes.Equal(before, after) {
		return ""
	}
	a, b := diffLines(before), diffLines(after)
	from, tail := commonEnds(a, b)
	diff := difflib.UnifiedDiff{
		A: a[from : len(a)-tail], FromFile: diffName("a/", path, before),
		B: b[from : len(b)-tail], ToFile: diffName("b/", path, after),
		Context: context,
	}
	if len(diff.A)+len(diff.B) > maxDiffLines {
		return fmt.Sprintf("--- %s\n+++ %s\n@@ too many lines between the first and the last that differ @@\n", diff.FromFile, diff.ToFile)
	}
	text, err := difflib.GetUnifiedDiffString(diff)
	if err != nil {
		// It writes to memory only, which does not fail.
		return fmt.Sprintf("--- %s\n+++ %s\n", diff.FromFile, diff.ToFile)
	}
	return shifted(text, from)
}

const (
	context = 3
	// maxDiffLines bounds what lies between the first line that differs and the last, in both versions: lines that repeat
	// in a certain way take quadratic time.
	maxDiffLines = 20_000
)

// commonEnds tells how many lines of two versions are the same at their beginning and at their end, the context aside.
func commonEnds(a, b []string) (head, tail int) {
	n := min(len(a), len(b))
	for head < n && a[head] == b[head] {
		head++
	}
	for tail < n-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	return max(0, head-context), max(0, tail-context)
}

// hunk is the head of one, as difflib writes it.
var hunk = regexp.MustCompile(`(?m)^@@ -(\d+)(,\d+)? \+(\d+)(,\d+)? @@$`)

// shifted adds the lines that were left out to the numbers of a diff's hunks.
func shifted(text string, by int) string {
	return hunk.ReplaceAllStringFunc(text, func(head string) string {
		m := hunk.FindStringSubmatch(head)
		was, err := strconv.Atoi(m[1])
		is, err2 := strconv.Atoi(m[3])
		if err != nil || err2 != nil {
			return head
		}
		return fmt.Sprintf("@@ -%d%s +%d%s @@", was+by, m[2], is+by, m[4])
	})
}

// diffName returns the name of a version; one that would break its line is quoted.
func diffName(side, path string, version []byte) string {
	switch name := side + path; {
	case version == nil:
		return "/dev/null"
	case strings.ContainsFunc(name, unicode.IsControl):
		return strconv.Quote(name)
	default:
		return name
	}
}

// diffLines splits text into lines with their ends. A last line without one carries the mark that a diff has for it.
func diffLines(text []byte) []string {
	lines := strings.SplitAfter(string(text), "\n")
	if last := len(lines) - 1; lines[last] == "" {
		lines = lines[:last]
	} else {
		lines[last] += "\n\\ No newline at end of file\n"
	}
	return lines
}
