package analysis

import (
	"regexp"
	"strings"
)

// withoutRemarks drops the comments behind a script's commands.
func withoutRemarks(text string) string {
	var out strings.Builder
	out.Grow(len(text))
	var q quoting
	for line := range strings.Lines(text) {
		out.WriteString(line[:q.remark(line)])
		if strings.HasSuffix(line, "\n") {
			out.WriteByte('\n')
		}
	}
	return out.String()
}

// quoting is what is open in a script at some place: a quotation, and expansions of variables. Where a sign of either means
// something else, remarks stay.
type quoting struct {
	by   byte
	open int
}

// remark is where the comment behind a line's commands begins, or its line feed.
func (q *quoting) remark(line string) int {
	space := false // before this
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '\n':
			return i
		case c == '\\' && q.by != '\'':
			i++
			if i < len(line) && line[i] == '\n' {
				return i
			}
		case q.by != 0:
			if c == q.by {
				q.by = 0
			}
		case c == '"' || c == '\'':
			q.by = c
		case strings.HasPrefix(line[i:], "${"):
			q.open++
		case c == '}':
			q.open = max(q.open-1, 0)
		case c == '#' && space && q.open == 0:
			return i
		}
		space = c == ' ' || c == '\t'
	}
	return len(line)
}

// hereDocument begins a text that a command reads, up to a line with a certain word. Where that is quoted, nothing in the
// text is run.
var hereDocument = regexp.MustCompile(`^[^<|>]*<<-?[ \t]*(["']?)(\w+)["']?[ \t]*$`)

// withoutHereDocuments drops the texts that a script only prints.
func withoutHereDocuments(text string) string {
	if !strings.Contains(text, "<<") {
		return text
	}
	lines := strings.Split(text, "\n")
	last := map[string]int{} // line of these words
	for i, line := range lines {
		last[strings.TrimSpace(line)] = i
	}
	var out []string
	for i := 0; i < len(lines); i++ {
		out = append(out, lines[i])
		begin := hereDocument.FindStringSubmatch(lines[i])
		if begin == nil || !onlyNames(strings.Fields(lines[i])[0]) || last[begin[2]] <= i {
			continue
		}
		end := i + 1
		for strings.TrimSpace(lines[end]) != begin[2] {
			end++
		}
		if onlyPrinted(lines[i+1:end], begin[1] != "") && !endsGroup(lines[end+1:]) {
			i = end
		}
	}
	return strings.Join(out, "\n")
}

// onlyPrinted tells whether no line of a text is run by what prints it.
func onlyPrinted(lines []string, quoted bool) bool {
	return quoted || !strings.ContainsAny(strings.Join(lines, ""), "`") && !strings.Contains(strings.Join(lines, ""), "$(")
}

// endsGroup tells whether what follows ends commands that are grouped, whose output may be run.
func endsGroup(lines []string) bool {
	return len(lines) > 0 && strings.IndexAny(strings.TrimSpace(lines[0])+" ", "})") == 0
}
