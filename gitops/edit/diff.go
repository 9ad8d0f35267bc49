package edit

import (
	"bytes"
	"fmt"
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
	diff := difflib.UnifiedDiff{
		A: diffLines(before), FromFile: diffName("a/", path, before),
		B: diffLines(after), ToFile: diffName("b/", path, after),
		Context: 3,
	}
	text, err := difflib.GetUnifiedDiffString(diff)
	if err != nil {
		// It writes to memory only, which does not fail.
		return fmt.Sprintf("--- %s\n+++ %s\n", diff.FromFile, diff.ToFile)
	}
	return text
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
