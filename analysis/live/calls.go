package live

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Calls is what one ServiceAccount was seen doing.
type Calls struct {
	// Count is the number of calls, also of those that were answered with "forbidden":
	// a pod that is refused calls nevertheless.
	Count int
	// Refused is how many of them were answered with 401 or 403.
	Refused int
	// Unbound is how many were made with a token that is bound to no pod. Since
	// Kubernetes 1.22 a mounted token names its pod, so these come from elsewhere:
	// a long-lived token in a Secret, or one that was asked for by hand.
	Unbound int
	// Verbs are the calls in words, "get secrets", the most frequent first; MoreVerbs
	// is true if there were others.
	Verbs     []string
	MoreVerbs bool
	// Last is the time of the last call, zero if the log gives no time.
	Last time.Time
	// Pods are the names of the pods that called, sorted, as far as tokens tell
	// them. Of very many, at least one of each looks is among them.
	Pods []string
}

// wordsVerbs is how many kinds of calls a sentence names.
const wordsVerbs = 4

// Words says it as a sentence without its subject: "was seen calling the API
// 1,204 times until 2026-03-25 (get secrets, watch pods)". It is empty if there
// was no call.
func (c Calls) Words() string {
	if c.Count == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("was seen calling the API ")
	b.WriteString(times(c.Count))
	switch {
	case c.Last.IsZero():
	case c.Count == 1:
		b.WriteString(" on " + day(c.Last))
	default:
		b.WriteString(" until " + day(c.Last))
	}
	b.WriteString(c.verbWords())
	switch {
	case c.Refused == 0:
	case c.Refused == c.Count && c.Count == 1:
		b.WriteString(", and was refused")
	case c.Refused == c.Count:
		b.WriteString(", and was refused each time")
	default:
		b.WriteString(", and was refused " + times(c.Refused))
	}
	return b.String()
}

func (c Calls) verbWords() string {
	shown := c.Verbs[:min(wordsVerbs, len(c.Verbs))]
	if len(shown) == 0 {
		return ""
	}
	words := strings.Join(shown, ", ")
	switch more := len(c.Verbs) - len(shown); {
	case c.MoreVerbs:
		words += " and more"
	case more > 0:
		words += fmt.Sprintf(" and %d more", more)
	}
	return " (" + words + ")"
}

// times says how often: "once", "1,204 times".
func times(n int) string {
	if n == 1 {
		return "once"
	}
	return count(n, "time", "times")
}

// count puts a number before its noun: "1 line", "1,204 lines".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}

func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
