package templates

import (
	"regexp"
	"strings"
	"unicode"
)

// Code puts foreign text into a code span, in which GitLab looks for no mention,
// reference, quick action or HTML. Control characters and line ends
// become spaces; what turns the reading direction goes.
func Code(s string) string {
	s = oneLine(s)
	if s == "" {
		return "` `"
	}
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return fence + s + fence
}

// Name is a file's path as it is, for the text of a link, or in a code span where it holds anything but
// letters, digits and what is common between them.
func Name(path string) string {
	if plainPath.MatchString(path) {
		return path
	}
	return Code(path)
}

var plainPath = regexp.MustCompile(`^[\w./-]+$`)

// Text defuses a foreign sentence: it mentions nobody, refers to and closes
// nothing, starts no quick action, and holds no HTML, image or comment.
func Text(s string) string {
	s = oneLine(s)
	var out strings.Builder
	for i, r := range s {
		switch r {
		case '<', '>', '[', ']', '`', '*', '_', '\\', '~', '!', '$', '|':
			out.WriteByte('\\')
			out.WriteRune(r)
		case '@', '#', '%', '&':
			out.WriteRune(r)
			out.WriteRune('\u2060') // word joiner: invisible, breaks the reference
		case '/':
			if i == 0 {
				out.WriteByte('\\')
			}
			out.WriteRune(r)
		default:
			out.WriteRune(r)
		}
	}
	return strings.ReplaceAll(out.String(), "://", ":\u2060//")
}

// Plain defuses a foreign sentence for a commit message, which is no Markdown but
// in which GitLab still finds mentions, references and closing patterns.
func Plain(s string) string {
	return strings.NewReplacer("@", "@\u2060", "#", "#\u2060", "!", "!\u2060", "://", ":\u2060//").Replace(oneLine(s))
}

// Cell is Code for a table's cell, in which a bar would end the cell.
func Cell(s string) string { return strings.ReplaceAll(Code(s), "|", "\\|") }

func oneLine(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return ' '
		case unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}
