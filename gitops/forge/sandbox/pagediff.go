package sandbox

import (
	"regexp"
	"strconv"
	"strings"
)

// shownLines bounds what a page shows of one file.
const shownLines = 2000

// fileView is a changed file on a page.
type fileView struct {
	fileDiff
	Anchor         string
	Added, Removed int
	Lines          []lineView
	More           int // lines left out
}

// lineView is a line of a diff; Old and New are its numbers, empty where it
// does not exist.
type lineView struct {
	Kind     string // add, del, hunk, note or empty
	Old, New string
	Sign     string
	Text     string
}

var hunkHead = regexp.MustCompile(`^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@`)

func viewDiff(files []fileDiff) []fileView {
	var views []fileView
	for n, f := range files {
		view := fileView{fileDiff: f, Anchor: "file-" + strconv.Itoa(n+1)}
		view.read(f.Diff)
		views = append(views, view)
	}
	return views
}

// read takes a patch apart.
func (v *fileView) read(patch string) {
	oldLine, newLine := 0, 0
	for line := range strings.Lines(patch) {
		line = strings.TrimSuffix(line, "\n")
		out := lineView{Text: line}
		if m := hunkHead.FindStringSubmatch(line); m != nil {
			oldLine, newLine = atoi(m[1]), atoi(m[2])
			out.Kind = "hunk"
		} else if line != "" {
			switch line[0] {
			case '+':
				out = lineView{Kind: "add", New: strconv.Itoa(newLine), Sign: "+", Text: line[1:]}
				newLine++
				v.Added++
			case '-':
				out = lineView{Kind: "del", Old: strconv.Itoa(oldLine), Sign: "-", Text: line[1:]}
				oldLine++
				v.Removed++
			case ' ':
				out = lineView{Old: strconv.Itoa(oldLine), New: strconv.Itoa(newLine), Sign: " ", Text: line[1:]}
				oldLine++
				newLine++
			default: // "\ No newline at end of file", "Binary files ... differ"
				out.Kind = "note"
			}
		}
		if len(v.Lines) >= shownLines {
			v.More++
			continue
		}
		v.Lines = append(v.Lines, out)
	}
}

// atoi reads digits that a pattern has found; what is too long to be a line
// number counts as 0.
func atoi(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n
}
