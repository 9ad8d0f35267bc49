package codeowners

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// heading is the first line of a section.
type heading struct {
	name      string
	optional  bool
	approvals int
	// owners is the text of the default owners.
	owners string
	// references are the default owners. All entries without any of their own share them.
	references []reference
	// rest is what GitLab passes over.
	rest string
}

var (
	// headingPattern is what GitLab takes for a heading: a line that begins so,
	// whatever follows. The default owners end at the first character that no
	// name or address has, such as "#"; and where something else than a number
	// of digits stands in the second bracket, they are not reached.
	headingPattern  = regexp.MustCompile(`^(\^)?\[([^\]]*)\](?:\[(\d*)\])?([ \t\r\f\v]+[@\w_.\-/ \t\r\f\v+]*)?`)
	unclosedPattern = regexp.MustCompile(`^\^?\[[^\]]+$`)
)

// readHeading reads a line that has no blanks around it; ok is false if it is no
// heading.
func readHeading(line string) (h heading, ok bool) {
	m := headingPattern.FindStringSubmatch(line)
	if m == nil {
		return heading{}, false
	}
	h = heading{name: m[2], optional: m[1] != "", owners: strings.TrimFunc(m[4], isSpaceRune), rest: line[len(m[0]):]}
	if m[3] != "" {
		n, err := strconv.ParseInt(m[3], 10, 32)
		if err != nil {
			n = math.MaxInt32 // Only too many digits are left to be wrong.
		}
		h.approvals = int(n)
	}
	return h, true
}

// unclosedHeading says whether a line looks like a heading whose bracket does not
// end.
func unclosedHeading(line string) bool { return unclosedPattern.MatchString(line) }
