package bot

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// What ticking a box of the dashboard asks for.
const (
	boxRescan    = "rescan"
	boxUndecline = "undecline"
)

// box is a check box of the dashboard, about one namespace.
type box struct{ verb, unit string }

var tickedBox = regexp.MustCompile(`(?m)^[ \t]*[-*+] \[[xX]\] <!-- tokenward:(rescan|undecline) (\S+) -->`)

// ticks lists the boxes that are ticked in our part of a description, each once.
// What cannot be read is none.
func ticks(description string) []box {
	begin, end := strings.Index(description, beginMark), strings.LastIndex(description, endMark)
	if begin < 0 || end < begin {
		return nil
	}
	var out []box
	for _, m := range tickedBox.FindAllStringSubmatch(description[begin:end], -1) {
		unit, err := url.PathUnescape(m[2])
		if b := (box{m[1], unit}); err == nil && !slices.Contains(out, b) {
			out = append(out, b)
		}
	}
	return out
}

// key names the box's namespace such that nothing in it ends the comment in which it
// stands: a comment holds no space, no sign beyond letters, digits and dots, and no
// two dashes in a row.
func (b box) key() string {
	var out strings.Builder
	for i := range len(b.unit) {
		c := b.unit[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.',
			c == '-' && i > 0 && i < len(b.unit)-1 && b.unit[i-1] != '-':
			out.WriteByte(c)
		default:
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	return out.String()
}
