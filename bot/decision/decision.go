// Package decision keeps what people decided about single pods: to propose nothing
// for them, or to give them a token or none whatever the evidence says. Decisions
// stand in a file of the umbrella, where everybody can see, review and lift them.
//
// It reads that file, adds to it and applies it to plans. It knows no server and
// no git, and it never takes a decision out of the file.
package decision

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Path is where the file stands in the umbrella.
const Path = ".tokenward.yaml"

// Kind says what a decision does.
type Kind string

const (
	Ignore Kind = "ignore" // propose no entry for the pods
	Allow  Kind = "allow"  // give them a token
	Deny   Kind = "deny"   // give them none
)

// Decision is one item of the file.
type Decision struct {
	Namespace string
	Kind      Kind
	// Pattern matches names of pods, with the policies' wildcards * and ?.
	Pattern string
	Reason  string // one line, "" if none was given
	By      string // who decided, as "@username"
	Note    string // where it was said, as "group/project!1#note_5"
	// Line is where the item begins in the file it was read from, else 0.
	Line int
}

// File is a file of decisions. Of two that are about the same pods, the later wins.
type File struct{ Decisions []Decision }

// String names the decision as in the file, without its circumstances.
func (d Decision) String() string { return fmt.Sprintf("%s %s in %s", d.Kind, d.Pattern, d.Namespace) }

// Because says why it was decided, and by whom.
func (d Decision) Because() string {
	switch {
	case d.By == "" && d.Reason == "":
		return "a decision without a reason"
	case d.By == "":
		return d.Reason
	case d.Reason == "":
		return "decided by " + d.By
	}
	return d.Reason + " (decided by " + d.By + ")"
}

// For returns the decisions about one namespace, in their order.
func (f *File) For(namespace string) *File {
	out := &File{}
	for _, d := range f.Decisions {
		if d.Namespace == namespace {
			out.Decisions = append(out.Decisions, d)
		}
	}
	return out
}

// Has tells whether the file says the same already: its last item about the same
// namespace and pattern is of the same kind.
func (f *File) Has(d Decision) bool {
	for i := len(f.Decisions) - 1; i >= 0; i-- {
		if o := f.Decisions[i]; o.Namespace == d.Namespace && o.Pattern == d.Pattern {
			return o.Kind == d.Kind
		}
	}
	return false
}

// Without returns the decisions that the other file does not have.
func (f *File) Without(other *File) *File {
	out := &File{}
	for _, d := range f.Decisions {
		if !other.Has(d) {
			out.Decisions = append(out.Decisions, d)
		}
	}
	return out
}

const (
	maxPattern = 253
	maxText    = 1000
)

var (
	namespaceName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	podPattern    = regexp.MustCompile(`^[a-z0-9*?][a-z0-9.*?-]*$`)
)

// CheckPattern says in a sentence what is wrong with a pattern, nil if it can match
// names of pods.
func CheckPattern(pattern string) error {
	if len(pattern) > maxPattern || !podPattern.MatchString(pattern) {
		return fmt.Errorf("%q is no pattern for names of pods: give lower-case letters, digits, - and ., with * and ? as wildcards", shortened(pattern))
	}
	return nil
}

// check refuses what the file cannot hold or what can match nothing.
func (d Decision) check() error {
	if !namespaceName.MatchString(d.Namespace) {
		return fmt.Errorf("%q is no name of a namespace", shortened(d.Namespace))
	}
	switch d.Kind {
	case Ignore, Allow, Deny:
	default:
		return fmt.Errorf("%q is none of ignore, allow and deny", shortened(string(d.Kind)))
	}
	if err := CheckPattern(d.Pattern); err != nil {
		return err
	}
	for _, text := range []string{d.Reason, d.By, d.Note} {
		if err := checkText(text); err != nil {
			return err
		}
	}
	return nil
}

func checkText(s string) error {
	if len(s) > maxText {
		return fmt.Errorf("a text of %d bytes is too long: the most is %d", len(s), maxText)
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("%q is not UTF-8", shortened(s))
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("%q holds the character %U, which is not printable", shortened(s), r)
		}
	}
	return nil
}

// oneLine joins the lines of a text.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// shortened keeps foreign text in an error short.
func shortened(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
