package edit

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
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
		A: numbered(a[from:len(a)-tail], from > 0, tail > 0), FromFile: diffName("a/", path, before),
		B: numbered(b[from:len(b)-tail], from > 0, tail > 0), ToFile: diffName("b/", path, after),
		Context: contextLines,
	}
	if len(diff.A)+len(diff.B) > maxDiffLines {
		return fmt.Sprintf("--- %s\n+++ %s\n@@ too many lines between the first and the last that differ @@\n", diff.FromFile, diff.ToFile)
	}
	text, err := difflib.GetUnifiedDiffString(diff)
	if err != nil {
		// It writes to memory only, which does not fail.
		return fmt.Sprintf("--- %s\n+++ %s\n", diff.FromFile, diff.ToFile)
	}
	return shifted(lineMark.ReplaceAllString(text, "$1"), from)
}

// lineMark is what numbered puts before a line.
var lineMark = regexp.MustCompile(`(?m)^([ +-])\x00-?\d+\x00`)

// numbered returns lines of which those that only give context at a cut end are like no others, so that they match each
// other: a hunk that begins or ends with something else in the middle of a file is refused by git.
func numbered(lines []string, head, tail bool) []string {
	lines = slices.Clone(lines)
	for i := range min(contextLines, len(lines)) {
		if head {
			lines[i] = fmt.Sprintf("\x00%d\x00%s", i, lines[i])
		}
		if last := len(lines) - 1 - i; tail && last >= 0 {
			lines[last] = fmt.Sprintf("\x00-%d\x00%s", i, lines[last])
		}
	}
	return lines
}

const (
	contextLines = 3
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
	return max(0, head-contextLines), max(0, tail-contextLines)
}

// hunkHead is the head of a hunk, as difflib writes it.
var hunkHead = regexp.MustCompile(`(?m)^@@ -(\d+)(,\d+)? \+(\d+)(,\d+)? @@$`)

// shifted adds the lines that were left out to the numbers of a diff's hunks.
func shifted(text string, by int) string {
	return hunkHead.ReplaceAllStringFunc(text, func(head string) string {
		m := hunkHead.FindStringSubmatch(head)
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
