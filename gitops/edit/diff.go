package edit

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/pmezard/go-difflib/difflib"
)

// UnifiedDiff returns the difference between two versions of the file at path as a
// unified diff with three lines of context, as git prints it; empty where they are
// equal. An empty before or after that is nil stands for a file that does not exist.
func UnifiedDiff(path string, before, after []byte) string {
	if bytes.Equal(before, after) {
		return ""
	}
	from, to := "a/"+path, "b/"+path
	if before == nil {
		from = "/dev/null"
	}
	if after == nil {
		to = "/dev/null"
	}
	var out strings.Builder
	diff := difflib.UnifiedDiff{A: diffLines(before), B: diffLines(after), FromFile: from, ToFile: to, Context: 3}
	if err := difflib.WriteUnifiedDiff(&out, diff); err != nil {
		// A strings.Builder takes everything.
		return fmt.Sprintf("--- %s\n+++ %s\n", from, to)
	}
	return out.String()
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
