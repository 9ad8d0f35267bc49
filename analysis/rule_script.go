package analysis

import "strings"

// withoutRemarks drops the comments behind a script's commands.
func withoutRemarks(text string) string {
	var out strings.Builder
	out.Grow(len(text))
	var q quoting
	for line := range strings.Lines(text) {
		var alone quoting // if some text before is no shell's, and its quotations are none
		out.WriteString(line[:max(q.remark(line), alone.remark(line))])
		if strings.HasSuffix(line, "\n") {
			out.WriteByte('\n')
		}
	}
	return out.String()
}

// quoting is what is open in a script at some place: a quotation, and expansions of variables.
type quoting struct {
	by   byte
	open int
}

// remark is where the comment behind a line's commands begins, or its line feed or end.
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
