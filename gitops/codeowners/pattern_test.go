package codeowners_test

import (
	"os"
	"strings"
	"testing"

	"tokenward/gitops/codeowners"
)

// TestPatternsAgainstRuby compares with the recorded answers of the function that
// GitLab matches with.
func TestPatternsAgainstRuby(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("testdata/fnmatch.tsv")
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]int{}
	for line := range strings.Lines(string(table)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		row := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(row) != 3 {
			t.Fatalf("row %q", line)
		}
		answers[row[0]]++
		file, _ := codeowners.Parse([]byte("[Section] @x\n" + row[1] + "\n"))
		if got := len(file.Owners(row[2])) == 1; got != (row[0] == "yes") {
			t.Errorf("%s matches %s: %t, want %s", row[1], row[2], got, row[0])
		}
	}
	if answers["yes"] < 50 || answers["no"] < 50 {
		t.Errorf("too few rows: %v", answers)
	}
}
